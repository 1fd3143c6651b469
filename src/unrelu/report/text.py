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
    """A table for the terminal of labelled lines, such as `Recovery.rows()`."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title, title_justify="left", box=box.ROUNDED, show_header=False)
    drawn.add_column(style="cyan", no_wrap=True)
    drawn.add_column(overflow="fold")
    for label, text in rows:
        drawn.add_row(Text(label), Text(text))  # Text, so that brackets are not read as styles
    return drawn


def json_text(values: Mapping[str, object]) -> str:
    """Results as JSON. Numbers that are not finite, which JSON does not allow, become null, and
    fractions become text.

    >>> print(json_text({"error": float("inf"), "weight": Fraction(1, 3)}))
    {
      "error": null,
      "weight": "1/3"
    }
    """
    return json.dumps(_plain(values), indent=2, allow_nan=False)


MOST_BITS = 1024
"""The longest integer that is written as a number: few programs read longer ones, and Python
refuses to write several thousand digits."""


def _plain(value: object) -> object:
    """Plain mappings, lists, numbers and text, without numpy."""
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
