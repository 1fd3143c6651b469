"""Pictures of fits: what is drawn is where the numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import InputError, Recovery, recover


@pytest.fixture(scope="module")
def line() -> tuple[np.ndarray, np.ndarray, Recovery]:
    x = np.linspace(0, 10, 60)
    y = np.maximum(x - 4, 0) + 0.05 * np.random.default_rng(0).standard_normal(60)
    return x[:, None], y, recover(x[:, None], y, rng=0)


def test_one_input(line: tuple[np.ndarray, np.ndarray, Recovery]) -> None:
    X, y, result = line
    (axes,) = result.plot(X, y).axes
    curve, kink, dots = axes.lines
    t, drawn = curve.get_data()
    assert result.network is not None
    assert np.array_equal(drawn, result.network(np.asarray(t)[:, None])[:, 0])
    assert np.asarray(kink.get_xdata())[0] == result.breakpoints[0].position
    assert np.array_equal(dots.get_ydata(), y)
    assert len(result.plot().axes[0].lines) == 2  # no samples, no dots


def test_several_inputs() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 10, (300, 8))
    y = np.maximum(X[:, 0] - X[:, 1], 0) + 0.1 * rng.standard_normal(300)
    result = recover(X, y, rng=0)
    axes = result.plot(X, y).axes
    assert len(axes) == 1 + 6 + 1  # directions, the inputs that matter most, residuals
    assert {axes[1].get_xlabel(), axes[2].get_xlabel()} == {"x0", "x1"}
    assert result.network is not None
    left = np.asarray(axes[-1].lines[0].get_ydata())
    assert np.array_equal(left, y - result.network(X)[:, 0])


def test_without_units() -> None:
    X = np.random.default_rng(0).standard_normal((50, 2))
    result = recover(X, X @ [1.0, 2.0], 0, skip=True, rng=0)
    assert len(result.plot().axes) == 2


def test_samples_that_do_not_fit(line: tuple[np.ndarray, np.ndarray, Recovery]) -> None:
    X, y, result = line
    for given in ((X, None), (None, y), (np.hstack([X, X]), y), (X, y[:-1])):
        with pytest.raises(InputError):
            result.plot(*given)
