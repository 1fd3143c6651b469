"""Questions that are asked together.

Whatever asks is a generator: it yields inputs (n, d), and is sent their classes (n,). So each part
is written as if it were alone, and `together` merges the questions of many parts into one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import numpy as np

from unrelu.numerics.arrays import Array, Index

T = TypeVar("T")
Asking = Generator[Array, Index, T]


def together(tasks: Sequence[Asking[T]]) -> Asking[list[T]]:
    """Run the tasks side by side, and return what they return."""
    results: list[Any] = [None] * len(tasks)
    waiting: dict[int, Array] = {}

    def resume(number: int, classes: Any) -> None:
        try:
            waiting[number] = tasks[number].send(classes)
        except StopIteration as stop:
            waiting.pop(number, None)
            results[number] = stop.value

    for number in range(len(tasks)):
        resume(number, None)
    while waiting:
        asked = list(waiting.items())
        classes = yield np.vstack([X for _, X in asked])
        ends = np.cumsum([len(X) for _, X in asked])[:-1]
        for (number, _), some in zip(asked, np.split(classes, ends), strict=True):
            resume(number, some)
    return results


def run(task: Asking[T], ask: Callable[[Array], Index]) -> T:
    """Let the task ask until it returns."""
    try:
        X = next(task)
        while True:
            X = task.send(ask(X))
    except StopIteration as stop:
        result: T = stop.value
        return result
