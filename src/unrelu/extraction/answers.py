"""What does an oracle answer, if not values? Asked at the beginning, for a few hundred queries, and
for none at all where the first answers look like values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.checks.kinds_of_labels import (
    MOST_CLASSES,
    class_labels,
    many_levels,
    not_values,
    on_simplex,
    sigmoid,
    zeros_and_ones,
)
from unrelu.extraction.kinks import measure_bend
from unrelu.numerics.arrays import Array

Ask = Callable[[Array], tuple[Array, Array]]

RANDOM = 256
"""Random queries that show classes."""

PAIRS, TINY = 64, 1e-6
"""Pairs of queries so close that a boundary between two is rare."""

AGREE = 0.7
"""Share of the pairs from which on labels are a function of the inputs; counts are not."""

PER_CLASS = 5
"""Random queries to a class, in the mean."""

OUTSIDE, FAR = 32, 100.0
"""Queries so far out that a network's values have left the unit interval."""

SATURATED = 0.8
"""Share of the answers that a sigmoid has driven to zero or one there."""

STEP = 2.0**-13
STRAIGHT = 1e4
"""Roundings that a network's answers bend by at most, over a short step."""


def looks_like_values(Y: Array) -> bool:
    """Whether the first answers may be taken for values without asking any further."""
    few = len(np.unique(Y, axis=0)) <= len(Y) / 2
    return not (few or on_simplex(Y) or _in_unit_interval(Y))


def kind_of_answers(
    ask: Ask, X: Array, Y: Array, scale: float, rng: np.random.Generator
) -> Finding | None:
    """What the answers Y (n, m) to random queries X (n, d) are, n >= RANDOM, if they are not
    values. Asks up to some 300 queries more; `ask` raises where it may not."""
    d = X.shape[1]
    classes = len(np.unique(Y, axis=0))
    if 2 <= classes <= min(MOST_CLASSES, len(Y) // PER_CLASS):
        return _classes(ask, X, Y, scale, rng)
    simplex = on_simplex(Y)
    if simplex and simplex[0] == "log-probabilities":
        return not_values(*simplex)
    if not _in_unit_interval(Y) and not simplex:
        return None
    size = float(np.abs(Y).max())
    if measure_bend(ask, d, scale, STEP, rng) <= STRAIGHT * np.finfo(np.float64).eps * size:
        single = np.array_equal(Y.astype(np.float32).astype(np.float64), Y)
        if not single:  # of those, rounding hides whether they bend
            return None
    outside = ask(FAR * scale * rng.standard_normal((OUTSIDE, d)))[1]
    if simplex:
        return not_values(*simplex) if on_simplex(np.vstack([Y, outside])) else None
    ends = (np.minimum(outside, 1 - outside) < 1e-3).mean()
    return sigmoid() if _in_unit_interval(outside) and ends >= SATURATED else None


def _in_unit_interval(Y: Array) -> bool:
    return bool(Y.min() >= 0 and Y.max() <= 1 and np.ptp(Y) > 0)


def _classes(
    ask: Ask, X: Array, Y: Array, scale: float, rng: np.random.Generator
) -> Finding | None:
    """Class labels, if they hardly ever change over a tiny step, and, where there are many, do
    not change by the smallest step there is, as rounded values do."""
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
