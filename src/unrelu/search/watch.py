"""What a search is at, the best it has found so far, and when it has to end.

`recover` puts its search under a watch. Whatever it calls names the stage it has come to, and has
the best network so far kept. Where the time limit passes, or somebody interrupts, the search is
left by an exception, which the plan catches: what was kept is then judged.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.fitting.candidate import Candidate
from unrelu.formats.atomic_write import check_writable
from unrelu.formats.checkpoint import Checkpoint, Step
from unrelu.inputs.options import check_seconds
from unrelu.numerics.deadline import DeadlinePassed, ending_at, now, ticking
from unrelu.wording.progress import SearchProgress, SearchReport
from unrelu.wording.status import Status

ENDED = (DeadlinePassed, KeyboardInterrupt)
"""How a search may end early: the best it has found is then its result."""

CODES = ("time-limit", "interrupted")
"""Codes of the findings that say so."""

RESERVED, MOST_RESERVED = 0.1, 5.0
"""Share of the time limit, and seconds at most, that are left for the certificate of what a search
has found by then."""

OVERTIME = 0.05
"""Share of the time limit by which that may pass it."""

PARTING = 5.0
"""Seconds that the certificate may take after an interruption."""

EVERY = 1.0
"""Seconds between two reports of one stage, at least."""


@dataclass
class Kept:
    """The best so far: the name of its method, and the candidate, made when it is asked for."""

    method: str
    make: Callable[[], Candidate]


@dataclass
class Watch:
    """The time limit in seconds, or None; `own`: whether an interruption ends this search, and not
    what has called it; `ended`: what is to be said of a search that was ended early."""

    time_limit: float | None = None
    progress: SearchReport | None = None
    own: bool = False
    checkpoint: Checkpoint | None = None
    started: float = field(default_factory=now)
    stage: str = "preparing"
    units: int | None = None
    residual: float | None = None
    kept: Kept | None = None
    ended: Finding | None = None
    _reported: float = -math.inf
    _judged_by: float = math.inf

    @property
    def _end(self) -> float:
        """When the search ends."""
        if self.time_limit is None:
            return math.inf
        return self.started + self.time_limit - min(RESERVED * self.time_limit, MOST_RESERVED)

    @property
    def time_is_left(self) -> bool:
        """Whether there is a time limit, which has not passed."""
        return self.time_limit is not None and self.ended is None and now() < self._end

    def searching(self) -> AbstractContextManager[None]:
        """Within the context, computations end when the search has to."""
        return ending_at(self._end)

    def judging(self) -> AbstractContextManager[None]:
        """Within the context, computations end when a certificate of what was found has to be
        there."""
        return ending_at(self._judged_by)

    def end(self, end: BaseException) -> Finding:
        """What is to be said of a search that was left by this exception. Raises it again where it
        is not for this search."""
        late = now()
        if isinstance(end, KeyboardInterrupt):
            if not self.own:
                raise end
            code, words = "interrupted", f"interrupted after {late - self.started:.3g} s"
            self._judged_by = late + PARTING
        else:
            if self.time_limit is None or late < self._end:
                raise end
            code, words = "time-limit", f"the time limit of {self.time_limit:g} s passed"
            self._judged_by = self.started + (1 + OVERTIME) * self.time_limit
        if self.ended is None:
            sentence = f"{words} at the stage {self.stage!r}: this is the best network so far"
            self.ended = Finding(code, None, sentence)
        return self.ended

    def begin(self, stage: str) -> None:
        """A search, which has found nothing so far."""
        self.kept = None
        self.enter(stage)

    def enter(self, stage: str) -> None:
        self.stage = stage
        self._report(now())

    def step(self, name: str, rng: np.random.Generator, make: Callable[[], Step]) -> Step:
        """The result of a step of the search, which a checkpoint may hold already."""
        if self.checkpoint is None:
            return make()
        return self.checkpoint.step(name, rng, make)

    def keep(
        self, units: int, residual: float | None, method: str, make: Callable[[], Candidate]
    ) -> None:
        residual = self.residual if residual is None else residual
        self.units, self.residual, self.kept = units, residual, Kept(method, make)
        self._report(now())

    @contextmanager
    def keeping_nothing(self) -> Iterator[None]:
        """Within the context, nothing is kept: it is about other samples."""
        kept, units, residual = self.kept, self.units, self.residual
        try:
            yield
        finally:
            self.kept, self.units, self.residual = kept, units, residual

    def tick(self, late: float) -> None:
        if late - self._reported >= EVERY:
            self._report(late)

    def _report(self, late: float) -> None:
        self._reported = late
        if self.progress is not None:
            spent = late - self.started
            self.progress(
                SearchProgress(self.stage, spent, self.units, self.residual, self.time_limit)
            )


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)

_PASSED_ON: ContextVar[bool] = ContextVar("passed_on", default=False)


@contextmanager
def passing_interruptions_on() -> Iterator[None]:
    """Within the context, interruptions do not end a single search, but what has called it."""
    before = _PASSED_ON.set(True)
    try:
        yield
    finally:
        _PASSED_ON.reset(before)


@contextmanager
def watched(
    time_limit: float | None,
    progress: SearchReport | None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Iterator[Watch]:
    """Within the context, searches are under a watch. Raises InputError, InputTypeError, and
    FileError for a checkpoint that cannot be written, before anything is done."""
    check_seconds("time_limit", time_limit)
    if checkpoint is not None:
        check_writable(Path(checkpoint))
    watch = Watch(time_limit, progress, own=not _PASSED_ON.get())
    before = _WATCH.set(watch)
    try:
        with ticking(watch.tick):
            yield watch
    finally:
        _WATCH.reset(before)


def watch() -> Watch:
    """That of the context; a new one, which ends nothing, where there is none."""
    return _WATCH.get() or Watch()


def said_of(ended: Finding, status: Status) -> Finding:
    """The finding that decides the status of a search that was ended early."""
    return Finding(ended.code, status, ended.sentence)
