"""Links: functions between values and answers, and recovery from answers that are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from support.command_line import run
from support.heads import centred, decimals, model, planted, shown

import unrelu
from unrelu import InputError, Network, RectifiedNetworkRegressor
from unrelu.cli import main
from unrelu.formats.samples import write_samples
from unrelu.links.behind import sharing
from unrelu.links.table import LINKS

Array = NDArray[np.float64]
CUT_OFF = ["rectified", "clipped"]
CURVED = [name for name in LINKS if name not in ("values", *CUT_OFF)]
EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("name", ["values", *CURVED])
def test_links_are_inverted(name: str) -> None:
    link, rng = LINKS[name], np.random.default_rng(0)
    F = rng.standard_normal((200, 3))
    F -= F.mean(axis=1, keepdims=True) * link.centred
    P = link.forward(F)
    bound = 20 * EPS * np.abs(F).max() / link.clarity(P).min()
    assert np.abs(link.inverse(P) - F).max() < bound
    assert link.refuse(P) == ""


@pytest.mark.parametrize("name", ["values", *CURVED])
def test_entries_are_what_answers_say(name: str) -> None:
    """z_a(F) = target(p_a); gradient and slope are the derivatives."""
    link, rng = LINKS[name], np.random.default_rng(1)
    F, h = rng.standard_normal((200, 3)), 1e-6
    outputs = rng.integers(3, size=200)
    rows = np.arange(200)
    P = link.forward(F)
    z, gradient = link.entry(F, outputs)
    assert np.abs(z - link.target(P[rows, outputs])).max() < 1e-12
    for b in range(3):
        moved = F + h * np.eye(3)[b]
        assert np.abs((link.entry(moved, outputs)[0] - z) / h - gradient[:, b]).max() < 1e-5
        change = (link.forward(moved) - P)[rows, outputs] / h
        slope = link.slope(P[rows, outputs])
        assert np.abs(change - slope * gradient[:, b]).max() < 1e-5


@pytest.mark.parametrize("name", CURVED)
def test_given_answers_with_all_digits_are_recovered_exactly(name: str) -> None:
    net = planted(0, m=3 if LINKS[name].centred else 2, size=0.6)
    X = np.random.default_rng(0).standard_normal((600, 6))
    result = unrelu.recover(X, model(net, name)(X), answers=name, rng=0)
    assert result.status == "exact"
    assert result.network is not None
    assert unrelu.match(result.network, shown(net, name)).max_error < 1e-12
    assert result.stats["answers"] == name
    codes = {finding.code for finding in result.findings}
    assert ("hidden-by-answers" in codes) == LINKS[name].centred


@pytest.mark.parametrize("name", CUT_OFF)
def test_answers_at_an_end_of_their_range_are_left_out(name: str) -> None:
    net = planted(2)
    net = Network(net.V, net.U, net.b, [0.5])
    X = np.random.default_rng(0).standard_normal((600, 6))
    result = unrelu.recover(X, model(net, name)(X), answers=name, rng=0)
    assert result.status == "exact"
    assert result.network is not None
    assert unrelu.match(result.network, net).max_error < 1e-12
    assert "saturated-answers" in {finding.code for finding in result.findings}


def test_given_probabilities_near_one_are_not_left_out() -> None:
    """Without them, one of the units is hardly ever off."""
    net = planted(2, 20, 5)
    X = np.random.default_rng(1002).standard_normal((400, 20))
    result = unrelu.recover(X, model(net, "sigmoid")(X), answers="sigmoid", rng=2)
    assert result.status == "exact"
    assert result.network is not None
    assert unrelu.match(result.network, net).max_error < 1e-12


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_given_answers_that_are_rounded_leave_an_estimate(name: str) -> None:
    net = planted(0, m=2, size=0.6)
    X = np.random.default_rng(0).standard_normal((1000, 6))
    result = unrelu.recover(X, model(net, name, decimals(3))(X), answers=name, rng=0, throw=False)
    assert result.status == "estimated"
    assert result.network is not None
    assert unrelu.match(result.network, net).max_error < 0.01


@pytest.mark.parametrize("seed", [0, 2])
def test_errors_of_rounded_answers_are_right_where_many_share_one(seed: int) -> None:
    """Where no unit is active, all answers are rounded by the same amount."""
    net = planted(seed)
    X = np.random.default_rng(seed).standard_normal((2000, 6))
    P = model(net, "sigmoid", decimals(4))(X)
    assert sharing(P).max() > 50
    assert (sharing(P) == 1).mean() > 0.8
    result = unrelu.recover(X, P, 3, answers="sigmoid", rng=0)
    assert result.status == "estimated"
    assert result.uncertainty is not None
    found, error = result.uncertainty.network, result.uncertainty.stderr
    truth = net.canonical()
    order = np.argmax(found.V @ truth.V.T, axis=1)
    off = (found.V - truth.V[order]) / error.V
    assert float(np.sqrt((off**2).mean())) < 1.4  # 1 ± 0.17 of 18 weights; 1.8 and 2.6 before


@pytest.mark.parametrize(("name", "m", "places"), [("sigmoid", 1, 4), ("softmax", 3, 3)])
def test_rounding_is_no_misfit_and_no_unit(name: str, m: int, places: int) -> None:
    """Neighbours are rounded alike: where levels are few, that is a function of the inputs."""
    net = planted(1, m=m)
    X = np.random.default_rng(1).standard_normal((1500, 6))
    result = unrelu.recover(X, model(net, name, decimals(places))(X), answers=name, rng=0)
    assert result.status == "estimated"
    assert result.certificate.code == "rounding"
    assert result.network is not None
    assert result.network.n_units == 3


def test_answers_of_another_kind_are_refused() -> None:
    X = np.random.default_rng(0).standard_normal((100, 6))
    Y = planted(0, m=2, size=10.0)(X)
    for name in [*CURVED, *CUT_OFF]:
        with pytest.raises(InputError, match="got numbers that are not"):
            unrelu.recover(X, Y, answers=name)
    with pytest.raises(InputError, match="expected one of 'values', "):
        unrelu.recover(X, Y, answers="nonsense")
    with pytest.raises(InputError, match="exact=True"):
        unrelu.recover(X, Y, answers="tanh", exact=True)
    with pytest.raises(InputError, match="not saturated"):
        unrelu.recover(X, np.ones((100, 1)), answers="tanh")


def test_the_estimator_predicts_answers() -> None:
    net = planted(0, m=3, size=0.6)
    X = np.random.default_rng(0).standard_normal((600, 6))
    P = model(net, "softmax")(X)
    fitted = RectifiedNetworkRegressor(answers="softmax", random_state=0).fit(X, P)
    assert unrelu.match(fitted.network_, centred(net)).max_error < 1e-12
    assert np.abs(fitted.predict(X) - P).max() < 1e-12
    with pytest.raises(InputError, match="return_std"):
        fitted.predict(X, return_std=True)


def test_the_command_takes_the_links_from_the_table(tmp_path: Path) -> None:
    help_text = " ".join(CliRunner().invoke(main, ["recover", "--help"]).output.split())
    for name, link in LINKS.items():
        assert f"{name} ({link.about})" in help_text
        assert f'"{name}"' in (unrelu.recover.__doc__ or "")
    net = planted(0, size=0.6)
    X = np.random.default_rng(0).standard_normal((600, 6))
    write_samples(tmp_path / "s.npz", X, model(net, "sigmoid")(X))
    out, page = tmp_path / "net.npz", tmp_path / "page.html"
    done = run(
        *("recover", tmp_path / "s.npz", "-o", out, "--answers", "sigmoid", "--seed", 0),
        *("--report", page),
    )
    assert done.exit_code == 0, done.output
    assert unrelu.match(unrelu.load(out), net).max_error < 1e-12
    assert page.exists()


@pytest.mark.parametrize("level", [2.5, 1 / 3])
def test_saturated_answers_are_compared_with_an_exact_network(level: float) -> None:
    """Where the answers are not zero, a constant explains them."""
    X = np.random.default_rng(0).standard_normal((600, 6))
    P = level * (X[:, :1] > 0)
    result = unrelu.recover(X, P, answers="rectified", rng=0, throw=False)
    assert result.status == "failed"
    assert result.code == "answers-contradict"
