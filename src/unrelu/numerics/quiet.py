"""Floating-point errors inside the library are handled where they matter, without warnings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """A front door behind which NumPy does not warn of overflow and the like: what is not finite
    there is tested for. So it is in an oracle, which is asked far out. Whoever has asked NumPy for
    something else than warnings gets that."""

    @functools.wraps(function)
    def silent(*args: P.args, **kwargs: P.kwargs) -> R:
        ignored: dict[str, Any] = {
            kind: "ignore" for kind, answer in np.geterr().items() if answer == "warn"
        }
        with np.errstate(**ignored):
            return function(*args, **kwargs)

    return silent
