"""What every benchmark shares: arguments, and a table printed as it grows, kept as CSV and PNG.

Importing it makes `unrelu` and `planting` of this checkout importable, installed or not, so it
comes before them. Quick runs write `results/quick-*`, which git ignores: a glance never
overwrites a measurement.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
SOURCE = HERE.parent / "src"

sys.path[:0] = [str(SOURCE), str(HERE.parent / "tests")]

Value = str | int | float


def parser(doc: str | None, seeds: int) -> argparse.ArgumentParser:
    """--seeds and --quick; a script adds what else it needs."""
    made = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--seeds", type=int, default=seeds, help=f"problems per row ({seeds})")
    made.add_argument("--quick", action="store_true", help="a tiny version, under 20 seconds")
    return made


class Table:
    """Rows with the same columns, each printed and written to the CSV when it comes: a run that
    is cut off leaves what it has measured."""

    def __init__(self, name: str, columns: Sequence[str], *, quick: bool) -> None:
        self.columns = list(columns)
        self.rows: list[dict[str, Value]] = []
        self._stem = RESULTS / (f"quick-{name}" if quick else name)
        self._widths: list[int] = []

    def add(self, values: Mapping[str, Value]) -> None:
        """Append, print and write a row; every column must be given."""
        row = {name: values[name] for name in self.columns}
        cells = [_text(value) for value in row.values()]
        if not self._widths:
            pairs = zip(self.columns, cells, strict=True)
            self._widths = [max(len(name), len(cell), 5) for name, cell in pairs]
            print(self._line(self.columns), flush=True)
        self.rows.append(row)
        print(self._line(cells), flush=True)
        self._write()

    def _line(self, cells: Sequence[str]) -> str:
        pairs = zip(cells, self._widths, strict=True)
        return "  ".join(f"{cell:>{width}}" for cell, width in pairs).rstrip()

    def _write(self) -> None:
        RESULTS.mkdir(exist_ok=True)
        with self._stem.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.columns)
            writer.writerows([_text(value) for value in row.values()] for row in self.rows)

    def draw(self, paint: Callable[[Axes], None]) -> None:
        """One pair of axes as PNG; `paint` fills it."""
        from matplotlib.figure import Figure

        RESULTS.mkdir(exist_ok=True)
        figure = Figure(figsize=(7.0, 4.2), layout="constrained")
        axes = figure.add_subplot()
        paint(axes)
        axes.grid(alpha=0.3)
        figure.savefig(self._stem.with_suffix(".png"), dpi=110)


def _text(value: Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
