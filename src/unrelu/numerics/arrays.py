"""The types of arrays, by what they hold, and division that leaves zeros as they are."""

from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
AnyArray = NDArray[Any]


def holds_numbers(value: object) -> TypeGuard[AnyArray]:
    """Whether it is an array of real numbers already, which has nothing to be converted."""
    return type(value) is np.ndarray and value.dtype.kind in "fiub"


def divisors(sizes: Array) -> Array:
    """Sizes to divide by: one in the place of zero."""
    return np.where(sizes > 0, sizes, 1.0)


def largest_entries(X: Array) -> Array:
    """(n,): the size of the largest entry of each row of X (n, d), without a copy of all sizes."""
    return np.asarray(np.maximum(X.max(axis=1), -X.min(axis=1)))


def unit_rows(rows: Array) -> Array:
    """Rows at unit length; those of zeros as they are."""
    return rows / divisors(np.linalg.norm(rows, axis=1, keepdims=True))


def unit_columns(columns: Array) -> Array:
    """Columns at unit length; those of zeros as they are."""
    return columns / divisors(np.linalg.norm(columns, axis=0))
