"""Cones {w : P w >= 0}: their rays and faces are known for a few of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu.numerics import cones
from unrelu.numerics.cones import (
    Rays,
    TooManyFacets,
    extreme_rays,
    faces_above,
    interior,
    null_space,
)

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)


def pointed(seed: int, n: int, r: int) -> Array:
    """Random rows, n of them, whose first entries are positive."""
    P = np.random.default_rng(seed).standard_normal((n, r))
    P[:, 0] = 1 + np.abs(P[:, 0])
    return P


def rays_of(P: Array) -> Rays:
    inside = interior(P)
    assert inside is not None
    return extreme_rays(P, inside, 8 * EPS * np.linalg.norm(P, axis=1))


def assert_same_rays(found: Array, truth: Array) -> None:
    """One for one, as directions."""
    truth = truth / np.linalg.norm(truth, axis=1, keepdims=True)
    assert found.shape == truth.shape
    nearest = np.linalg.norm(found[:, None] - truth, axis=2)
    assert nearest.min(axis=0).max() <= 1e-12
    assert nearest.min(axis=1).max() <= 1e-12


def test_assert_same_rays_canary() -> None:
    with pytest.raises(AssertionError):
        assert_same_rays(np.eye(3), np.eye(3) + 1e-9 * np.ones((3, 3)))
    with pytest.raises(AssertionError):
        assert_same_rays(np.eye(3), np.eye(3)[[0, 1, 1]])


@pytest.mark.parametrize("r", [1, 2, 3, 5, 7])
def test_a_simplicial_cone_with_points_on_all_its_faces(r: int) -> None:
    """Rows A⁻¹ times points of the orthant with zeros at random: the rays are the columns of A."""
    rng = np.random.default_rng(r)
    A = rng.standard_normal((r, r)) + 2 * np.eye(r)
    points = np.vstack([np.eye(r), rng.exponential(size=(60, r)) * rng.integers(0, 2, (60, r))])
    rays = rays_of(points @ np.linalg.inv(A))
    assert_same_rays(rays.directions, A.T)
    for direction, zeros in zip(rays.directions, rays.zeros, strict=True):
        column = int((np.linalg.inv(A) @ direction).argmax())
        assert (zeros == (points[:, column] == 0)).all()


def test_repeated_rows_multiples_and_zeros_change_nothing() -> None:
    P = pointed(0, 12, 4)
    plain = rays_of(P)
    more = rays_of(np.vstack([P, P[::2], 3 * P[1::2], np.zeros((2, 4))]))
    assert_same_rays(more.directions, plain.directions)
    assert more.zeros[:, -2:].all()


def test_rays_are_feasible_and_determined_by_their_zeros() -> None:
    P = pointed(1, 40, 5)
    rays = rays_of(P)
    assert (rays.directions @ P.T >= -1e-12).all()
    assert all(null_space(P[zeros], 5).shape[1] == 1 for zeros in rays.zeros)


def test_no_interior() -> None:
    rng = np.random.default_rng(2)
    assert interior(rng.standard_normal((100, 3))) is None
    assert interior(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])) is None
    assert interior(np.zeros((3, 0))) is None
    almost = np.array([[1.0, 1e-7], [-1.0, 1e-7]])
    inside = interior(almost)
    assert inside is not None
    assert (almost @ inside > 0).all()


@pytest.mark.parametrize("r", [3, 5])
def test_faces_of_the_orthant(r: int) -> None:
    P = np.eye(r)
    rays = rays_of(P)
    level = list(rays.zeros)
    for dimension in range(1, r):
        above = {z.tobytes(): z for zeros in level for z in faces_above(P, zeros, rays, dimension)}
        assert len(above) == math.comb(r, dimension + 1)
        assert all(zeros.sum() == r - dimension - 1 for zeros in above.values())
        level = list(above.values())


def test_faces_of_a_cone_over_a_square() -> None:
    """Four rays and four edges between neighbours: the diagonals are no faces."""
    P = np.array([[1.0, 0, 1], [-1, 0, 1], [0, 1, 1], [0, -1, 1]])
    rays = rays_of(P)
    edges = {z.tobytes() for zeros in rays.zeros for z in faces_above(P, zeros, rays, 1)}
    assert (len(rays.directions), len(edges)) == (4, 4)


def test_too_many_facets(monkeypatch: pytest.MonkeyPatch) -> None:
    P = pointed(3, 200, 5)
    assert len(rays_of(P).directions) > 100
    monkeypatch.setattr(cones, "MOST_SIMPLICES", 100)
    with pytest.raises(TooManyFacets):
        rays_of(P)
