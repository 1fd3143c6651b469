"""What every activation is: a function with its slope and its inverse, and what is known of it.

An activation is a small frozen value; two of one kind compare equal. Networks hold one, and methods
ask it for what they need, never which it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

from unrelu.activations.moments import has_variance, hermite
from unrelu.numerics.arrays import Array, Mask

Fractions = NDArray[np.object_]


class Activation(ABC):
    """f(z) = 0 for z <= 0 and f(z) = phi(z) > 0 for z > 0, phi increasing.

    A new kind is a subclass in a file of its own, and its line in `table.KINDS`. It gives `name`,
    f itself, `slope` and `inverse`; the rest below it overrides by attributes.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """By which `resolve` knows it, and files do."""

    @abstractmethod
    def __call__(self, z: Array) -> Array:
        """f, entry by entry; NaN stays NaN."""

    @abstractmethod
    def slope(self, z: Array) -> Array:
        """phi'(z) for z > 0, 0 elsewhere."""

    @abstractmethod
    def inverse(self, y: Array) -> Array:
        """z > 0 with phi(z) = y, for y > 0."""

    # What is known of it.

    @property
    def degree(self) -> float | None:
        """c where f(a z) = a^c f(z) for all a > 0; None where the scale of z is part of a unit."""
        return None

    @property
    def homogeneous(self) -> bool:
        """Whether the scale of z can go into the output weights, so that ‖v‖ = 1 will do."""
        return self.degree is not None

    @property
    def exponent(self) -> int | None:
        """c where f(z) = z^c for z > 0 and a whole number c."""
        return None

    @property
    def rational(self) -> bool:
        """Whether f of a fraction is a fraction, which `exactly` computes."""
        return self.exponent is not None

    @property
    def reversible(self) -> bool:
        """Whether f(z) − f(−z) = z: a unit may be turned round if a linear term makes up for it.
        Only then are skip connections, and searches with a free affine term, of any use."""
        return False

    @property
    def piecewise_linear(self) -> bool:
        """Whether f is linear on both sides of 0."""
        return self.degree == 1

    @property
    def kinked(self) -> bool:
        """Whether the slope jumps at 0, from nothing to something."""
        near, far = np.array([1e-6]), np.ones(1)
        return bool(self.slope(near)[0] > 1e-3 * self(far)[0])

    @property
    def steep(self) -> bool:
        """Whether the slope at 0 is infinite, as that of √z is: beyond any that the same function
        has on average up to 1."""
        near, far = np.array([1e-12]), np.ones(1)
        with np.errstate(all="ignore"):
            return bool(self.slope(near)[0] > 1e3 * self(far)[0])

    @property
    def smooth(self) -> bool:
        """Whether phi is known to have no kink of its own, beyond that of f at 0."""
        return True

    @property
    def estimated(self) -> bool:
        """Whether f is an estimate, so that it explains no labels exactly."""
        return False

    @property
    def in_files(self) -> bool:
        """Whether a file can hold it."""
        return True

    @property
    def has_variance(self) -> bool:
        """Whether labels of Gaussian inputs have a variance, and moments that say anything."""
        return has_variance(self)

    # By name.

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        """The one of this kind that has this name; None for another name."""
        only = cls()
        return only if name == only.name else None

    @classmethod
    def spelling(cls) -> str:
        """How names of this kind are written, for messages."""
        return repr(cls().name)

    # What follows from the function.

    def values_and_slopes(self, z: Array) -> tuple[Array, Array | Mask]:
        """f(z) and its slope, where speed matters: z may be overwritten, and slopes that are 0 or
        1 come as a mask."""
        return self(z), self.slope(z)

    def hermite(self, order: int, bias: Array | float = 0.0) -> Array:
        """h_r(b) = E f(g + b) He_r(g), see `hermite`."""
        return hermite(self, order, bias)

    def exactly(self, z: Fractions) -> Fractions:
        """f of an array of Fraction, without any rounding, where f is `rational`."""
        assert self.exponent is not None, "others have values that are no fractions"
        part = z.copy()
        part[part < 0] = Fraction(0)
        return part if self.exponent == 1 else np.asarray(part**self.exponent)

    def exact_slope(self, z: Fractions) -> Fractions:
        """Its slope, in the same way."""
        assert self.exponent is not None, "others have slopes that are no fractions"
        return np.asarray((z > 0) * (self.exponent * z ** (self.exponent - 1)))

    def chord(self, z: Array, doubt: float | Array) -> Array:
        """The slope over z ± doubt: how f changes, on average, where z is known so far only. The
        kink lends a part of its slope to what is near it on the other side. (`doubt` at least a few
        digits.)"""
        doubt = np.maximum(doubt, 1e-7 * np.maximum(np.abs(z), 1e-7))
        return np.asarray((self(z + doubt) - self(z - doubt)) / (2 * doubt))

    def rounding(self, Z: Array, reach: Array, unit: float) -> Array:
        """What rounding may do to f(z), for z a sum of terms of size `reach`, both of one shape, in
        multiples of the rounding `unit`: by z off as much, through the slope of f (the difference
        of both ends, for it may change fast there); and by f, which is known to its digits only."""
        low, high = self(Z - unit * reach), self(Z + unit * reach)
        with np.errstate(invalid="ignore"):  # infinite ones: NaN, which explains nothing
            return np.asarray(np.hypot((high - low) / (2 * unit), high))
