"""What speaks against noise about a constant or, with a skip connection, a linear function."""

from __future__ import annotations

import math

import numpy as np

from unrelu.checks.finding import Finding, failed, undetermined
from unrelu.checks.gross import RARE
from unrelu.checks.noisy_case import NoisyCase
from unrelu.checks.shape import SURELY
from unrelu.checks.unexplained import linear_p
from unrelu.numerics.dependence import DEPENDENT

FEW_TAILS = 30
"""The least number of labels whose tails tell what is an outlier, and what is a unit."""

LOOKED_AT = 5000
"""Samples whose inputs are counted."""


def few_samples_for_no_unit(case: NoisyCase) -> Finding | None:
    """Whether there are too few samples to show a unit."""
    samples, off = case.samples, case.off
    if case.robust and case.labels < FEW_TAILS:
        return undetermined(
            "few-labels",
            f"{case.labels} labels are too few to tell units from heavy tails: {case.simple} is "
            "what is left without any",
            more_samples=math.ceil(FEW_TAILS / samples.m) - samples.n,
        )
    if samples.n > RARE * (samples.d + 1) or off < samples.n / 3:
        return None
    return undetermined(
        "few-labels",
        f"{samples.n} samples are too few to tell noise about {case.simple} from units that "
        "hardly any of them show",
    )


def few_distinct_inputs(case: NoisyCase) -> Finding | None:
    """Whether labels depend on inputs that take so few values that a constant and one unit would
    explain any labels of theirs: then no unit can be shown, and none ruled out."""
    some = case.samples.take(case.samples.spread(LOOKED_AT))
    distinct = len(np.unique(np.asarray(some.X), axis=0))
    if distinct > some.d + 2:
        return None
    if (linear_in_inputs(case) or hidden_units(case)) is None:
        return None
    return undetermined(
        "few-inputs",
        f"the labels depend on the inputs, but these are only {distinct} different ones: a "
        "constant and one unit explain any labels of so few, so no unit can be shown; samples "
        "with other inputs would show it",
    )


def linear_in_inputs(case: NoisyCase) -> Finding | None:
    """Whether a linear function explains what a constant leaves."""
    if case.net.skip or linear_p(case.net, case.samples) >= SURELY:
        return None
    return failed(
        "depends-on-inputs",
        "what a constant leaves of the labels is linear in the inputs: with skip=True, the linear "
        "function is part of the network",
    )


def hidden_units(case: NoisyCase) -> Finding | None:
    """Whether what is left without any unit depends on the inputs."""
    if case.left.dependence <= DEPENDENT or not case.beyond_rounding:
        return None
    return failed(
        "depends-on-inputs",
        f"what {case.simple} leaves of the labels depends on the inputs (score "
        f"{case.left.dependence:.1f}, noise stays below {DEPENDENT:g}): there are units, which so "
        "many samples do not show, or no such network made these labels",
    )
