"""What follows from the checks, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from unrelu.checks.explained import Explained
from unrelu.checks.few_labels import FEW
from unrelu.checks.hidden_values import HiddenValues
from unrelu.checks.misfit import MISFIT
from unrelu.checks.pinned import Pinned
from unrelu.checks.replaced import replaceable
from unrelu.checks.rivals import rival
from unrelu.checks.scales import FINE
from unrelu.checks.shape import SURELY
from unrelu.checks.sides import (
    in_a_half_space,
    linear_pair,
    opposite_pair,
    other_sides,
    pair_in_a_gap,
)
from unrelu.checks.spared import spared, turned
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

CHANCE, CHANCE_TOLD = 0.01, 0.1
"""Probability with which noise alone may be explained as well by units of its own choice, as many
as were found, or told. It is a bound: of fits of one break to noise alone, 12 or 24 points, one or
two in a hundred stay below the second."""

NEARLY = 1e-3
"""How far apart two hyperplanes are at most that are said to be one, to rounding."""


RARE = 4
"""Times the unknowns of a unit: so many samples off may be the work of as many rare units."""

WITH_SKIP = "; with skip=True, a linear function is part of the network"

VAGUE = 1.0
"""Standard error of a direction, in radians, beyond which nothing is known of it: directions drawn
at random are not much further apart."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """`code` names what was found, for programs and tests; `explanation` says it to people."""

    status: Status
    code: str
    explanation: str
    weak_units: Index = field(default_factory=lambda: np.arange(0))
    more_samples: int | None = None


def not_explained(explained: Explained) -> Verdict:
    return Verdict(
        Status.FAILED,
        "not-explained",
        f"the network does not explain the labels: the largest residual, in sample "
        f"{explained.worst_sample}, is {explained.residual:.1e} of their size, "
        f"{explained.in_roundings:.1e} times what rounding allows",
    )


def short_of_equations(equations: int, unknowns: int, wanted: int, outputs: int) -> Verdict:
    more = math.ceil((wanted - equations) / max(1, outputs))
    return Verdict(
        Status.UNDETERMINED,
        "few-equations",
        f"too few to rule out another network: about {more} more samples would do; this one "
        f"explains every sample, with {equations} independent equations for "
        f"{counted(unknowns, 'unknown')}",
        more_samples=more,
    )


def sides(net: Network, samples: Samples, biased: bool, errors: Array) -> Verdict:
    """Of a network that is pinned down, to within `errors` (k,), but for the sides of its units."""
    pair = opposite_pair(net)
    if pair is not None and (biased or in_a_half_space(samples)):
        return Verdict(
            Status.UNDETERMINED,
            "facing-pair",
            f"{listed(np.array(pair))} face each other on one hyperplane, which one unit "
            "and one that is active on every sample explain as well: u f(z) + u' f(−z) = "
            f"(u + u') f(−z) + u z{WITH_SKIP}",
            weak_units=np.array(pair),
        )
    rest = spared(net, samples, biased)
    if rest is not None:
        return _spared(net, rest)
    pair = linear_pair(net, samples)
    if pair is not None:
        return Verdict(
            Status.UNDETERMINED,
            "linear-pair",
            f"{listed(np.array(pair))} together make a linear function, without a kink that the "
            f"samples could show: with other units turned round, fewer may do{WITH_SKIP}",
            weak_units=np.array(pair),
        )
    pair = pair_in_a_gap(net, samples) if biased else None
    if pair is not None:
        return _in_a_gap(pair)
    sides = other_sides(net, samples)
    if sides is None:
        return Verdict(
            Status.UNDETERMINED,
            "sides-undecided",
            "it cannot be decided on which side each unit is active: there are too many units for "
            "so few inputs and outputs, or the weights are too regular; every sample is explained, "
            "and every hyperplane pinned down",
        )
    if sides and samples.eps <= FINE:
        units = np.flatnonzero(sides[0])
        return Verdict(
            Status.UNDETERMINED,
            "sides-open",
            f"{listed(units)} can change sides (v, b become −v, −b) without changing "
            "the function: no samples tell the two networks apart",
            weak_units=units,
        )
    others = turned(net, samples, biased, sides, errors)
    others = rival(net, samples, biased) if others is None else others
    return _only(net, samples) if others is None else _has_rival(net, others)


def _spared(net: Network, units: Index) -> Verdict:
    """Another network of no more units explains the samples to rounding."""
    facing = len(units) == 2 and opposite_pair(
        Network(net.V[units], net.U[:, units], net.b[units]), NEARLY
    )
    said = (
        "are so close to facing each other on one hyperplane that, to rounding, one unit and one "
        "that is active on every sample explain the samples as well"
        if facing
        else "can be left out: to rounding, the others, moved, and a unit that is active on every "
        "sample explain the samples as well"
        if len(units) == 1
        else "are so close that, to rounding, one unit and one that is active on every sample "
        "explain the samples as well"
    )
    return Verdict(
        Status.UNDETERMINED,
        "facing-pair" if facing else "spare-unit",
        f"every sample is explained, but {listed(units)} {said}{WITH_SKIP * (len(units) > 1)}",
        weak_units=units,
    )


def _has_rival(net: Network, others: Index) -> Verdict:
    return Verdict(
        Status.UNDETERMINED,
        "rival",
        f"another network of {counted(net.n_units, 'unit')} explains every sample to rounding as "
        f"well, with other sides of {listed(others)}",
        weak_units=others,
    )


def with_skip(net: Network, samples: Samples, biased: bool) -> Verdict:
    """The same where networks with a skip connection compete: then every unit may be turned round,
    which is no other network, and what several units may hide in a linear function is seen in the
    Jacobian."""
    pair = opposite_pair(net)
    if pair is not None:
        return Verdict(
            Status.UNDETERMINED,
            "facing-pair",
            f"{listed(np.array(pair))} face each other on one hyperplane, which one unit and a "
            "skip connection explain as well: u f(z) + u' f(−z) = (u + u') f(−z) + u z",
            weak_units=np.array(pair),
        )
    rest = spared(net, samples, biased, skip=True)
    if rest is not None:
        return _spared(net, rest)
    others = rival(net, samples, biased, skip=True)
    if others is not None:
        return _has_rival(net, others)
    only = _only(net, samples, f" with{'' if net.skip else 'out'} a skip connection")
    turned = (
        ", but for the side on which each unit is active: with a skip connection "
        "u f(z) = u f(−z) + u z"
    )
    return replace(only, explanation=only.explanation + turned * bool(net.n_units))


def dependent() -> Verdict:
    """There is no unit, and W is open."""
    return Verdict(
        Status.UNDETERMINED,
        "dependent-inputs",
        "the inputs are dependent, so that other skip connections give the same labels; every "
        "sample is explained",
    )


def _in_a_gap(pair: tuple[int, int]) -> Verdict:
    return Verdict(
        Status.UNDETERMINED,
        "gap",
        f"{listed(np.array(pair))} face each other across a gap between the samples: what the "
        "network does inside it, and with how many units, cannot be known; samples from the gap "
        "would tell",
        weak_units=np.array(pair),
    )


def _only(net: Network, samples: Samples, which: str = "") -> Verdict:
    return Verdict(
        Status.EXACT,
        "unique",
        f"all {samples.n} samples are explained to rounding by this network of "
        f"{counted(net.n_units, 'unit')}{which}, and no other network with this many units fits",
    )


def curved(net: Network, samples: Samples, biased: bool) -> Verdict:
    """For an activation other than the ReLU, whose units are pinned down and cannot be turned."""
    lengths = np.linalg.norm(net.V, axis=1)
    sides = Network(net.V / lengths[:, None], net.U, net.b / lengths, net.c)
    pair = pair_in_a_gap(sides, samples) if biased else None
    if pair is not None:
        return _in_a_gap(pair)
    doubt = replaceable(net, samples, biased)
    if doubt is not None:
        units, why = doubt
        return Verdict(
            Status.UNDETERMINED,
            "replaceable",
            f"{listed(units)} {why}: it is not decided whether other networks of "
            f"{counted(net.n_units, 'unit')} explain the samples, too; this one does",
            weak_units=units,
        )
    return _only(net, samples)


def not_apart(net: Network, objection: str) -> Verdict:
    return Verdict(
        Status.UNDETERMINED,
        "outputs-dependent",
        f"the output weights of the {counted(net.n_units, 'unit')} are not independent, and "
        f"{objection}: with the activation {net.activation.name} it is then not decided whether "
        "other networks explain the samples, too; this one does",
    )


def weak(net: Network, samples: Samples, pinned: Pinned, weak: Index) -> Verdict:
    """Which units are open, why, and about how many more samples would close them."""
    never_off = weak[pinned.shares[weak] == 1.0]
    if len(never_off):
        others = np.setdiff1d(weak, never_off)
        rest = f"; {listed(others)}: not pinned down" if len(others) else ""
        return Verdict(
            Status.UNDETERMINED,
            "always-active",
            f"{listed(never_off)} {_verb(never_off)} active on every sample, so nothing in the "
            f"samples says where that ends{rest}",
            weak_units=weak,
        )
    if (pinned.spare[weak] >= pinned.needed).all() and np.isfinite(pinned.errors[weak]).all():
        return Verdict(
            Status.UNDETERMINED,
            "vague-in-rounding",
            f"rounding of the labels leaves {listed(weak)} open: known to "
            f"{pinned.stated[weak].max():.0e} only; where labels have a large offset, subtract "
            "it, else take samples that differ more",
            weak_units=weak,
        )
    # A unit needs about D samples on its active side and, so that the others can be told from
    # it, k on the other; a tenth more for good conditioning.
    shares = np.clip(pinned.shares[weak], 1 / samples.n, 1 - 1 / samples.n)
    needed = 1.1 * np.maximum(pinned.dimension / shares, net.n_units / (1 - shares)).max()
    more = max(math.ceil(needed) - samples.n, math.ceil(0.1 * samples.n))
    return Verdict(
        Status.UNDETERMINED,
        "not-pinned",
        f"too few samples to pin down {listed(weak)} (active on {_percent(shares)} of them): about "
        f"{more} more samples would do; every sample is explained",
        weak_units=weak,
        more_samples=more,
    )


def estimate(
    net: Network,
    samples: Samples,
    left: Unexplained,
    unknowns: int,
    errors: Array,
    weak: Index,
    told: bool,
) -> Verdict:
    """Of a fit to noisy labels, of a number of units that was told, or found."""
    entries = samples.n * samples.m
    if net.n_units == 0:
        return _no_unit(net, samples, left)
    if told and entries >= FEW * unknowns and left.chance > CHANCE_TOLD:
        return Verdict(
            Status.UNDETERMINED,
            "may-be-noise",
            f"with a probability of up to {min(1.0, left.chance):.2g}, noise alone is explained as "
            f"well by {net.n_units} units of its own choice: they may not be there",
        )
    level = CHANCE_TOLD if told else CHANCE
    by_chance = left.chance > level and entries < FEW * unknowns
    if entries <= unknowns or by_chance:
        more = max(1, math.ceil((FEW * unknowns - entries) / samples.m))
        return Verdict(
            Status.UNDETERMINED,
            "few-labels",
            f"{entries} labels for the {unknowns} unknowns of {net.n_units} units: so few tell no "
            f"noise from network; if there are so many units, {more} more samples would do",
            more_samples=more,
        )
    if left.dependence > DEPENDENT and left.share > samples.eps**0.75:  # as rounding may
        return Verdict(
            Status.FAILED,
            "depends-on-inputs",
            "there are more units, or the labels come from another kind of model: what the network "
            f"of {counted(net.n_units, 'unit')} leaves, {100 * left.share:.3g}% of the labels' "
            f"spread, still depends on the inputs (score {left.dependence:.1f}, noise stays below "
            f"{DEPENDENT:g})",
        )
    if left.shape < SURELY and left.share > samples.eps**0.75:
        return Verdict(
            Status.FAILED,
            "depends-on-heights",
            f"the activation is not {net.activation.name!r}, or there are more units: what the "
            f"network of {counted(net.n_units, 'unit')} leaves, {100 * left.share:.3g}% of the "
            f"labels' spread, depends on the heights of its units (p = {left.shape:.1g})",
        )
    if left.misfit > MISFIT and left.share > samples.eps**0.75:
        return _misfit(f"the best network of {net.n_units} units", left)
    if left.search == "endless":
        return Verdict(
            Status.FAILED,
            "endless",
            "a smooth function, or another kind of model: each further unit, after the "
            f"{net.n_units} of this network, goes on explaining more than noise would; it may "
            "predict well all the same",
        )
    if left.growth > GROWTH:
        return Verdict(
            Status.FAILED,
            "grows-on-fresh-samples",
            "something other than noise, which so few units, or so few samples, do not show: the "
            f"best network of {counted(net.n_units, 'unit')} leaves {100 * left.share:.3g}% of the "
            f"labels' spread, but {math.sqrt(left.growth):.2g} times as much on samples kept aside",
        )
    if left.search == "more":
        return Verdict(
            Status.UNDETERMINED,
            "more-units",
            f"there are more than the {net.n_units} units that were asked for, or another kind of "
            "model made these labels: one more explains plainly more than noise would",
        )
    if left.search == "disagree":
        return Verdict(
            Status.UNDETERMINED,
            "searches-disagree",
            f"no two searches ended in the same network of {net.n_units} units, so others may do "
            f"as well; {left.common} of its units came out of another search, too: more samples, "
            "or n_units where it is known, would help",
        )
    if len(weak):
        return Verdict(
            Status.UNDETERMINED,
            "weights-open",
            f"the labels do not determine some of the weights of {listed(weak)}",
            weak_units=weak,
        )
    vague = np.flatnonzero(errors > VAGUE)
    if np.isfinite(errors).all() and len(vague):
        more = math.ceil(samples.n * min(errors.max() / VAGUE, 1e3) ** 2) - samples.n
        return Verdict(
            Status.UNDETERMINED,
            "weights-vague",
            f"too much noise for {listed(vague)}: {_anywhere(errors, samples)}, or the unit may "
            "not be there",
            weak_units=vague,
            more_samples=more,
        )
    measured = errors.any() and np.isfinite(errors).all()  # a kink at zero has no error
    known = f"; {_known(errors, samples)}" if measured else ""
    return Verdict(
        Status.ESTIMATED,
        "noise",
        f"the labels are a network of {counted(net.n_units, 'unit')} and noise: what it leaves, "
        f"{100 * left.share:.3g}% of their spread, does not depend on the inputs{known}",
    )


def _known(errors: Array, samples: Samples) -> str:
    if samples.d == 1:
        return f"breakpoints known to {errors.max() * input_deviation(samples):.2g}"
    return f"hidden weights known to {errors.max():.2g} rad"


def _anywhere(errors: Array, samples: Samples) -> str:
    where = "the breakpoint could be" if samples.d == 1 else "the hidden weights could point"
    return f"{where} anywhere ({_known(errors, samples)})"


def _no_unit(net: Network, samples: Samples, left: Unexplained) -> Verdict:
    """Noise about a constant or, with a skip connection, a linear function."""
    what = "a linear function" if net.skip else "a constant"
    off = 0 if net.skip else off_the_usual(samples)
    if samples.n <= RARE * (samples.d + 1) and off >= samples.n / 3:
        return Verdict(
            Status.UNDETERMINED,
            "few-labels",
            f"{samples.n} samples are too few to tell noise about {what} from units that hardly "
            "any of them show",
        )
    if 0 < off <= RARE * (samples.d + 1) and off < samples.n / 3:
        return Verdict(
            Status.UNDETERMINED,
            "few-samples-off",
            f"all labels are the same but those of {off} of {samples.n} samples: they are wrong, "
            "or there are units that are active on hardly any others",
        )
    if not net.skip and linear_p(net, samples) < SURELY:
        return Verdict(
            Status.FAILED,
            "depends-on-inputs",
            "what a constant leaves of the labels is linear in the inputs: with skip=True, the "
            "linear function is part of the network",
        )
    if left.dependence > DEPENDENT and left.share > samples.eps**0.75:
        return Verdict(
            Status.FAILED,
            "depends-on-inputs",
            f"what {what} leaves of the labels depends on the inputs (score "
            f"{left.dependence:.1f}, noise stays below {DEPENDENT:g}): there are units, which so "
            "many samples do not show, or no such network made these labels",
        )
    if left.misfit > MISFIT and left.share > samples.eps**0.75:
        return _misfit(what, left)
    return Verdict(
        Status.ESTIMATED,
        "no-unit",
        f"the labels are {what} and noise: no unit stands out of it; more samples may show some",
    )


def _misfit(what: str, left: Unexplained) -> Verdict:
    return Verdict(
        Status.FAILED,
        "misfit",
        "a smooth function, another kind of model, or noise that depends on its neighbours: what "
        f"{what} leaves, {100 * left.share:.3g}% of the labels' spread, is alike for samples that "
        f"are near each other in it (score {left.misfit:.1f}, noise stays below {MISFIT:g}); it "
        "may predict well all the same",
    )


def off_the_usual(samples: Samples) -> int:
    """How many samples have another label than most, or than all have in some output."""
    off = np.zeros(samples.n, dtype=bool)
    for column in np.asarray(samples.Y).T:
        values, counts = np.unique(column, return_counts=True)
        off |= column != values[counts.argmax()]
    return int(off.sum())


def _verb(which: Index) -> str:
    return "is" if len(which) == 1 else "are"


def _percent(shares: Array) -> str:
    low, high = 100 * shares.min(), 100 * shares.max()
    return f"{low:.3g}%" if high - low < 1 else f"{low:.3g} to {high:.3g}%"


def listed(which: Index, what: str = "unit") -> str:
    """Units, or samples, by number: the first six."""
    shown = (f"{what} " if len(which) == 1 else f"{what}s ") + ", ".join(map(str, which[:6]))
    return shown + (f" and {len(which) - 6} more" if len(which) > 6 else "")


def of_hidden(net: Network, hidden: HiddenValues | None, errors: Array, scales: str) -> Verdict:
    """The activation is unknown: what is exact, and what is estimated."""
    if hidden is None:
        return Verdict(Status.FAILED, "no-unit", "there are no units")
    if not hidden.exact:
        return Verdict(
            Status.UNDETERMINED,
            "hidden-open",
            f"hidden values and output weights are not certain: {hidden.objection}",
        )
    scales = f"; {scales}" if scales else ""
    angle = errors.max(initial=0.0)
    good = f"to {angle:.1e} radians" if np.isfinite(angle) else "and in order"
    return Verdict(
        Status.ESTIMATED,
        "hidden-exact",
        f"hidden values and output weights of {counted(net.n_units, 'unit')} are exact but for the "
        "scale of each unit: no other network with this many units explains the labels, whatever "
        f"its activation; exact to {hidden.errors.max():.1e}; directions are estimated "
        f"{good}{scales}; so is the curve, up to its two scales",
    )
