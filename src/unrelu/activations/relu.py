"""ReLU: f(z) = max(z, 0)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.activations.base import Activation
from unrelu.numerics.arrays import Array, Mask


@dataclass(frozen=True)
class ReLU(Activation):
    """f(z) = max(z, 0), positively homogeneous: f(a z) = a f(z) for a > 0.

    >>> ReLU()(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    name = "relu"
    degree = 1.0
    exponent = 1
    reversible = homogeneous = piecewise_linear = True
    steep = False

    def __call__(self, z: Array) -> Array:
        return np.maximum(z, 0.0)

    def slope(self, z: Array) -> Array:
        return np.asarray((z > 0).astype(np.float64))

    def inverse(self, y: Array) -> Array:
        return y

    def values_and_slopes(self, z: Array) -> tuple[Array, Mask]:
        active = z > 0
        z *= active
        return z, active


RELU = ReLU()
