"""What a front door says of the passes and products behind it: where they run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from unrelu.numerics import devices
from unrelu.stored.clients import computing_on

P = ParamSpec("P")
R = TypeVar("R")


def with_passes(function: Callable[P, R]) -> Callable[P, R]:
    """A front door whose passes over samples run on the cluster of `client`, or of the current
    client, if its samples can be read there; large products of a search, on `device`."""

    @functools.wraps(function)
    def behind(*args: P.args, **kwargs: P.kwargs) -> R:
        client: Any = kwargs.get("client")
        device: Any = kwargs.get("device")
        with computing_on(client), devices.computing_on(device):
            return function(*args, **kwargs)

    return behind
