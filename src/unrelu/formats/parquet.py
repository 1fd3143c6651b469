"""Samples in .parquet files; needs the extra `parquet`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unrelu.errors import FileError, InputError, InputTypeError, require
from unrelu.formats.archive import first_line, unreadable
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
    durations in seconds; or, `exact`, as Fractions: integers, decimals and text at their word, and
    floats for the dyadic rationals that they are."""
    path, numbers = paths[0], _fractions if exact else _floats
    table = _table(path)
    names = list(table.column_names)
    found = []
    for name, columns in zip("XY", chosen(path, names, layout), strict=True):
        parts = [numbers(path, table, index) for index in columns]
        said = [
            in_seconds(name, names[index], what)
            for index, (_, what) in zip(columns, parts, strict=True)
            if what
        ]
        array = np.column_stack([part for part, _ in parts])
        found.append(named(array, [names[index] for index in columns], not layout.named, said))
    return found[0], found[1]


def _table(path: Path) -> Any:
    _, parquet = _arrow()
    try:
        # A single file and not what a folder of them may hold; opened here, so that a missing
        # file is told apart from a damaged one.
        with open(path, "rb") as file:
            return parquet.ParquetFile(file).read()
    except OSError as error:  # pyarrow calls some damage so, too, and gives it no number
        if error.errno is None:
            raise _damaged(path, error) from error
        raise unreadable(path, error) from error
    except Exception as error:
        raise _damaged(path, error) from error


def _floats(path: Path, table: Any, index: int) -> tuple[AnyArray, str]:
    column, where = _column(path, table, index)
    try:
        array: AnyArray = column.to_numpy()
    except Exception as error:
        raise _damaged(path, error) from error
    if array.dtype.kind in "mM":
        return seconds(where, array)
    if array.dtype.kind not in "fiub":
        raise FileError(f"{where}: got {column.type}, expected real numbers")
    return array, ""


def _fractions(path: Path, table: Any, index: int) -> tuple[AnyArray, str]:
    column, where = _column(path, table, index)
    scale = getattr(column.type, "scale", 0)  # of decimals
    if abs(scale) > MOST_EXPONENT:
        raise FileError(f"{where}: got decimals of {scale} places, expected up to {MOST_EXPONENT}")
    try:
        values = column.to_pylist()
    except Exception as error:
        raise _damaged(path, error) from error
    if all(isinstance(value, str) for value in values):
        values = [rational_cell(where, value) for value in values]
    try:
        return as_fractions(where, np.fromiter(values, dtype=np.object_)), ""
    except (InputError, InputTypeError) as error:
        raise FileError(str(error)) from error


def _column(path: Path, table: Any, index: int) -> tuple[Any, str]:
    """A column without empty cells, and where it is."""
    column, where = table.column(index), f"{path}, column {table.column_names[index]}"
    if column.null_count:
        raise FileError(
            f"{where}: got {column.null_count} empty cells, expected numbers: drop or repair such "
            "rows"
        )
    return column, where


def _arrow() -> tuple[ModuleType, ModuleType]:
    parquet = require("pyarrow.parquet", "parquet", ".parquet files need")
    return require("pyarrow", "parquet", ".parquet files need"), parquet


def _damaged(path: Path, error: Exception) -> FileError:
    return FileError(f"{path}: damaged or not a .parquet file ({first_line(error)})")
