"""Places to ask from: points far from all known hyperplanes, on sides that tell the units apart.

A gradient is the more accurate the longer its displacements are, and these end at the nearest
hyperplane. Along a line, k hyperplanes leave intervals of 1/k of its length; in r dimensions there
is more room: for k < 2 r, points can be had on any sides of generic hyperplanes (Cover 1965), and
for k ≤ r with a margin of about half their usual distance. So the sides can be chosen: those of a
Hadamard matrix for one output, which add least to the errors of the gradients; of several outputs
each place is worth as many equations, and half of the places on either side of each unit will do.
Of more such places than are needed, those are dropped that tell least about the units. Two units
that are on the same sides of all places show only the sum of their u vᵀ, so others are added until
there are none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.extraction.lines import Units
from unrelu.numerics.arrays import Array, Index, Mask, divisors

SPARE, MORE = 1.25, 2
"""Places relative to the least number, with several outputs, and how many on top. The least number
gives as many equations, m (d + 1) at each place, as there are weights, k (d + m), and affine parts,
m (d + 1)."""

CANDIDATES, MOST_EFFORT = 2.5, 5e9
"""Places relative to those that are asked for, from which these are chosen: twice as many would
make errors smaller by a twentieth. Operations up to which that takes a few seconds."""

SURE = 5.0
"""Standard deviations of a unit's unknown weights that a step allows for: of so many steps hardly
one crosses a hyperplane."""

LONGEST = 0.3
"""Longest step as a share of the usual norm of inputs."""

FAR = 2.5
"""Multiple of the usual distance from which on a hyperplane is crossed by places of its own."""

RIDGE = 0.1
"""Of the start: hyperplanes that are met only far out do not decide it."""

RIDGE_OF_CHOICE = 1e-9
"""Share by which places are made to tell a little of everything, so that none is indispensable."""

STEPS = 300
"""Steps away from the nearest hyperplanes."""

STRIDE, SHARPNESS = 0.03, 30.0
"""Length of such a step as a share of the usual norm, and how many times farther away than the
median a hyperplane is when it weighs e times less than the nearest one."""


@dataclass(frozen=True, eq=False)
class Places:
    """Points (R, r), nearly all of at most the given `norm`, and their distances (R,) from the
    `nearest` hyperplane."""

    points: Array
    nearest: Array
    norm: float

    @property
    def steps(self) -> Array:
        """(R,): how far to go in directions along which the units' weights are not known."""
        usual = self.nearest * np.sqrt(self.points.shape[1]) / SURE
        return np.asarray(np.minimum(usual, LONGEST * self.norm))

    def take(self, some: Index) -> Places:
        return Places(self.points[some], self.nearest[some], self.norm)

    def joined(self, other: Places) -> Places:
        points = np.vstack([self.points, other.points])
        return Places(points, np.append(self.nearest, other.nearest), self.norm)


def choose_places(units: Units, norm: float, d: int, rng: np.random.Generator) -> Places:
    """Places on such sides of the units (k, r) that affine functions of all d inputs there
    determine the units, if their output weights are known roughly. O(R k r) for each of some
    hundred steps."""
    far = np.abs(units.b) > FAR * norm / np.sqrt(units.V.shape[1])
    near, m = np.flatnonzero(~far), len(units.U)
    wanted = math.ceil(SPARE * (len(near) * (d + m) / (m * (d + 1)) + 1)) + MORE
    count = math.ceil(CANDIDATES * wanted)
    sides = _hadamard_sides(len(near), rng) if m == 1 else _half_sides(count, len(near), rng)
    points, nearest = _moved_apart(units, _points_on(units, near, sides, norm, rng), norm)
    heights = points @ units.V.T + units.b
    missed = np.flatnonzero((heights > 0).all(axis=0) | (heights < 0).all(axis=0))
    if len(missed):  # a place on the other side of each, as near as there is one
        some = points[np.abs(heights[:, missed]).argmin(axis=0)]
        away = (some * units.V[missed]).sum(axis=1) + units.b[missed]
        others, distances = _moved_apart(units, some - 2 * away[:, None] * units.V[missed], norm)
        points, nearest = np.vstack([points, others]), np.append(nearest, distances)
    places = Places(points, nearest, norm)
    return places if m == 1 else _chosen(places, units, wanted, len(missed))


