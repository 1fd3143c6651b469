"""The result of an extraction from labels: the network in canonical form, and its certificate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.class_boundaries import Predictions
from unrelu.checks.finding import Finding, undetermined
from unrelu.evidence.boundary_labels import judge_boundary
from unrelu.evidence.evidence import Question
from unrelu.extraction.hard_labels.classes import Classes
from unrelu.extraction.hard_labels.polish import with_rounding
from unrelu.extraction.hard_labels.state import State
from unrelu.extraction.judging import as_predicted
from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints
from unrelu.numerics.arrays import Array, Index, Mask, largest_entries
from unrelu.result import Recovery
from unrelu.wording.streams import counted

ROUNDED = 1e-9
"""Largest relative distance of points from the boundary that may be rounding of the model's own."""

WIDEST = 40.0
"""The same in scatters of points: where the boundary is less steep, they scatter more."""

NONE = Predictions(0, 0, 0.0, ())


def verdict(state: State) -> Recovery:
    """What the search has found, judged by all points of boundaries."""
    classes = state.classes
    if state.scores is None or not state.scores.known.all():
        return without_network(state)
    order = classes.sorted()
    net, units = _canonical(state.scores.network, order)
    points = with_rounding(state.scores.network, state.points(), state.scores.rounding)
    place = np.argsort(order)
    pairs = place[points.pairs]
    left = state.scores.open_weights[order]

    loose = np.sort(place[state.scores.loose])

    def certified(noise: float, errors: Array) -> Certificate:
        judgement = judge_boundary(
            Question(net, state.biased, net.skip, values=True),
            BoundaryPoints(points.X, pairs, errors),
            np.array(classes.labels)[order],
            state.predictions or NONE,
            _open(left, units),
            noise=noise,
            loose=loose,
            names=names_of(classes, order),
            subspace=state.subspace,
        )
        return Certificate.of(judgement)

    certificate = certified(state.noise, points.errors)
    residual = float(certificate.residual)
    if certificate.code == "boundary-differs" and residual < max(ROUNDED, WIDEST * state.noise):
        size = largest_entries(points.X)
        certificate = certified(residual, np.maximum(points.errors, residual * size))
    predictions = state.predictions or NONE
    held = predictions.asked - predictions.wrong
    remarks = as_predicted(certificate, held, "points of the boundaries")
    return Recovery(certificate.network, certificate, {}, remarks=remarks)


def without_network(state: State) -> Recovery:
    """The result if no network was found: a constant."""
    d, classes = state.n_inputs, state.searched.classes
    m = 1 if len(classes) <= 2 else len(classes)
    net = Network(np.zeros((0, d)), np.zeros((m, 0)))
    points = BoundaryPoints(np.zeros((0, d)), np.zeros((0, 2), np.intp), np.zeros(0))
    nothing = np.zeros((0, 2), np.intp)
    question = Question(net, state.biased, values=True)
    labels = np.array(classes.labels).reshape(len(classes), -1 if len(classes) else 1)
    judgement = judge_boundary(
        *(question, points, labels, NONE, nothing),
        noise=state.noise,
        names=names_of(classes, range(len(classes))),
    )
    certificate = Certificate.of(judgement)
    others = [
        each for each in certificate.findings if each.code != "no-unit" or not state.searched.bends
    ]
    certificate = replace(certificate, findings=(_why_none(state), *others))
    return Recovery(net, certificate, {})


def names_of(classes: Classes, order: Iterable[int]) -> tuple[str, ...]:
    """Of classes whose labels are texts."""
    names = tuple(classes.name(number) for number in order)
    return names if any(names) else ()


def _why_none(state: State) -> Finding:
    state = state.searched
    if state.refusal is not None:
        return state.refusal
    if len(state.classes) < 2:
        return undetermined("one-class", "all answers are the same: no boundary was seen")
    if state.noise:
        planes = counted(len(state.planes.rows), "hyperplane")
        sentence = (
            f"points of the boundaries scatter by {state.noise:.1e} of the inputs, as after "
            f"rounding to single precision: they show {planes}, and no network "
            "that has these boundaries"
        )
        return undetermined("labels-rounded", sentence)
    bends, left = len(state.bends), len(state.unexplained(state.bends))
    if bends and left > bends / 2:
        sentence = (
            f"{left} of {bends} bends of the boundaries are on no common hyperplane: the model is "
            "no two-layer network, the boundaries meet each hyperplane in a single place, or they "
            "are the edge of where all units are off"
        )
        return undetermined("no-hyperplanes", sentence)
    sentence = (
        f"{len(state.planes.rows)} hyperplanes were found, and no output weights for which the "
        "boundaries are where they are"
    )
    return undetermined("no-output-layer", sentence)


def _canonical(net: Network, order: Index) -> tuple[Network, Index]:
    """Outputs in the given order, the first subtracted, of two the second alone, with 1 as the
    largest output weight; and which unit each of the canonical ones was."""
    U, c, W = (part[order] - part[order[0]] for part in (net.U, net.c, net.W))
    if len(order) == 2:
        U, c, W = U[1:], c[1:], W[1:]
    size = float(np.abs(U).max(initial=0.0)) or 1.0
    made = Network(net.V, U / size, net.b, c / size, W=W / size).canonical()
    rows = np.column_stack([net.V, net.b])
    found = np.column_stack([made.V, made.b])
    apart = np.linalg.norm(rows - found[:, None], axis=2)
    opposite = np.linalg.norm(rows + found[:, None], axis=2)
    return made, np.minimum(apart, opposite).argmin(axis=1)


def _open(left: Mask, units: Index) -> Index:
    """(s, 2): unit and class of the output weights that are open; left: (m, k)."""
    return np.argwhere(left[:, units].T)
