"""Points of the boundary that a network predicts: asked afterwards, on both sides of each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.checks.class_boundaries import Predictions
from unrelu.extraction.hard_labels.asking import run
from unrelu.extraction.hard_labels.boundary import bisect
from unrelu.extraction.hard_labels.fit import small
from unrelu.extraction.hard_labels.output_layer import NEVER, Scores
from unrelu.extraction.hard_labels.polish import most_informative
from unrelu.extraction.hard_labels.state import State
from unrelu.network.decision_boundary import BoundaryPoints, Distances
from unrelu.numerics.arrays import Array, Index, Mask

log = logging.getLogger(__name__)

HALVINGS, CHORDS = 60, 40
"""Bisections of a chord by the network, and chords for one point that is wanted."""

OFF = 30.0
"""Distance from predicted points at which labels are asked for, where these are not reliable."""

SCALES = 1.0, 4.0, 16.0, 256.0
"""Of the inputs between which points are predicted."""

MISSED = 6
"""Chords on which a network is wrong that are bisected."""

CANDIDATES, SHARPENED = 2000, 24
"""Predicted points that are considered, and those bisected, to know weights better."""


@dataclass(frozen=True, eq=False)
class Predicted:
    """Points X (n, d) of a network's boundary, steps `aside` that clearly reach the first of the
    classes `pairs` (n, 2), and the chords that they were found on: ends (n, 2, d). tied (q, d):
    other inputs, at which the largest outputs are equal: all of them are of one class."""

    X: Array
    aside: Array
    pairs: Index
    chords: Array
    tied: Array


def predict(
    scores: Scores, off: float, count: int, scales: Sequence[float], rng: np.random.Generator
) -> Predicted:
    """About `count` points of the network's boundary, on chords between Gaussian inputs of the
    given scales; fewer if few chords meet it. At `off` (1 + ‖x‖) on both sides, the largest output
    is that of one class, and known."""
    net = scores.network
    chords, A, tied = _chords(scores, count, scales, rng)
    inner, outer = chords[:, 0], chords[:, 1]
    for _ in range(HALVINGS):
        middle = (inner + outer) / 2
        within = (scores(middle).argmax(axis=1) == A)[:, None]
        inner, outer = np.where(within, middle, inner), np.where(within, outer, middle)
    B = scores(outer).argmax(axis=1)
    X = (inner + outer) / 2
    delta = net.U[A] - net.U[B]
    gradient = ((net.preactivations(X) > 0) * delta) @ net.V + net.W[A] - net.W[B]
    size = np.linalg.norm(gradient, axis=1)
    steep = size > 1e-9 * max(float(np.median(size)), 1e-300) if len(size) else size > 0
    normals = gradient / np.where(steep, size, 1.0)[:, None]
    pairs = np.column_stack([A, B])
    distance = off * (1 + np.linalg.norm(X, axis=1))
    if scores.rounding:
        reach = Distances.of(net, BoundaryPoints(X, pairs, distance)).reach
        distance = np.maximum(distance, OFF * scores.rounding * reach)
    aside = distance[:, None] * normals
    sides = scores(X + aside), scores(X - aside)
    each = np.arange(len(X))
    known = [~_tied(F) & (np.minimum(F[each, A], F[each, B]) > NEVER) for F in sides]
    kept = np.flatnonzero(steep & known[0] & known[1])
    return Predicted(X[kept], aside[kept], pairs[kept], chords[kept], tied)


def _chords(
    scores: Scores, count: int, scales: Sequence[float], rng: np.random.Generator
) -> tuple[Array, Index, Array]:
    """The first `count` of many chords whose ends (n, 2, d) are of two classes, the first of these
    (n,), and the first `count` ends (q, d) at which the largest outputs are equal."""
    kept: list[tuple[Array, Index, Array]] = []
    missing = count
    for _ in range(CHORDS):
        ends = rng.standard_normal((count, 2, scores.network.n_inputs))
        ends *= rng.choice(np.asarray(scales), count)[:, None, None]
        outputs = [scores(ends[:, 0]), scores(ends[:, 1])]
        ties = np.column_stack([_tied(F) for F in outputs])
        first, second = (F.argmax(axis=1) for F in outputs)
        rows = np.flatnonzero((first != second) & ~ties.any(axis=1))[:missing]
        missing -= len(rows)
        kept.append((ends[rows], first[rows], ends[ties]))
    chords, classes, tied = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return chords, classes, tied[:count]


def _tied(F: Array) -> Mask:
    """Which rows of outputs have no single largest one."""
    return np.asarray((F.max(axis=1, keepdims=True) == F).sum(axis=1) > 1)


def sharpen(state: State) -> None:
    """Bisect the points that the weights are known best from, among many that are predicted."""
    assert state.scores is not None, "only after a fit"
    net, off = state.scores.network, max(1e-10, OFF * state.noise)
    guess = predict(state.scores, off, CANDIDATES, [state.scale * s for s in SCALES], state.rng)
    size = np.abs(guess.X).max(axis=1)
    candidates = BoundaryPoints(guess.X, guess.pairs, 4 * state.finest * size)
    rows = most_informative(net, state.points(), candidates, SHARPENED, biased=state.biased)
    aside, pairs = guess.aside[rows], guess.pairs[rows]
    inner, outer = guess.X[rows] + aside, guess.X[rows] - aside
    answers = state.classes(np.vstack([inner, outer])).reshape(2, -1)
    good = (answers == pairs.T).all(axis=0)
    task = bisect(inner[good], outer[good], pairs[good], state.finest)
    state.found.add(*run(task, state.classes), True)


def check_predictions(state: State, count: int, off: float, refined: int) -> bool:
    """Ask on both sides of predicted points of the boundary, `off` away; keep the chords on which
    they are wrong, and bisect MISSED of them and the first `refined` of the others. False if there
    are too few."""
    assert state.scores is not None, "only after a fit"
    state.classes.queries.stage = "predicted points"
    guess = predict(state.scores, off, count, [state.scale * s for s in SCALES], state.rng)
    inner, outer = guess.X + guess.aside, guess.X - guess.aside
    answers = state.classes(np.vstack([inner, outer]))
    n = len(guess.X)
    if n < count / 4:
        log.info("%d points predicted", n)
        return False
    good = (answers[:n] == guess.pairs[:, 0]) & (answers[n:] == guess.pairs[:, 1])
    tied = state.classes(guess.tied)
    wrong = int((~good).sum()) + int((tied != np.bincount(tied).argmax()).sum() if len(tied) else 0)
    state.predictions = Predictions(n + len(tied), wrong, off, SCALES)
    rows = np.flatnonzero(good)[: refined * small(state, state.scores.network)]
    task = bisect(inner[rows], outer[rows], guess.pairs[rows], state.finest)
    ends = run(task, state.classes)
    state.found.add(*ends, True)
    bad = guess.chords[~good]
    if len(bad):
        kinds = state.classes(bad.reshape(-1, state.n_inputs)).reshape(-1, 2)
        apart = np.flatnonzero(kinds[:, 0] != kinds[:, 1])[:MISSED]
        ends = run(bisect(bad[apart, 0], bad[apart, 1], kinds[apart], state.finest), state.classes)
        state.found.add(*ends, True)
    state.wrong = list(bad)
    return True
