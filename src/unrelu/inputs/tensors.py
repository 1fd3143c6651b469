"""Tensors and modules of PyTorch as arrays and functions of arrays, without importing torch.

They are recognised by their methods, so that nothing is imported.
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
    """A tensor, or a list of tensors, as arrays, even if it requires a gradient or is on another
    device; anything else unchanged. Raises InputTypeError for a tensor that cannot be an array,
    such as a sparse one."""
    if isinstance(value, list | tuple) and value and is_tensor(value[0]):
        return [as_array(each) for each in value]
    if not is_tensor(value):
        return value
    tensor = value.detach()
    for step in ("cpu", "resolve_conj", "resolve_neg"):
        tensor = getattr(tensor, step, lambda tensor=tensor: tensor)()
    if "bfloat16" in str(getattr(tensor, "dtype", "")):
        tensor = tensor.float()  # NumPy has no such type; float32 represents every value
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise InputTypeError(f"got a tensor that is not a plain array ({reason})") from error


def is_module(value: Any) -> bool:
    """Whether it is a torch.nn.Module or works like one."""
    return all(
        callable(getattr(value, name, None)) for name in ("parameters", "forward", "modules")
    )


def as_function(module: Any) -> Callable[[NDArray[Any]], Any]:
    """A module as a function from arrays to arrays, in the precision and on the device of its
    weights, and in evaluation mode during the call."""

    def ask(X: NDArray[Any]) -> Any:
        torch = sys.modules.get("torch")  # None for a module that is not torch's
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
    """A weight of the module, in floating point."""
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
