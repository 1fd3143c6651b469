"""Scores of a law, and the power method: numerics that recipes rest on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unrelu.numerics.joint_diagonalisation import joint_diagonalise
from unrelu.numerics.laws import asymmetry, isotropy, non_normality
from unrelu.numerics.tensor_power import positive_combination, power_factors
from unrelu.numerics.whitening import whiten

Array = NDArray[np.float64]

CHANCE = 6.0


def white(X: Array) -> Array:
    return whiten(X - X.mean(axis=0)).features


@pytest.mark.parametrize(("n", "d"), [(200, 1), (500, 5), (2000, 20), (20000, 3)])
def test_gaussian_rows_pass(n: int, d: int) -> None:
    for seed in range(20):
        X = np.random.default_rng(seed).standard_normal((n, d))
        assert isotropy(7 * X) < CHANCE
        assert asymmetry(X) < CHANCE
        assert non_normality(white(X @ np.random.default_rng(1).standard_normal((d, d)))) < CHANCE


@pytest.mark.parametrize("seed", range(3))
def test_other_laws_are_noticed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((2000, 5))
    assert isotropy(X * np.array([1, 1, 1, 1, 1.5])) > CHANCE
    assert isotropy(X + 0.3) > CHANCE
    assert asymmetry(X + 0.3) > CHANCE
    for other in (rng.uniform(-1, 1, X.shape), rng.choice([-1.0, 1.0], X.shape)):
        assert non_normality(white(other)) > CHANCE
        assert asymmetry(other) < CHANCE
    assert non_normality(white(np.column_stack([X[:, 1:], rng.uniform(-1, 1, 2000)]))) > CHANCE
    for skewed in (rng.exponential(size=X.shape), np.abs(X)):
        assert non_normality(white(skewed)) > CHANCE
        assert asymmetry(white(skewed)) > CHANCE


def planted_slices(k: int, s: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((k, k))
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    W = rng.standard_normal((s, k))
    return A, (A.T * W[:, None, :]) @ A


def distance(found: Array, truth: Array) -> float:
    """The largest between rows up to sign, after pairing."""
    cosines = np.abs(found @ truth.T)
    rows, partners = linear_sum_assignment(-cosines)
    return float(np.sqrt(2 * np.maximum(0, 1 - cosines[rows, partners].min())))


@pytest.mark.parametrize(("k", "s"), [(1, 1), (3, 3), (5, 10), (10, 10)])
def test_power_method_finds_planted_factors(k: int, s: int) -> None:
    for seed in range(5):
        A, slices = planted_slices(k, s, seed)
        found = power_factors(slices, rng=np.random.default_rng(seed))
        assert found is not None
        combination = positive_combination(slices)
        assert combination is not None
        spread = np.linalg.cond(np.tensordot(combination, slices, axes=1))
        assert distance(found, A) <= 1e3 * np.sqrt(np.finfo(np.float64).eps * spread)
        joint = joint_diagonalise(slices, k, rng=np.random.default_rng(seed)).directions
        if s > 1:
            assert distance(found, joint) <= 1e-5


def test_distance_canary() -> None:
    A, _ = planted_slices(4, 4, 0)
    assert distance(-A[::-1], A) <= 1e-7
    B = A.copy()
    B[2] += 1e-3
    assert distance(B / np.linalg.norm(B, axis=1, keepdims=True), A) > 1e-4


def test_power_method_says_when_it_cannot_whiten() -> None:
    A, _ = planted_slices(4, 1, 0)
    indefinite = (A.T * np.array([1.0, 1.0, -1.0, 1.0])) @ A
    assert positive_combination(indefinite[None]) is None
    assert power_factors(indefinite[None], rng=np.random.default_rng(0)) is None
    assert positive_combination(np.zeros((2, 3, 3))) is None
