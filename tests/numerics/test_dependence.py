"""The score for what is left of a fit: of order one for noise of any kind, large for a unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu.numerics.dependence import CLIP, DEPENDENT, MOST_ROWS, dependence
from unrelu.numerics.whitening import whiten

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, Array], Array]

SEEDS = 200


def gaussian(rng: np.random.Generator, Z: Array) -> Array:
    return rng.standard_normal((len(Z), 2))


def cauchy(rng: np.random.Generator, Z: Array) -> Array:
    return rng.standard_cauchy((len(Z), 1))


def heteroscedastic(rng: np.random.Generator, Z: Array) -> Array:
    """Its size depends on the inputs, its mean does not."""
    return np.asarray((0.1 + Z[:, :1] ** 2) * rng.standard_normal((len(Z), 1)))


def correlated(rng: np.random.Generator, Z: Array) -> Array:
    common = rng.standard_normal((len(Z), 1))
    return np.asarray(common + 0.05 * rng.standard_normal((len(Z), 5)))


def skewed(rng: np.random.Generator, Z: Array) -> Array:
    return rng.exponential(size=(len(Z), 2)) - 1.0


def rare(rng: np.random.Generator, Z: Array) -> Array:
    """Zero but for one entry in ten."""
    return np.asarray(rng.standard_normal((len(Z), 2)) * (rng.random((len(Z), 2)) < 0.1))


def inputs(rng: np.random.Generator, n: int) -> Array:
    """White, with a column of ones among what they span."""
    return whiten(np.column_stack([rng.standard_normal((n, 4)), np.ones(n)])).features


def off_affine(residual: Array, Z: Array) -> Array:
    """What a fit leaves, which has taken an affine part out."""
    return np.asarray(residual - Z @ (Z.T @ residual) / len(Z))


@pytest.mark.parametrize("noise", [gaussian, cauchy, heteroscedastic, correlated, skewed, rare])
@pytest.mark.parametrize("n", [60, 200])
def test_noise_scores_about_one(noise: Noise, n: int) -> None:
    scores = np.empty(SEEDS)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        Z = inputs(rng, n)
        scores[seed] = dependence(off_affine(noise(rng, Z), Z), Z)
    # One in a thousand may be beyond it where one direction carries all.
    assert (scores > DEPENDENT).sum() <= 1
    assert 0.25 < scores.std() < 2.0
    # The affine fit takes a few of the n degrees of freedom, so the mean is rather below zero.
    assert -2.0 < scores.mean() < 1.0


def unit(Z: Array) -> Array:
    return np.maximum(Z[:, :1] + 0.3 * Z[:, 1:2], 0.0)


def samples_wanted(share: float, score: float) -> int:
    """To see a unit that makes a share of the variance of Gaussian noise: of n samples, the
    numerator is n² σ² share gᵀKg, the denominator n σ² √(2 E K²), g the unit less an affine
    function at size one. Of 1500 samples, with the kernel as an average over random units."""
    rng = np.random.default_rng(99)
    Z = inputs(rng, 1500)
    rows = np.column_stack([np.ones(1500), Z])
    features = np.maximum(rows @ rng.standard_normal((rows.shape[1], 4000)), 0.0) / np.sqrt(4000)
    features = off_affine(features, Z)
    K = features @ features.T
    g = off_affine(unit(Z), Z)
    g /= np.sqrt((g**2).mean())
    per_sample = float((g.T @ K @ g).item()) / 1500**2 / np.sqrt(2 * (K**2).mean())
    return int(np.ceil(score / (share * per_sample)))


def test_a_missing_unit_is_seen() -> None:
    share, seeds = 0.2, 20
    n = samples_wanted(share, 3 * DEPENDENT)
    assert 50 < n < MOST_ROWS
    scores = np.empty((2, seeds))
    for i, rows in enumerate((n, n // 8)):
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            Z = inputs(rng, rows)
            g = off_affine(unit(Z), Z)
            noise = rng.standard_normal((rows, 1)) * g.std() / np.sqrt(share)
            scores[i, seed] = dependence(off_affine(g + noise, Z), Z)
    assert (scores[0] > DEPENDENT).mean() >= 0.9
    assert DEPENDENT < np.median(scores[0]) < 5 * DEPENDENT
    assert np.median(scores[1]) < DEPENDENT  # the canary: with an eighth of the samples it is not


def test_gross_errors_do_not_hide_a_unit() -> None:
    rng = np.random.default_rng(0)
    Z = inputs(rng, 600)
    residual = off_affine(unit(Z), Z)
    residual[rng.choice(600, 6, replace=False)] = 1e6
    assert dependence(residual, Z) > DEPENDENT


def test_units_of_the_outputs_and_of_the_inputs_do_not_matter() -> None:
    """Powers of two, so not even rounding differs."""
    rng = np.random.default_rng(0)
    Z = inputs(rng, 200)
    residual = rng.standard_normal((200, 3))
    plain = dependence(residual, Z)
    assert dependence(residual * [2.0**-60, 1.0, 2.0**40], Z) == plain
    order = rng.permutation(200)
    assert abs(dependence(residual[order], Z[order]) - plain) < 1e-9
    assert abs(dependence(np.clip(residual, -1e9, 1e9), Z) - plain) == 0.0


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nothing_left(value: float) -> None:
    """A residual of zeros, or one that is the same everywhere, is no dependence."""
    Z = inputs(np.random.default_rng(0), 100)
    assert dependence(np.full((100, 2), value), Z) < 1.0


def test_one_column_of_zeros() -> None:
    rng = np.random.default_rng(0)
    Z = inputs(rng, 200)
    residual = np.column_stack([rng.standard_normal(200), np.zeros(200)])
    assert abs(dependence(residual, Z) - dependence(residual[:, :1], Z)) < 1e-9
    assert CLIP > 1  # else a median would be clipped
