"""How far a long piece of work has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unrelu.wording.streams import counted


@dataclass(frozen=True)
class Progress:
    """How far an extraction has come.

    stage : what the latest queries were for, such as "random inputs" or "lines".
    queries : number of queries so far; `budget`: of at most so many.
    units : number of units found so far.
    left : about how many queries are still needed; None while it cannot be known.
    seconds : since the start; `time_limit`: of at most so many, None without a limit.

    >>> print(Progress("lines", 120, 1000, 3, left=240, seconds=5.0))
    lines: 120 queries, about 240 more, 3 units, 5 s
    """

    stage: str
    queries: int
    budget: int
    units: int
    left: int | None
    seconds: float
    time_limit: float | None = None

    def __str__(self) -> str:
        queries = counted(self.queries, "query")
        more = f"of at most {self.budget}" if self.left is None else f"about {self.left} more"
        limit = "" if self.time_limit is None else f" of at most {self.time_limit:.0f} s"
        joined = f"{queries}, {more}, {counted(self.units, 'unit')}, {self.seconds:.0f} s{limit}"
        return f"{self.stage}: {joined}"


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class SearchProgress:
    """How far a search in samples has come.

    stage : what it is at, such as "row space", "hyperplanes" or "number of units".
    seconds : since the start; `time_limit`: of at most so many, None without a limit.
    units : units of the best network so far, None while there is none; `residual`: the root mean
        square of what it leaves, as a share of the spread of the labels looked at.

    >>> print(SearchProgress("hyperplanes", 5.0, 12, 0.0301))
    hyperplanes: 12 units leave 3.01% of the labels, 5 s
    """

    stage: str
    seconds: float
    units: int | None = None
    residual: float | None = None
    time_limit: float | None = None

    def __str__(self) -> str:
        limit = "" if self.time_limit is None else f" of at most {self.time_limit:.0f} s"
        time = f"{self.seconds:.0f} s{limit}"
        if self.units is None or self.residual is None:
            return f"{self.stage}: {time}"
        verb = "leaves" if self.units == 1 else "leave"
        left = f"{100 * self.residual:.3g}% of the labels"
        return f"{self.stage}: {counted(self.units, 'unit')} {verb} {left}, {time}"


SearchReport = Callable[[SearchProgress], None]
