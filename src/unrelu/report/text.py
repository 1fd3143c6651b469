"""Results as text, for people and for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from unrelu.formats.numerals import numeral

if TYPE_CHECKING:
    from rich.table import Table


def table(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """Labelled lines, such as `Recovery.rows()`, as a table for the terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title, title_justify="left", box=box.ROUNDED, show_header=False)
    drawn.add_column(style="cyan", no_wrap=True)
    drawn.add_column(overflow="fold")
    for label, text in rows:
        drawn.add_row(Text(label), Text(text))  # Text: brackets in it are not styles
    return drawn


def json_text(values: Mapping[str, object]) -> str:
    """Results for machines; numbers that are not finite, which JSON does not know, are null, and
    fractions are text.

    >>> print(json_text({"error": float("inf"), "weight": Fraction(1, 3)}))
    {
      "error": null,
      "weight": "1/3"
    }
    """
    return json.dumps(_plain(values), indent=2, allow_nan=False)


MOST_BITS = 1024
"""Of an integer that is written as one: few programs read longer ones, and Python itself stops
writing them at some thousand digits."""


def _plain(value: object) -> object:
    """Mappings, lists, numbers and words, without numpy."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Fraction):
        return numeral(value)
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return numeral(Fraction(value))
    return value
