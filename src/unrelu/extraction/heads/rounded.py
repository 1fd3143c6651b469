"""Answers that are values rounded to decimals, whole numbers, a grid, or floats of fewer bits."""

from __future__ import annotations

from unrelu.extraction.heads.head import Head, Shown
from unrelu.extraction.heads.linked import extract_behind
from unrelu.extraction.heads.recognising import rounded, takes_single_precision
from unrelu.links.identity import VALUES as LINK
from unrelu.numerics.grids import grid_of


def _recognise(shown: Shown) -> bool:
    """A model that rounds its inputs as well has no more to give than it answers with."""
    return rounded(shown) and not takes_single_precision(shown.asked, shown.Y)


ROUNDED = Head(
    "rounded",
    "values, rounded to decimals, a grid, or floats of fewer bits",
    possible=lambda Y: grid_of(Y) is not None,
    recognise=_recognise,
    extract=extract_behind(LINK),
)
