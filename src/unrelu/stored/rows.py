"""Rows in a store, indexed like those of an array: only the blocks that are needed are read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import InputError
from unrelu.inputs.frames import table
from unrelu.inputs.names import shown
from unrelu.inputs.numbers import real_numbers
from unrelu.numerics.arrays import AnyArray, Index
from unrelu.stored.blocks import Blocks, Partitions

MEMORY = 10**9
"""Bytes that are read at once, at most, if nothing else is said."""

NOTHING = Partitions((), ())


@dataclass(frozen=True, eq=False)
class StoredRows:
    """The rows (n, q) of `blocks`. `name` and `columns`: for messages. `memory`: bytes beyond which
    they are not made an array. The block that was read last is kept, and rows that were spread
    evenly.

    Raises InputError, InputTypeError for blocks that are no tables of numbers, or of different
    widths.
    """

    blocks: Blocks
    name: str
    columns: tuple[str, ...] = ()
    memory: int = MEMORY
    _last: dict[int, NDArray[Any]] = field(default_factory=dict, repr=False)
    _spread: dict[range, NDArray[Any]] = field(default_factory=dict, repr=False)

    @cached_property
    def starts(self) -> Index:
        """(blocks + 1,): the first row of each block, and the number of rows."""
        rows = np.asarray(self.blocks.block_rows(), dtype=np.intp)
        return np.concatenate([[0], np.cumsum(rows)]).astype(np.intp)

    @cached_property
    def _first(self) -> tuple[np.dtype[Any], int, tuple[str, ...]]:
        """Of the first block with any rows: the type, the number of columns and their names."""
        filled = np.flatnonzero(np.diff(self.starts))
        if not len(filled):
            raise InputError(f"{self.name}: got no rows, expected at least one sample")
        block, names = self._converted(int(filled[0]))
        return block.dtype, int(block.shape[1]), names

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the first block, and of the others. Whole numbers become float64."""
        return self._first[0]

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.starts[-1]), self._first[1]

    @property
    def ndim(self) -> int:
        return 2

    @property
    def itemsize(self) -> int:
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        return self.shape[0] * self.shape[1] * self.itemsize

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError(f"{self.name}: rows in a store cannot be had without reading them")
        self._check(self.nbytes)
        array = self[0 : len(self)]
        return array if dtype is None else array.astype(dtype, copy=False)

    def literal(self) -> AnyArray:
        """All rows as they are, Fractions too. Raises InputError if their numbers take more than
        `memory` in double precision."""
        parts = []
        for number in range(len(self.starts) - 1):
            given, _, _ = table(self.name, self.blocks.read_block(number), exact=True)
            parts.append(np.asarray(given))
            self._check(8 * len(self) * max(1, parts[0][:1].size))
        return np.concatenate(parts)

    def _check(self, size: int) -> None:
        if size > self.memory:
            raise InputError(
                f"{self.name}: got {size / 1e9:.3g} GB, expected {self.memory / 1e9:.3g} GB at "
                "most where all rows are needed at once: recover(memory=...) allows more, and "
                "fewer rows need less"
            )

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Rows by number, slice, or array of numbers, with columns behind a comma."""
        rows, *columns = key if isinstance(key, tuple) else (key,)
        if isinstance(rows, int | np.integer):
            found = self._take(np.array([range(len(self))[rows]]))[0]
        elif isinstance(rows, slice):
            found = self._slice(range(len(self))[rows])
        else:
            rows = np.asarray(rows)
            found = self._take(np.flatnonzero(rows) if rows.dtype == np.bool_ else rows)
        return np.asarray(found[(..., *columns)] if columns else found)

    def _slice(self, rows: range) -> NDArray[Any]:
        if rows.step != 1:
            if rows not in self._spread:
                self._spread[rows] = self._take(np.arange(rows.start, rows.stop, rows.step))
            return self._spread[rows].copy()
        out = np.empty((len(rows), self.shape[1]), self.dtype)
        first, last = np.searchsorted(self.starts, [rows.start, rows.stop], side="right") - 1
        for number in range(int(first), min(int(last), len(self.starts) - 2) + 1):
            start, stop = self.starts[number : number + 2]
            low, high = max(start, rows.start), min(stop, rows.stop)
            if low < high:
                out[low - rows.start : high - rows.start] = self._read(number)[
                    low - start : high - start
                ]
        return out

    def _take(self, rows: Index) -> NDArray[Any]:
        """Each block that holds some of the rows is read once."""
        rows = np.where(rows < 0, rows + len(self), rows)
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"{self.name}: a row is beyond the {len(self)} that there are")
        order = np.argsort(rows, kind="stable")
        ordered, out = rows[order], np.empty((len(rows), self.shape[1]), self.dtype)
        cuts = np.searchsorted(ordered, self.starts)
        for number, (low, high) in enumerate(pairwise(cuts.tolist())):
            if low < high:
                block = self._read(number)
                out[order[low:high]] = block[ordered[low:high] - self.starts[number]]
        return out

    def _read(self, number: int) -> NDArray[Any]:
        block = self._last.get(number)
        if block is None:
            kind, width, expected = self._first
            block, names = self._converted(number)
            if block.shape[1] != width or names != expected:
                columns = shown(names) if names else f"{block.shape[1]} columns"
                first = shown(expected) if expected else str(width)
                raise InputError(
                    f"{self.name}: got {columns} in block {number}, expected {first} as in others"
                )
            if block.dtype != kind:
                raise InputError(
                    f"{self.name}: got {block.dtype} in block {number}, expected {kind} as in "
                    "others: convert them to one type"
                )
            self._last.clear()
            self._last[number] = block
        return block

    def _converted(self, number: int) -> tuple[NDArray[Any], tuple[str, ...]]:
        """A block, and the names of its columns if it is a table."""
        where = f"{self.name} (rows from {self.starts[number]} on)" if number else self.name
        given, names, _ = table(where, self.blocks.read_block(number))
        block = real_numbers(where, given)
        if block.ndim == 1:
            block = block[:, None]
        if block.dtype.kind != "f":
            block = block.astype(np.float64)
        rows = int(self.starts[number + 1] - self.starts[number])
        if block.ndim != 2 or len(block) != rows:
            raise InputError(
                f"{self.name}: got shape {block.shape} for block {number}, expected {rows} rows"
            )
        return block, names

    def moved(self, blocks: Blocks) -> StoredRows:
        """The same rows, read from other blocks of the same lengths."""
        other = replace(self, blocks=blocks, _last={}, _spread={})
        vars(other).update(starts=self.starts, _first=self._first)
        return other

    def without_blocks(self) -> StoredRows:
        """What is known of the rows, for those who have the blocks."""
        return self.moved(NOTHING)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is kept."""
        return {**self.__dict__, "_last": {}, "_spread": {}}
