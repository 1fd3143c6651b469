"""Networks behind the probabilities of the likeliest classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.heads import FORMS, in_single, model, pairs, planted, shown_truth, top

import unrelu
from unrelu import InputError, Network, OracleError

Array = NDArray[np.float64]
Form = Callable[[Array], Any]


def shown(net: Network, k: int, form: Form = FORMS["zeros"]) -> Callable[[Array], Any]:
    plain = model(net, "softmax")
    return lambda X: form(top(plain(X), k))


@pytest.mark.parametrize("form", FORMS)
def test_probabilities_of_the_likeliest_classes_are_recognised(form: str, tmp_path: Path) -> None:
    net = planted(2, m=4)
    result = unrelu.extract(shown(net, 2, FORMS[form]), 6, rng=0)
    assert result.stats["answers"] == "top-k"
    assert result.status == "exact"
    assert result.network is not None
    assert unrelu.match(result.network, shown_truth(result, net)).max_error < 1e-12
    assert {"answers", "hidden-by-answers"} <= {finding.code for finding in result.findings}
    result.save(tmp_path / "result.npz")
    loaded = unrelu.load_result(tmp_path / "result.npz")
    assert loaded == result
    X = np.random.default_rng(1).standard_normal((1000, 6))
    answers = shown(net, 2, FORMS[form])(X)
    assert loaded.certificate.recheck(X, answers).status == "exact"
    other = Network(net.V, net.U * (1 + 1e-9), net.b, net.c)
    changed = loaded.certificate.recheck(X, shown(other, 2, FORMS[form])(X))
    assert (changed.status, changed.code) == ("failed", "not-explained")


@pytest.mark.parametrize(
    ("seed", "m", "k"), [(3, 3, 2), (5, 5, 3), (2, 6, 4), (4, 10, 5), (1, 2, 1), (1, 3, 2)]
)
def test_any_number_of_classes(seed: int, m: int, k: int) -> None:
    net = planted(seed, m=m)
    result = unrelu.extract(shown(net, k), 6, answers="top-k", rng=0, throw=False)
    assert result.status in ("exact", "undetermined")
    assert result.network is not None
    if result.status == "exact":
        assert unrelu.match(result.network, shown_truth(result, net)).max_error < 1e-12
    else:  # a class that is hardly ever shown
        assert result.code == "output-weights-open"


@pytest.mark.parametrize(("seed", "m", "k"), [(0, 6, 4), (1, 2, 1), (2, 3, 2)])
def test_probabilities_in_single_precision(seed: int, m: int, k: int) -> None:
    truth, values = in_single(planted(seed, m=m))

    def oracle(X: Array) -> Array:
        E = np.exp((F := values(X)) - F.max(axis=1, keepdims=True))
        return top(E / E.sum(axis=1, keepdims=True), k)

    result = unrelu.extract(oracle, 6, answers="top-k", rng=0, throw=False)
    assert (result.status, result.code) == ("estimated", "shown-estimated")
    assert result.network is not None
    error = unrelu.match(result.network, shown_truth(result, truth)).max_error
    assert error < result.certificate.weight_errors.max() < 1e-3


def test_a_class_that_shows_far_out_alone_is_found() -> None:
    """Among 398 answers near the origin one class never comes second; on lines it does."""
    net = planted(0, m=4)
    near = unrelu.extract(shown(net, 2), 6, answers="top-k", rng=0, budget=400, throw=False)
    assert near.certificate.network.n_outputs == 3
    result = unrelu.extract(shown(net, 2), 6, answers="top-k", rng=0, throw=False)
    assert result.status == "exact"
    assert unrelu.match(result.certificate.network, shown_truth(result, net)).max_error < 1e-12
    assert result.certificate.network.n_outputs == 4


def test_classes_that_are_never_shown_are_named() -> None:
    net = planted(2, m=4)
    net = Network(net.V, net.U, net.b, net.c - [0, 0, 0, 1000])
    result = unrelu.extract(shown(net, 2), 6, rng=0, throw=False)
    assert "hidden-classes" in [finding.code for finding in result.findings]
    assert result.certificate.network.n_outputs == 3


def test_classes_of_two_groups_are_told() -> None:
    """Two of four are shown together, or the other two."""
    net = planted(2, m=4)

    def oracle(X: Array) -> Array:
        P = model(net, "softmax")(X)
        first = (X[:, 0] > 0)[:, None] == [True, True, False, False]
        P = np.where(first, P, 0.0)
        return np.asarray(0.9 * P / P.sum(axis=1, keepdims=True))

    result = unrelu.extract(oracle, 6, answers="top-k", rng=0, throw=False)
    assert result.status != "exact"


@pytest.mark.parametrize("height", [1e-3, 1e-6])
def test_another_function_is_not_exact(height: float) -> None:
    net = planted(2, m=3)

    def oracle(X: Array) -> Array:
        F = net(X)
        F[:, 0] += height * np.sin(3 * X[:, 1])
        P = np.exp(F - F.max(axis=1, keepdims=True))
        return top(P / P.sum(axis=1, keepdims=True), 2)

    result = unrelu.extract(oracle, 6, rng=0, budget=1000, throw=False)
    assert result.status not in ("exact", "proved")


@pytest.mark.parametrize(
    "change",
    [lambda P: 0.9 * P, pytest.param(lambda P: 0.9 * P + 0.1 / 4, marks=pytest.mark.study)],
)
def test_probabilities_of_another_sum_are_not_exact(change: Form) -> None:
    net = planted(2, m=4)
    plain = model(net, "softmax")
    result = unrelu.extract(lambda X: top(change(plain(X)), 2), 6, rng=0, budget=1000, throw=False)
    assert result.status not in ("exact", "proved")


def test_probabilities_relative_to_each_other() -> None:
    net = planted(2, m=4)
    oracle = shown(net, 2, lambda P: P / P.sum(axis=1, keepdims=True))
    result = unrelu.extract(oracle, 6, answers="top-k", rng=0)
    assert result.status == "exact"
    assert "renormalised" in [finding.code for finding in result.findings]
    assert result.network is not None
    assert unrelu.match(result.network, shown_truth(result, net)).max_error < 1e-12


def test_a_class_that_never_comes_among_pairs_is_told() -> None:
    net = planted(2, m=4)

    def oracle(X: Array) -> object:
        P = model(net, "softmax")(X)
        return pairs(top(P[:, :3], 2))

    result = unrelu.extract(oracle, 6, rng=0)
    assert result.status == "exact"
    assert "hidden-classes" in [finding.code for finding in result.findings]


def test_one_class_of_several_shows_no_difference() -> None:
    result = unrelu.extract(shown(planted(3, m=3), 1), 6, answers="top-k", rng=0, throw=False)
    assert (result.status, result.code) == ("undetermined", "one-shown")


def test_rounded_ones_are_told() -> None:
    net = planted(3, m=3)
    rounded = shown(net, 2, lambda P: np.round(P, 4))
    result = unrelu.extract(rounded, 6, answers="top-k", rng=0, throw=False)
    assert (result.status, result.code) == ("undetermined", "rounded-probabilities")


def test_answers_that_are_none() -> None:
    net = planted(0, m=3)
    result = unrelu.extract(net, 6, answers="top-k", rng=0, throw=False)
    assert (result.status, result.findings[0].code) == ("failed", "other-answers")
    forms: Iterator[Form] = iter([pairs, FORMS["zeros"]])

    def changing(X: Array) -> object:
        return shown(net, 2, next(forms))(X)

    with pytest.raises(OracleError, match="pairs"):
        unrelu.extract(changing, 6, rng=0)
    counts = iter([1, 2])

    def more(P: Array) -> list[list[tuple[int, float]]]:
        count = next(counts)
        return [row[:count] for row in pairs(P)]

    with pytest.raises(OracleError, match="expected 1 as before"):
        unrelu.extract(shown(net, 2, more), 6, rng=0)
    exact = unrelu.extract(shown(net, 2), 6, rng=0)
    with pytest.raises(InputError, match="probabilities of 3 classes"):
        exact.certificate.recheck(np.zeros((2, 6)), np.ones((2, 2)))


def test_a_journal_keeps_pairs_of_texts(tmp_path: Path) -> None:
    net, asked = planted(2, m=4), [0]
    plain = shown(net, 2, FORMS["texts"])

    def oracle(X: Array) -> object:
        asked[0] += len(X)
        return plain(X)

    journal = tmp_path / "journal"
    short = unrelu.extract(oracle, 6, budget=300, journal=journal, rng=0, throw=False)
    assert not short.status.certain
    whole = unrelu.extract(oracle, 6, journal=journal, rng=0)
    assert asked[0] == whole.stats["queries"]
    assert whole.network == unrelu.extract(plain, 6, rng=0).network
