"""The stages of an extraction from labels: polylines, normals, hyperplanes, the output layer, a fit
to all points of the boundary, and predicted points, which are asked afterwards."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from unrelu.checks.class_boundaries import Predictions
from unrelu.evidence.boundary_labels import weight_errors
from unrelu.extraction.hard_labels.asking import run, together
from unrelu.extraction.hard_labels.boundary import bisect
from unrelu.extraction.hard_labels.coverage import fill
from unrelu.extraction.hard_labels.explaining import find_hyperplanes
from unrelu.extraction.hard_labels.hyperplanes import Hyperplane
from unrelu.extraction.hard_labels.output_layer import Scores, solve_output_layer
from unrelu.extraction.hard_labels.polish import most_informative, polish
from unrelu.extraction.hard_labels.reliability import CHORDS, MORE_CHORDS, measure_reliability
from unrelu.extraction.hard_labels.state import State
from unrelu.extraction.hard_labels.verification import classes_of, predict
from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints
from unrelu.numerics.arrays import Array

log = logging.getLogger(__name__)

SIZES, LOOKED_AT = (4.0, 16.0, 64.0, 256.0, 1024.0), 200
"""Where a second class is looked for, if there is only one nearby, with how many inputs."""

FIRST, FUTILE = 2, 10
"""Polylines before the first normals; rounds in which nothing got better, after which it ends."""

UNEXPLAINED = 3, 0.05
"""Bends, and share of them, that may be on no known hyperplane when a network is tried."""

DENSEST = 4.0
"""More points of each class than that do not help."""

DENSER = 4
"""Attempts to get an output layer with more and more points of each class."""

REFITS = 6
"""Fits, each with the points that the one before predicted wrongly."""

SCALES = 1.0, 4.0, 16.0, 256.0
"""Of the inputs between which points are predicted."""

CANDIDATES, SHARPENED = 2000, 24
"""Predicted points that are considered, and those bisected, to know weights better."""

MOST_POLISHED = 3000
"""Unknowns up to which all weights are fitted to the points together."""

CONSISTENT = 3.0
"""Root mean square of the residuals of a network that fits its points, in errors of these."""

IDLE = 1e-6
"""Share of the largest output weight below which a unit is none."""

OFF = 30.0
"""Distance from predicted points at which labels are asked for, where these are not reliable."""

TRY, ENOUGH = 30, 200
"""Predicted points after a fit, and after the last one."""


def search(state: State, first: Array) -> bool:
    """All stages, from the first random inputs on."""
    state.classes.remember(first, state.classes(first))
    if len(state.classes) < 2 and not look_for_classes(state):
        return False
    state.refusal = measure_reliability(
        state, random_chords(state, CHORDS), random_chords(state, MORE_CHORDS)
    )
    if state.refusal is not None:
        return False
    chords = random_chords(state, FIRST)
    idle, count = 0, -1
    while idle < FUTILE:
        trace(state, chords)
        find_hyperplanes(state)
        unexplained = state.unexplained(state.bends)
        left = len(unexplained)
        log.info(
            "%d polylines, %d hyperplanes, %d of %d bends unexplained, %d queries",
            len(state.polylines),
            len(state.planes.rows),
            left,
            len(state.bends),
            state.classes.queries.asked,
        )
        idle = 0 if len(state.planes.rows) > count else idle + 1
        count = len(state.planes.rows)
        for bend in unexplained if idle else ():
            bend.tries[0] = 0  # random polylines have shown nothing new
        chords = random_chords(state, 1)
        if not state.planes.rows or left > UNEXPLAINED[0] + UNEXPLAINED[1] * len(state.bends):
            continue
        if _try(state):
            return True
        if state.wrong:
            chords = [state.wrong[i] for i in state.rng.permutation(len(state.wrong))[:2]]
    return False


def look_for_classes(state: State) -> bool:
    """Random inputs, further and further out, until there are two classes."""
    for size in SIZES:
        X = size * state.scale * state.rng.standard_normal((LOOKED_AT, state.n_inputs))
        state.classes.remember(X, state.classes(X))
        if len(state.classes) > 1:
            return True
    return False


def trace(state: State, chords: Sequence[Array]) -> None:
    """Polylines through a point of each chord (2, d) whose ends are of different classes."""
    state.classes.queries.stage = "polylines"
    ends = np.array(chords).reshape(-1, 2, state.n_inputs)
    kinds = state.classes(ends.reshape(-1, state.n_inputs)).reshape(-1, 2)
    tasks = [
        state.tracer.trace(
            (chord[0], chord[1]),
            (int(kind[0]), int(kind[1])),
            state.rng.standard_normal(state.n_inputs),
        )
        for chord, kind in zip(ends, kinds, strict=True)
        if kind[0] != kind[1]
    ]
    if tasks:
        state.polylines += run(together(tasks), state.classes)


def random_chords(state: State, count: int) -> list[Array]:
    """Pairs of inputs of different classes."""
    chords: list[Array] = []
    for _ in range(count):
        one, other = state.rng.choice(len(state.classes), 2, replace=False)
        ends = [state.classes.inside[c] for c in (one, other)]
        chords.append(np.stack([x[state.rng.integers(len(x))] for x in ends]))
    return chords


def _try(state: State) -> bool:
    """Fit a network, and keep chords on which it is wrong in the state. Whether there are none."""
    for _ in range(REFITS):
        if not _solved(state):
            return False
        fewest = len(state.wrong)
        some = check_predictions(state, TRY, max(1e-8, OFF * state.noise), 6)
        log.info("%d of %d predicted points are wrong", len(state.wrong), TRY)
        if not some:
            return False
        if not state.wrong:
            break
        if fewest and len(state.wrong) >= max(fewest, 4):
            return False
    else:
        return False
    if not check_predictions(state, ENOUGH, max(1e-10, OFF * state.noise), 0) or state.wrong:
        return False
    sharpen(state)
    solve(state)
    return True


def _solved(state: State) -> bool:
    """Solve; if the points do not suffice, with more of them."""
    for _ in range(DENSER if len(state.classes) > 2 else 1):
        fill(state)
        if solve(state):
            return True
        state.density = min(1.4 * state.density, DENSEST)
    return False


def solve(state: State) -> bool:
    """The output layer for the hyperplanes found, and the fit to all points. Hyperplanes at which
    no output bends, as false ones do not, are forgotten."""
    while True:
        scores = _fitted(state)
        if scores is None:
            return False
        state.scores = scores
        strength = np.abs(scores.network.U - scores.network.U[0]).max(axis=0)
        idle = np.flatnonzero(strength < IDLE * strength.max())
        if not len(idle) or scores.network.n_units != len(state.planes.rows):
            return True
        state.planes.rows = [
            row for number, row in enumerate(state.planes.rows) if number not in idle
        ]


def _fitted(state: State) -> Scores | None:
    points, V, b = state.points(), state.planes.V, state.planes.b
    m = len(state.classes)
    tolerance = max(1e-7, *(10 * row.error for row in state.planes.rows))
    for skip in (False, True):
        scores = solve_output_layer(points.X, points.pairs, V, b, m, tolerance, skip=skip)
        if scores is not None:
            break
    if scores is None:
        return None
    net = _oriented(state, scores.network)
    if small(state, net) and not scores.open_weights.all(axis=1).any():
        net, residuals = polish(net, points, biased=state.biased)
        if float(np.sqrt(np.mean(residuals[np.isfinite(residuals)] ** 2))) < CONSISTENT:
            _keep_hyperplanes(state, net, points)
    return Scores(net, scores.gap, scores.open_weights)


def _keep_hyperplanes(state: State, net: Network, points: BoundaryPoints) -> None:
    """Those of a network that fits all points are known better than from bends."""
    if net.n_units != len(state.planes.rows):  # some face each other
        return
    errors, _ = weight_errors(net, points, state.biased)
    for number, (v, b, error) in enumerate(zip(net.V, net.b, errors, strict=True)):
        if error < state.planes.rows[number].error:
            state.planes.rows[number] = Hyperplane(v, float(b), float(error))


def small(state: State, net: Network) -> bool:
    """Whether all weights are fitted to the points together."""
    return not net.skip and net.n_units * (net.n_inputs + len(state.classes)) <= MOST_POLISHED


def _oriented(state: State, net: Network) -> Network:
    """The sign of all outputs, which a null vector leaves open."""
    X = np.vstack(state.classes.inside)
    kinds = np.repeat(np.arange(len(state.classes)), [len(x) for x in state.classes.inside])
    other = Network(net.V, -net.U, net.b, -net.c, W=-net.W)
    agree = [(classes_of(one, X) == kinds).mean() for one in (net, other)]
    return net if agree[0] >= agree[1] else other


def sharpen(state: State) -> None:
    """Bisect the points that the weights are known best from, among many that are predicted."""
    assert state.scores is not None, "only after a fit"
    net, off = state.scores.network, max(1e-10, OFF * state.noise)
    guess = predict(net, CANDIDATES, [state.scale * s for s in SCALES], state.rng)
    size = np.abs(guess.X).max(axis=1)
    candidates = BoundaryPoints(guess.X, guess.pairs, 4 * state.finest * size)
    rows = np.arange(min(SHARPENED, len(size)))
    if small(state, net):
        points = state.points()
        rows = most_informative(net, points, candidates, SHARPENED, biased=state.biased)
    aside = off * (1 + np.linalg.norm(guess.X[rows], axis=1))[:, None] * guess.normals[rows]
    inner, outer, pairs = guess.X[rows] + aside, guess.X[rows] - aside, guess.pairs[rows]
    answers = state.classes(np.vstack([inner, outer])).reshape(2, -1)
    good = (answers == pairs.T).all(axis=0)
    task = bisect(inner[good], outer[good], pairs[good], state.finest)
    state.found.add(*run(task, state.classes), True)


def check_predictions(state: State, count: int, off: float, refined: int) -> bool:
    """Ask on both sides of predicted points of the boundary, `off` away; keep the chords on which
    they are wrong, and bisect the first `refined` of the others. False if there are too few."""
    assert state.scores is not None, "only after a fit"
    state.classes.queries.stage = "predicted points"
    net = state.scores.network
    guess = predict(net, count, [state.scale * s for s in SCALES], state.rng)
    off_each = off * (1 + np.linalg.norm(guess.X, axis=1))[:, None] * guess.normals
    answers = state.classes(np.vstack([guess.X + off_each, guess.X - off_each]))
    n = len(guess.X)
    if n < count / 4:
        log.info("%d points predicted", n)
        return False
    good = (answers[:n] == guess.pairs[:, 0]) & (answers[n:] == guess.pairs[:, 1])
    state.predictions = Predictions(n, int((~good).sum()), off, SCALES)
    rows = np.flatnonzero(good)[:refined]
    ends = run(
        bisect(
            (guess.X + off_each)[rows],
            (guess.X - off_each)[rows],
            guess.pairs[rows],
            state.finest,
        ),
        state.classes,
    )
    state.found.add(*ends, True)
    bad = guess.chords[~good]
    if len(bad):
        kinds = state.classes(bad.reshape(-1, state.n_inputs)).reshape(-1, 2)
        apart = np.flatnonzero(kinds[:, 0] != kinds[:, 1])[:refined]
        ends = run(bisect(bad[apart, 0], bad[apart, 1], kinds[apart], state.finest), state.classes)
        state.found.add(*ends, True)
    state.wrong = list(bad)
    return True
