"""Floating-point errors inside the library are looked at where they matter; nobody is warned."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

_CALLERS: ContextVar[dict[str, Any] | None] = ContextVar("callers", default=None)


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """A front door behind which NumPy does not warn of overflow and the like: what is not finite
    there is tested for. Whoever has asked NumPy for something else than warnings gets that."""

    @functools.wraps(function)
    def silent(*args: P.args, **kwargs: P.kwargs) -> R:
        theirs = np.geterr()
        ignored: dict[str, Any] = {
            kind: "ignore" for kind, answer in theirs.items() if answer == "warn"
        }
        token = _CALLERS.set(_CALLERS.get() or dict(theirs))
        try:
            with np.errstate(**ignored):
                return function(*args, **kwargs)
        finally:
            _CALLERS.reset(token)

    return silent


def as_the_caller() -> np.errstate:
    """For code of the caller's own, such as an oracle: NumPy as it was outside."""
    theirs = _CALLERS.get()
    return np.errstate(**({} if theirs is None else theirs))
