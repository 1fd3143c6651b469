"""Row labels of tables that are in parts: do rows of X and Y belong together?"""

from __future__ import annotations

from typing import Any

import numpy as np

from unrelu.errors import InputError
from unrelu.numerics.arrays import AnyArray
from unrelu.stored.blocks import Partitions


def check_row_labels(X: Any, Y: Any) -> None:
    """Raises InputError where both are dask DataFrames, or Series, of as many rows, and the labels
    of their rows are not the same, row by row. Rows of a store are not put into another order.
    Labels that count from zero on in each part, as those of several files do, say nothing.

    The labels are compared by a sum of hashes of each with its place, which parts of the tables add
    to: cost a pass over the labels, and the memory of those of a part.
    """
    if not (_has_parts(X) and _has_parts(Y)):
        return
    of_X, of_Y = _digest(X), _digest(Y)
    if of_X is None or of_Y is None or of_X[0] != of_Y[0] or of_X == of_Y:
        return  # a difference in the number of rows is said elsewhere
    raise InputError(
        "X and Y: got different labels in their index, or the same in another order, expected the "
        "same row by row: sort both by their index or, where rows belong together in their order, "
        "give X.to_dask_array(lengths=True) and the same of Y"
    )


def _has_parts(frame: Any) -> bool:
    return hasattr(frame, "map_partitions") and hasattr(frame, "divisions")


def _digest(frame: Any) -> tuple[int, int] | None:
    """The number of rows, and the sum of the hashes of their labels and places; None where each
    part has labels of its own that count from zero."""
    rows, total, parts, counting = 0, 0, 0, True
    of_parts = Partitions(list(frame.index.partitions), ())
    for number in range(len(of_parts.parts)):
        labels = np.asarray(of_parts.read_block(number))
        total = (total + _summed(labels, rows)) % 2**64
        rows, parts = rows + len(labels), parts + (len(labels) > 0)
        counting = counting and np.array_equal(labels, np.arange(len(labels)))
    return None if counting and parts > 1 else (rows, total)


def _summed(labels: AnyArray, start: int) -> int:
    from pandas.util import hash_array

    values = labels.astype(np.int64) if labels.dtype.kind in "iu" else labels
    places = np.arange(start, start + len(values), dtype=np.uint64)
    mixed = hash_array(values) ^ hash_array(places)
    return int(hash_array(mixed).sum(dtype=np.uint64))
