"""A time at which long computations end, wherever they are."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


class DeadlinePassed(Exception):
    """The deadline of the context passed."""


@contextmanager
def ending_at(deadline: float) -> Iterator[None]:
    """Within the context, `check_deadline` raises from this time of `time.monotonic` on. What ends
    so returns nothing, so it leaves the context before it says what was found."""
    before = _DEADLINE.set(min(deadline, _DEADLINE.get()))
    try:
        yield
    finally:
        _DEADLINE.reset(before)


def check_deadline() -> None:
    """For loops whose steps take milliseconds. Raises DeadlinePassed."""
    if time.monotonic() > _DEADLINE.get():
        raise DeadlinePassed
