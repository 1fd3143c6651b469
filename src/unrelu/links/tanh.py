"""Hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from unrelu.links.link import Link
from unrelu.numerics.arrays import Array


def _inverse(P: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.arctanh(P))


def _error(P: Array, errors: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(errors / (1 - P**2))


def _refuse(P: Array) -> str:
    return "" if np.abs(P).max() <= 1 else "expected numbers between -1 and 1"


TANH = Link(
    "tanh",
    "hyperbolic tangents of the values",
    forward=np.tanh,
    inverse=_inverse,
    error=_error,
    target=_inverse,
    slope=lambda p: 1 - p**2,
    low=-1.0,
    high=1.0,
    refuse=_refuse,
)
