"""Samples in tables of text: .csv and .tsv, also packed by gzip."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.archive import MOST_PACKED, SMALL, errors_named
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.layout import STANDARD, Layout, chosen, named, standard_names
from unrelu.formats.naming import shortened
from unrelu.formats.numerals import NUMERAL, READS_THEM, rational
from unrelu.formats.text_columns import columns_of_text, is_value
from unrelu.inputs.frames import Named, in_seconds
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.streams import counted

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

    @property
    def used(self) -> list[int]:
        return sorted({*self.x, *self.y})


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
    """The samples of a table of text: as float64, with flags (true, false) as 1 and 0, dates as
    seconds, and empty cells as NaN; or, `exact`, as Fractions, each cell taken literally: 0.1 is
    1/10."""
    path = paths[0]
    with errors_named(path, "a table of text"):
        head = _head(path, layout)
        names = [head.columns[i] for i in head.used]
        if exact:
            rows = [_rationals(names, line, cells) for line, cells in _rows(path, head)]
            data, readings = np.array(rows, dtype=np.object_), [""] * len(names)
        else:
            data, readings = _numbers(path, head, names)
        if not len(data):
            raise FileError("got no samples below the header")
    read = []
    for name, columns in (("X", head.x), ("Y", head.y)):
        at = [head.used.index(i) for i in columns]
        remarks = [in_seconds(name, names[i], readings[i]) for i in at if readings[i]]
        part = np.ascontiguousarray(data[:, at])
        read.append(named(part, [names[i] for i in at], not layout.named, remarks))
    return read[0], read[1]


def _rows(path: Path, head: Head) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header, without empty lines: the number of the line, and the cells of the
    columns that are used.

    Raises FileError for a line that has another number of cells than the header."""
    width = len(head.columns)
    with _opened(path) as file:
        lines = csv.reader(file, delimiter=head.delimiter)
        if head.header:
            next(lines)
        for cells in lines:
            if not "".join(cells).strip() and len(cells) <= 1:
                continue
            if len(cells) != width:
                raise FileError(
                    f"line {lines.line_num}: got {counted(len(cells), 'cell')}, expected {width}, "
                    f"as in the {'header' if head.header else 'first line'}"
                )
            yield lines.line_num, [cells[i] for i in head.used]


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
    """Whether a cell is no name: a number, a fraction, a flag, a date, or what is missing."""
    return is_value(cell) or bool(cell and NUMERAL.fullmatch(cell))


def _numbers(path: Path, head: Head, names: list[str]) -> tuple[AnyArray, list[str]]:
    """The columns that are used, and what to say of how they were read. NumPy's reader is fast, but
    reads numbers alone; where it fails, the columns are looked at one by one."""
    try:
        data = np.loadtxt(
            str(path),
            delimiter=head.delimiter,
            quotechar='"',
            comments=None,
            skiprows=int(head.header),
            ndmin=2,
            encoding="utf-8-sig",
            usecols=None if len(names) == len(head.columns) else head.used,
        )
        if data.shape[1] != len(names):
            raise ValueError(f"{data.shape[1]} columns, expected {len(names)}")
    except ValueError:
        return columns_of_text(lambda: _rows(path, head), names, _hint)
    return data, [""] * len(names)


def _hint(cell: str) -> str:
    if NUMERAL.fullmatch(cell.strip()):
        return f"; {READS_THEM}"
    if DECIMAL_COMMA.fullmatch(cell.strip()):
        return "; decimals have a point, not a comma"
    if "/" in cell:
        return "; dates are read in the form 2024-12-31"
    return ", true or false, or a date: leave out columns of other text"


def _rationals(names: list[str], line: int, cells: list[str]) -> list[Fraction]:
    return [
        rational_cell(f"line {line}, column {name}", cell)
        for name, cell in zip(names, cells, strict=True)
    ]


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
