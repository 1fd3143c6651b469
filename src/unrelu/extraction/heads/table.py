"""The table of the heads. A head is a file, and a line here.

The order matters: the first head that recognises the answers is taken, so one that takes anything
comes last.
"""

from __future__ import annotations

from unrelu.errors import InputError, InputTypeError
from unrelu.extraction.heads.clipped import CLIPPED
from unrelu.extraction.heads.head import FIRST_ANSWERS, Asked, Head, Shown
from unrelu.extraction.heads.labels import LABELS
from unrelu.extraction.heads.log_softmax import LOG_SOFTMAX
from unrelu.extraction.heads.rectified import RECTIFIED
from unrelu.extraction.heads.refused import ended_before
from unrelu.extraction.heads.rounded import ROUNDED
from unrelu.extraction.heads.sigmoid import SIGMOID
from unrelu.extraction.heads.softmax import SOFTMAX
from unrelu.extraction.heads.tanh import TANH
from unrelu.extraction.heads.top_k import TOP_K
from unrelu.extraction.heads.values import VALUES
from unrelu.extraction.queries import ENDED
from unrelu.wording.streams import kind_of

HEADS = {
    head.name: head
    for head in (
        *(LABELS, TOP_K, SOFTMAX, LOG_SOFTMAX, CLIPPED),
        *(SIGMOID, TANH, RECTIFIED, ROUNDED, VALUES),
    )
}


def choices() -> dict[str, str]:
    """What `answers` may be, by name, and what it means."""
    return {"auto": "recognised"} | {head.name: head.about for head in HEADS.values()}


def resolve(answers: str | Head) -> Head | None:
    """The head of a name or a head; None for "auto". Raises InputError, InputTypeError."""
    if isinstance(answers, Head):
        return answers
    if not isinstance(answers, str):
        raise InputTypeError(f"answers: got {kind_of(answers)}, expected a name or a Head")
    if answers not in choices():
        names = ", ".join(map(repr, choices()))
        raise InputError(f"answers: got {answers!r}, expected one of {names}")
    return HEADS.get(answers)


def recognise(asked: Asked, few: int) -> Head:
    """The head of a model, by the first `few` random queries or, where those leave it open, up to a
    few hundred more. If it is stopped before, a head that says so."""
    last = list(HEADS.values())[-1]
    try:
        _, Y = asked.queries(asked.random_inputs(few))
        if asked.queries.texts.pairs:
            return next(head for head in HEADS.values() if head.pairs)
        if asked.queries.texts.names:
            return next(head for head in HEADS.values() if head.texts)
        possible = [head for head in HEADS.values() if head.possible(Y)]
        if possible == [last]:
            return last
        X, Y = asked.queries(asked.random_inputs(max(few, FIRST_ANSWERS)))
        shown = Shown(asked, X, Y, asked.streams(5)[4])
        with asked.queries.limited():
            return next(head for head in possible if head.possible(Y) and head.recognise(shown))
    except ENDED as end:
        if not asked.queries.asked:
            raise
        return ended_before(end)
