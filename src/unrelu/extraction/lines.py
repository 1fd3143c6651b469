"""Units found along lines: every unit of a network that can be queried has a kink on a line.

Along a line x(t) = a + t g, a network is piecewise linear, with one kink for each unit, at
t = −(v·a + b)/(v·g), however rarely random inputs activate the unit. Between kinks the network is
affine, and its gradients G on the two sides of a kink differ by ± u vᵀ, which has rank one. So

1. find the kinks (`extraction.kinks`), and with them the change of the slope along the line, which
   is a multiple of u;
2. ask for gradients at some places between kinks: d + 2 queries each, the last of them to check
   that no hyperplane was crossed. With m outputs, up to m units between two places can be told
   apart by their u. All gradients together give the units (`network.pieces`), up to the side on
   which they are active.

Affine parts do not show. So known units can be subtracted from the function, with either side
active, and the line shows only the others.

Source: the queries at which a unit switches are those of Carlini, Jagielski and Mironov (CRYPTO
2020); places that several units share save most of the gradients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.extraction.gradients import CONFIDENCE, Affine, Gradients
from unrelu.extraction.kinks import (
    COARSE_SHARE,
    SHARE,
    Ask,
    Kinks,
    Line,
    Remains,
    kinks_on,
    sharpened,
)
from unrelu.network.pieces import Pieces, solve
from unrelu.numerics.arrays import Array, Index, Mask, divisors

ROUNDINGS = 1e-12
"""Least error that is assumed of a unit."""

ALIKE = 0.3
"""Difference of two jumps, as a share of the larger, up to which they may be of one unit."""

INDEPENDENT = 0.4
"""Least sine of the angle between a jump and those before it, for units between the same places:
with many outputs, about four fifths as many units as outputs."""

LATE = 0.8
"""Share of the units that could be between two places, for the sake of a wider interval."""

MOST_ERROR = 0.2
"""Largest relative error of a unit; a fit corrects errors up to there."""


@dataclass(frozen=True, eq=False)
class Units:
    """Hyperplanes V (k, d), b (k,) of unit norm with output weights U (m, k), and what rounding may
    have caused: `errors` (k,) of the entries of a row, and `outer` (k,) of the output weights, as a
    share of these."""

    V: Array
    b: Array
    U: Array
    errors: Array
    outer: Array

    @classmethod
    def empty(cls, d: int, m: int) -> Units:
        return cls(np.zeros((0, d)), np.zeros(0), np.zeros((m, 0)), *np.zeros((2, 0)))

    def take(self, some: Index | Mask) -> Units:
        return Units(
            self.V[some], self.b[some], self.U[:, some], self.errors[some], self.outer[some]
        )

    def joined(self, other: Units) -> Units:
        return Units(
            np.vstack([self.V, other.V]),
            np.concatenate([self.b, other.b]),
            np.hstack([self.U, other.U]),
            np.concatenate([self.errors, other.errors]),
            np.concatenate([self.outer, other.outer]),
        )

    def values(self, X: Array) -> Array:
        return np.asarray(np.maximum(X @ self.V.T + self.b, 0.0) @ self.U.T)


@dataclass(frozen=True)
class Rounding:
    """The rounding error of a value at x: `size`, times ‖x‖ / `reach` beyond the usual norm
    `reach`."""

    size: float
    reach: float

    def at(self, norms: Array) -> Array:
        return np.asarray(self.size * np.maximum(1.0, norms / self.reach))


def find_units(
    ask: Ask,
    line: Line,
    known: Units,
    rounding: Rounding,
    rng: np.random.Generator,
    *,
    careful: bool = False,
) -> tuple[Units, Kinks]:
    """The units other than the known ones whose kinks on the line could be distinguished.

    The known ones are subtracted first, which leaves few kinks to find; what remains of them due to
    their errors counts as rounding. `careful`: as in `Rest`.
    """
    rest = Rest(ask, known, rounding, careful)
    kinks = rest.kinks_on(line)
    return units_at(rest, line, kinks, rng), kinks


@dataclass(frozen=True, eq=False)
class Rest:
    """What a model answers, less the known units, if they are to be subtracted. `careful`: whether
    rounding is coarse."""

    ask: Ask
    known: Units
    rounding: Rounding
    careful: bool = False
    subtract: bool = True

    @property
    def _off(self) -> Units:
        known = self.known
        return known if self.subtract else Units.empty(known.V.shape[1], len(known.U))

    def __call__(self, X: Array) -> tuple[Array, Array]:
        X, Y = self.ask(X)
        return X, Y - self._off.values(X)

    def tolerance(self, X: Array) -> Array:
        """What rounding may come to."""
        return np.asarray(CONFIDENCE * self.rounding.at(np.linalg.norm(X, axis=1)))

    def remains(self, line: Line) -> Remains:
        """What the errors of the known units may leave of their kinks on a line."""
        known, speed = self._off, np.abs(self._off.V @ line.direction)
        at = -(known.V @ line.start + known.b) / (known.V @ line.direction)
        off = CONFIDENCE * (known.errors + ROUNDINGS)
        within = off * np.linalg.norm(line.at(at), axis=1) / speed
        strength = np.linalg.norm(known.U, axis=0)
        norms = float(np.linalg.norm(line.start)), float(np.linalg.norm(line.direction))
        bend = CONFIDENCE * np.hypot(known.errors * norms[1], known.outer * speed) * strength
        return Remains(at, within, off * strength, bend, norms, self.careful)

    def kinks_on(self, line: Line) -> Kinks:
        """The kinks of units other than the known ones."""
        share = COARSE_SHARE if self.careful else SHARE
        kinks = kinks_on(self, line, self.tolerance, self.remains(line), share)
        if not self.careful:
            return kinks
        return sharpened(self, line, self.tolerance, kinks)


def units_at(rest: Rest, line: Line, kinks: Kinks, rng: np.random.Generator) -> Units:
    """The units other than the known ones at the kinks of a line."""
    known = rest.known
    new = unknown(kinks, line, known)
    if not new.any():
        return Units.empty(len(line.start), len(known.U))
    gradients = Gradients(rest, line, rest.tolerance, rng)
    return _without(_units_at(gradients, kinks, new), known)


def unknown(kinks: Kinks, line: Line, known: Units) -> Mask:
    """Kinks that are neither those of known units nor remains of them due to their errors."""
    if not len(kinks.at) or not len(known.b):
        return np.ones(len(kinks.at), dtype=bool)
    speed = known.V @ line.direction
    there = -(known.V @ line.start + known.b) / speed
    norms = np.linalg.norm(line.at(there), axis=1) / np.sqrt(len(line.start))
    errors = CONFIDENCE * known.errors + ROUNDINGS
    near = np.abs(kinks.at[:, None] - there) <= errors * np.maximum(norms, 1.0) / np.abs(speed)
    jumps = (known.U * np.abs(speed)).T
    size = np.linalg.norm(jumps, axis=1)
    remains = np.linalg.norm(kinks.jumps, axis=1)[:, None] <= ALIKE * size
    same = np.linalg.norm(kinks.jumps[:, None] - jumps, axis=2) <= ALIKE * size
    return np.asarray(~(near & (remains | same)).any(axis=1))


def _without(units: Units, known: Units) -> Units:
    """The units that do not equal a known one, within the errors of both, on either side."""
    if not len(known.b) or not len(units.b):
        return units
    rows, others = np.column_stack([units.V, units.b]), np.column_stack([known.V, known.b])
    apart = np.minimum(
        np.linalg.norm(rows[:, None] - others, axis=2),
        np.linalg.norm(rows[:, None] + others, axis=2),
    )
    size = np.maximum(1.0, np.abs(units.b))[:, None]
    new = (apart > CONFIDENCE * (units.errors[:, None] + known.errors + ROUNDINGS) * size).all(
        axis=1
    )
    return units.take(new)


def _units_at(gradients: Gradients, kinks: Kinks, new: Mask) -> Units:
    """Step 2, for the new kinks. A kink next to which there is no gradient is left for another
    line."""
    line, (_, m) = gradients.line, kinks.jumps.shape
    ends = np.concatenate([[-line.reach], kinks.at, [line.reach]])
    unclear = (kinks.unclear[:, :1] < ends[1:]) & (kinks.unclear[:, 1:] > ends[:-1])
    clear = np.asarray(~unclear.any(axis=0))
    usable, found = clear.copy(), dict[int, Affine]()
    while True:
        runs = _places(kinks, new, np.diff(ends), usable, clear)
        missing = sorted({place for run in runs for place in run} - found.keys())
        for place in missing:
            affine = gradients.between(ends[place], ends[place + 1])
            if affine is None:
                usable[place] = False
            else:
                found[place] = affine
        if usable[missing].all():
            break
    units = Units.empty(len(line.start), m)
    for run in runs:
        between = np.arange(run[0], run[-1])
        own = between[new[between]]
        units = units.joined(_units_of([found[place] for place in run], run, own, kinks, line))
    return units


def _places(
    kinks: Kinks,
    new: Mask,
    widths: Array,
    usable: Mask,
    clear: Mask,
) -> list[list[int]]:
    """Runs of intervals, by number, between which new kinks can be told apart: those between one
    interval and the next have jumps that are independent of each other."""
    runs: list[list[int]] = []
    ahead = np.flatnonzero(new).tolist()
    while ahead:
        run = [ahead[0]] if usable[ahead[0]] else []
        while run and ahead:
            following = _next_place(run[-1], kinks, new, widths, usable, clear)
            if following is None:
                break
            run.append(following)
            ahead = [kink for kink in ahead if kink >= following]
        if len(run) > 1:
            runs.append(run)
        else:
            ahead = ahead[1:]
    return runs


def _next_place(
    place: int, kinks: Kinks, new: Mask, widths: Array, usable: Mask, clear: Mask
) -> int | None:
    """Of the intervals up to which the new kinks behind `place` are independent, a wide one among
    the last; None if there is none."""
    options: list[tuple[int, int]] = []  # with the number of new kinks
    basis = np.zeros((0, kinks.jumps.shape[1]))
    for kink in range(place, len(kinks.at)):
        if new[kink]:
            jump = kinks.jumps[kink] / np.linalg.norm(kinks.jumps[kink])
            own = jump - basis.T @ (basis @ jump)
            size = float(np.linalg.norm(own))
            if size < INDEPENDENT:
                break
            basis = np.vstack([basis, own / size])
        if not clear[kink + 1]:
            break
        if usable[kink + 1] and len(basis):
            options.append((kink + 1, len(basis)))
    if not options:
        return None
    most = options[-1][1]
    late = [number for number, count in options if count >= LATE * most]
    return max(late, key=lambda number: float(widths[number]))


def _units_of(found: list[Affine], run: list[int], own: Index, kinks: Kinks, line: Line) -> Units:
    """The units with kinks `own`, from the gradients at the places of a run."""
    slopes = np.array([affine.matrix for affine in found])
    weights = 1 / np.array([affine.error for affine in found])
    points = np.array([affine.point for affine in found])
    values = np.array([affine.value for affine in found])
    pieces = Pieces(points, values, slopes, weights)
    sides = (np.array(run)[:, None] > own).astype(np.float64)
    planes = solve(sides, kinks.jumps[own].T, pieces, affine=True, bias=True)
    # Rows are v / v·g, for a slope jumps by u v·g: so far they differ from that, so wrong they are.
    along = planes.V @ line.direction
    lengths = divisors(np.linalg.norm(planes.V, axis=1))
    errors = planes.spread / lengths
    if len(planes.U) > 1:
        errors = np.hypot(errors, kinks.errors[own] / np.linalg.norm(kinks.jumps[own], axis=1))
    good = (np.abs(along - 1) <= ALIKE) & (errors <= MOST_ERROR)
    V, b, U = planes.V / lengths[:, None], planes.b / lengths, planes.U * lengths
    return Units(V, b, U, errors, errors).take(good)
