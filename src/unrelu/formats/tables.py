"""Samples as tables with columns x0, x1, …, y0, y1, …, in .csv and .parquet files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError, InputError, InputTypeError
from unrelu.extras import require
from unrelu.formats.archive import unreadable
from unrelu.formats.numerals import MOST_EXPONENT, NUMERAL, READS_THEM, rational
from unrelu.formats.steps import shortened
from unrelu.formats.whole import written_whole
from unrelu.rationals import as_fractions

if TYPE_CHECKING:
    from types import ModuleType

AnyArray = NDArray[Any]

COLUMN = re.compile(r"([xy])(0|[1-9][0-9]{0,8})")

BLOCK_ROWS = 4096
"""Lines of text that are made at a time."""


def write_csv(path: Path, X: AnyArray, Y: AnyArray) -> None:
    """Numbers are written with as many digits as give the same float64 back, text as it is."""
    with written_whole(path) as file:
        file.write((",".join(_names(X, Y)) + "\n").encode())
        for start in range(0, len(X), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            lines = [
                ",".join(x + y) + "\n"
                for x, y in zip(_texts(X[rows]), _texts(Y[rows]), strict=True)
            ]
            file.write("".join(lines).encode())


def read_csv(path: Path) -> tuple[AnyArray, AnyArray]:
    """The samples of a .csv file, as float64."""
    with _readable(path):
        width, x, y = _header(path)
        data = _numbers(path, width)
    return np.ascontiguousarray(data[:, x]), np.ascontiguousarray(data[:, y])


def read_csv_exactly(path: Path) -> tuple[AnyArray, AnyArray]:
    """The samples of a .csv file as Fractions, each cell at its word: 0.1 is 1/10."""
    with _readable(path):
        width, x, y = _header(path)
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [
                [_rational(where, cell) for where, cell in cells]
                for cells in _cells(path, file, width)
            ]
    if not rows:
        raise FileError(f"{path}: got no samples below the header")
    data = np.array(rows, dtype=np.object_)
    return np.ascontiguousarray(data[:, x]), np.ascontiguousarray(data[:, y])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What a file that is none, or no text, raises, as a FileError."""
    try:
        yield
    except OSError as error:
        raise unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(
            f"{path}: got bytes that are no text, expected a table ({error})"
        ) from error


def _header(path: Path) -> tuple[int, list[int], list[int]]:
    """The number of columns, and which hold x0, x1, … and y0, y1, …"""
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
        x, y = _columns(path, [name.strip() for name in header])
        if not any(line.strip() for line in file):
            raise FileError(f"{path}: got a header and no samples below it")
    return len(header), x, y


def _numbers(path: Path, width: int) -> AnyArray:
    """The lines below the header.

    numpy's reader is quick, and vague about what is wrong: when it gives up, the file is read
    again, slowly, to name the line.
    """
    try:
        data = np.loadtxt(
            str(path),
            delimiter=",",
            quotechar='"',
            comments=None,
            skiprows=1,
            ndmin=2,
            encoding="utf-8-sig",
        )
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise _first_fault(path, width) or FileError(f"{path}: {error}") from error
    if data.shape[1] != width:
        raise _first_fault(path, width) or FileError(f"{path}: damaged")
    return data


