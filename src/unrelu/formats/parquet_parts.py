"""Samples in several .parquet files, or a folder of them: read group by group, never as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.errors import FileError, InputError, require
from unrelu.formats.archive import errors_named
from unrelu.formats.layout import STANDARD, Layout, chosen
from unrelu.formats.parquet import column_numbers
from unrelu.numerics.arrays import AnyArray
from unrelu.stored.rows import StoredRows


@dataclass(frozen=True)
class RowGroups:
    """Some columns of the row groups of .parquet files, which are (file, group, rows) each."""

    groups: tuple[tuple[Path, int, int], ...]
    columns: tuple[str, ...]

    def block_rows(self) -> list[int]:
        return [rows for _, _, rows in self.groups]

    def read_block(self, number: int) -> AnyArray:
        path, group, _ = self.groups[number]
        with errors_named(path, "a .parquet file"), open(path, "rb") as file:
            table = _parquet().ParquetFile(file).read_row_group(group, columns=list(self.columns))
            places = map(table.column_names.index, self.columns)
            return np.column_stack([column_numbers(table, place)[0] for place in places])


def read_parts(
    paths: tuple[Path, ...], layout: Layout = STANDARD, *, exact: bool = False
) -> tuple[StoredRows, StoredRows]:
    """The samples of .parquet files, one after the other, or of those in a folder, in the order of
    their names. Raises FileError if they have different columns."""
    if exact:
        raise InputError(f"{paths[0]}: got exact=True, expected one file for exact samples")
    files = [file for path in paths for file in _files(path)]
    names, groups = _names(files[0]), []
    for path in files:
        with errors_named(path, "a .parquet file"), open(path, "rb") as file:
            read = _parquet().ParquetFile(file)
            if read.schema_arrow.names != names:
                raise FileError(f"got other columns than in {files[0]}, expected the same")
            sizes = [read.metadata.row_group(i).num_rows for i in range(read.num_row_groups)]
        groups += [(path, number, rows) for number, rows in enumerate(sizes)]
    with errors_named(files[0], "a .parquet file"):
        inputs, outputs = (
            tuple(names[place] for place in columns) for columns in chosen(names, layout)
        )
    X, Y = (RowGroups(tuple(groups), columns) for columns in (inputs, outputs))
    own = (inputs, outputs) if layout.named else ((), ())
    return StoredRows(X, "X", own[0]), StoredRows(Y, "Y", own[1])


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.parquet"))
    if not found:
        raise FileError(f"{path}: got a folder without .parquet files, expected samples in some")
    return found


def _names(path: Path) -> list[str]:
    with errors_named(path, "a .parquet file"), open(path, "rb") as file:
        names: list[str] = _parquet().ParquetFile(file).schema_arrow.names
        return names


def _parquet() -> Any:
    return require("pyarrow.parquet", "parquet", ".parquet files need")
