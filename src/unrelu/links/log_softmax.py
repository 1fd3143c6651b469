"""Log-softmax: F_a − log Σ_b exp(F_b), the logarithms of the probabilities of a softmax."""

from __future__ import annotations

import numpy as np

from unrelu.links.link import Link
from unrelu.links.softmax import HIDES, SUM_OFF, against_others, centred, log_softmax
from unrelu.numerics.arrays import Array


def _target(log_p: Array) -> Array:
    """log p − log(1 − p)."""
    with np.errstate(divide="ignore"):
        return np.asarray(log_p - np.log(-np.expm1(log_p)))


def _error(_: Array, errors: Array) -> Array:
    return np.asarray(errors + errors.mean(axis=1, keepdims=True))


def _refuse(P: Array) -> str:
    if P.shape[1] < 2:
        return "expected two or more outputs"
    with np.errstate(over="ignore"):
        total = np.exp(P).sum(axis=1)
    off = max(SUM_OFF, 0.5 * P.shape[1] * 1e-3)
    if (np.abs(total - 1) <= off).all():
        return ""
    return "expected logarithms of probabilities that sum to one in each row"


LOG_SOFTMAX = Link(
    "log-softmax",
    "logarithms of probabilities of classes, after a log-softmax",
    forward=log_softmax,
    inverse=centred,
    error=_error,
    target=_target,
    slope=lambda p: -np.expm1(p),
    entry=against_others,
    high=0.0,
    centred=True,
    hides=HIDES,
    refuse=_refuse,
)
