"""Answers that are a function of values: the function is undone, exactly if answers allow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from unrelu.checks.finding import failed, undetermined
from unrelu.extraction.heads.head import FIRST_ANSWERS, Asked
from unrelu.extraction.heads.inverted import extract_inverted
from unrelu.extraction.heads.recognising import takes_single_precision
from unrelu.extraction.heads.refused import refused, searched
from unrelu.extraction.heads.stepped import extract_steps
from unrelu.links.link import Link
from unrelu.numerics.grids import grid_of
from unrelu.result import Recovery

SATURATED = undetermined(
    "saturated",
    "nearly all answers are so close to the ends of their range, or change in such large steps, "
    "that they do not show the values behind them: ask at another scale",
)


def extract_behind(link: Link) -> Callable[[Asked], Recovery]:
    """The extraction of networks whose answers are a link of their values."""

    def extract(asked: Asked) -> Recovery:
        stats: dict[str, float | int | str] = {}
        asked.queries.record()
        best = searched(asked, lambda found: _search(asked, link, found, stats), SATURATED)
        return replace(best, stats={"method": "random queries"} | stats)

    return extract


def _search(
    asked: Asked, link: Link, found: list[Recovery], stats: dict[str, float | int | str]
) -> None:
    """Appends results, better and better ones, and what there is to count."""
    n = max(1, asked.queries.affordable(asked.random_inputs(FIRST_ANSWERS)))
    X, Y = asked.queries(asked.random_inputs(n))
    if wrong := link.refuse(Y):
        kind = failed("other-answers", f"the answers are not {link.about}: {wrong}")
        found.append(refused(asked, X, Y, kind))
        return
    grid = grid_of(Y)
    if takes_single_precision(asked, Y):
        asked.queries.single, grid = True, None
    if grid is None:
        extract_inverted(asked, link, found)
    else:
        stats |= {"method": "steps", "rounded_to": grid.name}
        extract_steps(asked, link, grid, found)
