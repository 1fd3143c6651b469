"""Units that several lines agree on, where rounding is coarse.

In single precision, two kinks that lie close together on a line may look like one, and make a unit
that the model does not have, or take the place of two. Every line meets every hyperplane, so a unit
of the model has its kink on the other lines, too: where it says, and with the jump it says. Those
kinks are known already, and tell its hyperplane far more accurately than one gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unrelu.extraction.kinks import Kinks, Line
from unrelu.extraction.lines import Units
from unrelu.numerics.arrays import Array, Index, divisors

ALIKE = 0.3
"""Difference of two jumps, as a share of the predicted one, up to which they may be the same."""

NEAR, SURE = 3e-3, 6.0
"""How far from a hyperplane a kink may be at least, relative to the distance from the origin; and
multiples of the unit's error."""

AGREE, FEWEST = 0.5, 2
"""Share of the lines, and their number, that have to show the kink of a unit."""

SAME = 0.03
"""How far apart two rows (v, b) are at most that are one unit, on whichever side."""

ROUNDS = 3
"""Rounds of matching kinks with units and fitting hyperplanes to kinks."""


def agreed(units: Units, seen: Sequence[tuple[Line, Kinks]], position: float) -> Units:
    """Those of the units (k, d) that the kinks seen on lines confirm, each once, with hyperplanes
    fitted to these kinks, which lie off them by `position` or so. O(k s) for each line of s."""
    rows, errors = np.column_stack([units.V, units.b]), units.errors
    for _ in range(ROUNDS):
        points, matched = _matches(rows, units.U, errors, seen)
        rows, errors = _fitted(rows, errors, points, matched, position)
    share = matched.mean(axis=0)
    good = (share >= AGREE) & (matched.sum(axis=0) >= min(FEWEST, len(seen)))
    kept: list[int] = []
    for unit in np.lexsort([errors, -share]).tolist():
        others = rows[kept]
        apart = np.minimum(
            np.linalg.norm(others - rows[unit], axis=1), np.linalg.norm(others + rows[unit], axis=1)
        )
        if good[unit] and not (apart <= SAME * max(1.0, abs(rows[unit, -1]))).any():
            kept.append(unit)
    which: Index = np.sort(np.array(kept, dtype=np.intp))
    return Units(rows[which, :-1], rows[which, -1], units.U[:, which], errors[which])


def _matches(
    rows: Array, U: Array, errors: Array, seen: Sequence[tuple[Line, Kinks]]
) -> tuple[Array, Array]:
    """For each line and unit the kink next to its hyperplane with about its jump: its place
    (lines, k, d + 1), with a one, and whether it is near enough (lines, k)."""
    d = rows.shape[1] - 1
    points, matched = [], []
    for line, kinks in seen:
        if not len(kinks.at):
            points.append(np.zeros(rows.shape))
            matched.append(np.zeros(len(rows), dtype=np.bool_))
            continue
        places = np.column_stack([line.at(kinks.at), np.ones(len(kinks.at))])
        speed = np.abs(rows[:, :d] @ line.direction)
        jumps = (U * speed).T
        alike = np.linalg.norm(kinks.jumps - jumps[:, None], axis=2) <= ALIKE * np.linalg.norm(
            jumps, axis=1, keepdims=True
        )
        off = np.where(alike, np.abs(rows @ places.T), np.inf)
        best = off.argmin(axis=1)
        size = np.maximum(1.0, np.linalg.norm(places[best], axis=1) / np.sqrt(d + 1))
        near = off[np.arange(len(rows)), best] <= np.maximum(NEAR, SURE * errors) * size
        points.append(places[best])
        matched.append(near)
    return np.array(points), np.array(matched)


def _fitted(
    rows: Array, errors: Array, points: Array, matched: Array, position: float
) -> tuple[Array, Array]:
    """Rows through the kinks that are matched with them, and near those that they were."""
    new, spread = rows.copy(), errors.copy()
    for unit in range(len(rows)):
        own = points[matched[:, unit], unit]
        size = np.maximum(1.0, np.linalg.norm(own, axis=1) / np.sqrt(own.shape[1]))
        own = own / size[:, None]
        # min ‖own (row + δ)‖² / position² + ‖δ‖² / error²
        ratio = (position / max(float(errors[unit]), position)) ** 2
        gram = own.T @ own + ratio * np.eye(own.shape[1])
        step = -np.linalg.solve(gram, own.T @ (own @ rows[unit]))
        row = rows[unit] + step
        new[unit] = row / divisors(np.array([np.linalg.norm(row[:-1])]))
        left = np.sqrt(np.mean((own @ new[unit]) ** 2)) if len(own) > own.shape[1] else position
        spread[unit] = float(np.sqrt(np.trace(np.linalg.inv(gram)))) * max(float(left), position)
    return new, np.minimum(spread, errors)
