"""The kind of an oracle's answers, if they are not values. Finding it takes a few hundred queries
at the beginning, and none if the first answers look like values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unrelu.checks.finding import Finding, failed
from unrelu.checks.kinds_of_labels import (
    MOST_CLASSES,
    class_labels,
    many_levels,
    on_simplex,
    sigmoid,
    zeros_and_ones,
)
from unrelu.extraction.kinks import measure_bend
from unrelu.numerics.arrays import Array

Ask = Callable[[Array], tuple[Array, Array]]

RANDOM = 256
"""Number of random queries that show classes."""

PAIRS, TINY = 64, 1e-6
"""Number and distance of pairs of queries, which a boundary rarely separates."""

AGREE = 0.7
"""Least share of equal pairs of labels that are a function of the inputs; counts have less."""

PER_CLASS = 5
"""Least mean number of random queries per class."""

OUTSIDE, FAR = 32, 100.0
"""Number and distance of queries so far out that a network's values leave the unit interval."""

SATURATED = 0.8
"""Least share of answers that a sigmoid drives to zero or one there."""

STEP = 2.0**-13
STRAIGHT = 1e4
"""Largest bend of a network's answers over such a step, in units of rounding."""


def looks_like_values(Y: Array) -> bool:
    """Whether the first answers can be considered values without further queries."""
    few = len(np.unique(Y, axis=0)) <= len(Y) / 2
    return not (few or on_simplex(Y) or _in_unit_interval(Y))


def kind_of_answers(
    ask: Ask, X: Array, Y: Array, scale: float, rng: np.random.Generator
) -> Finding | None:
    """The kind of the answers Y (n, m) to random queries X (n, d), n >= RANDOM; None if they are
    values. Asks up to about 300 more queries; `ask` raises if the budget does not allow it."""
    d = X.shape[1]
    classes = len(np.unique(Y, axis=0))
    if 2 <= classes <= min(MOST_CLASSES, len(Y) // PER_CLASS):
        return _classes(ask, X, Y, scale, rng)
    simplex = on_simplex(Y)
    if simplex and simplex[0] == "log-probabilities":
        return failed(*simplex)
    if not _in_unit_interval(Y) and not simplex:
        return None
    size = float(np.abs(Y).max())
    if measure_bend(ask, d, scale, STEP, rng) <= STRAIGHT * np.finfo(np.float64).eps * size:
        single = np.array_equal(Y.astype(np.float32).astype(np.float64), Y)
        if not single:  # in single precision, rounding hides whether they bend
            return None
    outside = ask(FAR * scale * rng.standard_normal((OUTSIDE, d)))[1]
    if simplex:
        return failed(*simplex) if on_simplex(np.vstack([Y, outside])) else None
    ends = (np.minimum(outside, 1 - outside) < 1e-3).mean()
    return sigmoid() if _in_unit_interval(outside) and ends >= SATURATED else None


def _in_unit_interval(Y: Array) -> bool:
    return bool(Y.min() >= 0 and Y.max() <= 1 and np.ptp(Y) > 0)


def _classes(
    ask: Ask, X: Array, Y: Array, scale: float, rng: np.random.Generator
) -> Finding | None:
    """Class labels, if they hardly ever change over a tiny step and, if there are many, do not
    change by the smallest possible step, as rounded values do."""
    d = X.shape[1]
    base = X[rng.permutation(len(X))[:PAIRS]]
    beside = ask(base + TINY * scale * rng.standard_normal(base.shape))[1]
    if (ask(base)[1] == beside).all(axis=1).mean() < AGREE:
        return None
    if not many_levels(Y) or zeros_and_ones(Y):
        return class_labels(Y)
    start, end = scale * rng.standard_normal((2, d))
    along = ask(start + np.linspace(0, 1, RANDOM)[:, None] * (end - start))[1]
    steps = np.abs(np.diff(along, axis=0)).max(axis=1)
    least = np.diff(np.unique(Y)).min()
    steps = steps[steps > 0]
    return class_labels(Y) if len(steps) and np.median(steps) > 1.5 * least else None


def decimal_places(Y: Array) -> int | None:
    """Decimals that all answers are rounded to, if few: random numbers have no zeros there."""
    if not Y.any():
        return None
    return next((p for p in range(1, 7) if np.array_equal(np.round(Y, p), Y)), None)


def in_single(Y: Array) -> bool:
    """Are all answers float32 numbers, or as few digits as those are written with?"""
    with np.errstate(over="ignore"):
        single = Y.astype(np.float32)
    if np.array_equal(single, Y):
        return bool((np.round(Y) != Y).any())
    return all(
        float(str(small)) == full
        for small, full in zip(single.ravel(), Y.ravel().tolist(), strict=True)
    )
