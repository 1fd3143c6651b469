"""Answers whose kind is known, and that no network is recovered from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from unrelu.checks.finding import Finding, undetermined
from unrelu.extraction.heads.head import Asked, Head
from unrelu.extraction.judging import at_the_end
from unrelu.extraction.queries import ENDED
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search import no_network

UNSEARCHED = undetermined("not-searched", "the extraction ended before a network was found")


def refused(asked: Asked, X: Array, Y: Array, kind: Finding) -> Recovery:
    """The result that says of what kind the answers Y (n, m) to X (n, d) are."""
    result = no_network.refused(Samples.of(X, Y, few=True), asked.bias, kind)
    return replace(result, stats={"method": "random queries"})


def searched(asked: Asked, search: Callable[[list[Recovery]], None], nothing: Finding) -> Recovery:
    """The last of the results that a search appends, within the limits of the extraction, and how
    it ended; `nothing` says of what kind the answers are where it appends none."""
    found: list[Recovery] = []
    ended: BaseException | None = None
    try:
        with asked.queries.limited():
            search(found)
    except ENDED as end:
        if not asked.queries.asked:
            raise
        ended = end
    if not found:
        X, Y = asked.queries(asked.random_inputs(1))
        found.append(refused(asked, X, Y, nothing if ended is None else UNSEARCHED))
    return found[-1] if ended is None else at_the_end(found[-1], asked.queries, 1, ended)


def ended_before(end: BaseException) -> Head:
    """The head of answers that were not recognised before the extraction ended."""

    def extract(asked: Asked) -> Recovery:
        X, Y = asked.queries(asked.random_inputs(1))  # was asked before
        sentence = "it was not found out what the answers are; `answers` states it"
        result = refused(asked, X, Y, undetermined("not-recognised", sentence))
        return at_the_end(result, asked.queries, 1, end)

    return Head("not recognised", "of a kind not known yet", _never, lambda _: False, extract)


def _never(_: Array) -> bool:
    return False
