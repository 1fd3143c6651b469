"""Units pinned by samples on a few affine pieces: as by all samples, and never without."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

from unrelu import Network
from unrelu.checks.pinned import pin
from unrelu.checks.pinned_by_pieces import pin_by_pieces
from unrelu.samples import Samples

Array = NDArray[np.float64]


def about(net: Network, places: int, seed: int, step: float = 0.02) -> Samples:
    """Answers at random places, and after short steps along every axis."""
    rng, d = np.random.default_rng(seed), net.n_inputs
    points = rng.standard_normal((places, d))
    near = np.abs(net.preactivations(points)).min(axis=1) > 2 * step
    points = points[near]
    X = (points[:, None] + step * np.vstack([np.zeros(d), np.eye(d)])).reshape(-1, d)
    return Samples.of(X, net(X))


@pytest.mark.parametrize(("k", "m"), [(6, 1), (8, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_errors_are_those_that_the_jacobian_shows(k: int, m: int, seed: int) -> None:
    net = plant(8, k, m, 1, seed=seed, bias=0.5).truth.canonical()
    samples = about(net, 80, seed)
    by_pieces = pin_by_pieces(net, samples, True)
    assert by_pieces is not None
    whole = pin(net, samples, True, np.inf)
    ratio = by_pieces.errors / whole.errors
    assert ratio.min() > 0.01  # labels of a piece may have less rounding than the others
    assert ratio.max() < 300
    assert by_pieces.outputs == m


def test_too_few_pieces_pin_nothing() -> None:
    net = plant(8, 6, 1, 1, seed=0, bias=0.5).truth.canonical()
    assert pin_by_pieces(net, about(net, 5, 0), True) is None
    scattered = np.random.default_rng(0).standard_normal((100, 8))
    assert pin_by_pieces(net, Samples.of(scattered, net(scattered)), True) is None


def test_a_unit_on_the_same_side_of_all_pieces_is_not_pinned() -> None:
    net = plant(8, 6, 2, 1, seed=0, bias=0.5).truth
    far = Network(net.V, net.U, np.append(net.b[1:], 50.0), net.c).canonical()
    assert pin_by_pieces(far, about(far, 60, 0), True) is None


def test_output_weights_that_nothing_determines_are_noticed() -> None:
    """Two units on one hyperplane, on the same side: what one adds the other may."""
    net = plant(8, 6, 2, 1, seed=1, bias=0.5).truth
    V, b = net.V.copy(), net.b.copy()
    V[1], b[1] = V[0], b[0]
    double = Network(V, net.U, b, net.c)
    assert pin_by_pieces(double, about(double, 60, 0), True) is None
