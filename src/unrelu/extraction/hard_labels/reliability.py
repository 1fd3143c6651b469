"""How finely a boundary can be located: the scatter of its points, and how near labels are right.

Between two bends the boundary is straight, so three of its points on a line and its parallels,
t₋, t₀ and t₊ at equal distances, have t₋ − 2 t₀ + t₊ = 0 but for rounding of the model: with errors
of standard deviation σ, that of the left-hand side is √6 σ.
"""

from __future__ import annotations

import numpy as np

from unrelu.checks.finding import Finding, failed
from unrelu.extraction.hard_labels.asking import Asking, run
from unrelu.extraction.hard_labels.boundary import bisect
from unrelu.extraction.hard_labels.state import State
from unrelu.numerics.arrays import Array, Index

CHORDS, MORE_CHORDS = 4, 12
"""Chords across a boundary on which scatter is looked for, and more of them, to know its size."""

BESIDE, BRACKET = 2.0**-15, 16.0
"""Distance of parallel chords relative to the largest entry: a bend is rarely so near. Half the
length of these chords, in such distances."""

QUIET = 2.0**-48
"""Scatter below which it is rounding of the inputs: nothing has to be allowed for."""

DISTANCES = 10.0 ** np.arange(-11.0, -3.0)
"""From the boundary, relative to the inputs, at which labels are asked for on both sides."""

CLEAR = 30.0
"""Scatters from a point at which its sides show their classes."""

NOISY = 1e-5
"""Distance at which wrong labels are no matter of rounding."""


def measure_reliability(state: State, chords: list[Array], more: list[Array]) -> Finding | None:
    """Set the `noise` of the state, from `chords` between two classes and, where points scatter,
    from `more`; the finding where labels are noisy far from boundaries. A label that is wrong
    during bisection leaves a place with one class on both sides."""
    state.classes.queries.stage = "reliability"
    size, wrong = _measured(state, chords)
    if size > QUIET or wrong:
        again, also = _measured(state, more)
        size, wrong = max(size, again), max(wrong, also)
    if wrong > NOISY:
        sentence = (
            f"labels are noisy: {wrong:g} of the inputs away from a boundary, some are not those "
            "of their side; answer with the majority of several, or recover from samples"
        )
        return failed("noisy-labels", sentence)
    if size > QUIET or wrong:
        state.set_noise(max(size, wrong / CLEAR))
    return None


def _measured(state: State, chords: list[Array]) -> tuple[float, float]:
    """The scatter of points on chords, and the largest distance from one, CLEAR of scatter, at
    which a label is not that of its side."""
    ends = np.array(chords)
    kinds = state.classes(ends.reshape(-1, state.n_inputs)).reshape(-1, 2)
    inner, outer, pairs = run(bisect(ends[:, 0], ends[:, 1], kinds), state.classes)
    size = np.abs(inner).max(axis=1, keepdims=True)
    along = ends[:, 1] - ends[:, 0]
    along *= size / np.abs(along).max(axis=1, keepdims=True)
    bends = run(_second_differences(state, (inner + outer) / 2, along, pairs), state.classes)
    scatter = float(np.sqrt(np.mean(bends[: max(1, len(bends) - 1)] ** 2) / 6)) if len(bends) else 0
    if scatter > NOISY:
        return scatter, scatter
    distances = DISTANCES[CLEAR * scatter < DISTANCES]
    sides = np.stack([inner, outer]) + distances[:, None, None, None] * np.stack([-along, along])
    answers = state.classes(sides.reshape(-1, state.n_inputs))
    wrong = (answers.reshape(len(distances), 2, len(inner)) != pairs.T).any(axis=(1, 2))
    if not wrong.any():
        state.found.add(inner, outer, pairs, True)
    return scatter, float(distances[wrong].max(initial=0.0))


def _second_differences(state: State, points: Array, along: Array, pairs: Index) -> Asking[Array]:
    """t₋ − 2 t₀ + t₊, in units of `along` and sorted by size, for points and those on parallel
    chords at both sides; chords that do not cross the same boundary are left out."""
    n, step = len(points), BESIDE * np.abs(along).max(axis=1, keepdims=True)
    aside = state.rng.standard_normal(points.shape)
    aside *= step / np.abs(aside).max(axis=1, keepdims=True)
    middle = np.vstack([points + aside, points - aside])
    reach = np.vstack([along, along]) * BRACKET * BESIDE
    both = np.vstack([pairs, pairs])
    answers = yield np.vstack([middle - reach, middle + reach])
    crossed = (answers.reshape(2, -1) == both.T).all(axis=0).reshape(2, n).all(axis=0)
    rows = np.flatnonzero(np.concatenate([crossed, crossed]))
    ends = yield from bisect(
        middle[rows] - reach[rows], middle[rows] + reach[rows], both[rows], QUIET
    )
    place = (((ends[0] + ends[1]) / 2 - middle[rows]) * reach[rows]).sum(axis=1)
    place *= BRACKET * BESIDE / (reach[rows] ** 2).sum(axis=1)
    return np.sort(np.abs(place.reshape(2, -1).sum(axis=0)))
