"""Kinks on lines: every one found, none invented."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

from unrelu import Network
from unrelu.extraction import lines
from unrelu.extraction.kinks import Ask, Line, kinks_on, measure_bend

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)


def exact(net: Network) -> Ask:
    return lambda X: (X, net(X))


def rounding(X: Array) -> Array:
    """Far above that of small networks, far below their kinks."""
    return np.asarray(1e-12 * (1 + np.linalg.norm(X, axis=1)))


def line_of(seed: int, d: int, reach: float = 1000.0) -> Line:
    rng = np.random.default_rng(seed)
    return Line(rng.standard_normal(d), rng.standard_normal(d), reach)


def true_kinks(net: Network, line: Line) -> Array:
    at = -(net.V @ line.start + net.b) / (net.V @ line.direction)
    return np.sort(at[np.abs(at) < line.reach])


def distance(V: Array, b: Array, truth: Network) -> Array:
    """From each true hyperplane to the nearest one found, whatever the side."""
    rows, true = np.column_stack([V, b]), np.column_stack([truth.V, truth.b])
    apart = [np.linalg.norm(rows - sign * true[:, None], axis=2) for sign in (1, -1)]
    return np.asarray(np.minimum(*apart).min(axis=1))


@pytest.mark.parametrize("seed", range(10))
def test_every_kink_is_found(seed: int) -> None:
    net = plant(10, 30, 2, 1, seed=seed, bias=2.0).truth
    line = line_of(seed, 10)
    kinks = kinks_on(exact(net), line, rounding)
    true = true_kinks(net, line)
    assert kinks.linear
    assert not len(kinks.unclear)
    assert len(kinks.at) == len(true)
    assert np.abs(kinks.at - true).max() < 1e-8 * np.abs(true).max()


@pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-4])
@pytest.mark.parametrize("other", [0.9, -0.7])
def test_two_close_kinks_are_two(gap: float, other: float) -> None:
    """In opposite directions, the tangents around both meet outside, where the function is."""
    net = Network([[1.0], [1.0]], [[1.0, other]], [-0.3, -0.3 - gap])
    line = Line(np.zeros(1), np.ones(1), 100.0)
    kinks = kinks_on(exact(net), line, rounding)
    assert np.allclose(kinks.at, [0.3, 0.3 + gap], rtol=0, atol=1e-9)
    assert np.allclose(kinks.jumps, [[1.0], [other]], rtol=1e-4)


def test_an_affine_function_has_no_kink_and_costs_little() -> None:
    asked = 0

    def ask(X: Array) -> tuple[Array, Array]:
        nonlocal asked
        asked += len(X)
        return X, X[:, :1] - 3 * X[:, 1:2] + 2

    kinks = kinks_on(ask, line_of(0, 3), rounding)
    assert kinks.linear
    assert not len(kinks.at)
    assert asked <= 12


def test_a_smooth_function_is_given_up() -> None:
    kinks = kinks_on(lambda X: (X, np.sin(X[:, :1])), line_of(0, 2), rounding)
    assert not kinks.linear


@pytest.mark.parametrize("m", [1, 3])
def test_one_line_gives_the_units(m: int) -> None:
    truth = plant(12, 8, m, 1, seed=m, bias=0.5).truth
    rng = np.random.default_rng(0)
    size = lines.Rounding(4 * EPS, np.sqrt(12))
    none = lines.Units.empty(12, m)
    units, kinks = lines.find_units(exact(truth), line_of(1, 12), none, size, rng)
    assert len(units.b) == len(kinks.at) == 8
    assert distance(units.V, units.b, truth).max() < 1e-9
    assert distance(units.V + 1e-6, units.b, truth).max() > 1e-7  # the canary

    # Known units are taken off: another line shows nothing, whatever side they were found on.
    again, kinks = lines.find_units(exact(truth), line_of(2, 12), units, size, rng)
    assert not len(again.b)


def test_a_unit_that_is_never_on_is_found_beside_known_ones() -> None:
    net = plant(12, 8, 1, 1, seed=0, bias=0.5).truth
    V = net.V / np.linalg.norm(net.V, axis=1, keepdims=True)
    b = np.append(net.b[1:], -30.0)
    truth = Network(V, net.U, b)
    known = lines.Units(V[:-1], b[:-1], net.U[:, :-1], np.full(7, 1e-14), np.full(7, 1e-14))
    size = lines.Rounding(4 * EPS, np.sqrt(12))
    rng = np.random.default_rng(0)
    units, _ = lines.find_units(exact(truth), line_of(3, 12, 1e4), known, size, rng)
    assert len(units.b) == 1
    assert distance(units.V, units.b, Network(V[-1:], net.U[:, -1:], b[-1:])).max() < 1e-8


def test_noise_and_curvature_are_told_apart() -> None:
    rng = np.random.default_rng(0)

    def bend(f: Ask, step: float) -> float:
        return measure_bend(f, 5, 1.0, step, np.random.default_rng(1))

    def noisy(X: Array) -> tuple[Array, Array]:
        return X, 0.1 * rng.standard_normal((len(X), 1))

    def smooth(X: Array) -> tuple[Array, Array]:
        return X, np.tanh(X.sum(axis=1, keepdims=True))

    assert 0.02 < bend(noisy, 2.0**-13) < 0.3
    assert 0.02 < bend(noisy, 2.0**-26) < 0.3
    assert bend(smooth, 2.0**-13) > 1e-10
    assert bend(smooth, 2.0**-26) < 10 * EPS
