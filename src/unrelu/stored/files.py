"""Readers of rows in files: what can be sent to another process, which then opens the file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from mmap import ALLOCATIONGRANULARITY
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrelu.errors import require
from unrelu.numerics.arrays import AnyArray
from unrelu.stored.blocks import Sliced
from unrelu.stored.rows import StoredRows


@dataclass(frozen=True)
class Mapped:
    """Rows (n, q) of a file, from a byte on, mapped into memory when they are read. `version`:
    inode, time in ns and size of the file, so that a worker opens one that took its place."""

    path: str
    dtype: str
    offset: int
    shape: tuple[int, ...]
    version: tuple[int, int, int]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> AnyArray:
        return _opened(self)[rows]


@lru_cache(maxsize=16)
def _opened(mapped: Mapped) -> AnyArray:
    return np.memmap(mapped.path, mapped.dtype, "r", mapped.offset, mapped.shape)


@dataclass(frozen=True)
class Dataset:
    """Rows of a dataset of an HDF5 file, in so many at a time."""

    path: str
    name: str
    lengths: tuple[int, ...]

    def block_rows(self) -> tuple[int, ...]:
        return self.lengths

    def read_block(self, number: int) -> ArrayLike:
        h5py = require("h5py", "keras", "HDF5 files need")
        start = sum(self.lengths[:number])
        with h5py.File(self.path, "r") as file:
            block: ArrayLike = file[self.name][start : start + self.lengths[number]]
        return block


def reader(rows: Any) -> Any:
    """The rows, as something that another process can read them from; an array in this process
    stays one."""
    if isinstance(rows, np.memmap):
        return _mapped(rows)
    if isinstance(rows, StoredRows) and isinstance(rows.blocks, Sliced):
        array = rows.blocks.array
        if type(array).__module__.partition(".")[0] == "h5py":
            lengths = tuple(rows.blocks.block_rows())
            return rows.moved(Dataset(str(array.file.filename), str(array.name), lengths))
    return rows


def _mapped(array: np.memmap[Any, Any]) -> Any:
    """Where the rows of a memory map are in its file, if they are there one after the other."""
    pages: Any = getattr(array, "_mmap", None)
    if array.filename is None or not array.flags.c_contiguous or pages is None:
        return np.asarray(array)
    whole = np.frombuffer(pages, np.uint8)
    begins = array.ctypes.data - whole.ctypes.data
    offset = array.offset - array.offset % ALLOCATIONGRANULARITY + begins
    told = os.stat(array.filename)
    version = told.st_ino, told.st_mtime_ns, told.st_size
    return Mapped(str(array.filename), array.dtype.str, int(offset), array.shape, version)
