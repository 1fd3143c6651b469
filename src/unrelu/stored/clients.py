"""The client of dask.distributed on which passes run, if there is one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from unrelu.errors import InputError, InputTypeError, require
from unrelu.wording.streams import kind_of

TIMEOUT = 10
"""Seconds in which a scheduler has to answer."""

_GIVEN: ContextVar[Any] = ContextVar("client", default=None)


@contextmanager
def computing_on(client: Any) -> Iterator[None]:
    """Within the context, passes run on this client of dask.distributed; None: on the current one,
    if there is one. Raises InputTypeError for anything else."""
    if client is not None and not hasattr(client, "scheduler_info"):
        raise InputTypeError(
            f"client: got {kind_of(client)}, expected a Client of dask.distributed, or None"
        )
    token = _GIVEN.set(client or _GIVEN.get())
    try:
        yield
    finally:
        _GIVEN.reset(token)


def current() -> Any:
    """The client that was given, or the current one; None if there is none."""
    if (client := _GIVEN.get()) is not None:
        return client
    distributed = sys.modules.get("distributed")  # without it, there can be no client
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


@contextmanager
def connected(scheduler: str | None, workers: int | None) -> Iterator[Any]:
    """A client of the scheduler at an address, or of so many workers on this machine, one process
    each; None for neither. Raises InputError for both, and where no scheduler answers."""
    if scheduler is None and workers is None:
        yield None
        return
    if scheduler is not None and workers is not None:
        raise InputError(
            f"workers: got {workers} with a scheduler, expected one of the two: the scheduler has "
            "workers of its own"
        )
    library = distributed()
    if scheduler is None:
        local = library.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0"
        )
        with local, library.Client(local) as client:
            yield client
        return
    try:
        client = library.Client(scheduler, timeout=TIMEOUT)
    except (OSError, ValueError) as error:
        raise InputError(
            f"scheduler: got {scheduler}, expected the address of a running scheduler of "
            f"dask.distributed, such as tcp://host:8786: {error}"
        ) from error
    with client:
        yield client


def distributed() -> Any:
    """The library. Raises an error that names the extra if it is not installed."""
    return require("distributed", "distributed", "clusters need")
