"""Answers that are the values of the network, in double or single precision, or with noise."""

from __future__ import annotations

from dataclasses import replace

from unrelu.checks.finding import undetermined
from unrelu.extraction.at_random import finish, recover_at_random, shown_at_once
from unrelu.extraction.heads.head import FIRST_ANSWERS, Asked, Head, Shown
from unrelu.extraction.heads.recognising import SAME, unchanged
from unrelu.extraction.queries import ENDED
from unrelu.extraction.search import Search
from unrelu.extraction.subspace import shown_in_a_subspace
from unrelu.result import Recovery
from unrelu.wording.status import Status

FULL = "float64", "float32", "float16", "bfloat16"
"""Precisions that are not those of rounding to decimals."""

MOST_ROUNDS = 5
"""Rounds of lines, fit and certificate."""


NOT_REPEATED = undetermined(
    "not-checked", "it was not found out whether answers are the same at inputs next to each other"
)


def extract_values(asked: Asked) -> Recovery:
    """The method: search along lines, fit, check on fresh queries, and repeat while new units are
    found. If lines are of no use, random queries."""
    first = 2 * (asked.n_inputs + asked.bias) + 2
    search = Search(asked.queries, asked.n_units, asked.bias, asked.scale, asked.reach, asked.seed)
    try:
        with asked.queries.limited():
            _search(search, first)
    except ENDED as end:
        if not asked.queries.asked:
            raise
        _finish(search, end)
    assert search.best is not None, "there is always a best network"
    stats: dict[str, float | int | str] = {
        "method": search.method,
        "lines": search.on_lines.count,
        "units_found_by_lines": len(search.on_lines.units.b),
        "single_precision": int(asked.queries.single),
    }
    return replace(_unless_by_chance(asked, search.best), stats=stats)


def _search(search: Search, first: int) -> None:
    search.grow(first)
    piecewise = search.on_lines.measure_rounding()
    if piecewise and shown_in_a_subspace(search):
        return
    if piecewise and not shown_at_once(search, FIRST_ANSWERS):
        for _ in range(MOST_ROUNDS):
            before = len(search.on_lines.units.b)
            if not search.on_lines.search() or not len(search.on_lines.units.b):
                break
            if search.fitted_jointly and len(search.on_lines.units.b) == before:
                break
            status = search.fit_and_check()
            if status == Status.EXACT or search.final:
                break
            if status == Status.UNDETERMINED and search.costly:
                break
            if len(search.on_lines.units.b) == before and status == Status.FAILED:
                break
            if status == Status.ESTIMATED:
                break
    if search.best is None or (search.best.status == Status.FAILED and not search.final):
        recover_at_random(search)


def _finish(search: Search, end: BaseException) -> None:
    """The best result from the answers so far; also to look for that may take too long."""
    try:
        with search.queries.limited():
            finish(search, end)
    except ENDED as late:
        finish(search, late)


def _unless_by_chance(asked: Asked, best: Recovery) -> Recovery:
    """Answers that were rounded up or down by chance are explained to their rounding, too, but are
    not the values of any network."""
    if best.status != Status.EXACT or best.certificate.precision in FULL:
        return best
    wrong = NOT_REPEATED
    try:
        X, Y = asked.queries(asked.random_inputs(1))
        if unchanged(Shown(asked, X, Y, asked.streams(9)[8])) >= SAME:
            return best
        sentence = (
            f"the answers have {best.certificate.precision}, and differ at inputs that are next to "
            "each other: they contain noise"
        )
        wrong = undetermined("noise", sentence)
    except ENDED:
        pass
    return replace(best, remarks=(wrong, *best.remarks))


VALUES = Head(
    "values",
    "values of the network, as they are",
    possible=lambda _: True,
    recognise=lambda _: True,
    extract=extract_values,
)
"""Takes whatever no other head recognises."""
