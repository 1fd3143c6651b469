"""How near to a boundary labels are still reliable: nearer, rounding of the model decides."""

from __future__ import annotations

import numpy as np

from unrelu.checks.finding import Finding, failed
from unrelu.extraction.hard_labels.asking import run
from unrelu.extraction.hard_labels.boundary import bisect
from unrelu.extraction.hard_labels.state import TRACED, State
from unrelu.numerics.arrays import Array

CHORDS, MORE_CHORDS = 4, 16
"""Chords across a boundary that are looked at, and in case of doubt."""

DISTANCES = 10.0 ** np.arange(-11.0, -3.0)
"""From the boundary, relative to the inputs, at which labels are asked for on both sides."""

FINER, MARGIN = 2.0 ** np.arange(-4.0, 7.0), 3.0
"""Factors of the largest of these with a wrong label that are asked for next; and of the largest of
those, to be safe."""

NOISY = 1e-5
"""Distance at which wrong labels are no matter of rounding."""


def measure_reliability(state: State, chords: list[Array], more: list[Array]) -> Finding | None:
    """Set the `noise` of the state, from CHORDS chords between two classes and, if some labels are
    wrong, MORE_CHORDS; the finding where labels are noisy far from boundaries. A label that is
    wrong during bisection leaves a place with one class on both sides."""
    state.classes.queries.stage = "reliability"
    rough = _largest_wrong(state, chords, DISTANCES)
    if rough:
        finer = np.minimum(rough * FINER, 10 * NOISY)
        rough = max(rough, _largest_wrong(state, more, np.unique(finer)))
        state.set_noise(MARGIN * rough)
    if rough <= NOISY:
        return None
    sentence = (
        f"labels are noisy: {rough:g} of the inputs away from a boundary, some are not those of "
        "their side; answer with the majority of several, or recover from samples"
    )
    return failed("noisy-labels", sentence)


def _largest_wrong(state: State, chords: list[Array], distances: Array) -> float:
    """The largest of the distances from a boundary at which a label is not that of its side."""
    ends = np.array(chords)
    kinds = state.classes(ends.reshape(-1, state.n_inputs)).reshape(-1, 2)
    inner, outer, pairs = run(bisect(ends[:, 0], ends[:, 1], kinds, TRACED), state.classes)
    along = ends[:, 1] - ends[:, 0]
    along *= (np.abs(inner).max(axis=1) / np.abs(along).max(axis=1))[:, None]
    sides = np.stack([inner, outer]) + distances[:, None, None, None] * np.stack([-along, along])
    answers = state.classes(sides.reshape(-1, state.n_inputs)).reshape(len(distances), 2, -1)
    wrong = (answers != pairs.T).any(axis=(1, 2))
    if not wrong.any():
        state.found.add(inner, outer, pairs, True)
    return float(distances[wrong].max(initial=0.0))
