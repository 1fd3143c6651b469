"""ReLUs with a round kink, for descents that must not be caught by single samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.activations import Activation
from unrelu.numerics.arrays import Array


@dataclass(frozen=True, eq=False)
class RoundedReLU(Activation):
    """(z + √(z² + h²)) / 2 for heights z (n, k) and roundness h (k,), all of it above zero."""

    roundness: Array

    name = "rounded relu"
    degree = 1.0  # for a roundness that grows with z
    reversible = True
    piecewise_linear = False
    kinked = False
    steep = False
    in_files = False

    def __call__(self, z: Array) -> Array:
        return np.asarray((z + np.hypot(z, self.roundness)) / 2)

    def slope(self, z: Array) -> Array:
        return np.asarray((1 + z / np.hypot(z, self.roundness)) / 2)

    def inverse(self, y: Array) -> Array:
        return np.asarray(y - self.roundness**2 / (4 * y))
