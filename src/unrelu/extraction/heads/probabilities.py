"""Answers that are probabilities: of classes, after a softmax, or of one event, after a sigmoid."""

from __future__ import annotations

import numpy as np

from unrelu.checks.finding import failed
from unrelu.checks.kinds_of_labels import on_simplex, sigmoid
from unrelu.extraction.heads.head import FIRST_ANSWERS, Asked, Head, Shown
from unrelu.extraction.heads.refused import refused
from unrelu.extraction.kinks import measure_bend
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery

OUTSIDE, FAR = 32, 100.0
"""Number and distance of queries so far out that a network's values leave the unit interval."""

SATURATED = 0.8
"""Least share of answers that a sigmoid drives to zero or one there."""

STEP = 2.0**-13
STRAIGHT = 1e4
"""Largest bend of a network's answers over such a step, in units of rounding."""


def _kind(Y: Array) -> str:
    simplex = on_simplex(Y)
    return simplex[0] if simplex else ""


def _in_unit_interval(Y: Array) -> bool:
    return bool(Y.min() >= 0 and Y.max() <= 1 and np.ptp(Y) > 0)


def _bent(shown: Shown) -> bool:
    """Whether answers are not piecewise linear to rounding; in single precision, that hides it."""
    size, d = float(np.abs(shown.Y).max()), shown.X.shape[1]
    bend = measure_bend(shown.ask, d, shown.asked.scale, STEP, shown.rng)
    straight = bend <= STRAIGHT * np.finfo(np.float64).eps * size
    return not straight or np.array_equal(shown.Y.astype(np.float32).astype(np.float64), shown.Y)


def _outside(shown: Shown) -> Array:
    X = FAR * shown.asked.scale * shown.rng.standard_normal((OUTSIDE, shown.X.shape[1]))
    return shown.ask(X)[1]


def _are_softmax(shown: Shown) -> bool:
    return _bent(shown) and _kind(np.vstack([shown.Y, _outside(shown)])) == "probabilities"


def _are_sigmoid(shown: Shown) -> bool:
    if _kind(shown.Y) or not _bent(shown):
        return False
    outside = _outside(shown)
    ends = (np.minimum(outside, 1 - outside) < 1e-3).mean()
    return _in_unit_interval(outside) and bool(ends >= SATURATED)


def _first(asked: Asked) -> tuple[Array, Array]:
    return asked.queries(asked.random_inputs(min(FIRST_ANSWERS, asked.queries.budget)))


def _extract_simplex(asked: Asked) -> Recovery:
    """Not implemented: says what the answers are."""
    X, Y = _first(asked)
    found = on_simplex(Y)
    assert found is not None, "the head was recognised"
    return refused(asked, X, Y, failed(*found))


def _extract_sigmoid(asked: Asked) -> Recovery:
    """Not implemented: says what the answers are."""
    return refused(asked, *_first(asked), sigmoid())


SOFTMAX = Head(
    "softmax",
    "probabilities of classes, as after a softmax",
    possible=lambda Y: _kind(Y) == "probabilities",
    recognise=_are_softmax,
    extract=_extract_simplex,
)

LOG_SOFTMAX = Head(
    "log-softmax",
    "logarithms of probabilities of classes, as after a log-softmax",
    possible=lambda Y: _kind(Y) == "log-probabilities",
    recognise=lambda shown: _kind(shown.Y) == "log-probabilities",
    extract=_extract_simplex,
)

SIGMOID = Head(
    "sigmoid",
    "probabilities of one event each, as after a sigmoid",
    possible=_in_unit_interval,
    recognise=_are_sigmoid,
    extract=_extract_sigmoid,
)
