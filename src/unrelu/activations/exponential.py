"""Expm1 and ExpSquare: activations that grow as fast as e^z and e^(z²)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.activations.base import Activation
from unrelu.numerics.arrays import Array


@dataclass(frozen=True)
class Expm1(Activation):
    """f(z) = e^z − 1 for z > 0. The scale of z is part of the network.

    >>> Expm1()(np.array([-1.0, 0.0, 1.0]))
    array([0.        , 0.        , 1.71828183])
    """

    name = "expm1"

    def __call__(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(np.expm1(np.maximum(z, 0.0)))

    def slope(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.where(z > 0, np.exp(np.maximum(z, 0.0)), 0.0)

    def inverse(self, y: Array) -> Array:
        return np.asarray(np.log1p(y))


@dataclass(frozen=True)
class ExpSquare(Activation):
    """f(z) = e^(z²) − 1 for z > 0. The scale of z is part of the network.

    >>> ExpSquare()(np.array([-1.0, 0.0, 1.0]))
    array([0.        , 0.        , 1.71828183])
    """

    name = "exp-square"

    def __call__(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(np.expm1(np.maximum(z, 0.0) ** 2))

    def slope(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            z = np.maximum(z, 0.0)
            return np.asarray(2 * z * np.exp(z**2))

    def inverse(self, y: Array) -> Array:
        return np.asarray(np.sqrt(np.log1p(y)))
