"""Passes over all rows: what is summed over cells of rows, wherever they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.folding import CELL, Sums, added, folded
from unrelu.numerics.threads import one_thread

Measure = Callable[[int, Array, Array], Sums]
"""The first row of a cell, and its rows of X and Y in float64, to the sums over it."""

Add = Callable[[Sums, Sums], Sums]
"""Two sums to that of both, which may take the place of the first."""


def summed(X: Any, Y: Any, measure: Measure, add: Add = added) -> Sums:
    """What is measured of each cell of rows of X (n, d) and Y (n, m), added up as one tree
    (`numerics.folding`): the same bits however rows are stored."""
    return of_cells(X, Y, range(0, len(X), CELL), measure, add)


def of_cells(X: Any, Y: Any, starts: range, measure: Measure, add: Add) -> Sums:
    """The same of the cells that start at some rows. Products run in one thread: how many there
    are might change the order of their sums."""
    with one_thread(True):
        return folded((measure(start, *cell(X, Y, start)) for start in starts), add)


def cell(X: Any, Y: Any, start: int) -> tuple[Array, Array]:
    rows = slice(start, min(start + CELL, len(X)))
    return np.asarray(X[rows], np.float64), np.asarray(Y[rows], np.float64)
