"""Samples in tables of text: .csv and .tsv, also packed by gzip."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.archive import MOST_PACKED, SMALL, errors_named
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.layout import STANDARD, Layout, chosen, named, standard_names
from unrelu.formats.naming import shortened
from unrelu.formats.numerals import NUMERAL, READS_THEM, rational
from unrelu.inputs.frames import Named
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.streams import counted

T = TypeVar("T")
Table = tuple[AnyArray | Named, AnyArray | Named]
"""X and Y, with the names of their columns unless these are x0, x1, …, y0, y1, …"""

DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")

BLOCK_ROWS = 4096
"""Lines of text that are made at a time."""


DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "space": " "}
"""Words for what a shell makes difficult to type."""


@dataclass(frozen=True)
class Head:
    """What is known of a table of text before its numbers: the names of its columns, which of them
    are inputs and outputs, whether the first line is their header, and the delimiter."""

    columns: list[str]
    x: list[int]
    y: list[int]
    header: bool
    delimiter: str


def write_csv(paths: tuple[Path, ...], X: AnyArray, Y: AnyArray) -> None:
    """Numbers are written with as many digits as give the same float64 back, text as it is; with
    tabs in a .tsv, packed in a .gz."""
    path = paths[0]
    between = "\t" if ".tsv" in path.suffixes else ","
    with atomic_write(path) as file, _packed(path, file) as packed:
        packed.write((between.join(standard_names(X, Y)) + "\n").encode())
        for start in range(0, len(X), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            lines = [
                between.join(x + y) + "\n"
                for x, y in zip(_texts(X[rows]), _texts(Y[rows]), strict=True)
            ]
            packed.write("".join(lines).encode())


@contextmanager
def _packed(path: Path, file: BinaryIO) -> Iterator[BinaryIO]:
    if path.suffix.lower() != ".gz":
        yield file
        return
    with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:  # equal samples, equal bytes
        yield packed  # type: ignore[misc]


def _opened(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def read_csv(paths: tuple[Path, ...], layout: Layout = STANDARD, *, exact: bool = False) -> Table:
    """The samples of a table of text: as float64, or, `exact`, as Fractions, each cell taken
    literally: 0.1 is 1/10."""
    path = paths[0]
    with errors_named(path, "a table of text"):
        head = _head(path, layout)
        if exact:
            data = np.array(list(_rows(path, head, rational_cell)), dtype=np.object_)
        else:
            data = _numbers(path, head)
        if not len(data):
            raise FileError("got no samples below the header")
    return tuple(  # type: ignore[return-value]
        named(np.ascontiguousarray(data[:, at]), [head.columns[i] for i in at], not layout.named)
        for at in (head.x, head.y)
    )


def _rows(path: Path, head: Head, number: Callable[[str, str], T]) -> Iterator[list[T]]:
    """The rows below the header, without empty lines. `number` takes the place of a cell, for
    messages, and its text. Columns that are not used are zero.

    Raises FileError for a line that has another number of cells than the header."""
    used, width = {*head.x, *head.y}, len(head.columns)
    with _opened(path) as file:
        lines = csv.reader(file, delimiter=head.delimiter)
        if head.header:
            next(lines)
        for cells in lines:
            where = f"line {lines.line_num}"
            if not "".join(cells).strip() and len(cells) <= 1:
                continue
            if len(cells) != width:
                raise FileError(
                    f"{where}: got {counted(len(cells), 'cell')}, expected {width}, as in the "
                    f"{'header' if head.header else 'first line'}"
                )
            yield [
                number(f"{where}, column {name}", cells[i] if i in used else "0")
                for i, name in enumerate(head.columns)
            ]


def _head(path: Path, layout: Layout) -> Head:
    """What the first line shows."""
    _check_packed(path)
    with _opened(path) as file:
        first = file.readline()
        delimiter = _delimiter(layout.delimiter, first)
        names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        header = not (any(names) and all(map(_is_number, names)))
        if not header and not layout.named:
            raise FileError(
                "got no header but numbers in the first line, expected columns x0, …, y0, …; "
                "--x-columns 0,1 --y-columns 2 names columns by number"
            )
        names = names if header else list(map(str, range(len(names))))
        x, y = chosen(names, layout)
        if header and not any(line.strip() for line in file):
            raise FileError("got a header and no samples below it")
    return Head(names, x, y, header, delimiter)


def _check_packed(path: Path) -> None:
    """Raise FileError for a file that is packed so tightly that it would fill the memory."""
    if path.suffix.lower() != ".gz":
        return
    most, size = max(SMALL, MOST_PACKED * path.stat().st_size), 0
    with gzip.open(path, "rb") as file:
        while block := file.read(SMALL):
            size += len(block)
            if size > most:
                raise FileError(
                    f"unpacks to more than {MOST_PACKED} times its size, expected numbers"
                )


def _delimiter(given: str | None, first: str) -> str:
    if given is not None:
        found = DELIMITERS.get(given, given)
        if len(found) != 1 or found in '"\r\n':
            raise FileError(
                f"got {given!r} for the delimiter, expected a single character or one of "
                f"{', '.join(DELIMITERS)}"
            )
        return found
    outside = re.sub(r'"[^"]*"', "", first)
    return max(",;\t|", key=outside.count)  # the first of these where there is none


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return NUMERAL.fullmatch(cell) is not None and bool(cell)
    return True


def _numbers(path: Path, head: Head) -> AnyArray:
    """The rows below the header; columns that are not used are NaN.

    NumPy's reader is fast, but its errors are vague: if it fails, the file is read again, slowly,
    to name the line.
    """
    used = sorted({*head.x, *head.y})
    try:
        data = np.loadtxt(
            str(path),
            delimiter=head.delimiter,
            quotechar='"',
            comments=None,
            skiprows=int(head.header),
            ndmin=2,
            encoding="utf-8-sig",
            usecols=None if len(used) == len(head.columns) else used,
        )
        if data.shape[1] != len(used):
            raise ValueError(f"{data.shape[1]} columns, expected {len(used)}")
    except ValueError:
        for _ in _rows(path, head, _float):
            pass
        raise
    if len(used) == len(head.columns):
        return data
    whole = np.full((len(data), len(head.columns)), np.nan)
    whole[:, used] = data
    return whole


def _float(where: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise FileError(f"{where}: got {cell!r}, expected a number{_hint(cell)}") from None


def _hint(cell: str) -> str:
    if NUMERAL.fullmatch(cell.strip()):
        return f"; {READS_THEM}"
    if DECIMAL_COMMA.fullmatch(cell.strip()):
        return "; decimals have a point, not a comma"
    return ""


def rational_cell(where: str, cell: str) -> Fraction:
    try:
        return rational(cell.strip())
    except ValueError as error:
        raise FileError(f"{where}: got {shortened(cell)!r}, expected {error}") from error


def _texts(block: AnyArray) -> list[list[str]]:
    """Rows as text: of a number, what reads back as the same float64."""
    kind = block.dtype.kind
    if kind == "S":
        return block.astype(np.str_).tolist()  # type: ignore[no-any-return]
    block = block.astype(np.float64 if kind == "f" else np.uint8 if kind == "b" else block.dtype)
    return [list(map(repr, row)) for row in block.tolist()]
