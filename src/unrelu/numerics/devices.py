"""Where the large arrays of a search live: in NumPy, or on a device of a library that follows the
array API standard.

Arrays with a row for each sample are put on the device once for each descent, and stay there while
it lasts; what is as small as a network goes back and forth, and all decisions are taken in NumPy.
So kernels are written once: with operators, which NumPy and the standard share, and the functions
of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrelu.errors import InputError, InputTypeError, require
from unrelu.numerics.arrays import AnyArray

LARGE = 3e7
"""Multiply-adds of a product from which on a device is worth the way there."""

KINDS = ("cpu", "cuda", "mps")


@dataclass(frozen=True)
class Device:
    """`namespace`: functions of the array API for its arrays, None for NumPy. `at`: the device of
    that library. `fetch`: from its arrays to those of NumPy. `double`: whether it computes in
    double precision."""

    name: str
    namespace: Any = None
    at: Any = None
    fetch: Callable[[Any], AnyArray] = np.asarray
    double: bool = True

    def put(self, array: AnyArray, dtype: Any) -> Any:
        """The array on the device, in a precision of NumPy; in NumPy, the same one."""
        if self.namespace is None:
            return array
        return self.namespace.asarray(np.ascontiguousarray(array, dtype), device=self.at)

    def get(self, array: Any) -> AnyArray:
        """The array in NumPy."""
        return self.fetch(array)

    def relu(self, heights: Any) -> tuple[Any, Any]:
        """max(z, 0), and slopes that are floats where booleans cannot be multiplied by; `heights`
        are overwritten."""
        active = heights > 0
        if self.namespace is not None:
            active = self.namespace.astype(active, heights.dtype)
        heights *= active
        return heights, active

    def column_squares(self, columns: Any) -> AnyArray:
        """(k,): the sums of the squares of the columns of an array (n, k)."""
        if self.namespace is None:
            return np.asarray((columns if columns.dtype == bool else columns**2).sum(axis=0))
        return self.get(self.namespace.sum(columns * columns, axis=0))

    def square(self, array: Any) -> float:
        """The sum of the squares of all entries."""
        if self.namespace is None:
            return float(np.vdot(array, array))
        return float(self.namespace.sum(array * array))


NUMPY = Device("numpy")

_CURRENT: ContextVar[Device] = ContextVar("device", default=NUMPY)


@contextmanager
def computing_on(device: str | Device | None) -> Iterator[None]:
    """Within the context, large products run on this device; None: as before. Raises
    InputTypeError, InputError, and MissingExtraError where the library is not installed."""
    if device is None:
        yield
        return
    token = _CURRENT.set(device if isinstance(device, Device) else named(device))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def device_for(operations: float) -> Device:
    """That of the context for products of so many multiply-adds, NumPy for small ones."""
    return _CURRENT.get() if operations > LARGE else NUMPY


def named(name: str) -> Device:
    """The device of PyTorch of this name."""
    if not isinstance(name, str):
        raise InputTypeError(f"device: got {name!r}, expected {_expected()}")
    kind, _, number = name.partition(":")
    if kind not in KINDS or (number and not number.isdigit()):
        raise InputError(f"device: got {name!r}, expected {_expected()}")
    torch = require("torch", "gpu", "devices need")
    compat = require("array_api_compat", "gpu", "devices need")
    namespace = compat.array_namespace(torch.zeros(1))
    try:
        at = torch.device(name)
        torch.zeros(1, device=at)
    except (RuntimeError, AssertionError) as error:
        words = str(error).partition("\n")[0]
        raise InputError(f"device: got {name!r}, which PyTorch cannot use here: {words}") from error
    return Device(name, namespace, at, lambda tensor: tensor.cpu().numpy(), kind != "mps")


def _expected() -> str:
    return "'cpu', 'cuda' or 'mps', perhaps with a number as in 'cuda:1', or None"