def _first_fault(path: Path, width: int) -> FileError | None:
    """The first line that has another number of cells than the header, or one that is no
    number."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for cells in _cells(path, file, width):
                for where, cell in cells:
                    try:
                        float(cell)
                    except ValueError:
                        hint = f"; {READS_THEM}" if NUMERAL.fullmatch(cell.strip()) else ""
                        return FileError(f"{where}: got {cell!r}, expected a number{hint}")
    except FileError as error:
        return error
    return None


def _cells(path: Path, file: TextIO, width: int) -> Iterator[list[tuple[str, str]]]:
    """The lines below the header, empty ones left out: of each cell, where it is and its text.

    Raises FileError for a line that has another number of cells than the header."""
    lines = csv.reader(file)
    names = [name.strip() for name in next(lines)]
    for cells in lines:
        where = f"{path}, line {lines.line_num}"
        if not "".join(cells).strip() and len(cells) <= 1:
            continue
        if len(cells) != width:
            raise FileError(f"{where}: got {len(cells)} cells, expected {width}, as in the header")
        yield [(f"{where}, column {name}", cell) for name, cell in zip(names, cells, strict=True)]


def _rational(where: str, cell: str) -> Fraction:
    try:
        return rational(cell.strip())
    except ValueError as error:
        raise FileError(f"{where}: got {shortened(cell)!r}, expected {error}") from error


def write_parquet(path: Path, X: AnyArray, Y: AnyArray) -> None:
    arrow, parquet = _arrow()
    columns = [*X.T, *Y.T]
    table = arrow.table(dict(zip(_names(X, Y), map(np.ascontiguousarray, columns), strict=True)))
    with written_whole(path) as file:
        # Weights and noise hardly repeat: dictionaries would only cost time.
        parquet.write_table(table, file, use_dictionary=False)


def read_parquet(path: Path) -> tuple[AnyArray, AnyArray]:
    """The samples of a .parquet file, each of X and Y in the type common to its columns."""
    table = _table(path)
    x, y = _columns(path, table.column_names)
    return tuple(  # type: ignore[return-value]
        np.column_stack([_floats(path, table, index) for index in columns]) for columns in (x, y)
    )


def read_parquet_exactly(path: Path) -> tuple[AnyArray, AnyArray]:
    """The samples of a .parquet file as Fractions: integers, decimals and text at their word, and
    floats for the dyadic rationals that they are."""
    table = _table(path)
    x, y = _columns(path, table.column_names)
    return tuple(  # type: ignore[return-value]
        np.column_stack([_fractions(path, table, index) for index in columns]) for columns in (x, y)
    )


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


def _floats(path: Path, table: Any, index: int) -> AnyArray:
    column, where = _column(path, table, index)
    try:
        array: AnyArray = column.to_numpy()
    except Exception as error:
        raise _damaged(path, error) from error
    if array.dtype.kind not in "fiub":
        raise FileError(f"{where}: got {column.type}, expected real numbers")
    return array


def _fractions(path: Path, table: Any, index: int) -> AnyArray:
    column, where = _column(path, table, index)
    scale = getattr(column.type, "scale", 0)  # of decimals
    if abs(scale) > MOST_EXPONENT:
        raise FileError(f"{where}: got decimals of {scale} places, expected up to {MOST_EXPONENT}")
    try:
        values = column.to_pylist()
    except Exception as error:
        raise _damaged(path, error) from error
    if all(isinstance(value, str) for value in values):
        values = [_rational(where, value) for value in values]
    try:
        return as_fractions(where, np.fromiter(values, dtype=np.object_))
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
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return FileError(f"{path}: damaged or not a .parquet file ({reason})")


def _names(X: AnyArray, Y: AnyArray) -> list[str]:
    return [f"x{i}" for i in range(X.shape[1])] + [f"y{i}" for i in range(Y.shape[1])]


def _columns(path: Path, names: list[str]) -> tuple[list[int], list[int]]:
    """Where x0, x1, … and y0, y1, … are, in this order."""
    if not any(names):
        raise FileError(f"{path}: got no header, expected columns x0, …, y0, …")
    where: dict[str, dict[int, int]] = {"x": {}, "y": {}}
    for index, name in enumerate(names):
        parts = COLUMN.fullmatch(name)
        if parts is None:
            raise FileError(
                f"{path}: got a column {name!r}, expected only x0, …, y0, … (commas between "
                "them): rename or drop it"
            )
        letter, number = parts[1], int(parts[2])
        if number in where[letter]:
            raise FileError(f"{path}: got column {name} twice, expected it once")
        where[letter][number] = index
    for letter, found in where.items():
        missing = next(i for i in range(len(found) + 1) if i not in found)
        if not found or missing < len(found):
            raise FileError(f"{path}: column {letter}{missing} is missing")
    return tuple([found[i] for i in range(len(found))] for found in where.values())  # type: ignore[return-value]


def _texts(block: AnyArray) -> list[list[str]]:
    """Rows as text: of a number, what reads back as the same float64."""
    kind = block.dtype.kind
    if kind == "S":
        return block.astype(np.str_).tolist()  # type: ignore[no-any-return]
    block = block.astype(np.float64 if kind == "f" else np.uint8 if kind == "b" else block.dtype)
    return [list(map(repr, row)) for row in block.tolist()]
