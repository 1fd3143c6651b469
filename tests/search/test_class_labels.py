"""Networks from class labels that were given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from support.drawn_labels import drawn_samples, planted_logits

import unrelu
from unrelu import InputError, Network, RectifiedNetworkRegressor
from unrelu.cli import main
from unrelu.evidence.class_labels import with_first

FEW = {"d": 3, "k": 2}


def worst_in_errors(result: unrelu.Recovery, truth: Network) -> float:
    """Largest difference of a weight in standard errors."""
    assert result.network is not None
    assert result.uncertainty is not None
    found, error = result.network, result.uncertainty.stderr
    order = np.argmax(found.V @ truth.V.T, axis=1)
    assert sorted(order) == list(range(truth.n_units))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = [
            (found.V - truth.V[order]) / error.V,
            (found.b - truth.b[order]) / error.b,
            (found.U - truth.U[:, order]) / error.U,
        ]
    return float(max(np.nanmax(np.abs(part)) for part in off))


@pytest.mark.parametrize("classes", [2, pytest.param(3, marks=pytest.mark.study)])
def test_labels_leave_an_estimate(classes: int, tmp_path: Path) -> None:
    truth = planted_logits(0, **FEW, classes=classes)
    X, labels = drawn_samples(truth, 3000, 0)
    result = unrelu.recover(X, labels, answers="labels", rng=0)
    assert result.status == "estimated"
    assert result.findings[0].code == "drawn-labels"
    assert result.network is not None
    assert result.network.n_units == 2
    assert result.noise is not None
    assert result.noise.widths[-1].units == 3
    truth = with_first(truth)
    assert worst_in_errors(result, truth) < 5
    wrong = Network(truth.V, 1.5 * truth.U, truth.b, truth.c)
    assert worst_in_errors(result, wrong) > 5  # the canary
    assert result.uncertainty is not None
    predicted = result.uncertainty.predict(X[:50])
    if classes == 3:
        assert not result.network.U[0].any()
        assert not predicted.stderr[:, 0].any()
    last = predicted.mean[:, -1] - truth(X[:50])[:, -1]
    assert (np.abs(last) < 5 * predicted.stderr[:, -1]).all()
    result.save(tmp_path / "result.npz")
    assert unrelu.load_result(tmp_path / "result.npz") == result


@pytest.mark.study
def test_the_same_on_other_samples() -> None:
    truth = planted_logits(1, **FEW, classes=3)
    X, labels = drawn_samples(truth, 3000, 1)
    names = np.array(["ant", "bee", "cow"])[labels]
    result = unrelu.recover(X[:1500], names[:1500], 2, answers="labels", rng=0)
    again = result.certificate.recheck(X[1500:], names[1500:])
    assert again.status == "estimated"
    assert unrelu.match(again.network, result.certificate.network).max_error < 1e-14
    shuffled = np.array(["bee", "cow", "ant"])[labels]
    assert result.certificate.recheck(X[1500:], shuffled[1500:]).status == "failed"
    with pytest.raises(InputError, match="got class 'dog'"):
        result.certificate.recheck(X, np.where(labels == 0, "dog", names))


@pytest.mark.study
def test_labels_in_any_form_are_the_same() -> None:
    truth = planted_logits(0, **FEW)
    X, labels = drawn_samples(truth, 250, 0)
    plain = unrelu.recover(X, labels, 2, answers="labels", rng=0)
    texts = unrelu.recover(X, np.array(["no", "yes"])[labels], 2, answers="labels", rng=0)
    columns = unrelu.recover(X, np.eye(2)[labels], 2, answers="labels", rng=0)
    frame = pd.DataFrame(X, columns=list("abc"))
    table = unrelu.recover(frame, pd.Series(labels == 1), 2, answers="labels", rng=0)
    assert plain.network == texts.network == columns.network == table.network
    (reported,) = (each for each in texts.findings if each.code == "classes")
    assert "'yes' against 'no'" in reported.sentence


def test_separable_labels_are_reported() -> None:
    truth = planted_logits(0, **FEW)
    X = np.random.default_rng(0).standard_normal((500, 3))
    result = unrelu.recover(X, truth(X)[:, 0] > 0, 2, answers="labels", rng=0, throw=False)
    assert result.status == "undetermined"
    assert result.findings[0].code == "separable"
    assert result.uncertainty is None


def test_pure_chance_shows_no_unit() -> None:
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((1000, 3)), rng.integers(2, size=1000)
    result = unrelu.recover(X, labels, answers="labels", rng=0)
    assert (result.status, result.findings[0].code) == ("estimated", "no-unit")


def test_few_labels_are_reported() -> None:
    X, labels = drawn_samples(planted_logits(0, **FEW), 60, 0)
    result = unrelu.recover(X, labels, 2, answers="labels", rng=0, throw=False)
    assert result.status == "undetermined"
    assert result.findings[0].code in ("few-labels", "separable")


@pytest.mark.study
def test_a_missing_unit_is_asked_for() -> None:
    X, labels = drawn_samples(planted_logits(2, d=3, k=3), 4000, 2)
    result = unrelu.recover(X, labels, 2, answers="labels", rng=0, throw=False)
    assert result.status != "estimated"


@pytest.mark.study
def test_weights_are_as_if_labels_had_been_repeated() -> None:
    X, labels = drawn_samples(planted_logits(0, **FEW), 800, 0)
    weights = 1 + np.arange(800) % 2
    weighted = unrelu.recover(X, labels, 2, answers="labels", sample_weight=weights, rng=0)
    repeated = unrelu.recover(
        np.repeat(X, weights, axis=0), np.repeat(labels, weights), 2, answers="labels", rng=0
    )
    assert weighted.network is not None
    assert repeated.network is not None
    assert unrelu.match(weighted.network, repeated.network).max_error < 0.05


def test_a_class_of_weight_zero_is_refused() -> None:
    X, labels = drawn_samples(planted_logits(0, **FEW), 200, 0)
    with pytest.raises(InputError, match="zero for all samples of class 1"):
        unrelu.recover(X, labels, 2, answers="labels", sample_weight=1.0 - labels, rng=0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("activation", "power(2)"),
        ("method", "row-space"),
        ("noise", "gaussian"),
        ("exact", True),
    ],
)
def test_what_labels_do_not_go_with(option: str, value: object) -> None:
    X, labels = drawn_samples(planted_logits(0, **FEW), 100, 0)
    with pytest.raises(InputError, match=option if option != "exact" else "answers"):
        unrelu.recover(X, labels, answers="labels", **{option: value})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="noise"):
        unrelu.recover(X, labels, noise="labels")


@pytest.mark.study
def test_labels_with_a_skip_connection() -> None:
    truth = planted_logits(0, d=3, k=1)
    truth = Network(truth.V, truth.U, truth.b, truth.c, W=[[1.0, -2.0, 0.5]]).canonical(skip=True)
    X, labels = drawn_samples(truth, 3000, 0)
    result = unrelu.recover(X, labels, answers="labels", skip=True, rng=0)
    assert result.status == "estimated"
    assert result.uncertainty is not None
    assert worst_in_errors(result, truth) < 5
    off = (result.uncertainty.network.W - truth.W) / result.uncertainty.stderr.W
    assert np.abs(off).max() < 5


@pytest.mark.study
def test_the_estimator_predicts_probabilities() -> None:
    truth = planted_logits(0, **FEW)
    X, labels = drawn_samples(truth, 3000, 0)
    names = np.array(["no", "yes"])[labels]
    model = RectifiedNetworkRegressor(2, answers="labels", random_state=0).fit(X, names)
    assert model.classes_.tolist() == ["no", "yes"]
    p = model.predict(X)
    assert p.shape == (3000, 2)
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-12
    assert np.abs(p[:, 1] - 1 / (1 + np.exp(-truth(X)[:, 0]))).mean() < 0.05


def test_the_command_takes_labels(tmp_path: Path) -> None:
    X, labels = drawn_samples(planted_logits(0, **FEW), 1500, 0)
    np.savez(tmp_path / "samples.npz", X=X, Y=labels)
    given = ["recover", str(tmp_path / "samples.npz"), "-o", str(tmp_path / "net.npz")]
    done = CliRunner().invoke(main, [*given, "--answers", "labels", "--units", "2", "--seed", "0"])
    assert done.exit_code == 0, done.output
    refused = CliRunner().invoke(main, [*given, "--answers", "labels", "--report", "page.html"])
    assert refused.exit_code == 2
    assert "labels" in refused.output
