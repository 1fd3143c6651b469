"""Class labels: are the boundaries between classes those of the network, and of it alone?

Labels show where two outputs are equal, and nothing else. So a network is meant up to a factor of
all outputs and up to what is added to all outputs: with two classes it has one output, whose sign
tells the second class from the first; with more, the outputs of the first class are zero, and the
largest output weight is 1. Units whose hyperplane the boundary never meets, and classes that were
never seen, are no part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular

from unrelu.checks.finding import Finding, failed, first, listed, undetermined
from unrelu.errors import InputError
from unrelu.evidence.evidence import Evidence, Judgement, Question, equations_row, in_floats
from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints, Distances, gauge_equations
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

WITHIN = 8.0
"""Multiple of the error of a point within which it has to be on the boundary: bisection ends
between two inputs, and rounding of the model is about as large as the distance of these."""

SIGMAS = 4.0
"""Errors of weights in standard deviations of what the errors of points do to them."""

KNOWN = 1e-8
"""Largest error of a weight in a network that is called exact."""

LEAST_PREDICTED = 100
"""Predicted points; all on the boundary, they leave at most 4.5% of it that differs (99% sure)."""

MOST_UNKNOWNS = 3000
"""Above, the errors of weights are not computed."""

SIDES = 1e-6
"""Relative distance of two consecutive samples of different classes that enclose a point of the
boundary."""


@dataclass(frozen=True)
class Predictions:
    """Points of its boundary that a network predicted and that were asked for afterwards: how
    many, how many were wrong, how far on both sides, relative to 1 + ‖x‖, and at what scales."""

    asked: int
    wrong: int
    off: float
    scales: tuple[float, ...]


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class BoundaryLabels(Evidence):
    """Class labels, and points of the boundaries between classes.

    classes : (m, q) labels, in the order of the outputs; of two, the second is that of positive
        values.
    points : how many points of the boundary were found. residual : largest distance of one from
        the network's boundary, relative to its entries. residual_in_errors : the same in units of
        the error of each.
    equations, unknowns : one for each point; free weights.
    weight_errors : (k,) how far hidden weights and biases (unit rows) may be off. output_error :
        the same for output weights and biases, of which the largest is 1.
    predictions : points asked for after the network was found.
    open_weights : units and classes, by number, whose output weight no point depends on.
    noise : relative distance from a boundary at which labels are not reliable; 0 where that is
        rounding of the inputs.
    unmet : whether the linear part shows units whose hyperplane the boundary never meets.
    """

    classes: Array
    points: int
    residual: float
    residual_in_errors: float
    equations: int
    unknowns: int
    weight_errors: Array
    output_error: float
    predictions: Predictions
    open_weights: Index = field(default_factory=lambda: np.zeros((0, 2), dtype=np.intp))
    noise: float = 0.0
    unmet: bool = False

    def recheck(self, asked: Question, X: ArrayLike, Y: ArrayLike) -> Judgement:
        """Consecutive samples of different classes that are very close are points of the boundary;
        the labels of all others are predicted."""
        samples = in_floats(X, Y)
        classes = class_numbers(np.asarray(samples.Y, np.float64), self.classes)
        inputs = np.asarray(samples.X, np.float64)
        points, rest = _enclosed(inputs, classes, self.noise)
        far = Distances.of(scores_of(asked.network), points)
        predicted = scores_of(asked.network)(inputs[rest]).argmax(axis=1)
        wrong = int((predicted != classes[rest]).sum())
        if len(points):
            wrong += int((~np.isfinite(far.distances)).sum())
        scale = float(np.sqrt((inputs**2).mean()))
        seen = Predictions(len(rest), wrong, 0.0, (scale,))
        return judge_boundary(
            asked, points, self.classes, seen, self.open_weights, noise=self.noise, unmet=self.unmet
        )

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        shown = [", ".join(f"{x:g}" for x in label) for label in self.classes[:8]]
        scales = ", ".join(f"{scale:g}" for scale in self.predictions.scales)
        rows = [
            ("classes", "; ".join(shown) + ("; …" if len(self.classes) > 8 else "")),
            ("points of boundaries", f"{self.points}, off by at most {self.residual:.1e}"),
            equations_row(self.equations, self.unknowns),
            (
                "predicted points",
                f"{self.predictions.asked - self.predictions.wrong} of {self.predictions.asked} "
                f"hold, at scales {scales}",
            ),
        ]
        if np.isfinite(self.output_error):
            hidden = f"{self.weight_errors.max(initial=0.0):.1e}"
            rows.append(("hidden weights good to", hidden))
            rows.append(("output weights good to", f"{self.output_error:.1e}"))
        if self.noise:
            rows.append(("labels reliable to", f"{self.noise:.1e} of the inputs"))
        return rows


@dataclass(frozen=True, eq=False)
class Case:
    """What the checks look at."""

    network: Network
    evidence: BoundaryLabels


def judge_boundary(
    asked: Question,
    points: BoundaryPoints,
    classes: Array,
    predictions: Predictions,
    open_weights: Index,
    *,
    noise: float = 0.0,
    unmet: bool = False,
) -> Judgement:
    """What points of boundaries and predicted ones show of a network; arguments as in
    `BoundaryLabels`."""
    net = asked.network.canonical()
    scores = scores_of(net)
    unknowns = count_unknowns(scores, asked.biased)
    state = Distances.of(scores, points)
    ratio = np.abs(state.distances) / points.errors if len(points) else np.zeros(0)
    size = np.maximum(np.abs(points.X).max(axis=1, initial=0.0), 1e-300)
    hidden, outputs = _errors(state, unknowns, asked.biased)
    evidence = BoundaryLabels(
        classes=classes,
        points=len(points),
        residual=float((np.abs(state.distances) / size).max(initial=0.0)),
        residual_in_errors=float(ratio.max(initial=0.0)),
        equations=len(points),
        unknowns=unknowns,
        weight_errors=hidden,
        output_error=outputs,
        predictions=predictions,
        open_weights=open_weights,
        noise=noise,
        unmet=unmet,
    )
    found = first(CHECKS, Case(net, evidence)) or _unique(Case(net, evidence))
    n = len(points) + predictions.asked
    return Judgement(net, asked, n, evidence, (found, *_hidden(evidence)))


def scores_of(net: Network) -> Network:
    """The network with one output for each class: of one output, the first of two is zero."""
    if net.n_outputs > 1:
        return net
    rows = [np.vstack([0 * a, a]) for a in (net.U, net.W)]
    return Network(net.V, rows[0], net.b, np.append(0.0, net.c), W=rows[1])


def class_numbers(Y: Array, classes: Array) -> Index:
    """(n,) numbers of the labels (n, q) among the classes; len(classes) for any other."""
    same = (Y[:, None, :] == classes[None, :, :]).all(axis=2)
    if Y.shape[1] != classes.shape[1]:
        raise InputError(f"Y: got {Y.shape[1]} columns, expected {classes.shape[1]}, class labels")
    return np.where(same.any(axis=1), same.argmax(axis=1), len(classes))


def count_unknowns(scores: Network, biased: bool) -> int:
    """Free weights, less the scale of each unit and of all outputs, and what is added to all."""
    (k, d), m = scores.V.shape, scores.n_outputs
    return k * (d + biased - 1) + (m - 1) * (k + biased) - 1


def _enclosed(X: Array, classes: Index, noise: float) -> tuple[BoundaryPoints, Index]:
    """Points between consecutive samples, and the numbers of all other samples."""
    one, other = X[:-1], X[1:]
    size = np.abs(one).max(axis=1, initial=1e-300)
    apart = np.abs(other - one).max(axis=1, initial=0.0)
    near = np.flatnonzero((classes[:-1] != classes[1:]) & (apart <= SIDES * size))
    pairs = np.column_stack([classes[near], classes[near + 1]])
    errors = np.maximum(apart[near] / 2, max(8 * np.finfo(np.float64).eps, noise) * size[near])
    points = BoundaryPoints((one[near] + other[near]) / 2, pairs, errors)
    return points, np.setdiff1d(np.arange(len(X)), np.concatenate([near, near + 1]))


def _errors(state: Distances, unknowns: int, biased: bool) -> tuple[Array, float]:
    """Of hidden weights, by unit, and of output weights: what errors of points do to a fit."""
    net, points = state.net, state.points
    k, free = net.n_units, np.full(net.n_units, np.inf)
    kept = np.isfinite(state.distances)
    if net.skip or unknowns > MOST_UNKNOWNS or kept.sum() < unknowns or not k:
        return free, np.inf
    J = state.jacobian(biased)[kept] / points.errors[kept, None]
    scale = np.linalg.norm(J, axis=0)
    seen = scale > 0  # what no point depends on is open, and said to be
    gauge = gauge_equations(net, biased)[:, seen] / scale[seen]
    gauge /= np.maximum(np.linalg.norm(gauge, axis=1, keepdims=True), 1e-300)
    R = np.linalg.qr(np.vstack([J[:, seen] / scale[seen], gauge]), mode="r")
    diagonal = np.abs(np.diag(R))
    if diagonal.min() <= len(R) * np.finfo(np.float64).eps * diagonal.max():
        return free, np.inf
    inverse = solve_triangular(R, np.eye(len(R)))
    error = np.zeros(len(scale))
    error[seen] = SIGMAS * np.linalg.norm(inverse, axis=1) / scale[seen]
    cut = k * (net.n_inputs + biased)
    hidden = np.linalg.norm(error[:cut].reshape(k, -1), axis=1)
    return hidden, float(error[cut:].max(initial=0.0))


def _hidden(evidence: BoundaryLabels) -> tuple[Finding, ...]:
    """What class labels never show."""
    classes = len(evidence.classes)
    common = "" if classes == 2 else ", what is added to all outputs"
    sentence = (
        f"labels do not show the scale of the outputs{common}, units whose hyperplane no boundary "
        f"meets, and classes that never win: {classes} were seen"
    )
    return (Finding("not-shown-by-labels", None, sentence),)


# Checks.


def _contradicted(case: Case) -> Finding | None:
    seen, off = case.evidence.predictions, case.evidence.residual_in_errors
    if seen.wrong:
        sentence = (
            f"{seen.wrong} of {seen.asked} predicted labels are not those of the model: it is "
            "another function, or has units that were not found"
        )
        return failed("labels-contradict", sentence)
    if not off <= WITHIN:
        sentence = (
            f"a point of the boundary is {off:.1e} times its error away from that of the network"
        )
        return failed("boundary-differs", sentence)
    return None


def _no_unit(case: Case) -> Finding | None:
    if case.network.n_units:
        return None
    return undetermined("no-unit", "the boundaries do not bend: no unit was seen")


def _unmet(case: Case) -> Finding | None:
    if not (case.evidence.unmet or case.network.skip):
        return None
    sentence = (
        "the boundaries are those of a network with a linear part: some unit is active all along "
        "them, or others are on the other side; labels do not show it"
    )
    return undetermined("unit-not-met", sentence)


def _facing(case: Case) -> Finding | None:
    rows = np.column_stack([case.network.V, case.network.b])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    facing = np.flatnonzero(((rows @ rows.T) < -1 + KNOWN**2).any(axis=1))
    if not len(facing):
        return None
    sentence = f"{listed(facing)} face each other: one of them, and another that is always active"
    return undetermined("facing-pair", f"{sentence}, have the same boundaries", units=facing)


def _open_weights(case: Case) -> Finding | None:
    left = case.evidence.open_weights
    if not len(left):
        return None
    units = np.unique(left[left[:, 0] >= 0, 0])
    sentence = (
        f"{counted(len(left), 'output weight')} of {listed(units)} for some classes are open: "
        "these units are off where the classes were met"
    )
    return undetermined("output-weights-open", sentence, units=units)


def _not_determined(case: Case) -> Finding | None:
    evidence = case.evidence
    errors, missing = evidence.weight_errors, evidence.unknowns - evidence.equations
    limit = max(KNOWN, 1e-2 if evidence.noise else 0.0)
    weak = np.flatnonzero(~(errors <= limit))
    if not len(weak) and evidence.output_error <= limit:
        return None
    if evidence.unknowns > MOST_UNKNOWNS:
        sentence = f"errors of weights are not computed for {evidence.unknowns} unknowns"
        return undetermined("errors-unknown", sentence, units=weak)
    sentence = f"the points of the boundary leave weights of {listed(weak)} open"
    more = max(missing, 1)
    return undetermined("boundary-open", sentence, units=weak, more_samples=more)


def _few_predicted(case: Case) -> Finding | None:
    asked = case.evidence.predictions.asked
    if asked >= LEAST_PREDICTED:
        return None
    sentence = f"only {asked} predicted labels were asked for, expected {LEAST_PREDICTED} or more"
    return undetermined("few-predicted", sentence, more_samples=LEAST_PREDICTED - asked)


CHECKS: tuple[Callable[[Case], Finding | None], ...] = (
    _contradicted,
    _no_unit,
    _unmet,
    _facing,
    _open_weights,
    _not_determined,
    _few_predicted,
)
"""In this order: the first that finds something decides."""


def _unique(case: Case) -> Finding:
    evidence, units = case.evidence, counted(case.network.n_units, "unit")
    errors = f"{max(evidence.weight_errors.max(), evidence.output_error):.1e}"
    if evidence.noise:
        sentence = (
            f"labels are reliable to {evidence.noise:.1e} of the inputs, as after rounding to "
            f"single precision: {units}, with weights known to {errors}"
        )
        return Finding("boundary-estimated", Status.ESTIMATED, sentence)
    sentence = (
        f"all {evidence.points} points of the boundaries and all {evidence.predictions.asked} "
        f"predicted ones are those of this network of {units}; any other with this many units that "
        f"has them has the same weights to {errors}, up to what labels do not show"
    )
    return Finding("boundary-exact", Status.EXACT, sentence)
