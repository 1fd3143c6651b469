"""Class labels that were drawn: may they have been with the probabilities of a network?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from unrelu.checks.estimates import FAR, VAGUE, more_units, undetermined_weights
from unrelu.checks.few_labels import FEW
from unrelu.checks.finding import Finding, failed, first, listed, undetermined
from unrelu.checks.misfit import MISFIT
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.dependence import DEPENDENT
from unrelu.wording.status import Status
from unrelu.wording.streams import counted


@dataclass(frozen=True, eq=False)
class DrawnCase:
    """A canonical network, and what class labels of n samples show of it.

    separated : whether the class of every sample has the largest logit. unknowns : free weights.
    dependence, misfit : scores of what is left of the labels, as in `checks.unexplained`.
    distance : of the weights from the maximum of the likelihood, in standard errors (root mean
        square); `spread`: what that would be of a network whose weights have such errors.
    more : whether one more unit explains more than chance would. errors (k,) : standard errors of
        hidden weights, in radians; infinite where there are none. weak : units with a part that no
        label depends on.
    """

    net: Network
    n: int
    separated: bool
    unknowns: int
    dependence: float
    misfit: float
    errors: Array
    weak: Index
    distance: float = 0.0
    spread: float = math.sqrt(2)
    more: bool = False


def _separable(case: DrawnCase) -> Finding | None:
    if not case.separated:
        return None
    return undetermined(
        "separable",
        f"the network of {counted(case.net.n_units, 'unit')} gives every sample the class that it "
        "has, without an error: larger and larger logits explain that better and better, so their "
        "scale, and what chance there is in the labels, is not determined. Many more samples would "
        "show both, if there is any chance in them; if there is none, boundaries between the "
        "classes are all that labels show, and only questions of one's own (`extract`) find those",
    )


def _few_labels(case: DrawnCase) -> Finding | None:
    if case.n >= FEW * case.unknowns:
        return None
    more = FEW * case.unknowns - case.n
    return undetermined(
        "few-labels",
        f"{case.n} class labels for the {case.unknowns} unknowns of "
        f"{counted(case.net.n_units, 'unit')}: so few tell no chance from network; if there are so "
        f"many units, {more} more samples would do",
        more_samples=more,
    )


def _depends_on_inputs(case: DrawnCase) -> Finding | None:
    if case.dependence <= DEPENDENT:
        return None
    return failed(
        "depends-on-inputs",
        "there are more units, or the labels come from another kind of model: what the "
        f"probabilities of {counted(case.net.n_units, 'unit')} leave of the labels still depends "
        f"on the inputs (score {case.dependence:.1f}, chance stays below {DEPENDENT:g})",
    )


def _misfit(case: DrawnCase) -> Finding | None:
    if case.misfit <= MISFIT:
        return None
    return failed(
        "misfit",
        f"another kind of model: what the probabilities of {counted(case.net.n_units, 'unit')} "
        "leave of the labels is alike for samples that are near each other (score "
        f"{case.misfit:.1f}, chance stays below {MISFIT:g}); it may predict well all the same",
    )


def far_from_the_maximum(case: DrawnCase) -> Finding | None:
    """Whether other weights are likelier than errors allow."""
    p, far = case.unknowns, case.distance
    if not far > 0 or chdtrc(p, p * (far / case.spread) ** 2) >= FAR:
        return None
    return failed(
        "far-from-estimate",
        f"other weights make these labels likelier: those of the network are {far:.2g} standard "
        f"errors from the best ones, in the mean of {p}; those of an estimate would be within "
        f"{case.spread:.2g}",
    )


def _vague(case: DrawnCase) -> Finding | None:
    vague = np.flatnonzero(~(case.errors <= VAGUE))
    if not len(vague):
        return None
    worst = float(case.errors.max())
    more = math.ceil(case.n * min(worst / VAGUE, 1e3) ** 2) - case.n if worst < np.inf else None
    return undetermined(
        "weights-vague",
        f"too few labels for {listed(vague)}: the hidden weights could point anywhere, or the unit "
        "may not be there",
        units=vague,
        more_samples=more,
    )


ON_LABELS: tuple[Callable[[DrawnCase], Finding | None], ...] = (
    _separable,
    _few_labels,
    _depends_on_inputs,
    _misfit,
)
ON_WEIGHTS: tuple[Callable[[DrawnCase], Finding | None], ...] = (
    far_from_the_maximum,
    more_units,
    undetermined_weights,
    _vague,
)
"""In this order: the first that finds something decides, and if none does, the network is an
estimate. The second ones cost more, and are for what passes the first."""


def decided(case: DrawnCase) -> Finding:
    """What decides on the network."""
    found = first((*ON_LABELS, *ON_WEIGHTS), case)
    if found is not None:
        return found
    if not case.net.n_units:
        return Finding(
            "no-unit",
            Status.ESTIMATED,
            "the probabilities of the classes are the same everywhere: no unit stands out of "
            "chance; more samples may show some",
        )
    known = f"hidden weights known to {case.errors.max():.2g} rad"
    return Finding(
        "drawn-labels",
        Status.ESTIMATED,
        "the labels are drawn with the probabilities of a network of "
        f"{counted(case.net.n_units, 'unit')}: what these leave shows no dependence on the inputs; "
        f"{known}",
    )
