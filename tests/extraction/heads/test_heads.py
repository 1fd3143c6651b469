"""Networks behind rounding, probabilities and other functions of their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.heads import Rounding, decimals, model, planted, shown

import unrelu
from unrelu import Network
from unrelu.links.table import LINKS

Array = NDArray[np.float64]

EXACT = 1e-12
"""Rounding of values, times condition numbers of a thousand or so."""


def single(Y: Array) -> Array:
    return Y.astype(np.float32).astype(np.float64)


def levels(Y: Array) -> Array:
    return np.asarray(np.round(255 * Y) / 255)


ROUNDED: dict[str, tuple[str, int, float, Rounding]] = {
    "three decimals": ("values", 1, 1.0, decimals(3)),
    "three decimals of two outputs": ("values", 2, 1.0, decimals(3)),
    "whole numbers": ("values", 1, 15.0, decimals(0)),
    "a grid": ("values", 1, 1.0, levels),
    "float32 of float64": ("values", 2, 1.0, single),
    "cut off": ("values", 1, 1.0, lambda Y: np.trunc(1e3 * Y) / 1e3),
    "sigmoid": ("sigmoid", 1, 1.0, decimals(4)),
    "sigmoid, down": ("sigmoid", 1, 1.0, lambda Y: np.floor(1e4 * Y) / 1e4),
    "tanh": ("tanh", 2, 0.5, decimals(4)),
    "softmax": ("softmax", 3, 1.0, decimals(4)),
    "log-softmax": ("log-softmax", 3, 1.0, decimals(3)),
}


def recovered(result: unrelu.Recovery, truth: Network) -> bool:
    assert result.network is not None
    return unrelu.match(result.network, truth).max_error < EXACT


@pytest.mark.parametrize("name", ROUNDED)
def test_rounded_answers_give_away_the_network_exactly(name: str) -> None:
    link, m, size, rounding = ROUNDED[name]
    net = planted(1, m=m, size=size)
    result = unrelu.extract(model(net, link, rounding), 6, budget=20_000, rng=0)
    assert result.status == "exact"
    assert result.stats["answers"] == ("rounded" if link == "values" else link)
    assert recovered(result, shown(net, link))
    assert result.certificate.n_fresh >= 30
    codes = {finding.code for finding in result.findings}
    assert {"answers", "rounded-answers"} <= codes
    assert ("hidden-by-answers" in codes) == LINKS[link].centred


CUT_OFF = ["rectified", "clipped"]


@pytest.mark.parametrize("link", CUT_OFF)
@pytest.mark.parametrize("rounding", [lambda Y: Y, decimals(3)])
def test_answers_that_are_cut_off(link: str, rounding: Rounding) -> None:
    net = planted(2)
    net = Network(net.V, net.U, net.b, [0.5])
    result = unrelu.extract(model(net, link, rounding), 6, budget=20_000, rng=0)
    assert result.status == "exact"
    assert result.stats["answers"] == link
    assert recovered(result, net)


@pytest.mark.parametrize("link", CUT_OFF)
def test_to_recognise_that_answers_are_cut_off_costs_nothing_more(link: str) -> None:
    net = planted(2)
    net = Network(net.V, net.U, net.b, [0.5])
    told = unrelu.extract(model(net, link), 6, answers=link, rng=0)
    found = unrelu.extract(model(net, link), 6, rng=0)
    extra = int(found.stats["queries"]) - int(told.stats["queries"])
    assert extra <= 300  # as a head may ask


def test_values_that_are_declared_to_be_labels() -> None:
    result = unrelu.extract(planted(0), 6, answers="labels", rng=0, throw=False)
    assert (result.status, result.findings[0].code) == ("failed", "other-answers")


def test_a_network_that_is_zero_where_no_unit_is_active_is_a_network() -> None:
    net = Network(np.eye(4)[:2], [[1.0, 2.0]], [0.1, -0.2])
    result = unrelu.extract(net, 4, rng=0)
    assert result.stats["answers"] == "values"
    assert result.status == "exact"


@pytest.mark.parametrize("link", [name for name in LINKS if name not in ("values", *CUT_OFF)])
@pytest.mark.parametrize("seed", range(2))
def test_functions_of_values_are_inverted(link: str, seed: int) -> None:
    net = planted(seed, m=3 if LINKS[link].centred else 1, size=0.5)
    result = unrelu.extract(model(net, link), 6, rng=0)
    assert result.status == "exact"
    assert result.stats["answers"] == link
    assert recovered(result, shown(net, link))


def test_the_comparison_sees_a_slightly_wrong_network() -> None:
    net = planted(1)
    result = unrelu.extract(model(net, "values", decimals(3)), 6, rng=0)
    wrong = Network(net.V * (1 + 1e-11), net.U, net.b, net.c)
    assert recovered(result, net)
    assert not recovered(result, wrong)


@pytest.mark.parametrize("link", ["sigmoid", "softmax"])
def test_a_model_in_single_precision_has_no_more_to_give(link: str) -> None:
    net = planted(2, m=3 if link == "softmax" else 1)
    V, b, U, c = (array.astype(np.float32) for array in (net.V, net.b, net.U, net.c))

    def answer(X: NDArray[np.float64]) -> NDArray[np.float32]:
        F = np.maximum(X.astype(np.float32) @ V.T + b, 0) @ U.T + c
        return LINKS[link].forward(F).astype(np.float32)

    result = unrelu.extract(answer, 6, budget=30_000, rng=0, throw=False)
    assert result.network is not None
    assert result.status in ("exact", "estimated", "undetermined")
    if result.status == "exact":
        assert "float32" in result.certificate.precision
        found = unrelu.match(result.network, shown(net, link))
        assert (found.hidden <= 10 * result.certificate.weight_errors).all()


@pytest.mark.parametrize(
    ("link", "function"),
    [
        ("values", lambda X: np.maximum(np.maximum(X, 0) @ np.ones((4, 3)) - 1, 0).sum(axis=1)),
        ("sigmoid", lambda X: np.maximum(np.maximum(X, 0) @ np.ones((4, 3)) - 1, 0).sum(axis=1)),
        ("values", lambda X: np.maximum(X, 0).sum(axis=1) ** 2),
    ],
)
def test_other_functions_behind_a_head_are_never_called_exact(link: str, function: object) -> None:
    def answer(X: Array) -> Array:
        F = 0.3 * function(X)[:, None]  # type: ignore[operator]
        return np.asarray(np.round(LINKS[link].forward(F), 3))

    result = unrelu.extract(answer, 4, budget=1000, rng=0, throw=False)
    assert result.status not in ("exact", "proved")


def test_the_same_seed_asks_the_same_queries_and_the_budget_holds() -> None:
    net = planted(1)
    counts = []
    for _ in range(2):
        asked = 0

        def answer(X: Array) -> Array:
            nonlocal asked
            asked += len(X)
            return model(net, "values", decimals(3))(X)

        result = unrelu.extract(answer, 6, budget=1500, rng=3, throw=False)
        counts.append((asked, result.stats["queries"]))
        assert asked <= 1500
        assert result.code == "budget-spent" or result.status.certain
    assert counts[0] == counts[1]


def test_saturated_answers_are_told() -> None:
    net = Network([[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]], c=[40.0])
    result = unrelu.extract(model(net, "tanh"), 2, answers="tanh", rng=0, throw=False)
    assert (result.status, result.code) == ("undetermined", "saturated")


def test_answers_that_are_rounded_by_chance_are_not_exact() -> None:
    net, rng = planted(0, d=4, m=2), np.random.default_rng(0)

    def answer(X: Array) -> Array:
        return np.asarray(np.floor(1000 * net(X) + rng.random((len(X), 2))) / 1000)

    result = unrelu.extract(answer, 4, budget=5000, rng=1, throw=False)
    assert result.status not in ("exact", "proved")


def test_a_network_that_is_another_one_further_out() -> None:
    net = planted(0, d=4)

    def answer(X: Array) -> Array:
        return np.round(net(X) + (np.abs(X[:, :1]) > 8), 3)

    result = unrelu.extract(answer, 4, budget=5000, rng=1, throw=False)
    assert (result.status, result.code) == ("failed", "lines-contradict")


def test_killed_at_random_moments_and_resumed(tmp_path: Path) -> None:
    """The same network, and no query is asked twice."""
    net, rng = planted(1), np.random.default_rng(0)
    plain = model(net, "sigmoid", decimals(4))
    whole = unrelu.extract(plain, 6, batch=100, rng=5)
    seen: Counter[bytes] = Counter()
    kills = 0

    def dying(X: Array) -> Array:
        nonlocal kills
        if kills < 5 and rng.random() < 0.1:
            kills += 1
            raise RuntimeError
        seen.update(row.tobytes() for row in X)
        return plain(X)

    while True:
        try:
            resumed = unrelu.extract(dying, 6, journal=tmp_path / "j", batch=100, rng=5)
        except RuntimeError:
            continue
        break
    assert kills == 5
    assert resumed.network == whole.network
    assert resumed.stats["queries"] == whole.stats["queries"] == len(seen)
    assert max(seen.values()) == 1


def _with_a_bump(net: Network, height: float) -> Callable[[Array], Array]:
    """Values of two outputs, cut off at zero; on the second a bump where the first is zero."""

    def oracle(X: Array) -> Array:
        F, a = net(X), X[:, 0]
        for start, slope in ((1.0, 1.0), (1.1, -2.0), (1.2, 1.0)):
            F[:, 1] += height * slope * np.maximum(a - start, 0)
        return np.asarray(np.maximum(F, 0))

    return oracle


@pytest.mark.parametrize("height", [50.0, 0.0])
@pytest.mark.parametrize("seed", range(2))
def test_answers_that_are_cut_off_in_part_are_compared_too(height: float, seed: int) -> None:
    rng = np.random.default_rng(1)
    V = 0.7 * rng.standard_normal((3, 6))
    V[0] = np.eye(6)[0]
    net = Network(V, [[-5, 0.4, 0.3], [0.3, 0.6, -0.3]], [0, 0.1, 0.2], [1.0, 3.0])
    oracle = _with_a_bump(net, height)
    result = unrelu.extract(oracle, 6, answers="rectified", rng=seed, throw=False)
    assert (result.status == "exact") == (height == 0)


def test_an_estimate_is_compared_with_answers_that_are_cut_off_too() -> None:
    rng = np.random.default_rng(1)
    V = 0.7 * rng.standard_normal((3, 6))
    V[0] = np.eye(6)[0]
    net = Network(V, [[-5, 0.4, 0.3], [0.3, 0.6, -0.3]], [0, 0.1, 0.2], [1.0, 3.0])
    oracle = _with_a_bump(net, 50.0)
    result = unrelu.extract(
        lambda X: np.round(oracle(X), 3), 6, answers="rectified", budget=1000, rng=0, throw=False
    )
    assert result.status == "failed"
    assert "answers-contradict" in [finding.code for finding in result.findings]


@pytest.mark.parametrize("link", CUT_OFF)
def test_few_answers_that_are_cut_off_are_enough_to_see_it(link: str) -> None:
    net = planted(3)
    X = np.random.default_rng(0).standard_normal((10_000, 6))
    net = Network(net.V, net.U, net.b, net.c - np.quantile(net(X), 0.02, axis=0))
    if link == "clipped":
        size = np.quantile(net(X), 0.99)
        net = Network(net.V, net.U / size, net.b, net.c / size)
    result = unrelu.extract(model(net, link), 6, rng=0)
    assert result.stats["answers"] == link
    assert result.status == "exact"
    assert recovered(result, net)


def test_nothing_is_exact_before_fresh_answers_were_asked() -> None:
    truth = Network(
        np.random.default_rng(0).standard_normal((3, 4)), [[1.0, -1.2, 0.7]], [0.3, -0.2, 0.1]
    )
    codes = set()
    for budget in (300, 420, 600, 1000):
        result = unrelu.extract(
            lambda X: 0.5 * (1 + np.tanh(0.5 * truth(X))),
            4,
            answers="sigmoid",
            budget=budget,
            rng=0,
            throw=False,
        )
        codes.add(result.code)
        assert (result.status == "exact") <= (result.certificate.n_fresh > 0)
    assert codes == {"budget-spent", "unique"}


def _sign_of(net: Network) -> Callable[[Array], Array]:
    return lambda X: (net(X) > 0).astype(float)


def test_answers_that_were_not_recognised_are_no_estimate() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        net = Network(rng.standard_normal((3, 6)), rng.standard_normal((1, 3)))
        result = unrelu.extract(_sign_of(net), 6, budget=100, rng=seed, throw=False)
        assert result.status == "undetermined"
        assert "not-recognised" in [finding.code for finding in result.findings]
