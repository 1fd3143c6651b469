"""Tables of other libraries as arrays: pandas, polars and pyarrow, told by what they can do.

None of them is imported. Every column becomes numbers of its own type, with what has no value
refused by name; dates become seconds since 1970 and durations seconds, and a remark says so. Where
X and Y are both labelled by an index, rows belong together that have the same label.
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
from unrelu.inputs.names import Names
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
"""In a unit of numpy's dates and durations, as a fraction."""

DATES = "taken as seconds since 1970-01-01 00:00 UTC"
DURATIONS = "taken in seconds"


@dataclass(frozen=True, eq=False)
class Named:
    """An array (n, c) with names for its columns, as files have them."""

    values: AnyArray
    columns: tuple[str, ...]
    remarks: tuple[Remark, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        return np.array(self.values, dtype=dtype) if copy else np.asarray(self.values, dtype=dtype)

    def __len__(self) -> int:
        return len(self.values)


def tables(X: Any, Y: Any, *, exact: bool = False) -> tuple[ArrayLike, ArrayLike, Names]:
    """X and Y as arrays, a Series of inputs as one column, and the names of their columns.

    exact : leave objects in columns, such as Fractions, what they are.

    Raises InputError for cells without a value and for labels of rows that do not belong together,
    InputTypeError for columns of other things than numbers, dates and durations.
    """
    Y, ordered = _aligned(X, Y)
    X, inputs, of_X = _table("X", X, exact)
    Y, outputs, of_Y = _table("Y", Y, exact)
    return X, Y, Names(inputs, outputs, (*of_X, *of_Y, *ordered))


def plain(name: str, value: Any, *, exact: bool = False, expected: Sequence[str] = ()) -> ArrayLike:
    """A single table as an array; what is none is handed through. `expected`: the names that its
    columns must have, in this order, if they have any."""
    array: ArrayLike
    array, names, _ = _table(name, value, exact)
    if expected and names and tuple(expected) != names:
        raise InputError(
            f"{name}: got columns {', '.join(names[:6])}, expected {', '.join(expected[:6])} in "
            "this order, as fitted"
        )
    return array


def beside(name: str, value: Any, X: Any) -> ArrayLike:
    """One number for each row of X, as an array; in its order, where both have labels."""
    return plain(name, _aligned(X, value, name)[0])


def _aligned(X: Any, Y: Any, name: str = "Y") -> tuple[Any, list[Remark]]:
    """Y with its rows in the order of those of X, where both have labels."""
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
        return Y, []  # which is said of the number of rows
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
    said = f"rows of {name} were put into the order of X by the labels of their index"
    return Y.iloc[at], [Remark("rows-aligned", said)]


def _table(name: str, value: Any, exact: bool) -> tuple[Any, tuple[str, ...], list[Remark]]:
    """The array, the names of its columns, and what was made of them."""
    value = as_array(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "mM":
        array, said = seconds(name, value, exact)
        return array, (), [Remark(_code(said), f"{name} was {said}")]
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
        array, said = _numbers(where, part, exact)
        arrays.append(array)
        if said:
            remarks.append(in_seconds(name, label, said))
    if is_frame and len({array.dtype for array in arrays}) > 1 and exact:
        arrays = [array.astype(np.object_) for array in arrays]
    together = np.column_stack(arrays) if is_frame or name == "X" else arrays[0]
    return together, tuple(labels) if names else (), remarks


def in_seconds(name: str, column: str, said: str) -> Remark:
    """What to say of a column of dates or durations."""
    return Remark(_code(said), f"column {column!r} of {name} was {said}")


def _code(said: str) -> str:
    return "dates-as-seconds" if said == DATES else "durations-as-seconds"


def _columns(value: Any) -> tuple[list[Any], list[Any], bool] | None:
    """The columns of a table, their names unless they are only numbered, and whether it is more
    than a single column; None for what is no table."""
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
    """A column as an array of numbers, and what was made of dates and durations."""
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
    """Rows without a value; NaN in a column of floats is a value, if none to be used."""
    ask = getattr(column, "isna", None) or getattr(column, "is_null", None)
    if ask is None:
        return np.arange(0)
    gaps = np.asarray(ask(), dtype=bool)
    if isinstance(getattr(column, "dtype", None), np.dtype) and column.dtype.kind == "f":
        return np.arange(0)  # NaN is found, with infinity, where numbers are checked
    return np.flatnonzero(gaps)


def _objects(where: str, array: AnyArray, exact: bool) -> AnyArray:
    """Objects that are numbers, dates or durations all the same."""
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
        return array  # what they are is looked at where fractions are made
    if all(isinstance(entry, bool | int | float | Decimal) for entry in entries):
        return array.astype(np.float64)
    other = next(
        entry for entry in entries if not isinstance(entry, bool | int | float | Decimal | Fraction)
    )
    raise _not_numbers(where, f"{kind_of(other)} ({str(other)[:30]!r})")


def _not_numbers(where: str, got: str) -> InputTypeError:
    return InputTypeError(
        f"{where}: got {got}, expected real numbers: leave the column out, or make numbers of it, "
        "as pandas.get_dummies does of categories"
    )


def seconds(where: str, array: AnyArray, exact: bool = False) -> tuple[AnyArray, str]:
    """Dates and durations in seconds: float64 or, exactly, Fractions; and what that is in words."""
    gone = np.argwhere(np.isnat(array))
    if len(gone):
        raise InputError(
            f"{where}: got no time (NaT) in row {gone[0][0]}, expected one: drop or repair such "
            "rows"
        )
    said = DATES if array.dtype.kind == "M" else DURATIONS
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
        return numbers, said
    return ticks.astype(np.float64) * (step * times) / parts, said
