"""Columns of text as numbers: numbers themselves, flags, and dates.

A column is what all of its cells are. Empty cells and the usual words for them are missing values,
NaN; who uses the samples says what to do about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.naming import shortened
from unrelu.inputs.frames import DATES
from unrelu.numerics.arrays import Array

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none"})
"""What stands for a missing value, in small letters."""

FLAGS = {"false": 0.0, "true": 1.0}

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _number(cell: str) -> float:
    if "_" in cell:  # which Python takes for a separator of thousands
        raise ValueError(cell)
    return float(cell)


def _flag(cell: str) -> float:
    return FLAGS[cell.lower()]


def _date(cell: str) -> float:
    """Seconds since 1970 of a date or a time of ISO 8601, which is one of UTC unless it says
    otherwise."""
    time = datetime.fromisoformat(cell)
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (time - EPOCH).total_seconds()


@dataclass(frozen=True)
class Reader:
    """How cells are read. `number` raises ValueError or KeyError for a cell of another kind;
    `remark`: what to say of such a column."""

    number: Callable[[str], float]
    remark: str = ""


READERS = (Reader(_number), Reader(_flag), Reader(_date, DATES))
"""The first that reads all cells of a column reads the column."""


def columns_of_text(
    rows: Callable[[], Iterable[tuple[int, Sequence[str]]]],
    names: Sequence[str],
    hint: Callable[[str], str],
) -> tuple[Array, list[str]]:
    """The numbers (n, c) of rows of c cells, and what to say of each column.

    rows : the rows with the numbers of their lines, from the beginning whenever it is called;
    hint : what a message adds to a cell that is no number.

    Raises FileError for a column that no reader reads, with the line of the first cell that is
    none of what those before it were. Cost: two passes over the rows.
    """
    left = [list(READERS) for _ in names]
    n = 0
    for line, cells in rows():
        n += 1
        for column, cell in enumerate(cells):
            text = cell.strip()
            if is_missing(text):
                continue
            left[column] = [reader for reader in left[column] if _reads(reader, text)]
            if not left[column]:
                raise FileError(
                    f"line {line}, column {names[column]}: got {shortened(cell)!r}, expected a "
                    f"number{hint(cell)}"
                )
    numbers = np.empty((n, len(names)))
    for row, (_, cells) in enumerate(rows()):
        numbers[row] = [
            np.nan if is_missing(cell) else reading[0].number(cell.strip())
            for reading, cell in zip(left, cells, strict=True)
        ]
    return numbers, [reading[0].remark for reading in left]


def is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


def is_value(cell: str) -> bool:
    """Whether a cell is read as a number by some reader, or stands for a missing one."""
    return is_missing(cell) or any(_reads(reader, cell.strip()) for reader in READERS)


def _reads(reader: Reader, cell: str) -> bool:
    try:
        reader.number(cell)
    except (ValueError, KeyError):
        return False
    return True
