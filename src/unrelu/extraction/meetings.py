"""Units of a model in single precision by where many lines meet them, for several outputs.

Rounding blurs gradients, but kinks on a line are located to some millionths of its length. The
slopes of m outputs jump there by a multiple of the unit's output weights, which tells the unit from
hundreds of others. In a space of few dimensions r,

1. find the kinks on some lines: points x, with jumps of the slopes along u;
2. where a unit is new, take gradients on both sides of its kink, by steps of a tenth of the way to
   the next kinks. Their difference is u vᵀ. Columns that are no multiples of u crossed another
   hyperplane, and those as long as a step can show crossed this one: they are left out. So (v, b)
   is known to some per cent;
3. on each line, choose the kink with such a jump that is nearest to this hyperplane. Nearly all of
   them are on it, so the row (v, b) is that with the least sum of distances, not of their squares.
   Choose again, from nearer ones.

Where more kinks are on a hyperplane than determine it, there is a unit. On a line, some kinks are
too close to each other to be told apart, but on others they are not.

Cost: the kinks of L lines, about 20 k queries each, and k r for each new unit's gradients.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

from unrelu.extraction.following import each_once
from unrelu.extraction.gradients import CONFIDENCE
from unrelu.extraction.kinks import Ask, Kinks, Line
from unrelu.extraction.lines import Rest, Rounding, Units, unknown
from unrelu.numerics.arrays import Array, Index, Mask, divisors
from unrelu.numerics.deadline import check_deadline

OUTPUTS = 4
"""Of as many or more, jumps tell units apart."""

FEW, ROUNDS = 0.02, 6
"""Share of new units that are not worth another round of lines, less those known; and rounds."""

LINES = 4.0
"""Lines for each dimension: of hundreds of units, each shows about half."""

STEP, OWN = 0.1, 0.8
"""Step of a gradient, as a share of the way to the nearer kink on the line; and share of the
longest column of a difference that such a step can show."""

SOUND, ROUGHEST = 0.5, 0.3
"""Least share of columns that crossed no hyperplane, and largest error of a row."""

JUMP, POSITION = 5e-3, 5e-3
"""Least errors assumed at first: of the direction of a jump, and of a height, relative to the usual
one."""

ALIKE = 0.995
"""Cosine of two jumps from which on they may be of one unit: 0.1 rad."""

NEARER = 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-3
"""How far off, relative to the usual height, kinks may be to be chosen, time after time."""

REWEIGHTED, FINEST, STIFF = 8, 1e-6, 1e-3
"""Steps of iteratively reweighted least squares; heights below which they do not matter; and how
far off kinks are that say as much as gradients do."""

ON, MORE = 1e-4, 3
"""Height, relative to the usual one, up to which a kink is on a hyperplane; and how many must be,
beyond those that determine it."""


@dataclass(frozen=True, eq=False)
class Met:
    """n kinks: `points` (n, r + 1), with an entry that makes up for biases, `jumps` (n, m) of the
    slope for a line of speed one, number of the `line` (n,), and its `direction` (n, r)."""

    points: Array
    jumps: Array
    line: Index
    direction: Array

    @classmethod
    def on(cls, lines: list[Line], kinks: list[Kinks], scale: float) -> Met:
        points, jumps, numbers, directions = [], [], [], []
        for number, (line, found) in enumerate(zip(lines, kinks, strict=True)):
            count, speed = len(found.at), float(np.linalg.norm(line.direction))
            if count:
                points.append(np.column_stack([line.at(found.at), np.full(count, scale)]))
                jumps.append(found.jumps / speed)
                numbers.append(np.full(count, number))
                directions.append(np.tile(line.direction / speed, (count, 1)))
        return cls(*map(np.concatenate, (points, jumps, numbers, directions)))

    def like(self, u: Array) -> Mask:
        """(n, q): whether the jump is along u (q, m), more or less."""
        return np.asarray(_unit(self.jumps) @ _unit(u).T >= ALIKE)

    def heights(self, rows: Array) -> Array:
        """(n, q): over hyperplanes of rows (q, r + 1), relative to the usual height."""
        return np.asarray(np.abs(self.points @ rows.T) / self.points[0, -1])


@dataclass(frozen=True, eq=False)
class Rough:
    """Rows |u| (v, b / scale), (q, r + 1), of units whose kinks have been seen once, what is known
    of them (q, r + 1, r + 1), the inverse of a covariance, and their jumps (q, m)."""

    rows: Array
    information: Array
    jumps: Array


def all_met(
    ask: Ask,
    r: int,
    m: int,
    *,
    scale: float,
    reach: float,
    rounding: Rounding,
    rng: np.random.Generator,
) -> Units:
    """The units that lines in r dimensions show, the strong ones first. `reach`: how far lines go,
    as a multiple of the usual norm of inputs."""
    units = Units.empty(r, m)
    for _ in range(ROUNDS):
        new = units_met(ask, units, scale=scale, reach=reach, rounding=rounding, rng=rng)
        units = units.joined(new)
        if len(new.b) <= FEW * len(units.b):
            break
    return units


def units_met(
    ask: Ask,
    known: Units,
    *,
    scale: float,
    reach: float,
    rounding: Rounding,
    rng: np.random.Generator,
) -> Units:
    """The units other than the known ones that a round of lines shows."""
    r, m = known.V.shape[1], len(known.U)
    units = Units.empty(r, m)
    rest = Rest(ask, known, rounding, careful=True, subtract=len(known.b) > 0)
    lines, kinks = [], []
    for _ in range(math.ceil(LINES * r)):
        check_deadline()
        start, direction = scale * rng.standard_normal((2, r))
        line = Line(start, direction, reach)
        found = rest.kinks_on(line)
        if not found.linear:
            return units
        lines.append(line)
        kinks.append(found.take(unknown(found, line, known)))
    if not any(len(found.at) for found in kinks):
        return units
    met = Met.on(lines, kinks, scale)
    free: Mask = np.ones(len(met.points), dtype=np.bool_)
    for number, (line, found) in enumerate(zip(lines, kinks, strict=True)):
        check_deadline()
        own = np.flatnonzero(free[met.line == number])
        if len(own):
            new = settled(met, _rough(rest, line, found, own, scale, rng), scale)
            units = each_once(units.joined(new), units.take(np.arange(0)))
            rows = np.column_stack([units.V, units.b / scale])
            on = (met.heights(rows) <= NEARER[-1]) & met.like(units.U.T)
            free = np.asarray(~on.any(axis=1))
    return units


def _rough(
    rest: Rest, line: Line, kinks: Kinks, own: Index, scale: float, rng: np.random.Generator
) -> Rough:
    """Step 2 for the kinks `own` of a line, as far as their gradients are sound."""
    (r,), speed = line.start.shape, float(np.linalg.norm(line.direction))
    sizes = divisors(np.linalg.norm(kinks.jumps[own], axis=1) / speed)
    u = kinks.jumps[own] / speed / sizes[:, None]
    turned = np.hypot(kinks.errors[own] / speed / sizes / CONFIDENCE, JUMP)
    basis = np.linalg.qr(rng.standard_normal((r, r)))[0]
    differences, error = _differences(rest, line, kinks, own, basis)
    columns = np.einsum("qrm,qm->qr", differences, u)
    off = np.linalg.norm(differences - columns[..., None] * u[:, None], axis=2)
    allowed = np.hypot(2 * math.sqrt(u.shape[1]) * error[:, None], 3 * turned[:, None] * columns)
    sound = (off <= allowed) & (np.abs(columns) <= OWN * sizes[:, None] / STEP)
    strength = divisors(np.linalg.norm(columns * sound, axis=1))
    good = (sound.mean(axis=1) >= SOUND) & (error * math.sqrt(r) <= ROUGHEST * strength)

    weights, forward = sound / error[:, None] ** 2, line.direction / speed
    points = np.column_stack([line.at(kinks.at[own]), np.full(len(own), scale)])
    information, pull = np.zeros((len(own), r + 1, r + 1)), np.zeros((len(own), r + 1))
    information[:, :r, :r] = np.einsum("qc,ci,cj->qij", weights, basis, basis, optimize=True)
    pull[:, :r] = (weights * columns) @ basis
    along = 1 / (turned * sizes) ** 2  # u v·g is the jump itself
    information[:, :r, :r] += along[:, None, None] * np.outer(forward, forward)
    pull[:, :r] += (along * sizes)[:, None] * forward
    position = 1 / (POSITION * strength * scale) ** 2
    information += position[:, None, None] * points[:, :, None] * points[:, None]
    information += (1 / strength**2)[:, None, None] * np.eye(r + 1)  # of columns left out
    rows = np.linalg.solve(information[good], pull[good][..., None])[..., 0]
    return Rough(rows, information[good], u[good])


def _differences(
    rest: Rest, line: Line, kinks: Kinks, own: Index, basis: Array
) -> tuple[Array, Array]:
    """(q, r, m): the differences of gradients across kinks `own`, along the rows of a basis; and
    the error (q,) of each column."""
    ends = np.concatenate([[kinks.at[0] - 1], kinks.at, [kinks.at[-1] + 1]])
    pieces = np.union1d(own, own + 1)
    half = np.minimum(np.diff(ends)[pieces] / 2, 1.0)
    steps = STEP * half * np.linalg.norm(line.direction)
    places = line.at((ends[:-1] + ends[1:])[pieces] / 2)
    moves = np.vstack([np.zeros(len(basis)), basis])
    moved = places[:, None] + steps[:, None, None] * moves
    Y = rest(moved.reshape(-1, len(basis)))[1].reshape(*moved.shape[:2], -1)
    slopes = (Y[:, 1:] - Y[:, :1]) / steps[:, None, None]
    before, after = np.searchsorted(pieces, own), np.searchsorted(pieces, own + 1)
    error = math.sqrt(2) * rest.rounding.size * np.hypot(1 / steps[before], 1 / steps[after])
    return slopes[after] - slopes[before], error


def settled(met: Met, rough: Rough, scale: float) -> Units:
    """Step 3: the units, of some that are known roughly, on whose hyperplanes enough kinks are."""
    rows, r = rough.rows, rough.rows.shape[1] - 1
    start = np.einsum("qij,qj->qi", rough.information, rows)
    like = met.like(rough.jumps)
    for tolerance in NEARER:
        chosen, seen = _nearest(met, rows, like, tolerance)
        points = met.points[chosen] / scale
        for _ in range(REWEIGHTED):
            sizes = np.linalg.norm(rows[:, :r], axis=1)[:, None]
            off = np.abs(np.einsum("qlj,qj->ql", points, rows)) / sizes
            weights = np.where(seen, 1 / (STIFF * np.maximum(off, FINEST) * sizes**2), 0.0)
            gram = np.einsum("ql,qli,qlj->qij", weights, points, points, optimize=True)
            rows = np.linalg.solve(rough.information + gram, start[..., None])[..., 0]
    rows = rows / np.linalg.norm(rows[:, :r], axis=1)[:, None]
    off = np.abs(np.einsum("qlj,qj->ql", points, rows))
    on = seen & (off <= ON)
    count = on.sum(axis=1)
    speed = np.abs(np.einsum("qlj,qj->ql", met.direction[chosen], rows[:, :r]))
    U = np.where(on[..., None], met.jumps[chosen] / divisors(speed)[..., None], np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of units that no line shows
        middle = np.nan_to_num(np.nanmedian(U, axis=1))
        apart = np.nan_to_num(np.nanmedian(np.linalg.norm(U - middle[:, None], axis=2), axis=1))
    outer = apart / divisors(np.linalg.norm(middle, axis=1)) / np.sqrt(np.maximum(count, 1))
    errors = np.sqrt((on * off**2).sum(axis=1) / np.maximum(count - r, 1))
    found = Units(rows[:, :r], rows[:, r] * scale, middle.T, errors, outer)
    return found.take(count >= r + MORE)


def _nearest(met: Met, rows: Array, like: Mask, tolerance: float) -> tuple[Index, Mask]:
    """(q, lines): on each line, of the kinks that are `like` (n, q) a unit's, the one nearest to
    its hyperplane; and whether there is one."""
    units = rows / np.linalg.norm(rows[:, :-1], axis=1)[:, None]
    heights = met.heights(units)
    heights = np.where(like & (heights <= tolerance), heights, np.inf)
    number, starts = np.unique(met.line, return_index=True)
    ends = np.append(starts[1:], len(met.line))
    chosen = np.zeros((len(rows), len(number)), dtype=np.intp)
    for each, (start, end) in enumerate(zip(starts, ends, strict=True)):
        chosen[:, each] = start + heights[start:end].argmin(axis=0)
    seen = np.isfinite(heights[chosen, np.arange(len(rows))[:, None]])
    return chosen, np.asarray(seen)


def _unit(rows: Array) -> Array:
    return np.asarray(rows / divisors(np.linalg.norm(rows, axis=1))[:, None])
