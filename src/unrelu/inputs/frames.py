"""Tables of pandas, polars and pyarrow as arrays. The tables are recognised by their methods.

None of these libraries is imported. Every column becomes numbers of its own type; missing values
are rejected with the name of the column. Dates become seconds since 1970 and durations seconds,
with a remark. If X and Y both have an index, rows with the same label are matched.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrelu.errors import InputError, InputTypeError
from unrelu.inputs.names import DATES_AS_SECONDS, Names
from unrelu.inputs.tensors import as_array
from unrelu.numerics.arrays import AnyArray, Index
from unrelu.wording.remarks import Remark
from unrelu.wording.streams import counted, kind_of

SECONDS = {
    "W": (604800, 1),
    "D": (86400, 1),
    "h": (3600, 1),
    "m": (60, 1),
    "s": (1, 1),
    "ms": (1, 10**3),
    "us": (1, 10**6),
    "ns": (1, 10**9),
    "ps": (1, 10**12),
    "fs": (1, 10**15),
    "as": (1, 10**18),
}
"""Seconds in a unit of NumPy's dates and durations, as a fraction."""

DATES = "taken as seconds since 1970-01-01 00:00 UTC"
DURATIONS = "taken in seconds"


@dataclass(frozen=True, eq=False)
class Named:
    """An array (n, c) with names for its columns, as read from a file."""

    values: AnyArray
    columns: tuple[str, ...]
    remarks: tuple[Remark, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        return np.array(self.values, dtype=dtype) if copy else np.asarray(self.values, dtype=dtype)

    def __len__(self) -> int:
        return len(self.values)


def tables(X: Any, Y: Any, *, exact: bool = False) -> tuple[ArrayLike, ArrayLike, Names]:
    """X and Y as arrays, a Series of inputs as one column, and the names of their columns.

    exact : keep objects in columns, such as Fractions.

    Raises InputError for missing values and for row labels that do not match, InputTypeError for
    columns of anything other than numbers, dates and durations.
    """
    Y, ordered = aligned(X, Y)
    X, inputs, of_X = table("X", X, exact)
    Y, outputs, of_Y = table("Y", Y, exact)
    return X, Y, Names(inputs, outputs, (*of_X, *of_Y, *ordered))


def plain(name: str, value: Any, *, exact: bool = False, expected: Sequence[str] = ()) -> ArrayLike:
    """A single table as an array; anything else is returned unchanged. `expected`: the names that
    its columns must have, in this order, if they have names."""
    array: ArrayLike
    array, names, _ = table(name, value, exact)
    if expected and names and tuple(expected) != names:
        raise InputError(
            f"{name}: got columns {', '.join(names[:6])}, expected {', '.join(expected[:6])} in "
            "this order, as fitted"
        )
    return array


def beside(name: str, value: Any, X: Any) -> ArrayLike:
    """One number for each row of X, as an array; in the order of X if both have row labels."""
    return plain(name, aligned(X, value, name)[0])


def aligned(X: Any, Y: Any, name: str = "Y") -> tuple[Any, list[Remark]]:
    """Y with its rows in the order of X, if both have row labels; and remarks on it."""
    of_X: Any = getattr(X, "index", None)
    of_Y: Any = getattr(Y, "index", None)
    if not (hasattr(of_X, "get_indexer") and hasattr(of_Y, "get_indexer")) or of_X.equals(of_Y):
        return Y, []
    if not (of_X.is_unique and of_Y.is_unique):
        if len(of_X) == len(of_Y) or not len(of_X) or not len(of_Y):
            raise InputError(
                f"X and {name}: got an index with repeated labels that differ, expected the same "
                "index: where rows belong together in their order, use reset_index(drop=True) on "
                "both"
            )
        return Y, []  # the difference in the number of rows is reported elsewhere
    at = of_Y.get_indexer(of_X)
    lone = [label for label, place in zip(of_X, at.tolist(), strict=True) if place < 0]
    spare = len(of_Y) - (len(of_X) - len(lone))
    if lone or spare:
        only = f"{counted(len(lone), 'label')} only in X, {counted(spare, 'label')} only in {name}"
        example = lone[0] if lone else of_Y.difference(of_X)[0]
        raise InputError(
            f"X and {name}: got different labels in their index ({only}, such as {example!r}), "
            f"expected the same: take {name}.loc[X.index] or, where rows belong together in their "
            "order, use reset_index(drop=True) on both"
        )
    text = f"rows of {name} were put into the order of X by the labels of their index"
    return Y.iloc[at], [Remark("rows-aligned", text)]


def table(name: str, value: Any, exact: bool = False) -> tuple[Any, tuple[str, ...], list[Remark]]:
    """The array, the names of its columns, and remarks on how they were read."""
    value = as_array(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "mM":
        array, reading = seconds(name, value, exact)
        return array, (), [Remark(_code(reading), f"{name} was {reading}", f"{name}:")]
    if isinstance(value, Named):
        return value.values, value.columns, list(value.remarks)
    found = _columns(value)
    if found is None:
        return value, (), []
    parts, names, is_frame = found
    if not parts:
        return np.zeros((len(value), 0)), (), []
    labels = [str(label) for label in names] if names else list(map(str, range(len(parts))))
    arrays, remarks = [], []
    for label, part in zip(labels, parts, strict=True):
        where = f"{name}: column {label!r}" if names else f"{name}: column {label}"
        array, reading = _numbers(where, part, exact)
        arrays.append(array)
        if reading:
            remarks.append(in_seconds(name, label, reading))
    if is_frame and len({array.dtype for array in arrays}) > 1 and exact:
        arrays = [array.astype(np.object_) for array in arrays]
    together = np.column_stack(arrays) if is_frame or name == "X" else arrays[0]
    return together, tuple(labels) if names else (), remarks


def in_seconds(name: str, column: str, reading: str) -> Remark:
    """The remark on a column of dates or durations."""
    text = f"column {column!r} of {name} was {reading}"
    return Remark(_code(reading), text, f"{name}: {column}")


def _code(reading: str) -> str:
    return DATES_AS_SECONDS if reading == DATES else "durations-as-seconds"


def _columns(value: Any) -> tuple[list[Any], list[Any], bool] | None:
    """The columns of a table, their names unless they are only numbered, and whether it is a table
    instead of a single column; None for anything else."""
    if hasattr(value, "iloc") and hasattr(value, "columns"):  # pandas
        names = [_label(label) for label in value.columns]
        numbered = list(value.columns) == list(range(len(names)))
        parts = [value.iloc[:, place] for place in range(len(names))]
        return parts, [] if numbered else names, True
    if hasattr(value, "column_names") and hasattr(value, "itercolumns"):  # pyarrow
        return list(value.itercolumns()), list(value.column_names), True
    if hasattr(value, "get_columns") and hasattr(value, "columns"):  # polars
        return list(value.get_columns()), list(value.columns), True
    if hasattr(value, "iloc") or hasattr(value, "is_null"):  # a Series, or a column of pyarrow
        label = getattr(value, "name", None)
        return [value], [] if label in (None, "") else [_label(label)], False
    return None


def _label(label: Any) -> str:
    return " ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _numbers(where: str, column: Any, exact: bool) -> tuple[AnyArray, str]:
    """A column as an array of numbers, and how dates and durations were read."""
    missing = _missing(column)
    if len(missing):
        raise InputError(
            f"{where}: got no value in {counted(len(missing), 'row')}, first in row {missing[0]}, "
            "expected numbers: drop or repair such rows"
        )
    kind: Any = getattr(column, "dtype", None)
    stored = getattr(kind, "numpy_dtype", None)  # of pandas' nullable types, and its pyarrow's
    if hasattr(kind, "categories"):
        raise _not_numbers(where, f"categories ({kind})")
    if getattr(kind, "tz", None) is not None:
        array = np.asarray(column.to_numpy(dtype=f"datetime64[{kind.unit}]"))
    elif stored is not None and np.dtype(stored).kind != "O":
        array = np.asarray(column.to_numpy(dtype=stored))
    else:
        array = np.asarray(column)
    if array.dtype.kind == "O":
        array = _objects(where, array, exact)
    if array.dtype.kind in "mM":
        return seconds(where, array, exact)
    if array.dtype.kind not in "fiubO" or array.ndim != 1:
        raise _not_numbers(where, f"data of type {kind or array.dtype}")
    return array, ""


def _missing(column: Any) -> Index:
    """Rows without a value. NaN in a column of floats counts as a value here."""
    ask = getattr(column, "isna", None) or getattr(column, "is_null", None)
    if ask is None:
        return np.arange(0)
    if isinstance(getattr(column, "dtype", None), np.dtype) and column.dtype.kind == "f":
        return np.arange(0)  # the check for finite numbers finds NaN
    return np.flatnonzero(np.asarray(ask(), dtype=bool))


def _objects(where: str, array: AnyArray, exact: bool) -> AnyArray:
    """An array of objects that are numbers, dates or durations."""
    entries = array.tolist()
    if all(isinstance(entry, datetime.timedelta) for entry in entries):
        return array.astype("timedelta64[us]")
    if all(isinstance(entry, datetime.date) for entry in entries):
        utc = [
            entry.astimezone(datetime.UTC).replace(tzinfo=None)
            if isinstance(entry, datetime.datetime) and entry.tzinfo
            else entry
            for entry in entries
        ]
        return np.array(utc, dtype="datetime64[us]")
    if all(isinstance(entry, bool | int | float | np.number | np.bool_) for entry in entries):
        return array if exact else array.astype(np.float64)
    if exact or all(isinstance(entry, Fraction) for entry in entries):
        return array  # checked when fractions are made
    if all(isinstance(entry, bool | int | float | Decimal) for entry in entries):
        return array.astype(np.float64)
    other = next(
        entry for entry in entries if not isinstance(entry, bool | int | float | Decimal | Fraction)
    )
    raise _not_numbers(where, f"{kind_of(other)} ({str(other)[:30]!r})")


def _not_numbers(where: str, got: str) -> InputTypeError:
    return InputTypeError(
        f"{where}: got {got}, expected real numbers: leave the column out, or convert it, as "
        "pandas.get_dummies does with categories"
    )


def seconds(where: str, array: AnyArray, exact: bool = False) -> tuple[AnyArray, str]:
    """Dates and durations in seconds, as float64 or (exact) Fractions; and how they were read."""
    gone = np.argwhere(np.isnat(array))
    if len(gone):
        raise InputError(
            f"{where}: got no time (NaT) in row {gone[0][0]}, expected one: drop or repair such "
            "rows"
        )
    reading = DATES if array.dtype.kind == "M" else DURATIONS
    unit, _ = np.datetime_data(array.dtype)
    if unit in ("Y", "M", "generic"):
        if array.dtype.kind == "m":
            raise InputTypeError(
                f"{where}: got durations in {array.dtype}, expected a unit of fixed length"
            )
        array, unit = array.astype("datetime64[D]"), "D"
    unit, step = np.datetime_data(array.dtype)
    times, parts = SECONDS[unit]
    ticks = array.view(np.int64)
    if exact:
        numbers = np.empty(ticks.shape, dtype=np.object_)
        numbers.ravel()[:] = [
            Fraction(tick * step * times, parts) for tick in ticks.ravel().tolist()
        ]
        return numbers, reading
    return ticks.astype(np.float64) * (step * times) / parts, reading
