"""The stages of an extraction from labels: polylines, normals, hyperplanes, the output layer, a fit
to all points of the boundary, and predicted points, which are asked afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from unrelu.extraction.hard_labels.asking import run, together
from unrelu.extraction.hard_labels.coverage import fill
from unrelu.extraction.hard_labels.explaining import find_hyperplanes
from unrelu.extraction.hard_labels.fit import refit, small, solve
from unrelu.extraction.hard_labels.reliability import CHORDS, MORE_CHORDS, measure_reliability
from unrelu.extraction.hard_labels.segments import Bend
from unrelu.extraction.hard_labels.state import State
from unrelu.extraction.hard_labels.subspace import continued, dimensions
from unrelu.extraction.hard_labels.verification import OFF, check_predictions, sharpen
from unrelu.numerics.arrays import Array, Index

log = logging.getLogger(__name__)

SIZES, LOOKED_AT = (4.0, 16.0, 64.0, 256.0, 1024.0), 200
"""Where a second class is looked for, if there is only one nearby, with how many inputs."""

IN_SUBSPACE, SUBSPACES = 64, 3
"""Random inputs in a subspace, and how many of these are tried, if together they have fewer
directions than there are inputs: in all of these, a search takes more questions by far."""

FIRST, FUTILE = 2, 10
"""Polylines before the first normals; rounds in which nothing got better, after which it ends."""

AGAIN = 3
"""Bends of unknown hyperplanes that are looked at again in such rounds."""

UNEXPLAINED = 3, 0.05
"""Bends, and share of them, that may be on no known hyperplane when a network is tried."""

DENSEST = 4.0
"""More points of each class than that do not help."""

DENSER = 4
"""Attempts to get an output layer with more and more points of each class."""

MISSING = 1
"""Polylines of classes whose outputs cannot be found yet."""

REFITS = 6
"""Fits, each with the points that the one before predicted wrongly."""

SHARP, SHARP_WITHIN, SHARPER = 5e-12, 2e-11, 4
"""Errors of weights from which on further points are asked for, in the end and in a subspace, and
how often that is done."""

TRY, ENOUGH, WITHIN = 30, 200, 40
"""Predicted points after a fit, after the last one, and after the last one in a subspace of not
many inputs."""

EXACT, ROUGHLY = 1e-10, 1e-9
"""How far from the last ones labels are asked for, and where weights are not fitted together, or
known from a subspace so far."""

FEW_WRONG = 8
"""Of the last ones, that a network which knows these may explain."""


def search(state: State, first: Array) -> bool:
    """All stages, from the first random inputs on; of many inputs, first in a subspace."""
    return _by_subspace(state) or _all_stages(state, first, ENOUGH)


def _by_subspace(state: State) -> bool:
    """Find the network in a subspace and continue it into all inputs, if these are many."""
    d = state.n_inputs
    r = dimensions(d)
    if r is None:
        return False
    many = r < d / SUBSPACES
    for _ in range(SUBSPACES if many else 1):
        basis = np.linalg.qr(state.rng.standard_normal((d, d)))[0]
        state.within = sub = state.in_subspace(basis[:r])
        first = sub.scale * sub.rng.standard_normal((IN_SUBSPACE, r))
        found = _all_stages(sub, first, ENOUGH if many else WITHIN)
        state.classes = sub.classes.in_all_inputs()
        if found or sub.refusal is not None:
            break
    if not found:
        return False
    state.take_from(sub)
    state.scores = continued(state, sub, basis)
    if state.scores is None:
        return False
    return _try(state, refit) and _last_checks(state, ENOUGH)


def _all_stages(state: State, first: Array, last: int) -> bool:
    """Until a network predicts that many points, `last`."""
    state.classes.remember(first, state.classes(first))
    if len(state.classes) < 2 and not look_for_classes(state):
        return False
    state.refusal = measure_reliability(
        state, random_chords(state, CHORDS), random_chords(state, MORE_CHORDS)
    )
    if state.refusal is not None:
        return False
    chords, astray = random_chords(state, FIRST), False
    idle, count = 0, -1
    while idle < FUTILE:
        trace(state, chords, astray)
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
        if idle:  # random polylines have shown nothing new
            for number in state.rng.permutation(left)[:AGAIN]:
                unexplained[number].tries[0] = 0
        chords, astray = random_chords(state, 1), False
        if not state.planes.rows or left > UNEXPLAINED[0] + UNEXPLAINED[1] * len(state.bends):
            continue
        if _try(state, _solved) and _last_checks(state, last):
            return True
        state.planes.forget_supposed()
        if state.wrong:
            chords, astray = [state.wrong[state.rng.integers(len(state.wrong))]], True
    return False


def look_for_classes(state: State) -> bool:
    """Random inputs, further and further out, until there are two classes."""
    for size in SIZES:
        X = size * state.scale * state.rng.standard_normal((LOOKED_AT, state.n_inputs))
        state.classes.remember(X, state.classes(X))
        if len(state.classes) > 1:
            return True
    return False


def trace(state: State, chords: Sequence[Array], astray: bool) -> None:
    """Polylines through a point of each chord (2, d) whose ends are of different classes; where a
    network went astray, only up to the first bend that it does not explain."""

    def unexplained(bend: Bend) -> bool:
        return bool(state.planes.of([bend])[0] < 0)

    state.classes.queries.stage = "polylines"
    ends = np.array(chords).reshape(-1, 2, state.n_inputs)
    kinds = state.classes(ends.reshape(-1, state.n_inputs)).reshape(-1, 2)
    tasks = [
        state.tracer.trace(
            (chord[0], chord[1]),
            (int(kind[0]), int(kind[1])),
            state.rng.standard_normal(state.n_inputs),
            unexplained if astray else None,
        )
        for chord, kind in zip(ends, kinds, strict=True)
        if kind[0] != kind[1]
    ]
    if tasks:
        state.polylines += run(together(tasks), state.classes)


def random_chords(state: State, count: int, first: Index | None = None) -> list[Array]:
    """Pairs of inputs of different classes; the first of these, or any."""
    chords: list[Array] = []
    m = len(state.classes)
    for _ in range(count):
        if first is None:
            one, other = state.rng.choice(m, 2, replace=False)
        else:
            one = state.rng.choice(first)
            other = state.rng.choice(np.delete(np.arange(m), one))
        ends = [state.classes.inside[c] for c in (one, other)]
        chords.append(np.stack([x[state.rng.integers(len(x))] for x in ends]))
    return chords


def unknown_classes(state: State) -> Index | None:
    """Those whose outputs are unknown; None if none are known."""
    if state.scores is None or state.scores.known.all():
        return None
    return np.flatnonzero(~state.scores.known)


def _try(state: State, fit: Callable[[State], bool]) -> bool:
    """Fit a network, and keep chords on which it is wrong in the state. Whether there are none."""
    for _ in range(REFITS):
        if not fit(state):
            state.wrong = random_chords(state, MISSING, unknown_classes(state))
            return False
        fewest = len(state.wrong)
        some = check_predictions(state, TRY, max(1e-8, OFF * state.noise), 6)
        log.info("%d of %d predicted points are wrong", len(state.wrong), TRY)
        if not some:
            return False
        if not state.wrong:
            return True
        if fewest and len(state.wrong) >= max(fewest, 4):
            return False
    return False


def _last_checks(state: State, count: int) -> bool:
    """Whether that many predicted points are right; where some are not, of the network that knows
    these."""
    for _ in range(REFITS):
        _sharpen(state)
        assert state.scores is not None, "it was found before"
        precise = small(state, state.scores.network) and state.classes.basis is None
        off = EXACT if precise else ROUGHLY
        if not check_predictions(state, count, max(off, OFF * state.noise), 0):
            return False
        if not state.wrong:
            return True
        if len(state.wrong) > FEW_WRONG or not _solved(state):
            return False
    return False


def _sharpen(state: State) -> None:
    """Fit the network again to all points, and to further ones as long as weights that are fitted
    together are not known well."""
    refit(state)
    assert state.scores is not None, "it was found before"
    sharp = SHARP if state.classes.basis is None else SHARP_WITHIN
    for _ in range(SHARPER * small(state, state.scores.network)):
        if state.scores.error < sharp:
            break
        sharpen(state)
        refit(state)


def _solved(state: State) -> bool:
    """Solve for all classes; if the points do not suffice, with more of them."""
    for _ in range(DENSER if len(state.classes) > 2 else 1):
        fill(state)
        if solve(state) and state.scores is not None and state.scores.known.all():
            return True
        state.density = min(1.4 * state.density, DENSEST)
    return False
