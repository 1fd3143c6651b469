"""What speaks against noise about a constant or, with a skip connection, a linear function."""

from __future__ import annotations

import math

from unrelu.checks.finding import Finding, failed, undetermined
from unrelu.checks.gross import RARE
from unrelu.checks.noisy_case import NoisyCase
from unrelu.checks.shape import SURELY
from unrelu.checks.unexplained import linear_p
from unrelu.numerics.dependence import DEPENDENT

FEW_TAILS = 30
"""The least number of labels whose tails tell what is an outlier, and what is a unit."""


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
