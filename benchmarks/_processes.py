"""A function run in a fresh Python process, with its time and its memory."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

STATUS = Path("/proc/self/status")
MB = 1e6


@dataclass(frozen=True)
class Measured(Generic[T]):
    """What came back, and memory in MB: the most resident at any time, the most of it that is
    the process's own rather than pages of mapped files (sampled every few milliseconds; nan
    where the system does not tell), and what was resident before the function was called."""

    value: T
    peak: float
    own_peak: float
    before: float


def measured(function: Callable[..., T], *arguments: object) -> Measured[T]:
    """`function(*arguments)` in a process of its own; both must be picklable."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, function, arguments))
    process.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        raise RuntimeError(f"{function.__name__}: its process ended without an answer") from None
    finally:
        process.join()
    assert isinstance(answer, Measured)
    return answer


def _run(there: Connection, function: Callable[..., object], arguments: tuple[object, ...]) -> None:
    before, most, done = _resident("VmRSS"), [_resident("RssAnon")], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            most.append(max(most.pop(), _resident("RssAnon")))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    value = function(*arguments)
    done.set()
    watcher.join()
    there.send(Measured(value, _resident("VmHWM"), most[0], before))


def _resident(field: str) -> float:
    """A line of the process's status in MB. Elsewhere than on Linux, the peak for VmHWM."""
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == field:
                return int(rest.split()[0]) * 1024 / MB
    if field == "VmHWM":
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB
    return float("nan")
