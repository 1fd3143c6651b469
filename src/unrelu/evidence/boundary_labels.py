"""Class labels: are the boundaries between classes those of the network, and of it alone?

Labels show where two outputs are equal, and nothing else. So a network is meant up to a factor of
all outputs and up to what is added to all outputs: with two classes it has one output, whose sign
tells the second class from the first; with more, the outputs of the first class are zero, and the
largest output weight is 1. Units whose hyperplane the boundary never meets, and classes that were
never seen, are no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from unrelu.checks.class_boundaries import (
    CHECKS,
    MOST_UNKNOWNS,
    BoundaryCase,
    Predictions,
    unique,
)
from unrelu.checks.finding import Finding, first
from unrelu.errors import InputError
from unrelu.evidence.evidence import Evidence, Judgement, Question, equations_row, in_floats
from unrelu.network import Network
from unrelu.network.boundary_subspace import hidden_errors
from unrelu.network.decision_boundary import BoundaryPoints, Distances, Factor
from unrelu.numerics.arrays import Array, Index, largest_entries
from unrelu.numerics.equality import by_value
from unrelu.stored.blocks import Given

SIGMAS = 4.0
"""Errors of weights in standard deviations of what the errors of points do to them."""

NONE = np.arange(0)
"""No classes."""

SIDES = 1e-6
"""Relative distance of two consecutive samples of different classes that enclose a point of the
boundary."""


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class BoundaryLabels(Evidence):
    """Class labels, and points of the boundaries between classes.

    classes : (m, q) labels, in the order of the outputs; of two, the second is that of positive
        values.
    names : (m,) the labels, where they are texts; `classes` are numbers of these then.
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
    loose : classes, by number, whose scale is independent of that of the others.
    subspace : (r, d) orthonormal rows; most points were asked in their span. (0, d) if nowhere.
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
    loose: Index = field(default_factory=lambda: np.arange(0))
    noise: float = 0.0
    unmet: bool = False
    names: tuple[str, ...] = ()
    subspace: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        """Consecutive samples of different classes that are very close are points of the boundary;
        the labels of all others are predicted."""
        samples = in_floats(X, self._numbers(Y) if self.names else Y)
        classes = class_numbers(np.asarray(samples.Y, np.float64), self.classes)
        inputs = np.asarray(samples.X, np.float64)
        points, rest = _enclosed(inputs, classes, self.noise)
        far = Distances.of(scores_of(asked.network), points)
        wrong = _not_largest(scores_of(asked.network)(inputs[rest]), classes[rest])
        if len(points):
            wrong += int((~np.isfinite(far.distances)).sum())
        scale = float(np.sqrt((inputs**2).mean()))
        seen = Predictions(len(rest), wrong, 0.0, (scale,))
        return judge_boundary(
            *(asked, points, self.classes, seen, self.open_weights),
            loose=self.loose,
            noise=self.noise,
            unmet=self.unmet,
            names=self.names,
            subspace=self.subspace,
        )

    def _numbers(self, Y: Given) -> Array:
        """Of labels that are texts; −1 for any other."""
        known = dict(zip(self.names, self.classes[:, 0].tolist(), strict=True))
        return np.array([known.get(str(name), -1.0) for name in np.asarray(Y).reshape(-1)])

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        shown = spelled(self.classes, self.names)[:8]
        predicted = self.predictions
        held = predicted.asked - predicted.wrong
        scales = ", ".join(f"{scale:g}" for scale in predicted.scales)
        rows = [
            ("classes", "; ".join(shown) + ("; …" if len(self.classes) > 8 else "")),
            ("points of boundaries", f"{self.points}, off by at most {self.residual:.1e}"),
            counts,
            equations_row(self.equations, self.unknowns),
            ("predicted points", f"{held} of {predicted.asked} hold, at scales {scales}"),
        ]
        if np.isfinite(self.output_error):
            hidden = f"{self.weight_errors.max(initial=0.0):.1e}"
            rows.append(("hidden weights good to", hidden))
            rows.append(("output weights good to", f"{self.output_error:.1e}"))
        if self.noise:
            rows.append(("labels reliable to", f"{self.noise:.1e} of the inputs"))
        return rows


