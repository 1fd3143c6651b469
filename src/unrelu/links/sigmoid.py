"""Sigmoid: p = 1 / (1 + exp(−F)), the probability of one event."""

from __future__ import annotations

import numpy as np

from unrelu.links.link import Link
from unrelu.numerics.arrays import Array


def logistic(F: Array) -> Array:
    """1 / (1 + exp(−F)), without overflow."""
    part = np.exp(-np.abs(F))
    return np.asarray(np.where(F >= 0, 1.0, part) / (1.0 + part))


def logit(p: Array) -> Array:
    """log(p / (1 − p)); −inf at 0 and inf at 1."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p))


def _error(P: Array, errors: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(errors / (P * (1 - P)))


def _refuse(P: Array) -> str:
    inside = P.min() >= 0 and P.max() <= 1
    return "" if inside else "expected probabilities between 0 and 1"


SIGMOID = Link(
    "sigmoid",
    "probabilities of one event each, after a sigmoid",
    forward=logistic,
    inverse=logit,
    error=_error,
    target=logit,
    slope=lambda p: p * (1 - p),
    relative=True,
    low=0.0,
    high=1.0,
    refuse=_refuse,
)
