"""numerics/spread.py: sizes that do not collapse, and the labels that make others collapse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu import recover
from unrelu.numerics.spread import at_limit, by_chance, robust_spread, telling

Array = NDArray[np.float64]


def above(rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
    """Zero up to 6, then rising, with noise that is zero where the labels are."""
    x = rng.uniform(0, 10, n)
    mean = np.maximum(x - 6, 0)
    return x[:, None], mean, mean * (1 + 0.1 * rng.standard_normal(n))


def test_labels_at_a_limit_do_not_count() -> None:
    rng = np.random.default_rng(0)
    _, mean, y = above(rng, 500)
    rest = (y - mean + 1e-3)[:, None]
    marks = telling(rest, y[:, None])
    assert np.array_equal(marks[:, 0], y != 0)
    size = robust_spread(rest, y[:, None])[0]
    assert 0.5 * rest[marks].std() < size < rest[marks].std()
    assert np.median(np.abs(rest)) < 0.1 * size  # the canary: that of all collapses
    # Zeros that come by chance are as far off as the others, and count.
    assert telling(np.ones((500, 1)), y[:, None]).all()


def test_residuals_of_zero_have_a_size() -> None:
    rest = np.array([0.0, 0.0, 0.0, 2.0])[:, None]
    assert robust_spread(rest, np.arange(4.0)[:, None])[0] == 1.0


def test_whole_numbers_have_no_limit() -> None:
    rng = np.random.default_rng(0)
    assert not at_limit(np.round(3 * rng.standard_normal((1000, 1)))).any()
    assert at_limit(np.clip(rng.standard_normal((1000, 1)), 0, None)).mean() > 0.4


def test_chance_or_a_threshold() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, (500, 1))
    assert not by_chance(x, np.maximum(x - 6, 0))
    assert not by_chance(x, np.clip(x, 4, 6))
    assert by_chance(x, np.where(rng.random((500, 1)) < 0.6, 0, x))


@pytest.mark.parametrize("given", [None, 1])
@pytest.mark.parametrize("noise", ["auto", "independent"])
def test_labels_that_are_zero_below_a_threshold(noise: str, given: int | None) -> None:
    X, _, y = above(np.random.default_rng(0), 200)
    found = recover(X, y, given, noise=noise, rng=0)
    assert found.status == "estimated"
    assert found.network is not None
    assert found.stderr is not None
    assert found.network.n_units == 1
    error = found.stderr.b[0]
    assert error < 0.05
    assert abs(-found.network.b[0] / found.network.V[0, 0] - 6) < 4 * error


def test_a_threshold_and_outliers() -> None:
    rng = np.random.default_rng(0)
    X, _, y = above(rng, 300)
    y = y + (rng.random(300) < 0.05) * rng.normal(0, 20, 300)
    found = recover(X, y, rng=0)
    assert found.status == "estimated"
    assert found.network is not None
    assert found.noise is not None
    assert found.noise.kind == "independent"
    assert abs(-found.network.b[0] / found.network.V[0, 0] - 6) < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_zeros_by_chance_leave_the_fit_to_the_mean(seed: int) -> None:
    """A robust fit would be one of the zeros."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 10, 600)
    y = np.where(rng.random(600) < 0.6, 0, np.exp(0.3 * rng.standard_normal(600)) * np.exp(x / 5))
    found = recover(x[:, None], y, rng=0, throw=False)
    assert found.noise is not None
    assert found.network is not None
    assert found.noise.kind != "independent"
    mean = 0.4 * np.exp(0.3**2 / 2) * np.exp(x / 5)
    assert np.corrcoef(found.network(x[:, None])[:, 0], mean)[0, 1] > 0.9
