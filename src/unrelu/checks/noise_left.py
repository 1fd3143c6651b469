"""May what a network leaves of noisy labels be noise, and is the network then the estimate?"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import fdtrc

from unrelu.checks.alike import ALIKE
from unrelu.checks.curved_sum import CURVED
from unrelu.checks.estimates import FAR, VAGUE, more_units, undetermined_weights
from unrelu.checks.few_labels import FEW
from unrelu.checks.finding import Finding, failed, first, listed, undetermined
from unrelu.checks.gross import RARE
from unrelu.checks.misfit import MISFIT
from unrelu.checks.noisy_case import NoisyCase
from unrelu.checks.shape import SURELY
from unrelu.checks.smooth_terms import SMOOTH
from unrelu.checks.without_units import (
    few_distinct_inputs,
    few_samples_for_no_unit,
    hidden_units,
    linear_in_inputs,
)
from unrelu.numerics.dependence import DEPENDENT
from unrelu.samples import input_deviation
from unrelu.wording.moments import duration
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

CHANCE = 0.1
"""Probability with which noise alone may be explained as well by as many units of its own choice.
It is a bound: of fits of one break to noise alone, 12 or 24 points, one or two in a hundred stay
below it."""

IN_PART = 0.1
"""Share of the labels of an output that noise does not leave next to nothing of."""


def few_samples_off(case: NoisyCase) -> Finding | None:
    """Whether all labels but those of a few samples are explained to rounding, or, without units,
    the same; of counts, which are mostly zero where rates are low, so few that any unit fits. Not
    asked where the labels explained are few for the unknowns, or rounded to few digits."""
    n, off = case.samples.n, case.off
    if case.net.n_units and (case.samples.coarse or (n - off) * case.samples.m < 2 * case.unknowns):
        return None
    few = (case.samples.d + 1) * (1 if case.counts else RARE)
    if not (0 < off <= few and off < n / 3):
        return None
    which = "explained to rounding" if case.net.n_units else "the same"
    return undetermined(
        "few-samples-off",
        f"all labels are {which} but those of {off} of {n} samples: they are wrong, or there are "
        "units that are active on hardly any others",
    )


def explained_in_part(case: NoisyCase) -> Finding | None:
    """Whether many labels are explained to rounding, and others not: noise is in all of them. Not
    asked of counts, which are zero where none are expected, nor where the labels explained are few
    for the unknowns."""
    few = case.left.in_part * case.samples.n * case.samples.m < 2 * case.unknowns
    if case.counts or case.samples.coarse or few or case.left.in_part <= IN_PART:
        return None
    return failed(
        "explained-in-part",
        f"the network explains {100 * case.left.in_part:.0f}% of the labels of an output to "
        "rounding, and the others not at all: units are missing, or those labels are wrong; noise "
        "would leave something of every label",
    )


def may_be_noise(case: NoisyCase) -> Finding | None:
    """Whether noise alone would often be explained as well by as many units."""
    few = case.labels < FEW * case.unknowns
    if few or case.left.chance <= CHANCE:
        return None
    return undetermined(
        "may-be-noise",
        f"with a probability of up to {min(1.0, case.left.chance):.2g}, noise alone is explained "
        f"as well by {case.net.n_units} units of its own choice: they may not be there",
    )


def few_labels(case: NoisyCase, chance: float = CHANCE) -> Finding | None:
    """Whether there are so few labels that units would explain noise."""
    by_chance = case.left.chance > chance and case.labels < FEW * case.unknowns
    if case.labels > case.unknowns and not by_chance:
        return None
    more = max(1, math.ceil((FEW * case.unknowns - case.labels) / case.samples.m))
    return undetermined(
        "few-labels",
        f"{case.labels} labels for the {case.unknowns} unknowns of {case.net.n_units} units: so "
        f"few tell no noise from network; if there are so many units, {more} more samples would do",
        more_samples=more,
    )


def depends_on_inputs(case: NoisyCase) -> Finding | None:
    """Whether what is left depends on the inputs."""
    if case.left.dependence <= DEPENDENT or not case.beyond_rounding:
        return None
    return failed(
        "depends-on-inputs",
        "there are more units, or the labels come from another kind of model: what the network of "
        f"{counted(case.net.n_units, 'unit')} leaves, {case.shares}, still depends on the inputs "
        f"(score {case.left.dependence:.1f}, noise stays below {DEPENDENT:g})",
    )


def depends_on_heights(case: NoisyCase) -> Finding | None:
    """Whether what is left depends on the heights of the units."""
    if case.left.shape >= SURELY or not case.beyond_rounding:
        return None
    return failed(
        "depends-on-heights",
        f"the activation is not {case.net.activation.name!r}, or there are more units: what the "
        f"network of {counted(case.net.n_units, 'unit')} leaves, {case.shares}, depends on the "
        f"heights of its units (p = {case.left.shape:.1g})",
    )


def curved_output(case: NoisyCase) -> Finding | None:
    """Whether counts have a mean that is a curve of the sum of the units."""
    p, along = case.curved
    if p >= CURVED:
        return None
    grows = "less" if along < 0 else "more"
    return failed(
        "curved-output",
        f"the mean of the counts is a curve of the sum of the units, or there are more of them: it "
        f"grows {grows} than the sum does (p = {p:.1g}), as that of a neuron "
        + ("that saturates" if along < 0 else "with a threshold")
        + "; `output_curve` estimates the curve, and the units with it" * (case.samples.m == 1),
    )


def misfit(case: NoisyCase) -> Finding | None:
    """Whether what is left is alike for neighbours, or smooth functions explain it."""
    if case.left.misfit > MISFIT:
        shown = f"score {case.left.misfit:.1f}, noise stays below {MISFIT:g}"
    elif case.alike < ALIKE:
        shown = f"p = {case.alike:.1g} by labels drawn from the fit"
    elif case.smooth < SMOOTH:
        shown = (
            f"smooth terms explain more of it than noise would leave them, p = {case.smooth:.1g}"
        )
    else:
        return None
    if not case.beyond_rounding:
        return None
    if found := curved_output(case):  # which says more
        return found
    what = f"the best network of {case.net.n_units} units" if case.net.n_units else case.simple
    return failed(
        "misfit",
        "a smooth function, another kind of model, or noise that depends on its neighbours: what "
        f"{what} leaves, {case.shares}, is alike for samples that are near each other in it "
        f"({shown}); it may predict well all the same",
    )


def far_from_the_estimate(case: NoisyCase) -> Finding | None:
    """Whether another network with as many units explains the labels better than errors allow."""
    p, far = case.unknowns, case.distance
    if not far > 0 or fdtrc(p, case.labels - p, (far / case.spread) ** 2) >= FAR:
        return None
    units = f"with {counted(case.net.n_units, 'unit')} " * (case.net.n_units > 0)
    if math.isinf(far):
        return failed("far-from-estimate", f"another network {units}explains the labels exactly")
    return failed(
        "far-from-estimate",
        f"another network {units}explains the labels better: these weights are {far:.2g} standard "
        f"errors from the best fit, in the mean of {p}; those of an estimate would be within "
        f"{case.spread:.2g}",
    )


MEANINGLESS = 1e3
"""Error of a direction or a breakpoint from which on no number of samples is worth naming."""


def vague_weights(case: NoisyCase) -> Finding | None:
    """Whether noise leaves the direction of a unit undetermined; not where no errors are known."""
    errors, n = case.errors, case.samples.n
    vague = np.flatnonzero(~(errors <= VAGUE))
    if not np.isfinite(errors).any() or not len(vague):
        return None
    largest = errors.max()  # not a number, or beyond all meaning, where nothing is known of a unit
    more = math.ceil(n * (largest / VAGUE) ** 2) - n if largest < MEANINGLESS else None
    where = "breakpoint could be" if case.samples.d == 1 else "hidden weights could point"
    return undetermined(
        "weights-vague",
        f"too much noise for {listed(vague)}: the {where} anywhere ({_known(case)}), or the unit "
        "may not be there",
        units=vague,
        more_samples=more,
    )


ON_RESIDUALS: tuple[Callable[[NoisyCase], Finding | None], ...] = (
    few_samples_off,
    few_labels,
    explained_in_part,
    depends_on_inputs,
    depends_on_heights,
    misfit,
    may_be_noise,
)
ON_WEIGHTS: tuple[Callable[[NoisyCase], Finding | None], ...] = (
    more_units,
    curved_output,
    undetermined_weights,
    vague_weights,
)
"""Of a network with units, in this order: the first that finds something decides, and if none does,
the network is an estimate. The second ones cost more, and are for what passes the first."""


WITHOUT_UNITS: tuple[Callable[[NoisyCase], Finding | None], ...] = (
    few_samples_for_no_unit,
    few_samples_off,
    few_distinct_inputs,
    linear_in_inputs,
    hidden_units,
    misfit,
)
"""The same of noise about a constant or, with a skip connection, a linear function."""


def on_residuals(case: NoisyCase) -> Finding | None:
    """What residuals show against an estimate, before anything is known of its errors."""
    return first(ON_RESIDUALS if case.net.n_units else WITHOUT_UNITS, case)


def on_weights(case: NoisyCase) -> Finding:
    """What decides on a network whose residuals may be noise."""
    if not case.net.n_units:
        return Finding(
            "no-unit",
            Status.ESTIMATED,
            f"the labels are {case.simple} and noise: no unit stands out of it; more samples may "
            "show some",
        )
    measured = case.errors.any() and np.isfinite(case.errors).all()  # a kink at zero has no error
    # Others make up for a unit too weak to stand out, and are off by more than their errors.
    known = f"; {_known(case)}, if no weaker unit is hidden in the noise" if measured else ""
    return first(ON_WEIGHTS, case) or Finding(
        "noise",
        Status.ESTIMATED,
        f"the labels are a network of {counted(case.net.n_units, 'unit')} or more, and noise: what "
        f"it leaves, {case.shares}, shows no dependence on the inputs{known}",
    )


def _known(case: NoisyCase) -> str:
    if case.samples.d == 1:
        known = case.errors.max() * input_deviation(case.samples)
        names = case.samples.names
        date = bool(names.inputs) and names.is_date(0)
        return f"breakpoints known to {duration(known) if date else f'{known:.2g}'}"
    return f"hidden weights known to {case.errors.max():.2g} rad"
