"""Which vectors of the column space of the labels are a rectified linear function of the inputs,
on a given face of the label cone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unrelu.fitting.problem import Problem
from unrelu.numerics.arrays import Array, Mask, unit_columns
from unrelu.numerics.cones import Rays, null_space

ROUNDINGS = 8.0
"""Labels are off by a few units in the last place of the largest of the sums that make them."""

BLOCK_ENTRIES = 1 << 21
"""Numbers that a block of rays is examined with (16 MB)."""

LP_TOLERANCE = 1e-7
"""To which HiGHS satisfies constraints."""


@dataclass(frozen=True, eq=False)
class Side:
    """The two sides of P w = f(Z v): a basis P (n, r) of the column space of the labels (with
    biases, the constant first) and white inputs Z (n, D).

    `noise` (n,): what rounding of the labels may have done to P w is at most noise · ‖w‖.
    Rows of P that are zero to rounding are zero, the others are `live`; `weighted` are the rows
    over their noise. `half`: what counts as zero in comparison, half the digits that the samples
    have.
    """

    P: Array
    Z: Array
    noise: Array
    live: Mask
    weighted: Array
    half: float

    @property
    def rank(self) -> int:
        return int(self.P.shape[1])

    @property
    def dimension(self) -> int:
        return int(self.Z.shape[1])

    @classmethod
    def of(cls, problem: Problem, eps: float) -> Side:
        """P = Y N S⁻¹ for the singular value decomposition of the labels, columns of unit norm
        (with biases, of [Y 1]), so errors of size δ in a label are at most δ / (the least singular
        value) in P w. The rank is decided as in `numerics.rank`, on outputs that vary."""
        Y = problem.Y
        if problem.bias:
            Y = Y[:, np.ptp(Y, axis=0) > 4 * eps * np.abs(Y).max(axis=0)]
            Y = np.column_stack([np.ones(len(Y)), Y])
        Y = unit_columns(Y)
        left, values, _ = np.linalg.svd(Y, full_matrices=False)
        kept = values > max(Y.shape) * eps * values.max(initial=0.0)
        P, least = left[:, kept], values[kept].min(initial=1.0)
        if problem.bias:  # turned so that the constant comes first
            constant = P.sum(axis=0, keepdims=True)
            P = np.column_stack([Y[:, 0], P @ null_space(constant, P.shape[1])])
        labels = np.linalg.norm(Y, axis=1)
        noise = ROUNDINGS * eps * (labels + np.sqrt((labels**2).mean())) / least
        live = np.linalg.norm(P, axis=1) > noise
        P = np.where(live[:, None], P, 0.0)
        return cls(P, problem.strict.features, noise, live, P / noise[:, None], float(np.sqrt(eps)))

    def promising(self, rays: Rays, rng: np.random.Generator) -> Iterator[Mask]:
        """Zero sets of those rays on which a few active samples do not contradict a unit: X v =
        P w has a solution there. A ray is only known to half its digits, and that is what it is
        held to."""
        order = rng.permutation(len(self.P))
        zeros, directions = rays.zeros, rays.directions
        sizes = np.linalg.norm(self.P, axis=1)
        for count in (self.dimension + 2, 3 * (self.dimension + 2)):
            if count > len(self.P):
                break
            kept = np.zeros(len(zeros), dtype=bool)
            step = max(1, BLOCK_ENTRIES // max(len(self.P), count * self.dimension))
            for start in range(0, len(zeros), step):
                block = slice(start, start + step)
                # The first active rows in that order; where there are too few, none counts.
                first = np.argsort(zeros[block][:, order], axis=1, kind="stable")[:, :count]
                rows = order[first]
                active = ~np.take_along_axis(zeros[block], rows, axis=1)
                few = ~active.all(axis=1)
                heights = np.einsum("fcr,fr->fc", self.P[rows], directions[block])
                basis = np.linalg.qr(self.Z[rows])[0]
                fitted = np.einsum("fcd,fd->fc", basis, np.einsum("fcd,fc->fd", basis, heights))
                off = np.linalg.norm(heights - fitted, axis=1)
                allowed = np.sqrt(self.half) * np.linalg.norm(heights, axis=1)
                allowed += self.half * np.linalg.norm(sizes[rows], axis=1)
                kept[block] = few | (off <= allowed)
            zeros, directions = zeros[kept], directions[kept]
        yield from zeros


def units_on(
    side: Side, zeros: Mask, bias: bool, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Units (w, v) that are active on all samples but those of `zeros`, the zero set of a face.

    With N a null basis of P on the zero set, these are P_A N t = Z_A v, t and v free: directions
    common to two column spaces, the principal angle between them 0. If t is unique up to scale
    it is tried; otherwise all t with P N t >= 0 and Z v <= 0 on the zero set are units, and
    extreme ones are found by linear programs. A unit that is never active, or is
    constant, does not count.
    """
    basis = null_space(side.weighted[zeros], side.rank, side.half)
    if not basis.shape[1]:
        return
    if basis.shape[1] == 1:  # rows near to the ray count as on it until the ray is known
        heights = side.P @ basis[:, 0]
        on = np.abs(heights) <= np.maximum(
            side.noise, side.half**1.5 * np.linalg.norm(side.P, axis=1)
        )
        again = null_space(side.weighted[on], side.rank, side.half)
        if again.shape[1] == 1:
            zeros, basis = on | ~side.live, again
    active = ~zeros
    if active.sum() < basis.shape[1]:  # a facet left askew: faces have as many as dimensions
        return
    weights = 1 / side.noise[active]
    inputs = side.Z[active] * weights[:, None]
    turn, sizes, right = np.linalg.svd(inputs, full_matrices=False)
    rank = int((sizes > side.half * sizes.max(initial=0.0)).sum())
    turn, sizes, solver = turn[:, :rank], sizes[:rank], right[:rank].T
    labels, triangle = np.linalg.qr((side.P[active] @ basis) * weights[:, None])
    _, sines, turned = np.linalg.svd(labels - turn @ (turn.T @ labels), full_matrices=False)
    common = np.linalg.solve(triangle, turned[sines <= side.half].T)
    if not common.shape[1] or (bias and common.shape[1] == 1 and not zeros[side.live].any()):
        return
    free = null_space(inputs, side.dimension, side.half) if rank < side.dimension else solver[:, :0]
    W = basis @ common
    V = solver @ ((turn.T @ (side.P[active] @ W * weights[:, None])) / sizes[:, None])
    if W.shape[1] == 1:
        if (side.P @ W).sum() < 0:
            W, V = -W, -V
        v = _rectified(side, W[:, 0], V[:, 0], free, zeros)
        if v is not None:
            yield W[:, 0] / np.linalg.norm(W), v / np.linalg.norm(W)
        return
    yield from _extreme(side, W, V, free, zeros, rng)


