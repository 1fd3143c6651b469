"""Results as labelled lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from unrelu.wording.streams import printable

LINE = 100
"""Columns that a result in text takes up at most."""


def labelled(rows: Sequence[tuple[str, str]]) -> str:
    """Labelled lines, long ones continued below their beginning, in characters that standard
    output has.

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
