"""Answers that are class labels: the sign of an output, or which output is the largest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.checks.finding import failed
from unrelu.checks.kinds_of_labels import MOST_CLASSES, many_levels, zeros_and_ones
from unrelu.extraction.hard_labels.classes import Classes
from unrelu.extraction.hard_labels.search import search
from unrelu.extraction.hard_labels.state import State
from unrelu.extraction.hard_labels.verdict import verdict
from unrelu.extraction.heads.head import FIRST_ANSWERS, Asked, Head, Shown
from unrelu.extraction.heads.refused import refused
from unrelu.extraction.judging import at_the_end, remarks_on
from unrelu.extraction.queries import ENDED
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery

PAIRS, TINY = 64, 1e-6
"""Number and distance of pairs of queries, which a boundary rarely separates."""

AGREE = 0.7
"""Least share of equal pairs of labels that are a function of the inputs; counts have less."""

FEW = 10
"""Different answers that may be labels, however few queries there are."""

PER_CLASS = 5
"""Least mean number of random queries per class."""

STREAM = 5
"""Of random numbers, apart from those of other heads."""

FURTHER, OUT_THERE = (4.0, 16.0, 64.0, 256.0), 64
"""Factors of the scale, and inputs, for another class where the first answers are all the same."""

ALONG = 256
"""Queries along a line, on which rounded values change by their step."""


def few_different(Y: Array) -> bool:
    return len(np.unique(Y, axis=0)) <= len(Y) / 2


def are_labels(shown: Shown) -> bool:
    """Whether few different answers hardly ever change over a tiny step and, if there are many, do
    not change by the smallest possible step, as rounded values do."""
    X, Y, scale, rng = shown.X, shown.Y, shown.asked.scale, shown.rng
    if len(np.unique(Y, axis=0)) == 1:
        return _another_class(shown)
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


def _another_class(shown: Shown) -> bool:
    """Whether answers that are all the same are another, single one further out, at some scale:
    values would be many."""
    for factor in FURTHER:
        X = factor * shown.asked.scale * shown.rng.standard_normal((OUT_THERE, shown.X.shape[1]))
        Y = shown.ask(X)[1]
        different = np.unique(np.vstack([shown.Y, Y]), axis=0)
        if len(different) > 1:
            return len(different) <= OUT_THERE // PER_CLASS
    return False


def _not_labels(Y: Array) -> str:
    """A sentence if answers (n, m) are too many different ones for labels."""
    different = len(np.unique(Y, axis=0))
    if different <= max(FEW, len(Y) / 2):
        return ""
    return (
        f"the answers are not class labels: got {different} different ones to {len(Y)} queries, "
        "expected a few classes; answers='auto' finds out what they are"
    )


def extract_labels(asked: Asked) -> Recovery:
    """The network behind class labels, see `extraction.hard_labels`."""
    first = asked.random_inputs(min(FIRST_ANSWERS, asked.queries.budget))
    rng = np.random.default_rng([asked.seed, STREAM])
    state = State(Classes(asked.queries), asked.scale, asked.reach, asked.bias, rng)
    ended: BaseException | None = None
    try:
        X, Y = asked.queries(first)
        if wrong := _not_labels(Y):
            return refused(asked, X, Y, failed("other-answers", wrong))
        with asked.queries.limited():
            search(state, first)
    except ENDED as end:
        if not asked.queries.asked:
            raise
        ended = end
    result = verdict(state)
    remarks = remarks_on(result.certificate, asked.n_units, "", "")
    result = replace(result, remarks=(*remarks, *result.remarks))
    if ended is not None:
        result = at_the_end(result, asked.queries, 1, ended)
    stats: dict[str, float | int | str] = {
        "method": "boundaries between classes",
        "polylines": len(state.searched.polylines),
        "hyperplanes": len(state.searched.planes.rows),
        "boundary_points": len(state.found),
    }
    return replace(result, stats=stats)


LABELS = Head(
    "labels",
    "class labels, a function of the inputs without noise",
    possible=few_different,
    recognise=are_labels,
    extract=extract_labels,
    texts=True,
)