def _rectified(side: Side, w: Array, v: Array, free: Array, zeros: Mask) -> Array | None:
    """v such that P w = f(Z v) to half the digits, for v determined up to the columns `free`."""
    heights, sums = side.P @ w, side.Z @ v
    lengths = np.linalg.norm(side.Z, axis=1)
    bar_w = np.maximum(side.noise, side.half * np.linalg.norm(side.P, axis=1)) * np.linalg.norm(w)
    bar_v = side.half * lengths * np.linalg.norm(v)
    off = np.where(zeros, 0.0, np.abs(sums - heights))
    if (heights < -bar_w).any() or (off > bar_w + bar_v).any():
        return None
    above = zeros & (sums > bar_v)
    if not above.any():
        return v
    fixed = np.linalg.norm(side.Z @ free, axis=1) <= side.half * lengths
    if (above & fixed).any():
        return None
    movable = zeros & ~fixed
    return _inactive(v, free, sums[movable], side.Z[movable] @ free)


def _inactive(v: Array, free: Array, sums: Array, reach: Array) -> Array | None:
    """v + F t with sums + reach t <= 0; None if there is none.

        maximise m  over t, m <= 1:  reach t + m ‖reach‖ <= −sums, for v of unit length

    Of the way t only as much is gone as puts all sums below 0, and once more, for the largest m
    may be far off. Without a margin, the sums that the program leaves within its tolerance of 0
    are put there by least squares."""
    from scipy.optimize import linprog

    length = float(np.linalg.norm(v))
    width = reach.shape[1]
    rows = np.column_stack([reach, np.linalg.norm(reach, axis=1)])
    found = linprog(
        np.append(np.zeros(width), -1.0),
        A_ub=rows,
        b_ub=-sums / length,
        bounds=[(None, None)] * width + [(None, 1.0)],
    )
    x = np.asarray(found.x if found.success else [-1.0])
    if x[-1] < -LP_TOLERANCE:
        return None
    t = x[:-1]
    sums = sums / length
    moved = reach @ t
    if x[-1] > LP_TOLERANCE:
        above = sums > 0
        t = t * min(1.0, 2.0 * float((sums[above] / -moved[above]).max()))
    else:
        tight = np.abs(sums + moved) <= 10 * LP_TOLERANCE
        t = t - np.linalg.lstsq(reach[tight], (sums + moved)[tight], rcond=LP_TOLERANCE)[0]
    return np.asarray(v + length * free @ t)


def _extreme(
    side: Side, W: Array, V: Array, free: Array, zeros: Mask, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Extreme ones among the units W s with hyperplanes V s + F q, in as many directions as W is
    wide, and their opposites:

        maximise a·s  over s, q:  P W s >= 0,  Z (V s + F q) <= 0 on the zero set,  Σ P W s = 1

    One that is zero on more samples is on a smaller face, and is looked up there: the program
    knows it to its tolerance only."""
    from scipy.optimize import linprog

    turn, triangle = np.linalg.qr(W)
    W, V = turn, np.linalg.solve(triangle.T, V.T).T
    sizes = np.linalg.norm(side.P, axis=1)
    live = side.live & ~zeros
    positive = side.P[live] @ W / sizes[live, None]
    inactive = side.Z[zeros] @ np.column_stack([V, free])
    inactive /= np.linalg.norm(side.Z[zeros], axis=1, keepdims=True) + np.finfo(np.float64).tiny
    rows = np.vstack(
        [np.column_stack([-positive, np.zeros((len(positive), free.shape[1]))]), inactive]
    )
    total = np.append(positive.mean(axis=0), np.zeros(free.shape[1]))[None]
    axes = np.linalg.qr(rng.standard_normal((W.shape[1], W.shape[1])))[0]
    for axis in np.vstack([axes, -axes]):
        found = linprog(
            np.append(axis, np.zeros(free.shape[1])),
            A_ub=rows,
            b_ub=np.zeros(len(rows)),
            A_eq=total,
            b_eq=[1.0],
            bounds=[(None, None)] * rows.shape[1],
        )
        if not found.success:
            continue
        s, q = np.split(np.asarray(found.x), [W.shape[1]])
        w = W @ s
        more = zeros | (side.P @ w <= 10 * LP_TOLERANCE * sizes * np.linalg.norm(w))
        if (more & side.live).sum() > (zeros & side.live).sum():
            yield from units_on(side, more, False, rng)
            continue
        v = _rectified(side, w, V @ s + free @ q, free, zeros)
        if v is not None:
            yield w / np.linalg.norm(w), v / np.linalg.norm(w)
