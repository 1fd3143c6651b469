"""Places to ask from: points far from all known hyperplanes, on sides that tell the units apart.

A gradient is the more accurate the longer its displacements are, and these end at the nearest
hyperplane. Along a line, k hyperplanes leave intervals of 1/k of its length; in r dimensions there
is more room: for k < 2 r, points can be had on any sides of generic hyperplanes (Cover 1965), and
for k ≤ r with a margin of about half their usual distance. So the sides can be chosen: those of a
Hadamard matrix for one output, which add least to the errors of the gradients; of several outputs
each place is worth as many equations, and half of the places on either side of each unit will do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.extraction.lines import Units
from unrelu.numerics.arrays import Array, Index, divisors

SPARE, MORE = 1.25, 2
"""Places relative to the least number, with several outputs, and how many on top."""

FAR = 2.5
"""Multiple of the usual distance from which on a hyperplane is crossed by places of its own."""

RIDGE = 0.1
"""Of the start: hyperplanes that are met only far out do not decide it."""

STEPS = 100
"""Steps away from the nearest hyperplanes."""

STRIDE, SHARPNESS = 0.03, 10.0
"""Length of such a step as a share of the usual norm, and how many times farther away than the
median a hyperplane is when it weighs e times less than the nearest one."""


@dataclass(frozen=True, eq=False)
class Places:
    """Points (R, r), nearly all of at most the given `norm`, and their distances (R,) from the
    `nearest` hyperplane."""

    points: Array
    nearest: Array
    norm: float


def choose_places(units: Units, norm: float, rng: np.random.Generator) -> Places:
    """Places on such sides of the units (k, r) that affine functions there determine the units.
    O(R k r) for each of a hundred steps."""
    far = np.abs(units.b) > FAR * norm / np.sqrt(units.V.shape[1])
    near = np.flatnonzero(~far)
    sides = _wanted_sides(len(near), len(units.U), rng)
    points, nearest = _moved_apart(units, _points_on(units, near, sides, norm, rng), norm)
    heights = points @ units.V.T + units.b
    missed = np.flatnonzero((heights > 0).all(axis=0) | (heights < 0).all(axis=0))
    if len(missed):  # a place on the other side of each, as near as there is one
        some = points[np.abs(heights[:, missed]).argmin(axis=0)]
        away = (some * units.V[missed]).sum(axis=1) + units.b[missed]
        others, distances = _moved_apart(units, some - 2 * away[:, None] * units.V[missed], norm)
        points, nearest = np.vstack([points, others]), np.append(nearest, distances)
    return Places(points, nearest, norm)


def _wanted_sides(k: int, m: int, rng: np.random.Generator) -> Array:
    """(R, k), of entries 1 and −1."""
    if m == 1:
        order = _paley_order(k + 1)
        return _hadamard(order)[rng.permutation(order)][:, 1 + rng.permutation(order - 1)[:k]]
    count = int(np.ceil(SPARE * (k + m) / m)) + MORE
    ranks = rng.random((count, k)).argsort(axis=0)
    return np.where(ranks < count // 2, 1.0, -1.0)


def _paley_order(least: int) -> int:
    """The next p + 1 with a prime p of the form 4 i + 3."""
    order = 4 * max(1, -(-least // 4))
    while any((order - 1) % q == 0 for q in range(3, math.isqrt(order) + 1, 2)):
        order += 4
    return order


def _hadamard(order: int) -> Array:
    """Paley's: entries ±1, orthogonal columns, the first of them ones. `order` − 1 is a prime of
    the form 4 i + 3."""
    p = order - 1
    numbers: NDArray[np.int_] = np.arange(p)
    square = np.zeros(p, dtype=np.bool_)
    square[numbers**2 % p] = True
    residue = np.where(square, 1.0, -1.0)
    residue[0] = 0.0
    core = residue[(numbers[:, None] - numbers) % p] - np.eye(p)
    H = np.ones((order, order))
    H[1:, 1:] = core
    return np.asarray(H * np.where(H[:, :1] > 0, 1.0, -1.0))


def _points_on(
    units: Units, near: Index, sides: Array, norm: float, rng: np.random.Generator
) -> Array:
    """Points of about the given norm, on these sides of the near units as far as that is easy: by
    regularised least squares for heights of one size."""
    V, b, (_, r) = units.V[near], units.b[near], units.V.shape
    gram = V.T @ V
    gram[np.diag_indices(r)] += RIDGE * (1 + len(near) / r)
    along, shift = np.linalg.solve(gram, V.T @ sides.T).T, np.linalg.solve(gram, V.T @ b)
    # What no unit's height depends on is free: a little of it, so that no two points are the same.
    points = along / divisors(np.linalg.norm(along, axis=1))[:, None]
    points = points + 0.1 / np.sqrt(r) * rng.standard_normal(points.shape)
    points = norm * points / divisors(np.linalg.norm(points, axis=1))[:, None]
    nearer = min(1.0, norm / (2 * float(np.linalg.norm(shift)) + norm))
    return np.asarray(points - nearer * shift)


def _moved_apart(units: Units, points: Array, norm: float) -> tuple[Array, Array]:
    """Each point moved away from the hyperplanes that are nearest, on the side where it is, and not
    farther out; with its distance from the nearest."""
    if not len(units.b):
        return points, np.full(len(points), norm)
    heights = points @ units.V.T + units.b
    signs = np.where(heights > 0, 1.0, -1.0)
    farthest = np.maximum(np.linalg.norm(points, axis=1), norm)
    best, largest = points, np.abs(heights).min(axis=1)
    for step in range(STEPS):
        distances = (points @ units.V.T + units.b) * signs
        nearest = distances.min(axis=1)
        better = nearest > largest
        best, largest = np.where(better[:, None], points, best), np.maximum(nearest, largest)
        usual = divisors(np.median(np.abs(distances), axis=1))
        weights = np.exp(-SHARPNESS * (distances - nearest[:, None]) / usual[:, None])
        away = (weights * signs) @ units.V
        away /= divisors(np.linalg.norm(away, axis=1))[:, None]
        points = points + STRIDE * norm * (1 - step / STEPS) * away
        shorter = farthest / np.maximum(np.linalg.norm(points, axis=1), farthest)
        points = points * shorter[:, None]
    return best, largest


def free_steps(heights: Array, slopes: Array, longest: float) -> Array:
    """(q,): how far to go from a place with these heights (k,) of units along each of q directions,
    on which heights change by `slopes` (k, q): half-way to the next hyperplane, in the direction or
    against it, whichever is farther, and not more than `longest`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        meet = -heights[:, None] / slopes
    ahead = np.where(meet > 0, meet, np.inf).min(axis=0, initial=np.inf)
    behind = np.where(meet < 0, -meet, np.inf).min(axis=0, initial=np.inf)
    farther = np.minimum(np.maximum(ahead, behind) / 2, longest)
    return np.asarray(np.where(ahead >= behind, farther, -farther))
