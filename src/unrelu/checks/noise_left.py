"""May what a network leaves of noisy labels be noise, and is the network then the estimate?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unrelu.checks.few_labels import FEW
from unrelu.checks.finding import Finding, failed, first, listed, undetermined
from unrelu.checks.misfit import MISFIT
from unrelu.checks.shape import SURELY
from unrelu.checks.unexplained import Unexplained, linear_p
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.dependence import DEPENDENT
from unrelu.samples import Samples, input_deviation
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

GROWTH = 1.2
"""Growth of the residual variance, on samples kept aside, from which on it is no noise: what an
over-fitted unit adds is a few per cent."""

CHANCE, CHANCE_GIVEN = 0.01, 0.1
"""Probability with which noise alone may be explained as well by units of its own choice, as many
as were found, or given. It is a bound: of fits of one break to noise alone, 12 or 24 points, one or
two in a hundred stay below the second."""

RARE = 4
"""Times the unknowns of a unit: so many samples off may be due to as many rare units."""

VAGUE = 1.0
"""Standard error of a direction, in radians, beyond which nothing is known of it: directions drawn
at random are not much further apart."""


@dataclass(frozen=True, eq=False)
class NoisyCase:
    """A canonical network that was fitted to noisy labels, and what it leaves of them.

    `unknowns`: free weights. `errors` (k,): standard errors of hidden weights, in radians, infinite
    where there are none; `weak`: units with a part that no label depends on. `given`: whether the
    number of units was given.
    """

    net: Network
    samples: Samples
    left: Unexplained
    unknowns: int
    errors: Array
    weak: Index
    given: bool

    @property
    def labels(self) -> int:
        return self.samples.n * self.samples.m

    @property
    def beyond_rounding(self) -> bool:
        """Whether more is left than rounding, which may depend on anything."""
        return bool(self.left.share > self.samples.eps**0.75)

    @property
    def shares(self) -> str:
        return f"{100 * self.left.share:.3g}% of the labels' spread"


def may_be_noise(case: NoisyCase) -> Finding | None:
    """Whether noise alone would often be explained as well by as many units as were given."""
    few = case.labels < FEW * case.unknowns
    if not case.given or few or case.left.chance <= CHANCE_GIVEN:
        return None
    return undetermined(
        "may-be-noise",
        f"with a probability of up to {min(1.0, case.left.chance):.2g}, noise alone is explained "
        f"as well by {case.net.n_units} units of its own choice: they may not be there",
    )


def few_labels(case: NoisyCase) -> Finding | None:
    """Whether there are so few labels that units would explain noise."""
    level = CHANCE_GIVEN if case.given else CHANCE
    by_chance = case.left.chance > level and case.labels < FEW * case.unknowns
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


def misfit(case: NoisyCase) -> Finding | None:
    """Whether what is left is alike for neighbours."""
    if case.left.misfit <= MISFIT or not case.beyond_rounding:
        return None
    what = f"the best network of {case.net.n_units} units" if case.net.n_units else _simple(case)
    return failed(
        "misfit",
        "a smooth function, another kind of model, or noise that depends on its neighbours: what "
        f"{what} leaves, {case.shares}, is alike for samples that are near each other in it (score "
        f"{case.left.misfit:.1f}, noise stays below {MISFIT:g}); it may predict well all the same",
    )


def every_unit_explains_more(case: NoisyCase) -> Finding | None:
    """Whether every further unit explained more than noise would."""
    if case.left.search != "endless":
        return None
    return failed(
        "endless",
        "a smooth function, or another kind of model: each further unit, after the "
        f"{case.net.n_units} of this network, goes on explaining more than noise would; it may "
        "predict well all the same",
    )


def grows_on_fresh_samples(case: NoisyCase) -> Finding | None:
    """Whether samples that the search did not see are explained worse."""
    if case.left.growth <= GROWTH:
        return None
    return failed(
        "grows-on-fresh-samples",
        "something other than noise, which so few units, or so few samples, do not show: the best "
        f"network of {counted(case.net.n_units, 'unit')} leaves {case.shares}, but "
        f"{math.sqrt(case.left.growth):.2g} times as much on samples kept aside",
    )


def more_units(case: NoisyCase) -> Finding | None:
    """Whether one unit more than was asked for explains more than noise would."""
    if case.left.search != "more":
        return None
    return undetermined(
        "more-units",
        f"there are more than the {case.net.n_units} units that were asked for, or another kind of "
        "model made these labels: one more explains plainly more than noise would",
    )


def searches_disagree(case: NoisyCase) -> Finding | None:
    """Whether no two searches ended in the same network."""
    if case.left.search != "disagree":
        return None
    return undetermined(
        "searches-disagree",
        f"no two searches ended in the same network of {case.net.n_units} units, so others may do "
        f"as well; {case.left.common} of its units came out of another search, too: more samples, "
        "or n_units where it is known, would help",
    )


def undetermined_weights(case: NoisyCase) -> Finding | None:
    """Whether some weights have a part that no label depends on."""
    if not len(case.weak):
        return None
    return undetermined(
        "weights-open",
        f"the labels do not determine some of the weights of {listed(case.weak)}",
        units=case.weak,
    )


def vague_weights(case: NoisyCase) -> Finding | None:
    """Whether noise leaves the direction of a unit undetermined."""
    errors, n = case.errors, case.samples.n
    vague = np.flatnonzero(errors > VAGUE)
    if not np.isfinite(errors).all() or not len(vague):
        return None
    more = math.ceil(n * min(errors.max() / VAGUE, 1e3) ** 2) - n
    where = "breakpoint could be" if case.samples.d == 1 else "hidden weights could point"
    return undetermined(
        "weights-vague",
        f"too much noise for {listed(vague)}: the {where} anywhere ({_known(case)}), or the unit "
        "may not be there",
        units=vague,
        more_samples=more,
    )


CHECKS: tuple[Callable[[NoisyCase], Finding | None], ...] = (
    may_be_noise,
    few_labels,
    depends_on_inputs,
    depends_on_heights,
    misfit,
    every_unit_explains_more,
    grows_on_fresh_samples,
    more_units,
    searches_disagree,
    undetermined_weights,
    vague_weights,
)
"""Of a network with units, in this order: the first that finds something decides, and if none does,
the network is an estimate."""


def few_samples_for_no_unit(case: NoisyCase) -> Finding | None:
    """Whether there are too few samples to show a unit."""
    samples, off = case.samples, _off(case)
    if samples.n > RARE * (samples.d + 1) or off < samples.n / 3:
        return None
    return undetermined(
        "few-labels",
        f"{samples.n} samples are too few to tell noise about {_simple(case)} from units that "
        "hardly any of them show",
    )


def few_samples_off(case: NoisyCase) -> Finding | None:
    """Whether all labels are the same but those of a few samples."""
    samples, off = case.samples, _off(case)
    if not (0 < off <= RARE * (samples.d + 1) and off < samples.n / 3):
        return None
    return undetermined(
        "few-samples-off",
        f"all labels are the same but those of {off} of {samples.n} samples: they are wrong, or "
        "there are units that are active on hardly any others",
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
        f"what {_simple(case)} leaves of the labels depends on the inputs (score "
        f"{case.left.dependence:.1f}, noise stays below {DEPENDENT:g}): there are units, which so "
        "many samples do not show, or no such network made these labels",
    )


CHECKS_WITHOUT_UNITS: tuple[Callable[[NoisyCase], Finding | None], ...] = (
    few_samples_for_no_unit,
    few_samples_off,
    linear_in_inputs,
    hidden_units,
    misfit,
)
"""The same of noise about a constant or, with a skip connection, a linear function."""


def decide(case: NoisyCase) -> Finding:
    """The decisive finding."""
    if not case.net.n_units:
        return first(CHECKS_WITHOUT_UNITS, case) or Finding(
            "no-unit",
            Status.ESTIMATED,
            f"the labels are {_simple(case)} and noise: no unit stands out of it; more samples may "
            "show some",
        )
    measured = case.errors.any() and np.isfinite(case.errors).all()  # a kink at zero has no error
    known = f"; {_known(case)}" if measured else ""
    return first(CHECKS, case) or Finding(
        "noise",
        Status.ESTIMATED,
        f"the labels are a network of {counted(case.net.n_units, 'unit')} and noise: what it "
        f"leaves, {100 * case.left.share:.3g}% of their spread, does not depend on the "
        f"inputs{known}",
    )


def _known(case: NoisyCase) -> str:
    if case.samples.d == 1:
        known = case.errors.max() * input_deviation(case.samples)
        return f"breakpoints known to {known:.2g}"
    return f"hidden weights known to {case.errors.max():.2g} rad"


def _simple(case: NoisyCase) -> str:
    return "a linear function" if case.net.skip else "a constant"


def _off(case: NoisyCase) -> int:
    return 0 if case.net.skip else off_the_usual(case.samples)


def off_the_usual(samples: Samples) -> int:
    """How many samples have another label than most, or than all have in some output."""
    off = np.zeros(samples.n, dtype=bool)
    for column in np.asarray(samples.Y).T:
        values, counts = np.unique(column, return_counts=True)
        off |= column != values[counts.argmax()]
    return int(off.sum())
