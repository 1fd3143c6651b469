"""The pair of networks that few samples tell apart, and what recovery says of such samples."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from unrelu import InputError, InputTypeError, Network, match, recover
from unrelu.lower_bound import LowerBound, pair

EPS = np.finfo(np.float64).eps
Array = NDArray[np.float64]

KAPPAS = st.one_of(
    st.floats(1.0, 1e9, exclude_min=True), st.integers(2, 1000), st.sampled_from([2.0**-3 + 1, 4.0])
)


def labels(network: Network, X: Array) -> list[Fraction]:
    """In fractions, of one output without biases."""
    exactly = np.array([[Fraction(value) for value in x] for x in X], object)
    V = np.array([[Fraction(value) for value in v] for v in network.V], object)
    u = np.array([Fraction(value) for value in network.U[0]], object)
    return list(np.maximum(exactly @ V.T, 0) @ u)


def around_the_edge(bound: LowerBound, rng: np.random.Generator, n: int) -> Array:
    """Inputs on both sides of |x₁| = slope |x₂|, on it, next to it and on the axes."""
    X = rng.standard_normal((n, 2))
    X[: n // 2, 0] = bound.slope * X[: n // 2, 1] * rng.choice([-1.0, 1.0], n // 2)
    X[: n // 4, 0] = np.nextafter(X[: n // 4, 0], rng.choice([-np.inf, np.inf], n // 4))
    X[n // 2 : 3 * n // 4, 0] *= 2 * bound.slope
    X[-2, 0] = X[-1, 1] = 0.0
    return X


@given(kappa=KAPPAS, seed=st.integers(0, 10_000))
def test_the_same_labels_in_the_region_and_different_ones_outside(kappa: float, seed: int) -> None:
    bound = pair(kappa)
    X = around_the_edge(bound, np.random.default_rng(seed), 40)
    agrees = bound.agrees(X)
    assert 0 < agrees.sum() < len(X)
    first, second = labels(bound.first, X), labels(bound.second, X)
    for i in range(len(X)):
        assert (first[i] == second[i]) == agrees[i]
        assert first[i] == max(X[i, 0], 0) or not agrees[i]
        assert second[i] >= first[i]
    rounding = 4 * EPS * np.abs(X).max(axis=1)  # a product, a sum and another sum, in floats
    for network, exact in ((bound.first, first), (bound.second, second)):
        floats = network(X)[:, 0]
        assert all(abs(Fraction(floats[i]) - exact[i]) <= rounding[i] for i in range(len(X)))


def test_another_region_is_noticed() -> None:
    """The comparison above fails for a region a rounding error wider or narrower."""
    bound = pair(3)
    for factor in (1 + EPS, 1 - EPS):
        other = LowerBound(bound.slope * factor, bound.first, bound.second)
        X = np.array([[bound.slope, 1.0], [bound.slope * (1 - EPS / 2), 1.0]])
        same = [
            a == b for a, b in zip(labels(bound.first, X), labels(bound.second, X), strict=True)
        ]
        assert bound.agrees(X).tolist() == same == [True, False]
        assert other.agrees(X).tolist() != same


@given(kappa=KAPPAS)
def test_condition_numbers_and_the_form_of_the_paper(kappa: float) -> None:
    bound = pair(kappa)
    K = 1 / bound.slope
    assert kappa <= K < 2 * kappa
    assert math.frexp(K)[0] == 0.5  # a power of two
    for network, expected in ((bound.first, 2 * K), (bound.second, K)):
        assert np.linalg.cond(network.V) == pytest.approx(expected, rel=100 * EPS * expected)
        a = 1 / expected
        unit = network.canonical()
        assert np.abs(np.abs(unit.V) - np.array([1, a]) / np.hypot(1, a)).max() <= 4 * EPS
        assert np.abs(unit.U - np.hypot(1, a) / 2).max() <= 4 * EPS
        assert np.linalg.cond(unit.V) == pytest.approx(expected, rel=100 * EPS * expected)


@pytest.mark.parametrize("kappa", [1.5, 8, 60])
def test_the_share_of_gaussian_samples_outside(kappa: float) -> None:
    bound = pair(kappa)
    n = 200_000
    X = np.random.default_rng(1).standard_normal((n, 2))
    outside = int((~bound.agrees(X)).sum())
    deviation = math.sqrt(n * bound.outside * (1 - bound.outside))
    assert abs(outside - n * bound.outside) <= 5 * deviation
    assert abs(outside - n * 1.5 * bound.outside) > 5 * deviation  # the bound can be missed


@given(kappa=KAPPAS, probability=st.floats(0.01, 0.99))
def test_samples_needed(kappa: float, probability: float) -> None:
    bound = pair(kappa)
    n = bound.samples_needed(probability)
    seen = -math.expm1(n * math.log1p(-bound.outside))
    before = -math.expm1((n - 1) * math.log1p(-bound.outside))
    leeway = 10 * EPS
    assert before - leeway <= probability <= seen + leeway
    many = math.log(1 / (1 - probability)) * math.pi / 2
    assert n <= many / bound.slope + 1  # Ω(κ), and no more than that
    assert n >= many / bound.slope - many  # as −1 / log(1 − q) ≥ 1 / q − 1


SETTING: dict[str, Any] = {"bias": False, "noise": "none", "rng": 0, "throw": False}
"""That of the lemma. With noise left open, few samples that do not fit can be taken for noise."""


def of_the_region(bound: LowerBound, rng: np.random.Generator, n: int) -> Array:
    X = rng.standard_normal((4 * n, 2))
    return X[bound.agrees(X)][:n]


def of_the_rest(bound: LowerBound, rng: np.random.Generator, n: int) -> Array:
    """Gaussian inputs, given that they lie outside of the region: with r and angle independent."""
    angle = np.arctan(bound.slope) * rng.uniform(-1, 1, n) + np.pi / 2
    r = np.sqrt(rng.chisquare(2, n)) * rng.choice([-1, 1], n)
    X = np.column_stack([r * np.cos(angle), r * np.sin(angle)])
    assert not bound.agrees(X).any()
    return X


@pytest.mark.parametrize("kappa", [1.5, 10.0, 100.0, 1000.0, 1e5])
def test_recovery_from_the_region_and_from_the_plane(kappa: float) -> None:
    """From the region one unit explains the labels: with two asked for, that is undetermined.
    Without, this one unit is the answer, and rightly called exact: `exact` speaks of networks of
    as many units, and a smaller one does not exist. Of either of the two networks, whichever has
    made the labels, nothing can be known."""
    bound = pair(kappa)
    rng = np.random.default_rng(7)
    inside = of_the_region(bound, rng, 200)
    ramp = Network([[1.0, 0.0]], [[1.0]])
    for truth in (bound.first, bound.second):
        result = recover(inside, truth(inside), n_units=2, **SETTING)
        assert (result.status, result.code) == ("undetermined", "fewer-units")
        result = recover(inside, truth(inside), **SETTING)
        assert result.status == "exact"
        assert result.network is not None
        assert match(result.network, ramp).max_error <= len(inside) * EPS

        X = np.vstack([inside, of_the_rest(bound, rng, 40)])
        for n_units in (2, None):
            result = recover(X, truth(X), n_units, **SETTING)
            assert result.status == "exact"
            assert result.network is not None
            # What rounding of labels does to weights, at worst: κ times, for each sample.
            condition = np.linalg.cond(truth.V)
            assert match(result.network, truth).max_error <= len(X) * EPS * condition


@pytest.mark.parametrize("kappa", [4.0, 50.0])
def test_no_number_of_samples_outside_gives_a_wrong_network(kappa: float) -> None:
    """From none to enough: exact with one unit, which the region explains, or with the true two."""
    bound = pair(kappa)
    rng = np.random.default_rng(13)
    inside, outside = of_the_region(bound, rng, 60), of_the_rest(bound, rng, 24)
    for truth, other in ((bound.first, bound.second), (bound.second, bound.first)):
        right = []
        for n in range(len(outside) + 1):
            X = np.vstack([inside, outside[:n]])
            result = recover(X, truth(X), n_units=2, **SETTING)
            if result.status == "exact":
                assert result.network is not None
                error = match(result.network, truth).max_error
                assert error <= len(X) * EPS * np.linalg.cond(truth.V)
                assert match(result.network, other).max_error > bound.slope / 4
                right.append(n)
        assert 0 not in right
        assert len(outside) in right


def test_wrong_use() -> None:
    for kappa in (1, 1.0, 0.5, -3, math.nan, math.inf, 2.0**401, 10**400):
        with pytest.raises(InputError, match="expected a number above 1"):
            pair(kappa)
    others: list[Any] = ["10", True, None, 2j, np.True_]
    for other in others:
        with pytest.raises(InputTypeError, match="expected a number above 1"):
            pair(other)
    scalars: list[Any] = [np.float32(10), np.int8(10)]
    assert {pair(scalar).slope for scalar in scalars} == {1 / 16}
    bound = pair(10)
    for X in ([1.0, 2.0], [[1.0, 2.0, 3.0]]):
        with pytest.raises(InputError, match=r"expected \(n_samples, 2\)"):
            bound.agrees(X)
    with pytest.raises(InputTypeError, match="expected real numbers"):
        bound.agrees([["a", "b"]])
    for probability in (0, 1, -1, math.nan):
        with pytest.raises(InputError, match="expected one between 0 and 1"):
            bound.samples_needed(probability)
    tiny = pair(2.0**400)
    assert tiny.agrees([[0.0, 1e-300], [1e-300, 1.0], [1e300, 1.0]]).tolist() == [
        False,
        False,
        True,
    ]
