"""A summary of a fit: facts, tables and numbered notes as data, in text, HTML or a DataFrame."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from unrelu.wording.streams import printable

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 78
"""Columns of text."""


@dataclass(frozen=True)
class Table:
    """`rows` of texts below the `head`, whose first cell is the title; the first column is aligned
    on the left, the others on the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Summary:
    """What `Recovery.summary` returns: `print` it, look at it in a notebook, or take `as_html()`,
    `frame()`, or the values.

    title : of the whole.
    facts : names and values.
    tables : of texts, as they are shown.
    notes : what to bear in mind, in sentences.
    numbers : every weight with its errors, a mapping each, as in `Uncertainty.weights`.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    numbers: tuple[Mapping[str, object], ...]

    def as_text(self) -> str:
        """Lines of at most 78 columns, unless the names in a table are longer."""
        pieces = [*_facts(self.facts)]
        for table in self.tables:
            pieces += ["-" * WIDTH, *_lines(table)]
        for number, note in enumerate(self.notes, 1):
            label = f"[{number}] "
            wrapped = textwrap.wrap(note, WIDTH - len(label), break_on_hyphens=False)
            pieces += ["=" * WIDTH] if number == 1 else []
            pieces += [label + wrapped[0], *(" " * len(label) + line for line in wrapped[1:])]
        return printable("\n".join([self.title.center(WIDTH).rstrip(), "=" * WIDTH, *pieces]))

    def as_html(self) -> str:
        """A piece of HTML: tables without a style sheet."""
        facts = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
            f"<td>{escape(value)}</td></tr>"
            for name, value in self.facts
        )
        tables = "".join(map(_html, self.tables))
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        notes = f"<ol>{notes}</ol>" if notes else ""
        return f"<div><h3>{escape(self.title)}</h3><table>{facts}</table>{tables}{notes}</div>"

    def frame(self) -> pd.DataFrame:
        """Every weight with its standard error and interval, one to a row. Needs pandas, which
        raises ImportError where it is not installed."""
        import pandas as pd

        return pd.DataFrame([dict(each) for each in self.numbers])

    def __str__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        return self.as_html()


def _facts(facts: Sequence[tuple[str, str]]) -> list[str]:
    """In two columns, the first half on the left; what is too long for half of a line has one."""
    half = WIDTH // 2 - 1
    short = [fact for fact in facts if len(fact[0]) + len(fact[1]) + 2 <= half]
    long = [fact for fact in facts if fact not in short]
    middle = (len(short) + 1) // 2
    left = [_spread(*fact, half) for fact in short[:middle]]
    right = [_spread(*fact, half) for fact in short[middle:]]
    right += [""] * (len(left) - len(right))
    lines = [f"{one}  {other}".rstrip() for one, other in zip(left, right, strict=True)]
    return [*lines, *(_spread(*fact, WIDTH) for fact in long)]


def _spread(name: str, value: str, width: int) -> str:
    return f"{name}:{value:>{max(len(value) + 1, width - len(name) - 1)}}"


def _lines(table: Table) -> list[str]:
    """The table as wide as the summary, where there is room."""
    cells = [table.head, *table.rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    between = max(2, (WIDTH - sum(widths)) // max(1, len(widths) - 1))
    lines = [
        row[0].ljust(widths[0])
        + "".join(
            " " * between + cell.rjust(width)
            for cell, width in zip(row[1:], widths[1:], strict=True)
        )
        for row in cells
    ]
    return [line.rstrip() for line in (lines[0], "-" * WIDTH, *lines[1:])]


def _html(table: Table) -> str:
    """
    >>> _html(Table(("term", "estimate"), (("a & b", "1"),))).count("<td")
    1
    """
    head = "".join(f'<th scope="col" style="text-align:right">{escape(t)}</th>' for t in table.head)
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(row[0])}</th>'
        + "".join(f'<td style="text-align:right">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
