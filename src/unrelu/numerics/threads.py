"""How many threads matrix products use."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import scipy.linalg  # noqa: F401 — brings a BLAS of its own, which the controller has to see


def one_thread(when: bool) -> AbstractContextManager[Any]:
    """Within the context, products run in one thread if `when` holds.

    Small ones gain nothing from more, and lose much where the other cores are busy: threads wait
    for each other at every one of a hundred thousand products.
    """
    return _controller().limit(limits=1, user_api="blas") if when else nullcontext()


@cache
def one_thread_for_good() -> None:
    """From now on products run in one thread: for processes that do nothing else."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
