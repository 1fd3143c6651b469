"""Passes over all rows: what is summed over cells of rows, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.folding import CELL, Sums, added, folded, grow, top
from unrelu.numerics.threads import one_thread
from unrelu.stored import cluster
from unrelu.stored.clients import current
from unrelu.stored.journal import Journal

Measure = Callable[[int, Array, Array], Sums]
"""The first row of a cell, and its rows of X and Y in float64, to the sums over it. On a cluster,
it is sent to the workers."""

Add = Callable[[Sums, Sums], Sums]
"""Two sums to that of both, which may take the place of the first."""

AT_ONCE = 16
"""Cells of a group in this process."""


def summed(X: Any, Y: Any, measure: Measure, add: Add = added) -> Sums:
    """What is measured of each cell of rows of X (n, d) and Y (n, m), added up as one tree
    (`numerics.folding`): the same bits however rows are stored, and whoever adds them: this
    process or, where there is a client (`stored.cluster`), the workers of a cluster. Where a
    journal is kept (`stored.journal`), what has been added up before is read from there.
    Raises DeadlinePassed."""
    count, work = -(-len(X) // CELL), Work(measure, add)
    client = current()
    sources = None if client is None else cluster.readable(X, Y)
    size = cluster.groups(client, count) if sources else AT_ONCE
    journal = Journal.of(measure, X, Y)
    tree = journal.read()
    done = sum(cells for cells, _ in tree)
    starts = list(_groups(done, count, size))
    with one_thread(True):
        found: Iterator[Sums]
        if sources:
            found = cluster.sums_of_groups(client, *sources, starts, work)
        else:
            found = (work(X, Y, cells) for cells in starts)
        for cells, part in zip(starts, found, strict=True):
            grow(tree, len(cells), part, add)
            journal.write(tree)
            check_deadline()
    journal.write(tree, at_once=True)
    return top(tree, add)


def on_workers(X: Any, Y: Any) -> bool:
    """Whether passes over these rows run on a cluster."""
    return current() is not None and cluster.readable(X, Y) is not None


def taken(X: Any, Y: Any, rows: Index) -> tuple[Array, Array]:
    """Rows of X and Y by number, in float64. On a cluster, the workers pick them out of what they
    read."""
    if not on_workers(X, Y):
        return np.asarray(X[rows], np.float64), np.asarray(Y[rows], np.float64)
    order = np.argsort(rows, kind="stable")
    found = summed(X, Y, Picked(rows[order]), joined)
    at = np.argsort(order)
    return found["X"][at], found["Y"][at]


@dataclass(frozen=True, eq=False)
class Picked:
    """Those of some rows, in their order, that are in a cell."""

    rows: Index

    def __call__(self, start: int, X: Array, Y: Array) -> Sums:
        low, high = np.searchsorted(self.rows, [start, start + len(X)])
        here = self.rows[low:high] - start
        return {"X": X[here], "Y": Y[here]}


def joined(a: Sums, b: Sums) -> Sums:
    """The rows of both, one after the other."""
    return {name: np.concatenate([value, b[name]]) for name, value in a.items()}


def _groups(done: int, count: int, size: int) -> Iterator[range]:
    """First rows of the cells of each group that is left: so many cells that it is a branch of the
    tree, whatever the groups before were."""
    while done < count:
        branch = size
        while done % branch:
            branch //= 2
        last = min(done + branch, count)
        yield range(done * CELL, last * CELL, CELL)
        done = last


@dataclass(frozen=True, eq=False)
class Work:
    """What is done with a group of cells: they are measured and added up."""

    measure: Measure
    add: Add

    def __call__(self, X: Any, Y: Any, starts: range) -> Sums:
        return folded((self.measure(start, *cell(X, Y, start)) for start in starts), self.add)


def cell(X: Any, Y: Any, start: int) -> tuple[Array, Array]:
    rows = slice(start, min(start + CELL, len(X)))
    return np.asarray(X[rows], np.float64), np.asarray(Y[rows], np.float64)
