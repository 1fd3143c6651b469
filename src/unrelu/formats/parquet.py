"""Samples in .parquet files; needs the extra `parquet`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unrelu.errors import FileError, require
from unrelu.formats.archive import errors_named
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.layout import STANDARD, Layout, chosen, named, standard_names
from unrelu.formats.numerals import MOST_EXPONENT
from unrelu.formats.text_tables import rational_cell
from unrelu.inputs.frames import Named, in_seconds, seconds
from unrelu.numerics.arrays import AnyArray
from unrelu.numerics.rationals import as_fractions

if TYPE_CHECKING:
    from types import ModuleType


def write_parquet(paths: tuple[Path, ...], X: AnyArray, Y: AnyArray) -> None:
    arrow, parquet = _arrow()
    columns = [*X.T, *Y.T]
    table = arrow.table(
        dict(zip(standard_names(X, Y), map(np.ascontiguousarray, columns), strict=True))
    )
    with atomic_write(paths[0]) as file:
        # Weights and noise hardly repeat: dictionaries would only cost time.
        parquet.write_table(table, file, use_dictionary=False)


def read_parquet(
    paths: tuple[Path, ...], layout: Layout = STANDARD, *, exact: bool = False
) -> tuple[AnyArray | Named, AnyArray | Named]:
    """The samples of a .parquet file: each of X and Y in the type common to its columns, dates and
    durations in seconds, empty cells as NaN; or, `exact`, as Fractions: integers, decimals and text
    taken literally, and floats as the dyadic rationals that they are."""
    _, parquet = _arrow()
    numbers, found = _fractions if exact else numbers_or_gaps, []
    with errors_named(paths[0], "a .parquet file"):
        # Opened here, so that a folder of .parquet files is refused.
        with open(paths[0], "rb") as file:
            table = parquet.ParquetFile(file).read()
        names = list(table.column_names)
        for name, columns in zip("XY", chosen(names, layout), strict=True):
            parts = [numbers(table, index) for index in columns]
            remarks = [
                in_seconds(name, names[index], what)
                for index, (_, what) in zip(columns, parts, strict=True)
                if what
            ]
            array = np.column_stack([part for part, _ in parts])
            columns_named = [names[index] for index in columns]
            found.append(named(array, columns_named, not layout.named, remarks))
    return found[0], found[1]


def column_numbers(table: Any, index: int) -> tuple[AnyArray, str]:
    """The numbers of a column without empty cells in their own type, and how dates and durations
    were read."""
    _refuse_gaps(table, index)
    return numbers_or_gaps(table, index)


def numbers_or_gaps(table: Any, index: int) -> tuple[AnyArray, str]:
    """The same of a column that may have empty cells: NaN."""
    column, where = table.column(index), f"column {table.column_names[index]}"
    array: AnyArray = column.to_numpy()
    if array.dtype.kind in "mM":
        gaps = np.isnat(array)
        numbers, reading = seconds(where, np.where(gaps, array.dtype.type(0, "s"), array))
        return np.where(gaps, np.nan, numbers) if gaps.any() else numbers, reading
    if array.dtype.kind == "O" and all(isinstance(each, bool | None) for each in array):
        array = array.astype(np.float64)  # flags with gaps, which become NaN
    if array.dtype.kind not in "fiub":
        raise FileError(f"{where}: got {column.type}, expected real numbers")
    return array, ""


def _fractions(table: Any, index: int) -> tuple[AnyArray, str]:
    _refuse_gaps(table, index)
    column, where = table.column(index), f"column {table.column_names[index]}"
    scale = getattr(column.type, "scale", 0)  # of decimals
    if abs(scale) > MOST_EXPONENT:
        raise FileError(f"{where}: got decimals of {scale} places, expected up to {MOST_EXPONENT}")
    values = column.to_pylist()
    if all(isinstance(value, str) for value in values):
        values = [rational_cell(where, value) for value in values]
    return as_fractions(where, np.fromiter(values, dtype=np.object_)), ""


def _refuse_gaps(table: Any, index: int) -> None:
    column = table.column(index)
    if column.null_count:
        raise FileError(
            f"column {table.column_names[index]}: got {column.null_count} empty cells, expected "
            "numbers: drop or repair such rows"
        )


def _arrow() -> tuple[ModuleType, ModuleType]:
    parquet = require("pyarrow.parquet", "parquet", ".parquet files need")
    return require("pyarrow", "parquet", ".parquet files need"), parquet
