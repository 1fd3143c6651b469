"""What a check has found: a stable code, the status that follows, and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from unrelu.numerics.arrays import Index
from unrelu.numerics.equality import by_value
from unrelu.wording.plain import plain_fields
from unrelu.wording.status import Status

Case = TypeVar("Case")


@by_value
@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that was found about a network and samples, or about the question asked.

    code : names it, for programs: it stays the same when the words change.
    status : what follows from it; None for a remark, from which nothing does.
    sentence : describes it for people.
    units : the units concerned, by number. samples : the rows concerned.
    more_samples : about how many more samples of the same kind would do, where that is known.
    """

    code: str
    status: Status | None
    sentence: str
    units: Index = field(default_factory=lambda: np.arange(0))
    samples: Index = field(default_factory=lambda: np.arange(0))
    more_samples: int | None = None

    def __str__(self) -> str:
        return self.sentence

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, lists and words."""
        return {**plain_fields(self), "status": self.status and self.status.value}


def undetermined(code: str, sentence: str, **concerned: Any) -> Finding:
    """A finding that leaves it open whether the network is the only one."""
    return Finding(code, Status.UNDETERMINED, sentence, **concerned)


def failed(code: str, sentence: str, **concerned: Any) -> Finding:
    """A finding that no such network explains the labels."""
    return Finding(code, Status.FAILED, sentence, **concerned)


def not_checked(shown: str) -> Finding:
    """The finding where checks were ended before they were done; what was `shown` by then."""
    return undetermined(
        "not-checked",
        f"{shown}; the checks were ended before they were done: certificate.recheck(X, Y) does "
        "them",
    )


def first(checks: Iterable[Callable[[Case], Finding | None]], case: Case) -> Finding | None:
    """The finding of the first check that finds something."""
    return next((found for check in checks if (found := check(case)) is not None), None)


def listed(which: Index, what: str = "unit") -> str:
    """Units, or samples, by number: the first six."""
    shown = (f"{what} " if len(which) == 1 else f"{what}s ") + ", ".join(map(str, which[:6]))
    return shown + (f" and {len(which) - 6} more" if len(which) > 6 else "")
