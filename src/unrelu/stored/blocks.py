"""What a store provides: the rows of an array, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from numpy.typing import ArrayLike

from unrelu.stored.clients import current


@runtime_checkable
class Blocks(Protocol):
    """Rows that are kept in blocks. An object of any class with these two methods is taken for X
    or Y; the blocks of X and of Y need not have the same numbers of rows.

    >>> import numpy as np
    >>> import unrelu
    >>> class Days:
    ...     def block_rows(self) -> list[int]:
    ...         return [100] * 5
    ...     def read_block(self, number: int) -> np.ndarray:
    ...         return np.random.default_rng(number).standard_normal((100, 3))
    >>> Y = np.vstack([np.abs(Days().read_block(day)[:, :1]) for day in range(5)])
    >>> unrelu.recover(Days(), Y, bias=False, rng=0).status.value
    'exact'
    """

    def block_rows(self) -> Sequence[int]:
        """How many rows each block has."""
        ...

    def read_block(self, number: int) -> ArrayLike:
        """The rows (rows, columns) of a block, by its number from zero on: an array of numbers, or
        a table. Called again, it returns the same."""
        ...


Given = ArrayLike | Blocks
"""What X and Y may be."""


@dataclass(frozen=True)
class Sliced:
    """An array (n, q) or (n,) of h5py, zarr or the like, which reads what is sliced from it, in
    `rows` at a time."""

    array: Any
    rows: int

    def block_rows(self) -> list[int]:
        n = int(self.array.shape[0])
        return [min(self.rows, n - start) for start in range(0, n, self.rows)]

    def read_block(self, number: int) -> ArrayLike:
        start = number * self.rows
        block: ArrayLike = self.array[start : start + self.rows]
        return block


@dataclass(frozen=True)
class Partitions:
    """Parts (rows, q) that are computed when they are asked for, each by its `compute()`, as those
    of a dask collection are."""

    parts: Sequence[Any]
    lengths: tuple[int, ...]

    def block_rows(self) -> tuple[int, ...]:
        return self.lengths

    def read_block(self, number: int) -> ArrayLike:
        part, client = self.parts[number], current()
        block: ArrayLike  # without a client in this thread, which others may wait for
        if client is None:
            block = part.compute(scheduler="synchronous")
        else:
            block = client.compute(part).result()
        return block
