"""Answers that are values, clipped to [0, 1]."""

from __future__ import annotations

from unrelu.extraction.heads.head import Head
from unrelu.extraction.heads.linked import extract_behind
from unrelu.extraction.heads.recognising import cut_off, some_at, stays_within, within
from unrelu.links.clipped import CLIPPED as LINK

CLIPPED = Head(
    "clipped",
    LINK.about,
    possible=lambda Y: within(Y, 0.0, 1.0),
    recognise=lambda shown: (
        some_at(shown.Y, 0.0, 1.0) and stays_within(shown, 0.0, 1.0) and cut_off(shown, LINK)
    ),
    extract=extract_behind(LINK),
    hides=LINK.hides,
)
