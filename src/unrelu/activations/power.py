"""Power(c): f(z) = z^c for z > 0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np

from unrelu.activations.base import Activation
from unrelu.errors import InputError, InputTypeError
from unrelu.numerics.arrays import Array
from unrelu.wording.streams import kind_of

NAME = re.compile(r"power\(([0-9.e+-]+)\)")


@dataclass(frozen=True)
class Power(Activation):
    """f(z) = z^c for z > 0, c > 0; homogeneous of degree c. Power(1) is the ReLU, and networks
    take it for that. Raises InputError, InputTypeError for another c.

    >>> Power(2)(np.array([-1.0, 0.0, 3.0]))
    array([0., 0., 9.])
    """

    c: float

    def __post_init__(self) -> None:
        given: Any = self.c
        if isinstance(given, bool) or not isinstance(given, Real):
            raise InputTypeError(f"c: got {kind_of(given)}, expected a positive number")
        if not 0 < self.c < np.inf:
            raise InputError(f"c: got {self.c}, expected a positive number")
        object.__setattr__(self, "c", float(self.c))

    @property
    def name(self) -> str:
        return f"power({repr(self.c).removesuffix('.0')})"

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        given = NAME.fullmatch(name)
        try:
            return None if given is None else cls(float(given[1]))
        except ValueError:  # no number, or not a positive one
            return None

    @classmethod
    def spelling(cls) -> str:
        return "'power(c)' for a number c > 0"

    @property
    def degree(self) -> float:
        return self.c

    @property
    def exponent(self) -> int | None:
        return int(self.c) if self.c.is_integer() else None

    def __call__(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(np.maximum(z, 0.0) ** self.c)

    def slope(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.where(z > 0, self.c * np.where(z > 0, z, 1.0) ** (self.c - 1), 0.0)

    def inverse(self, y: Array) -> Array:
        return np.asarray(y ** (1 / self.c))
