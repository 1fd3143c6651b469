"""Tensors and modules of PyTorch as arrays and functions of arrays, without importing torch.

Told by what they can do, so that nothing is imported which the caller has not imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import InputTypeError


def is_tensor(value: Any) -> bool:
    return callable(getattr(value, "detach", None)) and callable(getattr(value, "numpy", None))


def as_array(value: Any) -> Any:
    """A tensor as an array, also one that requires a gradient or lies on another device, or a list
    of them; anything else as it is. Raises InputTypeError for a tensor that has no such form (a
    sparse one)."""
    if isinstance(value, list | tuple) and value and is_tensor(value[0]):
        return [as_array(each) for each in value]
    if not is_tensor(value):
        return value
    tensor = value.detach()
    for step in ("cpu", "resolve_conj", "resolve_neg"):
        tensor = getattr(tensor, step, lambda tensor=tensor: tensor)()
    if "bfloat16" in str(getattr(tensor, "dtype", "")):
        tensor = tensor.float()  # which NumPy has no type for; every value is one of float32
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError) as error:
        said = (str(error).splitlines() or [""])[0][:200]
        raise InputTypeError(f"got a tensor that is no plain array ({said})") from error


def is_module(value: Any) -> bool:
    """Whether it is a torch.nn.Module or works like one."""
    return all(
        callable(getattr(value, name, None)) for name in ("parameters", "forward", "modules")
    )


def as_function(module: Any) -> Callable[[NDArray[Any]], Any]:
    """A module as a function from arrays to arrays, in the precision and on the device of its
    weights, and in evaluation mode while it is asked."""

    def ask(X: NDArray[Any]) -> Any:
        torch = sys.modules.get("torch")  # or it is not torch's
        modes = [(part, part.training) for part in module.modules()]
        module.eval()
        try:
            with nullcontext() if torch is None else torch.no_grad():
                return as_array(module(_like(_example(module), X)))
        finally:
            for part, training in modes:
                part.training = training

    return ask


def _example(module: Any) -> Any:
    """A weight of the module, of floating-point numbers."""
    buffers = getattr(module, "buffers", None)
    held: list[Iterable[Any]] = [module.parameters(), buffers() if callable(buffers) else ()]
    for tensors in held:
        for tensor in tensors:
            if getattr(getattr(tensor, "dtype", None), "is_floating_point", True):
                return tensor
    return None


def _like(example: Any, X: NDArray[Any]) -> Any:
    if example is not None:
        return example.detach().new_tensor(X)
    torch = sys.modules.get("torch")
    return X if torch is None else torch.as_tensor(np.ascontiguousarray(X))
