"""Are the probabilities of the classes shown those of a network, and of it alone? Asked of what was
measured of it on differences of outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unrelu.checks.finding import Finding, failed, listed, undetermined
from unrelu.network import Network
from unrelu.network.contrasts import Contrasts
from unrelu.numerics.arrays import Array, Index
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

MOST_UNKNOWNS = 3000
"""Above, the errors of weights are not computed."""


@dataclass(frozen=True, eq=False)
class ShownCase:
    """What was measured, see `evidence.shown_classes.ShownProbabilities`. `limits`: the largest
    error of a weight in a network that is called exact, and in one that is called an estimate;
    `turned`: units whose other side fits, too; `apart`: how many groups of classes are never shown
    together; `excess`: how far the predicted probabilities are below those that are shown, and
    above them, as in roundings: 1 is what these allow."""

    network: Network
    residual: float
    residual_in_roundings: float
    equations: int
    unknowns: int
    surplus_needed: int
    weight_errors: Array
    output_error: float
    limits: tuple[float, float]
    turned: Index
    apart: int
    excess: tuple[float, float]


def _not_explained(case: ShownCase) -> Finding | None:
    if case.residual_in_roundings <= 1:
        return None
    sentence = (
        f"differences of outputs are off by up to {case.residual:.1e}, "
        f"{case.residual_in_roundings:.2g} times what rounding allows: the model has units that "
        "were not found, or is another function"
    )
    return failed("not-explained", sentence)


def _no_softmax(case: ShownCase) -> Finding | None:
    below, above = case.excess
    if below <= 1 and above <= 1:
        return None
    sentence = (
        "the differences of outputs are those of a network, and the probabilities are not those "
        "of its softmax: they have another sum"
    )
    return failed("no-softmax", sentence)


def _no_unit(case: ShownCase) -> Finding | None:
    if case.network.n_units:
        return None
    return undetermined("no-unit", "the probabilities of the classes shown show no unit")


def _apart(case: ShownCase) -> Finding | None:
    if case.apart < 2:
        return None
    sentence = (
        f"classes are of {case.apart} groups of which no two are ever shown together: what one "
        "has more than another is open"
    )
    return undetermined("classes-apart", sentence)


def _not_determined(case: ShownCase) -> Finding | None:
    if case.unknowns > MOST_UNKNOWNS:
        sentence = f"errors of weights are not computed for {case.unknowns} unknowns"
        return undetermined("errors-unknown", sentence)
    weak = np.flatnonzero(~(case.weight_errors <= case.limits[1]))
    more = max(case.unknowns + case.surplus_needed - case.equations, 1)
    if len(weak):
        sentence = f"the classes that are shown leave weights of {listed(weak)} open"
        return undetermined("not-pinned", sentence, units=weak, more_samples=more)
    if not case.output_error <= case.limits[1]:
        sentence = "the classes that are shown leave output weights of some of them open"
        return undetermined("output-weights-open", sentence, more_samples=more)
    return None


def _few_equations(case: ShownCase) -> Finding | None:
    more = case.unknowns + case.surplus_needed - case.equations
    if more <= 0:
        return None
    sentence = (
        f"too few to rule out another network: there are {case.equations} independent equations "
        f"for {counted(case.unknowns, 'unknown')}, and {case.surplus_needed} to spare are needed"
    )
    return undetermined("few-equations", sentence, more_samples=more)


def _open_sides(case: ShownCase) -> Finding | None:
    if not len(case.turned):
        return None
    sentence = f"{listed(case.turned)} may be active on the other side, others accordingly"
    return undetermined("sides-open", sentence, units=case.turned)


CHECKS: tuple[Callable[[ShownCase], Finding | None], ...] = (
    _not_explained,
    _no_unit,
    _apart,
    _not_determined,
    _few_equations,
    _no_softmax,
    _open_sides,
)
"""In this order: the first that finds something decides."""


def unique(case: ShownCase) -> Finding:
    units = counted(case.network.n_units, "unit")
    error = max(float(case.weight_errors.max()), case.output_error)
    if error > case.limits[0]:
        sentence = (
            f"all probabilities that are shown are those of this network of {units}, to their "
            f"rounding; with it, weights are known to {error:.1e}"
        )
        return Finding("shown-estimated", Status.ESTIMATED, sentence)
    sentence = (
        f"all probabilities that are shown are those of this network of {units}, to rounding; "
        f"weights near these that explain them, too, differ by at most {error:.1e}"
    )
    return Finding("shown-exact", Status.EXACT, sentence)


def turned_units(net: Network, contrasts: Contrasts, biased: bool) -> Index:
    """Units that explain the differences from the other side, with other output weights."""
    found = []
    for unit in range(net.n_units):
        signs = np.where(np.arange(net.n_units) == unit, -1.0, 1.0)
        V, b = net.V * signs[:, None], net.b * signs
        U, _, c = contrasts.output_weights(V, b, net.n_outputs, biased=biased, linear=False)
        left = np.abs(contrasts.residuals(Network(V, U, b, c)))
        if (left <= contrasts.errors).all():
            found.append(unit)
    return np.array(found, dtype=np.intp)


def independent(net: Network, contrasts: Contrasts, biased: bool) -> int:
    """How many equations count: on a piece where all outputs are affine, at most one for each
    weight of an affine function and each pair of classes, and of these no more than a forest of
    them has."""
    D, m = contrasts.X.shape[1] + biased, net.n_outputs
    active = net.preactivations(contrasts.X) > 0
    pairs = np.sort(contrasts.pairs, axis=1)
    pieces, which = np.unique(active, axis=0, return_inverse=True)
    keys = np.column_stack([which.reshape(-1), pairs])
    rows, counts = np.unique(keys, axis=0, return_counts=True)
    total = 0
    for piece in range(len(pieces)):
        own = rows[:, 0] == piece
        total += min(int(np.minimum(counts[own], D).sum()), D * (m - groups(rows[own, 1:], m)))
    return total


def groups(pairs: Index, m: int) -> int:
    """Groups of classes that are not connected by pairs (n, 2)."""
    group = np.arange(m)
    for a, b in np.unique(pairs, axis=0):
        group[group == group[b]] = group[a]
    return len(np.unique(group)) if m else 0
