"""Units followed from a line to lines farther and farther off, where rounding is coarse.

In single precision, a gradient between two kinks that lie close together shows next to nothing of
a hyperplane, and two kinks may look like one. But every line meets every hyperplane, and kinks are
located far better. On a line next to the first one the kink of a unit is close to where it was; how
far it moved tells about its hyperplane, so that it is recognised on a line farther off, which tells
more; and so on. A unit that is none has no kinks there.

Each row (v, b) has a covariance P. At first, a point p of the hyperplane is known and no more:
ε² M Mᵀ with M = [1; −pᵀ] (1 − v vᵀ), and ε as for any direction. A kink at x, whose height is wrong
by σ, changes both as in recursive least squares (a Kalman filter):

    g = P x̃ / (x̃ᵀ P x̃ + σ²),    row ← row − g (row · x̃),    P ← P − g x̃ᵀ P,    x̃ = (x, 1).

Cost: O(k d²) a line, and its kinks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from unrelu.extraction.gradients import CONFIDENCE
from unrelu.extraction.kinks import Kinks, Line
from unrelu.extraction.lines import ALIKE, Rounding, Units
from unrelu.numerics.arrays import Array, Index, Mask, divisors

NEAREST = 1e-3
"""Distance of the nearest line, as a share of the usual norm of inputs; the farthest has 1."""

LINES = 4, 12
"""Lines for each input, and on top."""

POSITION = 4.0
"""Roundings, as a share of the output weights, that the height of a kink is off."""

GATE = 4.0
"""Standard deviations of a predicted height within which a kink may be that of the unit."""

MEMORY = 0.1
"""Weight of the last line in what predictions were off, relative to their errors."""

TURNED = 2.0
"""Entries of a row that is drawn across a line with length one, before anything is known."""

FORGOTTEN = 4.0
"""By how much the information of a line decreases, until as many others follow as there are inputs.
They are farther off and tell more, and a unit that took the kink of another finds back to its
own."""

KNOWN = 1e-3
"""Error of a row up to which a unit can be subtracted; one that is known less is found again."""

AMBIGUOUS = 0.1
"""Height, as a share of the usual one, from which on a prediction is too vague to be tested."""

AGREE, FEWEST = 0.5, 3
"""Share of the lines, and their number, that have to show the kink of a unit where it is
expected."""

SAME = 3e-3
"""How far apart two rows (v, b) are at most that are one unit, on whichever side."""


def lines_about(line: Line, rng: np.random.Generator) -> Iterator[Line]:
    """Lines at growing distances from one; together they determine every hyperplane."""
    r, norm = len(line.start), float(np.linalg.norm(line.direction))
    each, more = LINES
    for distance in np.geomspace(NEAREST, 1.0, each * (r + 1) + more):
        start, direction = distance * norm / np.sqrt(r) * rng.standard_normal((2, r))
        yield Line(line.start + start, line.direction + direction, line.reach)


def followed(
    kinks: Kinks,
    known: Units,
    line: Line,
    kinks_on: Callable[[Line], Kinks],
    rounding: Rounding,
    rng: np.random.Generator,
) -> Units:
    """The units behind kinks on a line, those that other lines confirm, each once, but for known
    ones, with their weights as those lines show them."""
    if not len(kinks.at):
        return known.take(np.arange(0))
    tracks = _Tracks(kinks, line, rounding)
    for other in lines_about(line, rng):
        tracks.follow(other, kinks_on(other))
    return tracks.confirmed(known)


class _Tracks:
    """Rows (k, d + 1) with their covariances, output weights U (m, k) with their variances, and on
    how many lines each unit was expected and seen."""

    def __init__(self, kinks: Kinks, line: Line, rounding: Rounding) -> None:
        """Of each unit nothing is known but where it meets the line: its hyperplane is drawn across
        it, and may be turned by any angle that is usual."""
        k, d, along = len(kinks.at), len(line.start), float(np.linalg.norm(line.direction))
        direction, points = line.direction / along, line.at(kinks.at)
        self._rounding, self._U = rounding, kinks.jumps.T / along
        self._rows = np.column_stack([np.tile(direction, (k, 1)), -points @ direction])
        # Lengths are no unknowns: without v vᵀ.
        off_row = np.tile(np.eye(d) - np.outer(direction, direction), (k, 1, 1))
        own = TURNED * np.concatenate([off_row, -points[:, None] @ off_row], axis=1)
        self._P = own @ own.transpose(0, 2, 1)
        self._P[:, d, d] += (along * kinks.within) ** 2
        self._information = (along / divisors(kinks.errors)) ** 2
        self._expected, self._seen = np.zeros(k), np.zeros(k)
        self._row_scores, self._jump_scores = np.ones(k), np.ones(k)

    def _heights_off(self, norms: Array) -> Array:
        """The error of the height of a kink, for points of these norms (k, 1)."""
        strength = divisors(np.linalg.norm(self._U, axis=0))
        return np.asarray(POSITION * self._rounding.at(norms[:, 0]) / strength)

    def follow(self, line: Line, kinks: Kinks) -> None:
        """Look for the kinks of the units on a line, and correct the weights."""
        d = self._rows.shape[1] - 1
        forgotten = FORGOTTEN ** (1 / (d + 1))
        self._P *= forgotten
        self._information /= forgotten
        there = _points(self._rows, line)
        usual = np.maximum(1.0, np.linalg.norm(there[:, :d], axis=1) / self._rounding.reach)
        moved = np.einsum("kij,kj->ki", self._P, there)
        noise = self._heights_off(np.linalg.norm(there[:, :d], axis=1)[:, None])
        variance = _squares(moved, there) + noise**2
        gate = GATE * np.sqrt(variance)
        clear = gate <= AMBIGUOUS * usual * self._rounding.reach / np.sqrt(d)
        self._expected += clear
        if not len(kinks.at):
            return
        rate = self._rows[:, :d] @ line.direction
        which, hit = self._matched(line, kinks, rate, gate)
        hit &= clear
        noise = np.hypot(noise, kinks.within[which] * np.abs(rate) / CONFIDENCE)
        self._seen += hit
        own = np.flatnonzero(hit)
        points = np.column_stack([line.at(kinks.at[which[own]]), np.ones(len(own))])
        moved = np.einsum("kij,kj->ki", self._P[own], points)
        variance = _squares(moved, points) + noise[own] ** 2
        gain = moved / variance[:, None]
        heights = (self._rows[own] * points).sum(axis=1)
        self._row_scores[own] += MEMORY * (heights**2 / variance - self._row_scores[own])
        self._rows[own] -= gain * heights[:, None]
        self._P[own] -= gain[:, :, None] * moved[:, None]
        errors = kinks.errors[which[own]] / CONFIDENCE
        self._weigh(own, kinks.jumps[which[own]].T, errors, np.abs(rate[own]))
        self._normalise()

    def _matched(self, line: Line, kinks: Kinks, rate: Array, gate: Array) -> tuple[Array, Mask]:
        """For each unit, the kink next to where it is expected, and whether it is its own: within
        the gate, the only one there, and about as strong."""
        d = self._rows.shape[1] - 1
        start = self._rows[:, :d] @ line.start + self._rows[:, d]
        heights = np.abs(start[:, None] + rate[:, None] * kinks.at)
        jumps = (self._U * np.abs(rate)).T
        size = np.linalg.norm(jumps, axis=1, keepdims=True)
        apart = np.linalg.norm(kinks.jumps[None] - jumps[:, None], axis=2)
        alike = apart <= ALIKE * size + kinks.errors
        inside = alike & (heights <= gate[:, None])
        which = np.where(inside, heights, np.inf).argmin(axis=1)
        return which, np.asarray(inside.sum(axis=1) == 1)

    def _weigh(self, own: Index, jumps: Array, errors: Array, rate: Array) -> None:
        """Output weights by the jumps (m, q) of slopes: u |v·g|."""
        off, new = jumps / rate - self._U[:, own], (rate / divisors(errors)) ** 2
        scores = np.linalg.norm(off, axis=0) / np.sqrt(1 / self._information[own] + 1 / new)
        fits = scores <= GATE
        own, off, new, scores = own[fits], off[:, fits], new[fits], scores[fits]
        total = self._information[own] + new
        self._U[:, own] += off * new / total
        self._information[own] = total
        self._jump_scores[own] += MEMORY * (scores**2 - self._jump_scores[own])

    def _normalise(self) -> None:
        lengths = np.linalg.norm(self._rows[:, :-1], axis=1)
        self._rows /= lengths[:, None]
        self._P /= (lengths**2)[:, None, None]
        self._U *= lengths
        self._information /= lengths**2

    def confirmed(self, known: Units) -> Units:
        """The units other than the known ones that were seen on enough lines, each once."""
        D = self._rows.shape[1]
        good = self._seen >= np.maximum(AGREE * self._expected, FEWEST)
        size = divisors(np.linalg.norm(self._U, axis=0))
        own = np.sqrt(
            np.maximum(np.einsum("kii->k", self._P), 0.0) / D * np.maximum(self._row_scores, 1.0)
        )
        outer = np.sqrt(np.maximum(self._jump_scores, 1.0) / self._information) / size
        good &= own <= KNOWN
        found = Units(self._rows[:, :-1], self._rows[:, -1], self._U, own, outer)
        return each_once(found.take(good), known)


def each_once(units: Units, known: Units) -> Units:
    """The units that are neither known nor another of them that is known better."""
    rows = np.column_stack([units.V, units.b])
    kept = list(np.column_stack([known.V, known.b]))
    new = np.zeros(len(rows), dtype=np.bool_)
    for unit in np.argsort(units.errors, kind="stable").tolist():
        row, others = rows[unit], np.reshape(kept, (-1, rows.shape[1]))
        apart = np.minimum(*(np.linalg.norm(others - side, axis=1) for side in (row, -row)))
        if not (apart <= SAME * max(1.0, abs(row[-1]))).any():
            new[unit] = True
            kept.append(row)
    return units.take(new)


def _squares(moved: Array, points: Array) -> Array:
    """x̃ᵀ P x̃, which rounding may make negative."""
    return np.asarray(np.maximum(np.einsum("ki,ki->k", moved, points), 0.0))


def _points(rows: Array, line: Line) -> Array:
    """(k, d + 1): where a line meets hyperplanes, with a one."""
    V, b = rows[:, :-1], rows[:, -1]
    at = -(V @ line.start + b) / (V @ line.direction)
    return np.column_stack([line.at(at), np.ones(len(b))])
