"""Moments of f(g), g ~ N(0, 1): Hermite coefficients, and whether there is a variance."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from unrelu.numerics.arrays import Array

REACH = 12.0
"""Standard deviations within which the normal law is integrated: beyond them lies 1e-32 of it, so
that even 12⁴ times as much is nothing in double precision."""

NEGLIGIBLE = 1e-6
"""Share of a moment that may come from beyond `REACH` standard deviations."""


def hermite(f: Callable[[Array], Array], order: int, bias: Array | float = 0.0) -> Array:
    """h_r(b) = E f(g + b) He_r(g), g ~ N(0, 1), for every bias b; shape of `bias`.

    He_r are the probabilists' polynomials: f(g + b) = Σ h_r He_r(g) / r!. f must vanish where its
    argument is not positive and grow slower than a Gaussian decays. Only the half line g > −b is
    integrated, in t with g = −b + t²: the kink becomes an end point, and a root there smooth.

    For the ReLU h₁ = Φ(b), h₂ = φ(b), h₃ = −b φ(b): with no bias the third order shows nothing.

    >>> np.allclose(hermite(lambda z: np.maximum(z, 0.0), 1), 0.5)
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


def has_variance(f: Callable[[Array], Array]) -> bool:
    """Whether f(g) has a second moment, g ~ N(0, 1); that of e^(g²) is infinite. What lies beyond
    `REACH` must be a negligible part of it."""
    with np.errstate(all="ignore"):
        end = f(np.array([REACH])) ** 2 * np.exp(-(REACH**2) / 2) * REACH
        return bool(end[0] < NEGLIGIBLE * hermite(lambda z: f(z) ** 2, 0))