def judge_boundary(
    asked: Question,
    points: BoundaryPoints,
    classes: Array,
    predictions: Predictions,
    open_weights: Index,
    *,
    loose: Index = NONE,
    noise: float = 0.0,
    unmet: bool = False,
    names: tuple[str, ...] = (),
    subspace: Array | None = None,
) -> Judgement:
    """What points of boundaries and predicted ones show of a network; arguments as in
    `BoundaryLabels`."""
    net = asked.network.canonical()
    scores = scores_of(net)
    unknowns = count_unknowns(scores, asked.biased)
    state = Distances.of(scores, points)
    ratio = np.abs(state.distances) / points.errors if len(points) else np.zeros(0)
    size = np.maximum(largest_entries(points.X), 1e-300)
    subspace = np.zeros((0, net.n_inputs)) if subspace is None else subspace
    hidden, outputs = weight_errors(scores, points, asked.biased, subspace)
    case = BoundaryCase(
        network=net,
        points=len(points),
        residual=float((np.abs(state.distances) / size).max(initial=0.0)),
        residual_in_errors=float(ratio.max(initial=0.0)),
        unknowns=unknowns,
        weight_errors=hidden,
        output_error=outputs,
        predictions=predictions,
        open_weights=open_weights,
        noise=noise,
        unmet=unmet,
        loose=loose,
        spelled=spelled(classes, names),
    )
    apart = ("network", "spelled")
    measured = {name: value for name, value in vars(case).items() if name not in apart}
    evidence = BoundaryLabels(
        classes=classes, names=names, subspace=subspace, equations=case.points, **measured
    )
    found = first(CHECKS, case) or unique(case)
    n = len(points) + predictions.asked
    return Judgement(net, asked, n, evidence, (found, hidden_by_labels(len(classes))))


def spelled(classes: Array, names: tuple[str, ...]) -> tuple[str, ...]:
    """The labels as they are shown."""
    return names or tuple(", ".join(f"{x:g}" for x in label) for label in classes)


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
    k, d, m = scores.n_units, scores.n_inputs, scores.n_outputs
    return k * (d + biased - 1) + (m - 1) * (k + biased + d * scores.skip) - 1


def _not_largest(F: Array, classes: Index) -> int:
    """How many rows of outputs (n, m) have a larger one than that of the class, or none of it."""
    known = np.flatnonzero(classes < F.shape[1])
    own = F[known, classes[known]]
    return len(F) - int((own == F[known].max(axis=1)).sum())


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


def weight_errors(
    scores: Network, points: BoundaryPoints, biased: bool, subspace: Array | None = None
) -> tuple[Array, float]:
    """Of hidden weights, by unit, and of output weights: what errors of points do to a fit.
    Infinite where they are not known. `subspace` (r, d): where most points are, for networks too
    large for all weights at once."""
    k, unknowns = scores.n_units, count_unknowns(scores, biased)
    free = np.full(k, np.inf)
    if len(points) < unknowns or not k:
        return free, np.inf
    if unknowns > MOST_UNKNOWNS:
        if subspace is None or not len(subspace):
            return free, np.inf
        rows, outputs = hidden_errors(scores, points, subspace, biased)
        return SIGMAS * rows, SIGMAS * outputs
    state = Distances.of(scores, points)
    factor = Factor.of(state, biased)
    if factor is None or not factor.regular:
        return free, np.inf
    error = SIGMAS * factor.errors()
    cut = k * (scores.n_inputs + biased)
    hidden = np.linalg.norm(error[:cut].reshape(k, -1), axis=1)
    output = error[cut:][factor.seen[cut:]]  # those that no point depends on are said to be open
    return hidden, float(output.max(initial=0.0))


def hidden_by_labels(classes: int) -> Finding:
    """What class labels never show."""
    common = "" if classes == 2 else ", what is added to all outputs"
    sentence = (
        f"labels do not show the scale of the outputs{common}, units whose hyperplane no boundary "
        f"meets, and classes that never win: {classes} were seen"
    )
    return Finding("not-shown-by-labels", None, sentence)
