"""The values behind answers that are given, and not asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.links.link import Link
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.grids import Grid, grid_of

CLEAR = 0.2
"""Least clarity of answers that are inverted: values then have all but a digit of theirs."""

CLEAR_GIVEN, CLEAR_SINGLE = 1e-3, 2e-2
"""The same of answers that cannot be chosen, in double and in single precision: to leave out all
that are worse would leave out whole sides of units, and a few digits less are no harm."""

VAGUE = 0.05
"""Largest error that rounding of an answer may make in a value."""

PLATEAU, FREQUENT = 2, 10
"""Times that an answer must be as frequent as the next one, and how often beyond that, to be the
one where no unit is active: neighbouring levels of others are about as frequent."""


def rounding_errors(link: Link, grid: Grid | None, Y: Array) -> Array:
    """Errors (n, m) of the values behind answers, as standard deviations of rounding."""
    eps = float(np.finfo(np.float64).eps)
    spacing = grid.spacing(Y) if grid else eps * np.abs(Y)
    with np.errstate(invalid="ignore"):
        return np.asarray(link.error(Y, spacing / math.sqrt(12)))


def vagueness(link: Link, grid: Grid | None, Y: Array, clear: float = CLEAR) -> Array:
    """(n,): how far each answer is from showing its values well; up to one, it does. `clear`: least
    clarity of answers with all their digits."""
    if grid is None:
        inside = (link.low < Y) & (link.high > Y)
        with np.errstate(divide="ignore", invalid="ignore"):
            vague = np.where(inside, clear / link.clarity(Y), np.inf)
        return np.asarray(vague.max(axis=1))
    errors = rounding_errors(link, grid, Y)
    seen = np.isfinite(errors) & np.isfinite(link.inverse(Y))
    bounded = np.isfinite(link.high)  # else the size of values is not known
    vague = np.where(seen, errors / VAGUE if bounded else 0.0, np.inf)
    return np.asarray(vague.max(axis=1))


@dataclass(frozen=True, eq=False)
class Behind:
    """Values (r, m) behind the answers of some rows (r,), those that are not saturated. `weights`
    (r,): of rounded answers, whose values are known the worse, the nearer they are to the end of
    their range; `rounded`: to what, "" if they have all digits; `magnified`: the rounding of values
    over that of numbers of their size, if they have."""

    rows: Index
    values: NDArray[Any]
    weights: Array | None = None
    rounded: str = ""
    magnified: float = 1.0


def values_behind(link: Link, P: NDArray[Any]) -> Behind:
    """The values behind answers P (n, m). Cost: a few passes over the answers."""
    Y = np.asarray(P, np.float64)
    grid = grid_of(Y)
    single = grid is not None and grid.single
    if grid is None or single:
        clear = CLEAR_SINGLE if single else CLEAR_GIVEN
        rows = np.flatnonzero(vagueness(link, None, Y, clear) <= 1)
        values = link.inverse(Y[rows])
        times = magnified(link, Y[rows])
        return Behind(rows, values.astype(np.float32) if single else values, magnified=times)
    rows = np.flatnonzero(vagueness(link, grid, Y) <= 1)
    errors = rounding_errors(link, grid, Y[rows]).max(axis=1)
    weights = errors**-2.0 / sharing(Y[rows])
    return Behind(rows, link.inverse(Y[rows]), weights, grid.name)


def magnified(link: Link, Y: Array) -> float:
    """How much larger than that of numbers of their size the rounding of the values behind answers
    Y (n, m) with all digits is: at least one. Probabilities near one show small values badly, and
    from logarithms of probabilities a common part is subtracted."""
    if not len(Y):
        return 1.0
    eps, values = float(np.finfo(np.float64).eps), link.inverse(Y)
    errors = link.error(Y, eps * np.abs(Y)).max(axis=0)
    sizes = np.sqrt((values**2).mean(axis=0))
    return float((errors / np.where(sizes > 0, eps * sizes, np.inf)).max(initial=1.0))


def sharing(Y: Array) -> Array:
    """(r,): how many of the rounded answers (r, m) have their error of rounding in common with
    each. Where no unit is active all answers are the same, so their errors are, and together they
    tell as much as one of them: of all answers, that one is then by far the most frequent."""
    _, group, counts = np.unique(Y, axis=0, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return np.ones(len(Y))
    second, most = np.sort(counts)[-2:]
    plateau = most > PLATEAU * second + FREQUENT
    same = counts[group.reshape(-1)] == most
    return np.where(plateau & same, float(most), 1.0)
