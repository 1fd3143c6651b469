"""Rectified activations: f(z) = 0 for z <= 0 and f(z) = phi(z) > 0 for z > 0.

An activation is a small frozen value; two of one kind compare equal. Networks hold one, methods
ask it for what they need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import InputError, InputTypeError

Array = NDArray[np.float64]

REACH = 12.0
"""Standard deviations within which the normal law is integrated: beyond them lies 1e-32 of it, so
that even 12⁴ times as much is nothing in double precision."""


def hermite(f: Callable[[Array], Array], order: int, bias: Array | float = 0.0) -> Array:
    """h_r(b) = E f(g + b) He_r(g), g ~ N(0, 1), for every bias b; shape of `bias`.

    He_r are the probabilists' polynomials: f(g + b) = Σ h_r He_r(g) / r!. f must vanish where its
    argument is not positive and grow slower than a Gaussian decays. Only the half line g > −b is
    integrated, in t with g = −b + t²: the kink becomes an end point, and a root there smooth.

    >>> np.allclose(hermite(ReLU(), 1), 0.5)
    True
    """
    nodes, weights = _legendre()
    low = np.maximum(-np.asarray(bias, dtype=np.float64), -REACH)[..., None]
    reach = np.sqrt(np.maximum(low, 0.0) + REACH - low)
    t = reach * nodes
    g = low + t**2
    density = np.exp(-(g**2) / 2) / np.sqrt(2 * np.pi) * 2 * t * reach
    polynomial = np.polynomial.hermite_e.hermeval(g, [0.0] * order + [1.0])
    values = f(g + np.asarray(bias)[..., None])
    return np.asarray((values * polynomial * density) @ weights)


@cache
def _legendre() -> tuple[Array, Array]:
    """Gauss–Legendre on [0, 1]. In t the normal density is no narrower than 1/35 of the interval;
    200 nodes put a dozen on its standard deviation near the ends and seven in the middle."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    return (nodes + 1) / 2, weights / 2


@dataclass(frozen=True)
class ReLU:
    """f(z) = max(z, 0), positively homogeneous: f(a z) = a f(z) for a > 0.

    >>> ReLU()(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    name: ClassVar[str] = "relu"

    def __call__(self, z: Array) -> Array:
        return np.maximum(z, 0.0)

    def hermite(self, order: int, bias: Array | float = 0.0) -> Array:
        """h_r(b) = E f(g + b) He_r(g), see `hermite`. For the ReLU h₁ = Φ(b), h₂ = φ(b),
        h₃ = −b φ(b): with no bias the third order shows nothing."""
        return hermite(self, order, bias)


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
