"""Results as lines of text, labelled or in columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from unrelu.wording.streams import printable

LINE = 100
"""Largest width of a result in text, in characters."""


def labelled(rows: Sequence[tuple[str, str]]) -> str:
    """Labelled lines, with long ones wrapped, in characters that standard output has.

    >>> print(labelled([("status", "exact"), ("seconds", "0.1")]))
    status   exact
    seconds  0.1
    """
    rows = [(printable(name), printable(text)) for name, text in rows]
    label = max(len(name) for name, _ in rows)
    lines = []
    for name, text in rows:
        first, *rest = textwrap.wrap(text, LINE - label - 2, break_on_hyphens=False) or [""]
        lines.append(f"{name:<{label}}  {first}")
        lines += [" " * (label + 2) + line for line in rest]
    return "\n".join(lines)


def aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, with columns aligned on the right.

    >>> aligned([["a", "bb"], ["ccc", "d"]])
    ['  a  bb', 'ccc   d']
    """
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
