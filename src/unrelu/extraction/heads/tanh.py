"""Answers that are hyperbolic tangents of values."""

from __future__ import annotations

from unrelu.extraction.heads.head import Head, Shown
from unrelu.extraction.heads.linked import extract_behind
from unrelu.extraction.heads.recognising import at_bounds, straight, within
from unrelu.links.tanh import TANH as LINK


def _recognise(shown: Shown) -> bool:
    return at_bounds(shown, -1.0, 1.0) and straight(shown, LINK)


TANH = Head(
    "tanh",
    LINK.about,
    possible=lambda Y: within(Y, -1.0, 1.0),
    recognise=_recognise,
    extract=extract_behind(LINK),
)
