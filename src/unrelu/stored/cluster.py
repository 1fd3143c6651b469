"""Passes over rows on a cluster of dask.distributed: each worker sums groups of cells where it is.

A group holds a power of two of cells, so that its sum is a branch of the tree of all
(`numerics.folding`), and the result has the same bits for any number of workers. Rows are read by
the workers: what is sent there is a reader, such as the name of a file, or, of dask collections,
the tasks that make a block. A worker that is killed costs the groups that it was summing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unrelu.numerics.folding import CELL, Sums
from unrelu.numerics.threads import one_thread_for_good
from unrelu.stored.blocks import Partitions
from unrelu.stored.clients import distributed
from unrelu.stored.files import reader
from unrelu.stored.rows import StoredRows

GROUPS, LARGEST = 8, 64
"""Groups for each thread of the cluster, at least where there are cells enough, and cells of a
group at most."""

AHEAD = 3
"""Groups for each thread that are summed, or wait for it, at a time."""

TRIES = 20
"""Times that a group is summed again after the workers that had it were killed."""


@dataclass(frozen=True)
class Source:
    """Rows that workers can read. `rows`: in a store, or an array in this process, of which rows
    are sent with each group."""

    rows: Any

    @property
    def here(self) -> bool:
        return isinstance(self.rows, np.ndarray)


@dataclass(frozen=True)
class Held:
    """Some blocks, which a worker has been handed, of all."""

    lengths: tuple[int, ...]
    first: int
    blocks: list[Any]

    def block_rows(self) -> tuple[int, ...]:
        return self.lengths

    def read_block(self, number: int) -> Any:
        return self.blocks[number - self.first]


@dataclass(frozen=True)
class Sent:
    """Some rows of an array, the first of them with a number: indexed like all."""

    rows: Any
    first: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, rows: slice) -> Any:
        return self.rows[rows.start - self.first : rows.stop - self.first]


def readable(X: Any, Y: Any) -> tuple[Source, Source] | None:
    """X and Y, if workers can read one of them; else None."""
    both = Source(reader(X)), Source(reader(Y))
    return None if all(source.here for source in both) else both


@dataclass(eq=False)
class Handed:
    """What groups are given of one source: made on the cluster once."""

    client: Any
    source: Source
    _whole: list[Any] = field(default_factory=list)
    _parts: dict[int, Any] = field(default_factory=dict)

    def of(self, start: int, stop: int) -> tuple[Callable[..., Any], list[Any]]:
        """A function and its arguments, futures among them, that give rows start to stop."""
        rows = self.source.rows
        if self.source.here:
            return Sent, [np.asarray(rows[start:stop]), start, len(rows)]
        if isinstance(rows, StoredRows) and isinstance(rows.blocks, Partitions):
            return self._of_partitions(rows, rows.blocks, start, stop)
        if not self._whole:
            # As a task, and not as data: a worker that is killed loses it, another makes it again.
            self._whole.append(self.client.submit(_same, rows, pure=False))
        return _same, list(self._whole)

    def _of_partitions(
        self, rows: StoredRows, blocks: Partitions, start: int, stop: int
    ) -> tuple[Callable[..., Any], list[Any]]:
        first, last = np.searchsorted(rows.starts, [start, stop - 1], side="right") - 1
        for number in [number for number in self._parts if number < first]:
            del self._parts[number]  # groups come in their order
        for number in range(int(first), int(last) + 1):
            if number not in self._parts:
                self._parts[number] = self.client.compute(blocks.parts[number])
        held = [self._parts[number] for number in range(int(first), int(last) + 1)]
        return _held, [rows.without_blocks(), blocks.lengths, int(first), held]

    def forget(self) -> None:
        """After workers were killed: what failed with them is made again."""
        self._whole.clear()
        self._parts.clear()


def _same(rows: Any) -> Any:
    return rows


def _held(rows: StoredRows, lengths: tuple[int, ...], first: int, blocks: list[Any]) -> StoredRows:
    return rows.moved(Held(lengths, first, blocks))


def groups(client: Any, cells: int) -> int:
    """How many cells are a group: a power of two."""
    threads = max(1, sum(client.nthreads().values()))
    size = 1
    while size < LARGEST and cells > 2 * size * GROUPS * threads:
        size *= 2
    return size


def sums_of_groups(
    client: Any, X: Source, Y: Source, starts: list[range], work: Callable[..., Sums]
) -> Iterator[Sums]:
    """The sums of groups of cells, in their order: `work` of (X, Y, starts of cells)."""
    lost = distributed().scheduler.KilledWorker
    hands = Handed(client, X), Handed(client, Y)
    common = client.submit(_same, work, pure=False)
    ahead = AHEAD * max(1, sum(client.nthreads().values()))
    waiting: deque[tuple[range, Any]] = deque()

    def submitted(cells: range) -> Any:
        stop = min(cells[-1] + CELL, len(X.rows))
        (read_X, of_X), (read_Y, of_Y) = (hand.of(cells[0], stop) for hand in hands)
        return client.submit(
            _summed, common, cells, read_X, of_X, read_Y, of_Y, os.getpid(), pure=False
        )

    left = iter(starts)
    while True:
        while len(waiting) < ahead and (cells := next(left, None)) is not None:
            waiting.append((cells, submitted(cells)))
        if not waiting:
            return
        cells, future = waiting.popleft()
        for again in range(TRIES + 1):
            try:
                found: Sums = future.result()
                break
            except lost:
                if again == TRIES:
                    raise
                for hand in hands:
                    hand.forget()
                common = client.submit(_same, work, pure=False)
                future = submitted(cells)
                waiting = deque((each, submitted(each)) for each, _ in waiting)
        yield {name: np.array(value) for name, value in found.items()}  # to be added to


def _summed(
    work: Callable[..., Sums],
    cells: range,
    read_X: Callable[..., Any],
    of_X: list[Any],
    read_Y: Callable[..., Any],
    of_Y: list[Any],
    process: int,
) -> Sums:
    """On a worker. One in the process of the client shares its number of threads."""
    if os.getpid() != process:
        one_thread_for_good()
    return work(read_X(*of_X), read_Y(*of_Y), cells)
