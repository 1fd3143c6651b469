"""The kinds of stores, each a line in a table. Their libraries are not imported here: what is given
shows which one it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from unrelu.errors import InputError
from unrelu.inputs.options import check_limit
from unrelu.stored.blocks import Blocks, Partitions, Sliced
from unrelu.stored.row_labels import check_row_labels
from unrelu.stored.rows import MEMORY, StoredRows

BLOCK_BYTES = 1 << 26
"""Bytes that are read at a time from an array in a file."""


@dataclass(frozen=True)
class Store:
    """A kind of store.

    name : for the documentation.
    recognises : whether an object is of this kind.
    blocks : its rows, and the names of its columns, if they have names.
    """

    name: str
    recognises: Callable[[Any], bool]
    blocks: Callable[[Any], tuple[Blocks, tuple[str, ...]]]


def stored(name: str, value: Any) -> StoredRows | None:
    """The rows of an object that is a store; None for anything else. `name`: for messages."""
    if isinstance(value, StoredRows):
        return value
    store = next((store for store in STORES if store.recognises(value)), None)
    if store is None:
        return None
    blocks, columns = store.blocks(value)
    return StoredRows(blocks, name, columns)


LEAST_MEMORY = 1e6
"""Bytes in which there are samples enough for a search."""


def within(X: Any, Y: Any, memory: float | None) -> tuple[Any, Any]:
    """X and Y; of rows in a store, no more than so many bytes become an array; None: MEMORY. Raises
    InputError, InputTypeError for what is no number of bytes, and InputError for rows of tables in
    parts whose labels differ."""
    check_row_labels(X, Y)
    most = MEMORY
    if memory is not None:
        check_limit("memory", memory)
        if not LEAST_MEMORY <= memory < math.inf:
            raise InputError(f"memory: got {memory:g} bytes, expected {LEAST_MEMORY:g} or more")
        most = int(memory)
    return _within("X", X, most), _within("Y", Y, most)


def whole(name: str, value: Any) -> Any:
    """All rows that are in a store, as an array; anything else unchanged. Raises InputError for
    more than its `memory`."""
    rows = stored(name, value)
    return value if rows is None else np.asarray(rows)


def _within(name: str, value: Any, memory: int) -> Any:
    rows = stored(name, value)
    return value if rows is None else replace(rows, memory=memory)


def _of_module(*names: str) -> Callable[[Any], bool]:
    """Whether the class of an object, or one that it stems from, is defined in such a module."""

    def recognises(value: Any) -> bool:
        modules = [kind.__module__ for kind in type(value).__mro__]
        return any(f"{module}.".startswith(f"{name}.") for module in modules for name in names)

    return recognises


def _dask_array(array: Any) -> tuple[Blocks, tuple[str, ...]]:
    if array.ndim not in (1, 2):
        raise InputError(f"got a dask array of {array.ndim} dimensions, expected two")
    if any(size != size for sizes in array.chunks for size in sizes):  # unknown
        array = array.compute_chunk_sizes()
    if array.ndim == 2:
        array = array.rechunk({1: -1})
    return Partitions(list(array.blocks), tuple(array.chunks[0])), ()


def _dask_frame(frame: Any) -> tuple[Blocks, tuple[str, ...]]:
    lengths = tuple(int(length) for length in frame.map_partitions(len).compute())
    names = list(frame.columns)  # of a Series, its name
    numbered = names in (list(range(len(names))), [None])
    columns = () if numbered else tuple(map(str, names))
    return Partitions(list(frame.partitions), lengths), columns


def _sliced(array: Any) -> tuple[Blocks, tuple[str, ...]]:
    width = max(1, prod(array.shape[1:]) * array.dtype.itemsize)
    rows = max(1, BLOCK_BYTES // width)
    chunk = (getattr(array, "chunks", None) or (1,))[0]
    return Sliced(array, max(chunk, rows // chunk * chunk)), ()


STORES = (
    Store("dask arrays", _of_module("dask.array"), _dask_array),
    Store("dask DataFrames and Series", _of_module("dask.dataframe", "dask_expr"), _dask_frame),
    Store("datasets of HDF5 files (h5py)", _of_module("h5py"), _sliced),
    Store("zarr arrays", _of_module("zarr"), _sliced),
    Store(
        "objects with blocks",
        lambda value: isinstance(value, Blocks) and not isinstance(value, type),
        lambda value: (value, tuple(getattr(value, "columns", ()))),
    ),
)
"""The last one takes any object with the two methods, so it comes after the others."""
