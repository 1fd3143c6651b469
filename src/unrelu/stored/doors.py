"""What a front door says of the passes behind it: where they run, and where they are kept."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from unrelu.errors import UnreluError
from unrelu.stored.clients import computing_on
from unrelu.stored.journal import kept_in

P = ParamSpec("P")
R = TypeVar("R")

BESIDE = ".passes"
"""What follows the name of a checkpoint in that of the folder for passes."""


def with_passes(function: Callable[P, R]) -> Callable[P, R]:
    """A front door whose passes over samples run on the cluster of `client`, or of the current
    client, if its samples can be read there. Where it has a `checkpoint`, passes that were cut off
    go on from a folder beside that; what came to its end leaves none."""

    @functools.wraps(function)
    def behind(*args: P.args, **kwargs: P.kwargs) -> R:
        client: Any = kwargs.get("client")
        checkpoint: Any = kwargs.get("checkpoint")
        folder = None if checkpoint is None else Path(f"{checkpoint}{BESIDE}")
        with computing_on(client), kept_in(folder):
            try:
                found = function(*args, **kwargs)
            except UnreluError:
                _forget(folder)
                raise
        _forget(folder)
        return found

    return behind


def _forget(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
