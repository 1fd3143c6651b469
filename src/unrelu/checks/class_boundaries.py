"""Are boundaries between classes those of a network, and of it alone? Asked of what was measured of
it on points of the boundaries."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unrelu.checks.finding import Finding, failed, listed, undetermined
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

WITHIN = 8.0
"""Multiple of the error of a point within which it has to be on the boundary: bisection ends
between two inputs, and rounding of the model is about as large as the distance of these."""

KNOWN, ROUGHLY = 1e-8, 1e-2
"""Largest error of a weight in a network that is called exact, and of an estimate."""

LEAST_PREDICTED = 100
"""Predicted points; all on the boundary, they leave at most 4.5% of it that differs (99% sure)."""

MOST_UNKNOWNS = 3000
"""Above, the errors of weights are not computed, unless points were asked from a subspace."""


@dataclass(frozen=True)
class Predictions:
    """Points of its boundary that a network predicted and that were asked for afterwards: how
    many, how many were wrong, how far on both sides, relative to 1 + ‖x‖, and at what scales."""

    asked: int
    wrong: int
    off: float
    scales: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class BoundaryCase:
    """What was measured, see `evidence.boundary_labels.BoundaryLabels`; the labels as they are
    shown."""

    network: Network
    points: int
    residual: float
    residual_in_errors: float
    unknowns: int
    weight_errors: Array
    output_error: float
    predictions: Predictions
    open_weights: Index
    loose: Index
    spelled: tuple[str, ...]
    noise: float
    unmet: bool


def _contradicted(case: BoundaryCase) -> Finding | None:
    seen, off = case.predictions, case.residual_in_errors
    if seen.wrong:
        sentence = (
            f"{seen.wrong} of {seen.asked} predicted labels are not those of the model: it has "
            "units that were not found, or is another function"
        )
        return failed("labels-contradict", sentence)
    roughly = case.network.skip and case.residual <= KNOWN  # its hidden weights are not fitted
    if not (off <= WITHIN or roughly):
        sentence = (
            f"a point of the boundary is {off:.1e} times its error away from that of the network"
            if math.isfinite(off)
            else "there are boundaries between classes between which the network has none"
        )
        return failed("boundary-differs", sentence)
    return None


def _no_unit(case: BoundaryCase) -> Finding | None:
    if case.network.n_units:
        return None
    return undetermined("no-unit", "the boundaries do not bend: no unit was seen")


def _unmet(case: BoundaryCase) -> Finding | None:
    if not (case.unmet or case.network.skip):
        return None
    sentence = (
        "the boundaries are those of a network with a linear part: some unit is active all along "
        "them, or others are on the other side; labels do not show it"
    )
    return undetermined("unit-not-met", sentence)


def _facing(case: BoundaryCase) -> Finding | None:
    rows = np.column_stack([case.network.V, case.network.b])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    facing = np.flatnonzero(((rows @ rows.T) < -1 + KNOWN**2).any(axis=1))
    if not len(facing):
        return None
    sentence = f"{listed(facing)} face each other: one of them, and another that is always active"
    return undetermined("facing-pair", f"{sentence}, have the same boundaries", units=facing)


def _loose(case: BoundaryCase) -> Finding | None:
    if not len(case.loose):
        return None
    which = ", ".join(case.spelled[number] for number in case.loose)
    sentence = (
        f"class {which} borders a single other class: the scale of its outputs, relative to the "
        "others, is open"
    )
    return undetermined("scale-open", sentence)


def _open_weights(case: BoundaryCase) -> Finding | None:
    left = case.open_weights
    if not len(left):
        return None
    units = np.unique(left[left[:, 0] >= 0, 0])
    sentence = (
        f"{counted(len(left), 'output weight')} of {listed(units)} for some classes are open: "
        "these units are off where the classes were met"
    )
    return undetermined("output-weights-open", sentence, units=units)


def _not_determined(case: BoundaryCase) -> Finding | None:
    errors, missing = case.weight_errors, case.unknowns - case.points
    limit = ROUGHLY if case.noise else KNOWN
    weak = np.flatnonzero(~(errors <= limit))
    if not len(weak) and case.output_error <= limit:
        return None
    if case.unknowns > MOST_UNKNOWNS:
        sentence = f"errors of weights are not computed for {case.unknowns} unknowns"
        return undetermined("errors-unknown", sentence, units=weak)
    sentence = f"the points of the boundary leave weights of {listed(weak)} open"
    more = max(missing, 1)
    return undetermined("boundary-open", sentence, units=weak, more_samples=more)


def _few_predicted(case: BoundaryCase) -> Finding | None:
    asked = case.predictions.asked
    if asked >= LEAST_PREDICTED:
        return None
    sentence = f"only {asked} predicted labels were asked for, expected {LEAST_PREDICTED} or more"
    return undetermined("few-predicted", sentence, more_samples=LEAST_PREDICTED - asked)


CHECKS: tuple[Callable[[BoundaryCase], Finding | None], ...] = (
    _contradicted,
    _no_unit,
    _unmet,
    _facing,
    _loose,
    _open_weights,
    _not_determined,
    _few_predicted,
)
"""In this order: the first that finds something decides."""


def unique(case: BoundaryCase) -> Finding:
    units = counted(case.network.n_units, "unit")
    errors = f"{max(case.weight_errors.max(), case.output_error):.1e}"
    if case.noise:
        sentence = (
            f"labels are reliable to {case.noise:.1e} of the inputs, as after rounding to "
            f"single precision: {units}, with weights known to {errors}"
        )
        return Finding("boundary-estimated", Status.ESTIMATED, sentence)
    sentence = (
        f"all {case.points} points of the boundaries and all {case.predictions.asked} "
        f"predicted ones are those of this network of {units}; any other with this many units that "
        f"has them has the same weights to {errors}, up to what labels do not show"
    )
    return Finding("boundary-exact", Status.EXACT, sentence)
