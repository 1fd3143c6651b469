"""Answers that are probabilities of classes, after a softmax."""

from __future__ import annotations

from unrelu.checks.kinds_of_labels import on_simplex
from unrelu.extraction.heads.head import Head, Shown
from unrelu.extraction.heads.linked import extract_behind
from unrelu.extraction.heads.recognising import at_bounds, straight
from unrelu.links.softmax import SOFTMAX as LINK
from unrelu.numerics.arrays import Array


def _possible(Y: Array) -> bool:
    found = on_simplex(Y)
    return found is not None and found[0] == "probabilities"


def _recognise(shown: Shown) -> bool:
    total = round(float(shown.Y[0].sum()))  # one, or a hundred
    return at_bounds(shown, 0.0, total) and straight(shown, LINK)


SOFTMAX = Head(
    "softmax",
    LINK.about,
    possible=_possible,
    recognise=_recognise,
    extract=extract_behind(LINK),
    hides=LINK.hides,
)
