"""A time at which long computations end, wherever they are."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)

_CLOCK: ContextVar[Callable[[], float] | None] = ContextVar("clock", default=None)

_TICK: ContextVar[Callable[[float], None] | None] = ContextVar("tick", default=None)


class DeadlinePassed(Exception):
    """The deadline of the context passed."""


def now() -> float:
    """Seconds, by the clock that deadlines are meant by: `time.monotonic`, unless `told_by` another
    one."""
    clock = _CLOCK.get()
    return time.monotonic() if clock is None else clock()


@contextmanager
def told_by(clock: Callable[[], float]) -> Iterator[None]:
    """Within the context, it is as late as this clock says: for tests, which do not depend on how
    fast a machine is."""
    before = _CLOCK.set(clock)
    try:
        yield
    finally:
        _CLOCK.reset(before)


@contextmanager
def ending_at(deadline: float) -> Iterator[None]:
    """Within the context, `check_deadline` raises from this time of `now` on. What ends so returns
    nothing, so it leaves the context before it says what was found."""
    before = _DEADLINE.set(min(deadline, _DEADLINE.get()))
    try:
        yield
    finally:
        _DEADLINE.reset(before)


@contextmanager
def ticking(tick: Callable[[float], None]) -> Iterator[None]:
    """Within the context, every `check_deadline` calls this with the time."""
    before = _TICK.set(tick)
    try:
        yield
    finally:
        _TICK.reset(before)


def check_deadline() -> None:
    """For loops whose steps take milliseconds. Raises DeadlinePassed."""
    late, tick = now(), _TICK.get()
    if tick is not None:
        tick(late)
    if late > _DEADLINE.get():
        raise DeadlinePassed


def seconds_left() -> float:
    """Until the deadline of the context; infinite where there is none."""
    return _DEADLINE.get() - now()
