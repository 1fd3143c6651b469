"""Answers that are values, or zero where they are negative."""

from __future__ import annotations

from unrelu.extraction.heads.head import Head
from unrelu.extraction.heads.linked import extract_behind
from unrelu.extraction.heads.recognising import cut_off, some_at
from unrelu.links.rectified import RECTIFIED as LINK

RECTIFIED = Head(
    "rectified",
    LINK.about,
    possible=lambda Y: bool(Y.min() >= 0),
    recognise=lambda shown: some_at(shown.Y, 0.0) and cut_off(shown, LINK),
    extract=extract_behind(LINK),
    hides=LINK.hides,
)
