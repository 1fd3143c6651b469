"""Samples as tables with columns x0, x1, …, y0, y1, …, in .csv and .parquet files."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError
from unrelu.extras import require
from unrelu.formats.archive import unreadable
from unrelu.formats.whole import written_whole

if TYPE_CHECKING:
    from types import ModuleType

AnyArray = NDArray[Any]

COLUMN = re.compile(r"([xy])(0|[1-9][0-9]{0,8})")

BLOCK_ROWS = 4096
"""Lines of text that are made at a time."""


def write_csv(path: Path, X: AnyArray, Y: AnyArray) -> None:
    """Numbers are written with as many digits as give the same float64 back."""
    with written_whole(path) as file:
        file.write((",".join(_names(X, Y)) + "\n").encode())
        for start in range(0, len(X), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            lines = [
                ",".join(map(repr, x + y)) + "\n"
                for x, y in zip(_plain(X[rows]), _plain(Y[rows]), strict=True)
            ]
            file.write("".join(lines).encode())


def read_csv(path: Path) -> tuple[AnyArray, AnyArray]:
    """The samples of a .csv file, as float64."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
            x, y = _columns(path, [name.strip() for name in header])
            if not any(line.strip() for line in file):
                raise FileError(f"{path}: got a header and no samples below it")
        data = _numbers(path, len(header))
    except OSError as error:
        raise unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(
            f"{path}: got bytes that are no text, expected a table ({error})"
        ) from error
    return np.ascontiguousarray(data[:, x]), np.ascontiguousarray(data[:, y])


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
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        names = next(lines)
        for cells in lines:
            where = f"{path}, line {lines.line_num}"
            if not "".join(cells).strip() and len(cells) <= 1:
                continue
            if len(cells) != width:
                return FileError(
                    f"{where}: got {len(cells)} cells, expected {width}, as in the header"
                )
            for name, cell in zip(names, cells, strict=True):
                try:
                    float(cell)
                except ValueError:
                    return FileError(
                        f"{where}, column {name.strip()}: got {cell!r}, expected a number"
                    )
    return None


def write_parquet(path: Path, X: AnyArray, Y: AnyArray) -> None:
    arrow, parquet = _arrow()
    columns = [*X.T, *Y.T]
    table = arrow.table(dict(zip(_names(X, Y), map(np.ascontiguousarray, columns), strict=True)))
    with written_whole(path) as file:
        # Weights and noise hardly repeat: dictionaries would only cost time.
        parquet.write_table(table, file, use_dictionary=False)


def read_parquet(path: Path) -> tuple[AnyArray, AnyArray]:
    """The samples of a .parquet file, each of X and Y in the type common to its columns."""
    _, parquet = _arrow()
    try:
        # A single file and not what a folder of them may hold; opened here, so that a missing
        # file is told apart from a damaged one.
        with open(path, "rb") as file:
            table = parquet.ParquetFile(file).read()
    except OSError as error:  # pyarrow calls some damage so, too, and gives it no number
        if error.errno is None:
            raise _damaged(path, error) from error
        raise unreadable(path, error) from error
    except Exception as error:
        raise _damaged(path, error) from error
    x, y = _columns(path, table.column_names)
    return _stacked(path, table, x), _stacked(path, table, y)


def _stacked(path: Path, table: Any, columns: list[int]) -> AnyArray:
    arrays = []
    for index in columns:
        column, name = table.column(index), table.column_names[index]
        if column.null_count:
            raise FileError(
                f"{path}, column {name}: got {column.null_count} empty cells, expected numbers: "
                "drop or repair such rows"
            )
        try:
            array = column.to_numpy()
        except Exception as error:
            raise _damaged(path, error) from error
        if array.dtype.kind not in "fiub":
            raise FileError(f"{path}, column {name}: got {column.type}, expected real numbers")
        arrays.append(array)
    return np.column_stack(arrays)


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


def _plain(block: AnyArray) -> list[list[float]]:
    """Rows as Python numbers, whose repr reads back as the same float64."""
    kind = block.dtype.kind
    block = block.astype(np.float64 if kind == "f" else np.uint8 if kind == "b" else block.dtype)
    return block.tolist()  # type: ignore[no-any-return]
