"""A result as a piece of HTML for a notebook: no style sheet, no script, and colours that are
readable on a light and a dark background."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

COLOURS = {
    "proved": "#00694f",
    "exact": "#00694f",
    "estimated": "#0a5ca4",
    "undetermined": "#8a5a00",
    "failed": "#b23a0e",
}
"""Backgrounds of white text, distinguishable with colour blindness; the text says the same."""

RULE = "1px solid rgba(128,128,128,.35)"


def card(
    word: str,
    sentence: str,
    rows: Sequence[tuple[str, str]],
    table: Sequence[Sequence[str]] = (),
) -> str:
    """A verdict in one word and a sentence, labelled lines, and a table whose first row has the
    heads.

    >>> card("exact", "a < b", [("samples", "100")]).count("<tr")
    1
    """
    badge = (
        f"background:{COLOURS.get(word, '#595c61')};color:#fff;padding:.15em .6em;"
        "border-radius:.3em;font-weight:600"
    )
    verdict = f'<span style="{badge}">{escape(word)}</span> {escape(sentence)}'
    lines = "".join(
        f'<tr><th scope="row" style="{_cell("left")};font-weight:600;white-space:nowrap;'
        f'vertical-align:top">{escape(name)}</th>'
        f'<td style="{_cell("left")};overflow-wrap:anywhere">{escape(text)}</td></tr>'
        for name, text in rows
    )
    parts = [
        f'<p style="margin:0 0 .75em">{verdict}</p>',
        f'<table style="{_TABLE}">{lines}</table>',
    ]
    if table:
        parts.append(f'<div style="overflow-x:auto;margin-top:1em">{_table(table)}</div>')
    return f'<div style="max-width:56em;color:inherit;line-height:1.5">{"".join(parts)}</div>'


_TABLE = "border-collapse:collapse;margin:0;font-size:inherit;color:inherit;background:none"


def _cell(align: str) -> str:
    return f"text-align:{align};padding:.2em 1.2em .2em 0;border:0;border-bottom:{RULE}"


def _table(cells: Sequence[Sequence[str]]) -> str:
    heads, *rows = cells
    head = "".join(
        f'<th scope="col" style="{_cell("right")}">{escape(text)}</th>' for text in heads
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_cell("right")}">{escape(text)}</td>' for text in row)
        + "</tr>"
        for row in rows
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
