"""Rectified activations: f(z) = 0 for z <= 0 and f(z) = phi(z) > 0 for z > 0.

An activation is a small frozen value; two of one kind compare equal. Networks hold one, methods
ask it for what they need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import InputError, InputTypeError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ReLU:
    """f(z) = max(z, 0), positively homogeneous: f(a z) = a f(z) for a > 0.

    >>> ReLU()(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    name: ClassVar[str] = "relu"

    def __call__(self, z: Array) -> Array:
        return np.maximum(z, 0.0)


Activation = ReLU
"""Every activation that the library knows."""

NAMES: dict[str, type[Activation]] = {ReLU.name: ReLU}


def resolve(activation: str | Activation) -> Activation:
    """The activation meant by a name or an object.

    Raises `InputError` for an unknown name, `InputTypeError` for anything else.

    >>> resolve("relu")
    ReLU()
    """
    if isinstance(activation, ReLU):
        return activation
    if not isinstance(activation, str):
        raise InputTypeError(
            f"activation: got a {type(activation).__name__}, expected a name "
            f"({', '.join(map(repr, NAMES))}) or an object of unrelu.activations"
        )
    if activation not in NAMES:
        raise InputError(
            f"activation: got {activation!r}, expected one of {', '.join(map(repr, NAMES))}"
        )
    return NAMES[activation]()