def across(places: Places, units: Units) -> Places:
    """The place across from the first one, where most units are on their other side."""
    middle = np.asarray(np.linalg.lstsq(units.V, -units.b, rcond=None)[0], np.float64)
    nearer = places.norm / max(places.norm, float(np.linalg.norm(middle)))
    points, nearest = _moved_apart(units, 2 * nearer * middle - places.points[:1], places.norm)
    return Places(points, nearest, places.norm)


def _chosen(places: Places, units: Units, wanted: int, extra: int) -> Places:
    """So many of the places, the `extra` last ones among them or in their place, and those that
    are needed to tell units apart."""
    (m, k), count = units.U.shape, len(places.points)
    sides = places.points @ units.V.T + units.b > 0
    if (count * m) ** 2 * (k + m) <= MOST_EFFORT:
        return places.take(
            _telling_apart(sides, _best(sides, units.U, places.steps, wanted + extra))
        )
    kept = _telling_apart(sides, np.arange(count - max(extra, 1), count))
    others = np.setdiff1d(np.arange(count), kept)
    return places.take(np.append(kept, others[: max(0, wanted + extra - len(kept))]))


def _telling_apart(sides: Mask, kept: Index) -> Index:
    """The places `kept` of all with these sides (R, k), and further ones, those first that tell
    most units apart, until no two units are on the same sides of all of them, or on opposite ones,
    for it is not known on which one each is active."""
    sides = sides ^ sides[kept[0]]
    groups = np.unique(sides[kept], axis=1, return_inverse=True)[1].ravel()

    def alike(place: int | np.intp) -> int:
        counts = np.bincount(2 * groups + sides[place])
        return int((counts * (counts - 1)).sum())

    others = np.setdiff1d(np.arange(len(sides)), kept).tolist()
    while groups.max(initial=-1) + 1 < len(groups) and others:
        best = min(others, key=alike)
        others.remove(best)
        kept = np.append(kept, best)
        groups = np.unique(2 * groups + sides[best], return_inverse=True)[1]
    return kept


def _best(sides: Mask, U: Array, steps: Array, count: int) -> Index:
    """The `count` places that are left when one after another is dropped: the one without which
    the squared errors of all units grow least.

    With equations A_r (m, k + m) of place r (see `network.pieces`) and M = (Σ_r A_rᵀA_r)⁻¹, whose
    diagonal has the squared errors, dropping place r adds B_rᵀ C_r⁻¹ B_r to M, where B_r = A_r M
    and C_r = I − A_r M A_rᵀ. O(R m (k + m)²), and O(R m² (k + m)) for each place dropped."""
    (m, k), constant = U.shape, np.tile(np.eye(len(U)), (len(sides), 1, 1))
    A = np.concatenate([sides[:, None] * U, constant], axis=2) * steps[:, None, None]
    sizes = divisors(np.linalg.norm(A, axis=(0, 1)))
    A /= sizes
    gram = np.einsum("rop,roq->pq", A, A, optimize=True)
    B = A @ np.linalg.inv(gram + RIDGE_OF_CHOICE * np.eye(k + m))
    C = (1 + RIDGE_OF_CHOICE) * np.eye(m) - B @ A.transpose(0, 2, 1)
    kept = np.arange(len(sides))
    while len(kept) > count:
        without = np.linalg.solve(C, B)
        growth = ((B * without)[..., :k] / sizes[:k] ** 2).sum(axis=(1, 2))
        worst = int(growth.argmin())
        across, more = A @ B[worst].T, without[worst]
        B, C = B + across @ more, C - across @ (more @ A.transpose(0, 2, 1))
        others = np.delete(np.arange(len(kept)), worst)
        kept, A, B, C = kept[others], A[others], B[others], C[others]
    return kept


def _half_sides(count: int, k: int, rng: np.random.Generator) -> Array:
    """(count, k), of entries 1 and −1, half of each column either."""
    ranks = rng.random((count, k)).argsort(axis=0)
    return np.where(ranks < count // 2, 1.0, -1.0)


def _hadamard_sides(k: int, rng: np.random.Generator) -> Array:
    """(R, k), columns of a Hadamard matrix."""
    order = _paley_order(k + 1)
    return _hadamard(order)[rng.permutation(order)][:, 1 + rng.permutation(order - 1)[:k]]


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
