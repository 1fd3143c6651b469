"""Units from affine pieces: all of them, from as few as there can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

from unrelu import Network
from unrelu.network.pieces import Pieces, Planes, gauss_newton, solve

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)


def pieces_of(net: Network, count: int, seed: int) -> tuple[Array, Pieces]:
    """Sides and affine functions about random points."""
    points = np.random.default_rng(seed).standard_normal((count, net.n_inputs))
    sides = (net.preactivations(points) > 0).astype(np.float64)
    slopes = (sides[:, None] * net.U) @ net.V + net.W
    return sides, Pieces(points, net(points), slopes, np.ones(count))


def with_skip(d: int, k: int, m: int, seed: int) -> Network:
    net = plant(d, k, m, 1, seed=seed, bias=0.5).truth
    W = np.random.default_rng(seed).standard_normal((m, d))
    return Network(net.V, net.U, net.b, net.c, W=W)


def error(planes: Planes, net: Network) -> float:
    pairs = ((planes.V, net.V), (planes.b, net.b), (planes.W, net.W), (planes.c, net.c))
    return float(max(np.abs(ours - theirs).max() for ours, theirs in pairs))


@pytest.mark.parametrize(("k", "m"), [(6, 1), (9, 3), (4, 8)])
@pytest.mark.parametrize("seed", range(3))
def test_units_and_an_affine_rest_from_their_pieces(k: int, m: int, seed: int) -> None:
    net = with_skip(7, k, m, seed)
    sides, pieces = pieces_of(net, 3 * (k // m + 2), seed)
    planes = solve(sides, net.U, pieces, affine=True, bias=True)
    bound = 1e3 * EPS * float(planes.spread.max())
    assert error(planes, net) < bound
    moved = replace(pieces, slopes=pieces.slopes + 1e-6)  # the canary
    assert error(solve(sides, net.U, moved, affine=True, bias=True), net) > bound


def test_units_without_biases_and_rest() -> None:
    net = plant(7, 6, 2, 1, seed=0, bias=0).truth
    net = Network(net.V, net.U)
    sides, pieces = pieces_of(net, 5, 0)
    planes = solve(sides, net.U, pieces, affine=False, bias=False)
    assert error(planes, net) < 1e3 * EPS * float(planes.spread.max())
    assert not planes.b.any()
    assert not planes.W.any()


def test_too_few_pieces_determine_nothing() -> None:
    net = with_skip(7, 6, 1, 0)
    sides, pieces = pieces_of(net, 6, 0)
    assert np.isinf(solve(sides, net.U, pieces, affine=True, bias=True).spread).all()


@pytest.mark.parametrize("affine", [False, True])
def test_output_weights_are_polished(affine: bool) -> None:
    """From weights that are off by 1e-6; up to the lengths of rows, so that products count."""
    net = plant(30, 12, 4, 1, seed=1, bias=0.5).truth
    sides, pieces = pieces_of(net, 12, 1)
    off = net.U * (1 + 1e-6 * np.random.default_rng(0).standard_normal(net.U.shape))
    before = solve(sides, off, pieces, affine=affine, bias=True)
    after = before
    for _ in range(3):
        slopes, values = after.left(sides, pieces)
        left = replace(pieces, slopes=slopes, values=values)
        step = gauss_newton(after, sides, left, affine=affine, bias=True)
        assert step is not None
        after = after.moved(step)

    def wrong(planes: Planes) -> float:
        return float(
            np.abs(
                planes.U.T[:, :, None] * planes.V[:, None] - net.U.T[:, :, None] * net.V[:, None]
            ).max()
        )

    assert wrong(before) > 1e-8
    assert wrong(after) < 1e-12


def test_values_that_are_known_better_than_slopes() -> None:
    """Then they say more of the hidden weights than slopes do, where there are enough of them."""
    net, slope_error, value_error = with_skip(4, 5, 3, 0), 1e-6, 1e-12
    net = Network(net.V, net.U, net.b, net.c)
    sides, pieces = pieces_of(net, 40, 1)
    rng = np.random.default_rng(2)
    noisy = replace(
        pieces,
        slopes=pieces.slopes + slope_error * rng.standard_normal(pieces.slopes.shape),
        values=pieces.values + value_error * rng.standard_normal(pieces.values.shape),
    )
    weighed = replace(noisy, weights=np.full(40, value_error / slope_error))
    found = solve(sides, net.U, weighed, affine=False, bias=True)
    bound = value_error * float(found.spread.max()) * value_error / slope_error
    assert error(found, net) < 10 * bound
    alike = solve(sides, net.U, noisy, affine=False, bias=True)  # the canary
    assert error(alike, net) > 10 * bound
