"""Answers that are probabilities of one event each, after a sigmoid."""

from __future__ import annotations

from unrelu.checks.kinds_of_labels import on_simplex
from unrelu.extraction.heads.head import Head, Shown
from unrelu.extraction.heads.linked import extract_behind
from unrelu.extraction.heads.recognising import at_bounds, straight, within
from unrelu.links.sigmoid import SIGMOID as LINK
from unrelu.numerics.arrays import Array


def _possible(Y: Array) -> bool:
    return within(Y, 0.0, 1.0) and on_simplex(Y) is None


def _recognise(shown: Shown) -> bool:
    return at_bounds(shown, 0.0, 1.0) and straight(shown, LINK)


SIGMOID = Head(
    "sigmoid",
    LINK.about,
    possible=_possible,
    recognise=_recognise,
    extract=extract_behind(LINK),
)
