"""Softmax: p_a = exp(F_a) / Σ_b exp(F_b).

A function added to all F_a leaves the answers as they are, so the outputs are known up to any
network that is common to all of them. The canonical values have mean zero over the outputs:
F_a = log p_a − mean_b log p_b.

A single probability says that F_a − log Σ_{b≠a} exp(F_b) = logit(p_a).
"""

from __future__ import annotations

import numpy as np

from unrelu.links.link import Link
from unrelu.links.sigmoid import logit
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.grids import grid_of

HIDES = (
    "a function added to all outputs leaves such answers as they are; the outputs of the network "
    "are chosen to sum to zero, so a unit with the same output weight everywhere is not seen"
)

SUM_OFF = 1e-3
"""By how much probabilities may fail to sum to one: they may have been rounded to three digits."""


def log_softmax(F: Array) -> Array:
    """log p (n, m), without overflow."""
    shifted = F - F.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def centred(L: Array) -> Array:
    """Values (n, m) less their mean over the outputs; NaN where one is infinite."""
    with np.errstate(invalid="ignore"):
        return np.asarray(L - L.mean(axis=1, keepdims=True))


def against_others(F: Array, outputs: Index) -> tuple[Array, Array]:
    """z = F_a − log Σ_{b≠a} exp(F_b) for one output a in each row, (n,), and its gradient."""
    rows = np.arange(len(F))
    own = F[rows, outputs]
    others = F.copy()
    others[rows, outputs] = -np.inf
    largest = others.max(axis=1)
    weights = np.exp(others - largest[:, None])
    total = weights.sum(axis=1)
    gradient = -weights / total[:, None]
    gradient[rows, outputs] = 1.0
    return np.asarray(own - largest - np.log(total)), gradient


def coarseness(P: Array) -> float:
    """The step of answers on a grid of one step, else zero."""
    grid = grid_of(P)
    return float(grid.step) if grid else 0.0


def _inverse(P: Array) -> Array:
    with np.errstate(divide="ignore"):
        return centred(np.log(P))


def _error(P: Array, errors: Array) -> Array:
    with np.errstate(divide="ignore"):
        each = errors / P
    return np.asarray(each + each.mean(axis=1, keepdims=True))


def _refuse(P: Array) -> str:
    if P.shape[1] < 2:
        return "expected two or more outputs; one probability is that of a sigmoid"
    total = P.sum(axis=1)
    off = max(SUM_OFF, 0.5 * P.shape[1] * max(1e-3, coarseness(P)))
    if P.min() >= 0 and (np.abs(total - 1) <= off).all():
        return ""
    return "expected probabilities that sum to one in each row, percentages divided by 100"


SOFTMAX = Link(
    "softmax",
    "probabilities of classes, after a softmax",
    forward=lambda F: np.exp(log_softmax(F)),
    inverse=_inverse,
    error=_error,
    target=logit,
    slope=lambda p: p * (1 - p),
    relative=True,
    entry=against_others,
    low=0.0,
    high=1.0,
    centred=True,
    hides=HIDES,
    refuse=_refuse,
)
