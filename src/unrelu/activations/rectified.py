"""Rectified: an activation of the user's own, examined before it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from unrelu.activations.base import Activation
from unrelu.activations.vetting import vetted
from unrelu.numerics.arrays import Array


@dataclass(frozen=True)
class Rectified(Activation):
    """f(z) = phi(z) for z > 0, of your own: phi and its inverse act on float64 arrays, entry by
    entry. What phi says of z <= 0 is never asked.

    Before use it is examined on numbers from 1e-6 to 8 (or to where, beyond 2, it overflows or is
    flat to rounding): there it must be finite, positive and increasing, the inverse must lead
    back, and phi must not be a multiple of z, which the ReLU is for. Raises InputError where it is
    not so, InputTypeError for what cannot be called. Whether phi is homogeneous is seen there,
    too.

    Two are equal if their functions are the same objects. Pickling needs functions that can be
    pickled, as those of a module can; model files cannot hold any.

    >>> f = Rectified(np.tanh, np.arctanh)
    >>> f(np.array([-1.0, 0.0, 1.0]))
    array([0.        , 0.        , 0.76159416])
    """

    phi: Callable[[Array], Array]
    phi_inverse: Callable[[Array], Array]
    _degree: float | None = field(init=False, repr=False, compare=False)

    name = "rectified"
    smooth = False
    in_files = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "_degree", vetted(self.phi, self.phi_inverse))

    @property
    def degree(self) -> float | None:
        return self._degree

    def __call__(self, z: Array) -> Array:
        z = np.asarray(z, dtype=np.float64)
        positive = ~(z <= 0)  # so that NaN stays NaN
        y = np.zeros(z.shape)
        with np.errstate(all="ignore"):
            y[positive] = self.phi(z[positive])
        return y

    def slope(self, z: Array) -> Array:
        """By central differences, good to about 1e-10: steps of a third of the digits."""
        z = np.asarray(z, dtype=np.float64)
        step = np.where(z > 0, z, 1.0) * 2.0**-17
        with np.errstate(all="ignore"):
            up, down = self(z + step), self(z - step)
            return np.where(z > 0, (up - down) / ((z + step) - (z - step)), 0.0)

    def inverse(self, y: Array) -> Array:
        """NaN for what phi does not reach, where phi_inverse says so."""
        with np.errstate(all="ignore"):
            return np.asarray(self.phi_inverse(np.asarray(y, dtype=np.float64)), dtype=np.float64)
