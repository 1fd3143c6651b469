"""Answers that are logarithms of probabilities of classes, after a log-softmax."""

from __future__ import annotations

from unrelu.checks.kinds_of_labels import on_simplex
from unrelu.extraction.heads.head import Head
from unrelu.extraction.heads.linked import extract_behind
from unrelu.links.log_softmax import LOG_SOFTMAX as LINK
from unrelu.numerics.arrays import Array


def _possible(Y: Array) -> bool:
    found = on_simplex(Y)
    return found is not None and found[0] == "log-probabilities"


LOG_SOFTMAX = Head(
    "log-softmax",
    LINK.about,
    possible=_possible,
    recognise=lambda _: True,
    extract=extract_behind(LINK),
    hides=LINK.hides,
)
