"""Goodness of fit, against formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from unrelu import recover
from unrelu.inference.goodness import Goodness

Array = NDArray[np.float64]

N = 300
ROUNDING = 1e3 * N * np.finfo(np.float64).eps


@pytest.fixture
def X() -> Array:
    return np.random.default_rng(0).standard_normal((N, 2))


def fitted(X: Array, Y: Array, noise: str, **more: object) -> tuple[Goodness, Array]:
    result = recover(X, Y, 0, skip=True, noise=noise, rng=0, throw=False, **more)  # type: ignore[arg-type]
    assert result.goodness is not None
    assert result.network is not None
    return result.goodness, result.network(X)


def test_of_normal_noise(X: Array) -> None:
    y = 2 * X[:, 0] + 1 + 0.1 * np.random.default_rng(1).standard_normal(N)
    found, predicted = fitted(X, y, "gaussian")
    left = y - predicted[:, 0]
    likelihood = stats.norm.logpdf(left, scale=left.std()).sum()
    assert abs(found.log_likelihood - likelihood) <= ROUNDING * abs(likelihood)
    assert found.unknowns == 3
    assert found.noise_parameters == 1
    assert np.isclose(found.aic, 8 - 2 * likelihood)
    assert np.isclose(found.bic, 4 * np.log(N) - 2 * likelihood)
    share = left.var() / y.var()
    assert np.isclose(found.r_squared[0], 1 - share)
    assert np.isclose(found.adjusted_r_squared[0], 1 - share * (N - 1) / (N - 3))


def test_of_weighted_samples(X: Array) -> None:
    """The variance of a label is inverse to its weight, of mean one."""
    rng = np.random.default_rng(2)
    weights = rng.uniform(0.5, 2.0, N)
    y = X[:, 1] + rng.standard_normal(N) / np.sqrt(weights)
    found, predicted = fitted(X, y, "gaussian", sample_weight=weights)
    weights /= weights.mean()
    left = y - predicted[:, 0]
    size = np.sqrt((weights * left**2).mean())
    likelihood = stats.norm.logpdf(left, scale=size / np.sqrt(weights)).sum()
    assert abs(found.log_likelihood - likelihood) <= ROUNDING * abs(likelihood)


def test_of_outputs_whose_noise_is_correlated(X: Array) -> None:
    rng = np.random.default_rng(3)
    Y = X @ np.ones((2, 2)) + rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], N)
    found, predicted = fitted(X, Y, "gaussian")
    left = Y - predicted
    likelihood = np.sum(stats.multivariate_normal.logpdf(left, cov=left.T @ left / N))
    assert np.isclose(found.log_likelihood, likelihood)
    assert found.noise_parameters == 3


def test_of_counts_and_of_heavy_tails(X: Array) -> None:
    rng = np.random.default_rng(4)
    counts = rng.poisson(5 + X[:, 0].clip(-2)).astype(np.float64)
    found, predicted = fitted(X, counts, "poisson")
    likelihood = np.sum(stats.poisson.logpmf(counts, predicted[:, 0]))
    assert np.isclose(found.log_likelihood, likelihood)
    assert found.noise_parameters == 0

    tailed = X[:, 0] + rng.standard_t(2, N)
    result = recover(X, tailed, 0, skip=True, noise="independent", rng=0)
    assert result.goodness is not None
    assert result.noise is not None
    assert result.network is not None
    left = tailed - result.network(X)[:, 0]
    size = np.sqrt(result.noise.covariance[0, 0])
    likelihood = np.sum(stats.t.logpdf(left, result.noise.freedom, scale=size))
    assert np.isclose(result.goodness.log_likelihood, likelihood)


def test_exact_labels_have_none(X: Array) -> None:
    assert recover(X, np.abs(X[:, 0]), bias=False, rng=0).goodness is None
