"""Answers that are class labels: the sign of an output, or which output is the largest."""

from __future__ import annotations

import numpy as np

from unrelu.checks.kinds_of_labels import MOST_CLASSES, class_labels, many_levels, zeros_and_ones
from unrelu.extraction.heads.head import FIRST_ANSWERS, Asked, Head, Shown
from unrelu.extraction.heads.refused import refused
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery

PAIRS, TINY = 64, 1e-6
"""Number and distance of pairs of queries, which a boundary rarely separates."""

AGREE = 0.7
"""Least share of equal pairs of labels that are a function of the inputs; counts have less."""

PER_CLASS = 5
"""Least mean number of random queries per class."""

ALONG = 256
"""Queries along a line, on which rounded values change by their step."""


def few_different(Y: Array) -> bool:
    return len(np.unique(Y, axis=0)) <= len(Y) / 2


def are_labels(shown: Shown) -> bool:
    """Whether few different answers hardly ever change over a tiny step and, if there are many, do
    not change by the smallest possible step, as rounded values do."""
    X, Y, scale, rng = shown.X, shown.Y, shown.asked.scale, shown.rng
    if not 2 <= len(np.unique(Y, axis=0)) <= min(MOST_CLASSES, len(Y) // PER_CLASS):
        return False
    base = X[rng.permutation(len(X))[:PAIRS]]
    beside = shown.ask(base + TINY * scale * rng.standard_normal(base.shape))[1]
    if (shown.ask(base)[1] == beside).all(axis=1).mean() < AGREE:
        return False
    if not many_levels(Y) or zeros_and_ones(Y):
        return True
    start, end = scale * rng.standard_normal((2, X.shape[1]))
    along = shown.ask(start + np.linspace(0, 1, ALONG)[:, None] * (end - start))[1]
    steps = np.abs(np.diff(along, axis=0)).max(axis=1)
    least = np.diff(np.unique(Y)).min()
    steps = steps[steps > 0]
    return bool(len(steps) and np.median(steps) > 1.5 * least)


def extract_labels(asked: Asked) -> Recovery:
    """Not implemented: says what the answers are."""
    X, Y = asked.queries(asked.random_inputs(min(FIRST_ANSWERS, asked.queries.budget)))
    return refused(asked, X, Y, class_labels(Y))


LABELS = Head(
    "labels",
    "class labels, a function of the inputs without noise",
    possible=few_different,
    recognise=are_labels,
    extract=extract_labels,
    hides="class labels do not show the scale of the outputs",
)
