"""The network for the hyperplanes found: its output layer, and the fit of all weights to all points
of the boundary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.evidence.boundary_labels import weight_errors
from unrelu.extraction.hard_labels.hyperplanes import Hyperplane
from unrelu.extraction.hard_labels.output_layer import Scores, output_weights, solve_output_layer
from unrelu.extraction.hard_labels.polish import (
    CONSISTENT,
    polish,
    root_mean_square,
    rounding_of,
    with_rounding,
    without_biases,
)
from unrelu.extraction.hard_labels.state import State
from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints
from unrelu.numerics.arrays import Array

MOST_POLISHED = 3000
"""Unknowns up to which all weights are fitted to the points together."""

ALIGNED = 0.999
"""Cosine of hidden weights that are the same."""

SCATTER = 8.0
"""Ratio of the errors that a network requires, to those that were measured, up to which it fits."""

IDLE, IDLE_SCATTERS = 1e-6, 1e3
"""Share of the largest output weight below which a unit is none; the same in scatters of points."""


def solve(state: State) -> bool:
    """The output layer for the hyperplanes found, and the fit to all points. Hyperplanes at which
    no output bends, as false ones do not, are forgotten once all outputs are known."""
    while True:
        scores = _fitted(state)
        if scores is None:
            return False
        state.scores = scores
        strength = np.abs(scores.network.U - scores.network.U[0]).max(axis=0)
        least = max(IDLE, IDLE_SCATTERS * state.noise)
        idle = np.flatnonzero(strength < least * strength.max())
        complete = scores.known.all() and scores.network.n_units == len(state.planes.rows)
        if not len(idle) or not complete:
            return True
        state.planes.rows = [
            row for number, row in enumerate(state.planes.rows) if number not in idle
        ]


def refit(state: State) -> bool:
    """Fit all weights to all points again, from the network found, if there are not too many. With
    the hyperplanes known from it."""
    assert state.scores is not None, "only where there is one"
    net = state.scores.network
    if small(state, net):
        state.scores = _polished(state, state.scores, state.points())
        return True
    hidden, outputs = weight_errors(net, state.points(), state.biased, state.subspace)
    _keep_hyperplanes(state, net, hidden)
    state.scores = replace(state.scores, error=max(float(hidden.max(initial=0.0)), outputs))
    return True


def _fitted(state: State) -> Scores | None:
    points, V = state.points(), state.planes.V
    b = state.planes.b if state.biased else np.zeros(len(V))
    m = len(state.classes)
    tolerance = max(1e-7, *(10 * row.error for row in state.planes.rows))
    inside, biased = state.classes.all_inside(), state.biased
    side, scores = _known_sides(state, V), None
    if side is not None:
        oriented = points, side[:, None] * V, side * b
        scores = output_weights(*oriented, inside, m, tolerance, biased=biased)
    for skip in (False, True):
        if scores is None:
            scores = solve_output_layer(
                points, V, b, inside, m, tolerance, skip=skip, biased=biased
            )
    if scores is None:
        return None
    if small(state, scores.network) and scores.known.all():
        return _polished(state, scores, points)
    return scores


def _known_sides(state: State, V: Array) -> Array | None:
    """The sides ±1 (k,) that the network so far shows, if it has these hyperplanes."""
    if state.scores is None or state.scores.network.skip:
        return None
    before = state.scores.network.V
    if before.shape != V.shape:
        return None
    along = (before * V).sum(axis=1)
    return np.sign(along) if (np.abs(along) > ALIGNED).all() else None


def _polished(state: State, scores: Scores, points: BoundaryPoints) -> Scores:
    """All weights fitted to all points. Where these scatter, by rounding of the outputs, the
    boundary is known the better, the steeper the outputs are across it."""
    net, residuals = polish(scores.network, points, biased=state.biased)
    rounding = 0.0
    if state.noise:
        median = float(np.median(points.errors))
        for _ in range(2):
            rounding = rounding_of(net, points)
            points = with_rounding(net, points, rounding)
            net, _ = polish(net, points, biased=state.biased)
        if float(np.median(points.errors)) > SCATTER * median:
            return replace(scores, network=net)
    elif not root_mean_square(residuals) < CONSISTENT:
        return replace(scores, network=net)
    errors = weight_errors(net, points, state.biased)
    _keep_hyperplanes(state, net, errors[0])
    net = (not net.skip and without_biases(net, points, *errors)) or net
    error = max(float(errors[0].max()), errors[1])
    return replace(scores, network=net, error=error, rounding=rounding)


def _keep_hyperplanes(state: State, net: Network, errors: Array) -> None:
    """Those of a network that fits all points are known better than from bends."""
    if net.n_units != len(state.planes.rows):  # some face each other
        return
    for number, (v, b, error) in enumerate(zip(net.V, net.b, errors, strict=True)):
        if error < state.planes.rows[number].error:
            state.planes.rows[number] = Hyperplane(v, float(b), float(error))


def small(state: State, net: Network) -> bool:
    """Whether all weights are fitted to the points together."""
    d, m = net.n_inputs, len(state.classes)
    return net.n_units * (d + m) + d * (m - 1) * net.skip <= MOST_POLISHED
