"""The number of units given: the search is no worse for it, and never answers with more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

import unrelu
from unrelu import Network

Array = NDArray[np.float64]


def binary(seed: int) -> tuple[Network, Array]:
    """Two units of integer weights, and corners of a cube."""
    rng = np.random.default_rng(seed)
    V = rng.integers(-1, 2, (2, 8)).astype(float)
    U = rng.standard_normal((1, 2)) + np.sign(rng.standard_normal((1, 2)))
    return Network(V, U, -0.5 - V.sum(axis=1) / 2), rng.integers(0, 2, (500, 8)).astype(float)


@pytest.mark.parametrize("n_units", [None, 2])
@pytest.mark.parametrize("seed", range(3))
def test_binary_inputs(n_units: int | None, seed: int) -> None:
    truth, X = binary(0)
    result = unrelu.recover(X, truth(X), n_units, rng=seed, throw=False)
    assert (result.status, result.certificate.network.n_units) == ("exact", 2)


@pytest.mark.parametrize("noise", ["auto", "none", "gaussian", "independent"])
def test_never_more_units_than_asked_for(noise: str) -> None:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((35, 20))
    y = 3 * np.maximum(X[:, 0], 0) + 0.1 * rng.standard_normal(35)
    result = unrelu.recover(X, y, 1, noise=noise, rng=0, throw=False)
    assert result.certificate.network.n_units == 1
    assert result.status in ("estimated", "undetermined", "failed")


def test_units_that_the_corners_show_are_not_active_on_every_sample() -> None:
    X = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    parity = Network(np.ones((3, 3)), [[1.0, -2.0, 2.0]], [3.0, 1.0, -1.0], [-1.0])
    found = unrelu.verify(parity, X, X.prod(axis=1))
    assert (found.status, found.code) == ("undetermined", "not-pinned")


def test_one_input_has_breakpoints_and_no_angle() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, (300, 1))
    y = 2 * np.maximum(x[:, 0] - 4, 0) + 0.3 * rng.standard_normal(300)
    result = unrelu.recover(x, y, 1, rng=0)
    assert result.uncertainty is not None
    error = result.uncertainty.stderr.b[0]
    assert result.certificate.weight_errors == pytest.approx([error / x.std()])
    assert 0.01 < error < 0.1
    assert "rad" not in result.explanation
    assert "v ± rad" not in str(result)


def test_a_straight_line_has_a_slope_with_an_error() -> None:
    rng = np.random.default_rng(13)
    x = np.linspace(0, 10, 100)[:, None]
    y = 1 + 2 * x[:, 0] + 0.5 * rng.standard_normal(100)
    result = unrelu.recover(x, y, skip=True, rng=0)
    assert (result.status, result.code) == ("estimated", "no-unit")
    errors = result.stderr
    assert errors is not None
    # Those of ordinary least squares.
    design = np.column_stack([x, np.ones(100)])
    slope, *_ = np.linalg.lstsq(design, y)
    rest = y - design @ slope
    expected = np.sqrt(rest @ rest / 98 * np.diag(np.linalg.inv(design.T @ design)))
    assert [errors.W[0, 0], errors.c[0]] == pytest.approx(expected)
    model = unrelu.RectifiedNetworkRegressor(skip=True, random_state=0).fit(x, y)
    mean, error = model.predict(x[:3], return_std=True)
    assert mean == pytest.approx(design[:3] @ slope)
    assert (error > 0).all()
