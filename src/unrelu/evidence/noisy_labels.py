"""Noisy labels: may what the network leaves of them be noise, and is it then their estimate?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.checks.curved_sum import curved
from unrelu.checks.dispersion import dispersion
from unrelu.checks.few_labels import FEW as FEW_LABELS
from unrelu.checks.few_labels import chance
from unrelu.checks.finding import Finding
from unrelu.checks.noise_left import (
    far_from_the_estimate,
    on_residuals,
    on_weights,
)
from unrelu.checks.noisy_case import NoisyCase
from unrelu.checks.unexplained import Unexplained, unexplained
from unrelu.errors import InputError
from unrelu.evidence.drawn_copies import chance_alike
from unrelu.evidence.evidence import (
    Evidence,
    Judgement,
    Question,
    equations_row,
    errors_known,
    in_floats,
    with_kind_of_labels,
)
from unrelu.evidence.further_units import chance_of_units, idle_units, more_explain
from unrelu.evidence.shared_rounding import is_rounding, rounded_apart
from unrelu.evidence.smooth_terms import chance_smooth
from unrelu.fitting.prior import Prior
from unrelu.inference.assessment import assess_linearised
from unrelu.inference.linearised import Linearised, linearised
from unrelu.inference.simulated_labels import simulated
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.units import UNKNOWN, hidden_errors
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise import kinds
from unrelu.noise.found import Noise
from unrelu.noise.kind import Criterion, NoiseKind
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.numerics.precision import DOUBLE, Precision
from unrelu.samples import Samples
from unrelu.stored.blocks import Given
from unrelu.wording.status import Status

LOOKED_AT, ROUNDED = 5000, 0.4
"""Samples that are examined, and standard deviation in steps up to which it may be rounding."""

ROUNDINGS = 4
"""Share of the labels that is left, in roundings of coarse ones, up to which it may be that."""

FEW = ("few-labels", "may-be-noise")
"""Codes for fits of so few labels that they may be fits of noise alone; their errors are known all
the same, if there are more labels than unknowns."""


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class NoisyLabels(Evidence):
    """Labels that a network was fitted to, or that it may have generated.

    unexplained : what it leaves of them.
    equations, unknowns : label entries, and free weights.
    weight_errors : (k,) standard errors of hidden weights, in radians; with one input, of
        breakpoints, in standard deviations of the input. Infinite where there are none.
    undetermined : units with a part that no label depends on.
    distance : from the best fit to these samples, in standard errors (root mean square).
    more : whether one unit more explains plainly more than noise would. alpha : the false-alarm
        rate of the search for units.
    noise : the kind of noise that was judged; "" in files of before, which name none.
    own : whether it is an estimate in its own right, and not meant to be the best fit, as those of
        published recipes, and those with a prior: then the distance is not asked.
    fitted : number of samples that the network was fitted to; 0: not known.
    precision : what the labels are rounded to, where that is all the noise.
    """

    unexplained: Unexplained
    equations: int
    unknowns: int
    weight_errors: Array
    undetermined: Index
    distance: float = 0.0
    more: bool = False
    alpha: float = 0.01
    noise: str = ""
    own: bool = False
    fitted: int = 0
    precision: str = DOUBLE.name

    @property
    def explained(self) -> bool:
        return False

    @property
    def residual(self) -> float:
        return self.unexplained.largest

    @property
    def worst_sample(self) -> int:
        return self.unexplained.worst_sample

    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        fresh = in_floats(X, Y)
        return with_kind_of_labels(judge_again(asked, fresh, self), fresh)

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        rows = []
        if self.precision != DOUBLE.name:
            rows.append(("labels rounded to", self.precision))
        return [
            *rows,
            *self.unexplained.rows(),
            counts,
            equations_row(self.equations, self.unknowns),
        ]


@dataclass(frozen=True, eq=False)
class Estimated:
    """The judgement of a network on noisy labels, and its standard errors; if there are none though
    the labels may be noise, `objection` says why."""

    judgement: Judgement
    uncertainty: Uncertainty | None = None
    objection: str = ""


def noise_of(
    asked: Question, samples: Samples, kind: str = "auto", alpha: float = 0.01
) -> tuple[Noise, Samples]:
    """The noise that a network leaves, of this kind or, for "auto", of the one that is there; and
    the samples as that kind takes them: counts are no rounded numbers."""
    net = asked.network.canonical()
    found, reason = kinds.kind_left(kind, samples, net, asked.biased)
    samples = samples.as_they_stand() if found.integer else samples
    return kinds.noise_left(found, reason, samples, net, asked.biased, alpha=alpha), samples


def measured(
    asked: Question, samples: Samples, noise: Noise, precision: Precision = DOUBLE
) -> NoisyCase:
    """What a network leaves of noisy labels, weights of samples included, and how often noise alone
    is explained as well. Where tails are heavy, residuals that are far out count as less. What is
    as small as the rounding to `precision` is alike for neighbours, and no misfit."""
    asked.check_widths(samples)
    net, kind = asked.network.canonical(), kinds.KINDS[noise.kind]
    biased, skip, clipped = asked.biased, asked.skip, kind.robust
    given, samples = samples, kind.standing(samples, net(np.asarray(samples.X, np.float64)))
    step = 0.0 if kind.integer else precision.step
    left = unexplained(net, rounded_apart(net, samples, step), biased, clipped)
    free, none = unknowns_of(net, biases=biased, skip=skip), np.full(net.n_units, np.inf)
    bound = chance(net, samples, biased, skip, clipped)
    if net.n_units and (samples.d == 1 or samples.n * samples.m >= FEW_LABELS * free):
        bound = chance_of_units(bound, asked, given, noise, precision.step)
    left = replace(left, chance=bound)
    some = samples.take(samples.spread(LOOKED_AT))
    rest = some.left(net(some.X))
    rounding = bool((rest.std(axis=0) < ROUNDED * precision.step).all())
    if rounding:
        left = replace(left, misfit=0.0)
    alike = chance_alike(kind, net, asked, given)
    smooth = 1.0 if rounding else chance_smooth(kind, net, asked, given)
    line = _curved(asked, net, given, noise)
    nothing = np.arange(0)
    counts = kind.integer
    return NoisyCase(
        *(net, samples, left, free, none, nothing),
        counts=counts,
        robust=kind.robust,
        alike=alike,
        smooth=smooth,
        curved=line,
        given=given,
    )


def judge_noisy(
    asked: Question,
    case: NoisyCase,
    noise: Noise,
    *,
    precision: Precision = DOUBLE,
    form: str = "auto",
    own: bool = False,
    held: Index | None = None,
    before: NoisyLabels | None = None,
    prior: Prior | None = None,
) -> Estimated:
    """What noisy samples show of a network that leaves this noise, and its standard errors.

    case : what it leaves, by `measured`. precision : of the labels, which may be all that it
        leaves. form : of the standard errors. own : as in `NoisyLabels`. held : units whose
        hidden weights were set to zero where nothing is known of them. before : what was found on
        the samples that the network was fitted to, whose errors are kept. prior : of hidden
        weights, that was part of the fit: then the distance is not asked, either.

    Cost: where residuals may be noise, that of `assess`, and of a test for one more unit."""
    fitted = before.fitted if before else len(asked.used)
    found, uncertainty, objection = on_residuals(case), None, ""
    few = found is not None and found.code in FEW and case.labels > case.unknowns
    if (found is None or few) and not own:
        samples = case.as_given
        if before is None and 0 < fitted < samples.n:
            samples = samples.take(asked.used)
        samples = rounded_apart(case.net, samples, precision.step * (not case.counts))
        try:
            linear = fit_to_first_order(asked, case.net, samples, noise, form, prior)
        except InputError as error:  # such as more unknowns than it can take
            linear, objection = None, str(error)
        # Fits to coarse rounding are brought down to that, and no further.
        rounded = samples.coarse and case.left.share <= ROUNDINGS * samples.eps**0.75
        if linear is not None and prior is None and not rounded:
            case = _with_distance(case, linear, noise, fitted)
        found = found or far_from_the_estimate(case)
        if found is None:
            case = replace(case, more=more_explain(asked, case, noise, precision.step))
        if before is not None:
            case = replace(case, errors=before.weight_errors, weak=before.undetermined)
        elif linear is not None and not case.more and (found is None or found.code in FEW):
            try:
                uncertainty = _assessed(linear, samples, kinds.KINDS[noise.kind], held)
            except InputError as error:  # errors beyond what weights may be
                objection = str(error)
            else:
                idle = idle_units(asked, case, noise, uncertainty)
                errors = _errors_known(uncertainty, samples, idle)
                case = replace(case, errors=errors, weak=_open(uncertainty))
    found, named = _named(found or on_weights(case), case, precision)
    evidence = NoisyLabels(
        unexplained=case.left,
        equations=case.labels,
        unknowns=case.unknowns,
        weight_errors=case.errors,
        undetermined=case.weak,
        distance=case.distance,
        more=case.more,
        alpha=noise.alpha,
        noise=noise.kind,
        own=own or prior is not None,
        fitted=fitted,
        precision=named,
    )
    findings = found, *_remarks(found, case, noise)
    judgement = Judgement(case.net, asked, case.samples.n, evidence, findings)
    return Estimated(judgement, uncertainty, objection)


def _with_distance(case: NoisyCase, linear: Linearised, noise: Noise, fitted: int) -> NoisyCase:
    spread = np.sqrt(1 + case.samples.n / fitted) if fitted else case.spread
    distance = max(linear.distance, _plain_distance(linear, kinds.KINDS[noise.kind]))
    return replace(case, distance=distance, spread=float(spread))


def _assessed(
    linear: Linearised, samples: Samples, kind: NoiseKind, held: Index | None
) -> Uncertainty:
    simulation = simulated(linear, samples, kind) if kind.counts else None
    return assess_linearised(linear, () if held is None else held, simulation=simulation)


def _open(uncertainty: Uncertainty) -> Index:
    """Units with weights that the labels do not determine, by rank or by the likelihood."""
    steep = [kink.unit for kink in uncertainty.kinks if kink.slope_open]
    return np.union1d(uncertainty.undetermined, np.array(steep, dtype=np.intp))


def _errors_known(uncertainty: Uncertainty, samples: Samples, idle: list[int]) -> Array:
    """Of hidden weights; none, where by the likelihood a breakpoint may be anywhere."""
    units = uncertainty.units
    errors = hidden_errors(uncertainty.network, units, samples, idle=idle)
    errors[[kink.unit for kink in uncertainty.kinks if kink.anywhere]] = UNKNOWN
    return errors


def _named(found: Finding, case: NoisyCase, precision: Precision) -> tuple[Finding, str]:
    """What was found, and what the labels are rounded to, where that is all the noise."""
    if found.status != Status.ESTIMATED or not is_rounding(case.net, case.samples, precision.step):
        return found, DOUBLE.name
    sentence = f"{found.sentence}; the noise is the rounding of the labels to {precision.name}"
    return replace(found, code="rounding", sentence=sentence), precision.name


def _remarks(found: Finding, case: NoisyCase, noise: Noise) -> tuple[Finding, ...]:
    """What else there is to say of an estimate: of counts, whether their variance is their mean."""
    if not noise.dispersion or found.status == Status.FAILED:
        return ()
    remark = dispersion(case.net, case.samples, case.unknowns)
    return () if remark is None else (remark,)


def judge_again(asked: Question, samples: Samples, before: NoisyLabels) -> Judgement:
    """The same of other samples, the network's errors being those of the samples before; where
    checks were ended before there were any, those of these samples."""
    asked.check_widths(samples)
    kind = before.noise or ("independent" if before.unexplained.clipped else "gaussian")
    noise, taken = noise_of(asked, samples.surely_rounded(), kind, before.alpha)
    precision, own = samples.precision, before.own
    case = measured(asked, taken, noise, precision)
    known = before if errors_known(before.weight_errors, before.undetermined) else None
    return judge_noisy(asked, case, noise, precision=precision, own=own, before=known).judgement


def fit_to_first_order(
    asked: Question,
    net: Network,
    samples: Samples,
    noise: Noise,
    form: str,
    prior: Prior | None = None,
) -> Linearised:
    """The fit to such noise that led to this network. Raises InputError for what cannot have been
    fitted."""
    F, kind = net(samples.X), kinds.KINDS[noise.kind]
    criterion = kinds.criterion(noise, samples, F)
    if form != "auto":
        criterion = replace(criterion, form=form)
    samples = kind.standing(samples, F)
    linear = linearised(net, samples, criterion, biased=asked.biased, skip=asked.skip)
    return linear if prior is None else replace(linear, prior=prior)


def _plain_distance(linear: Linearised, kind: NoiseKind) -> float:
    """The distance by residuals as they are, up to their mean, where scores are made for heavy
    tails: those hide a unit that is missing."""
    if not kind.robust:
        return 0.0
    left = linear.samples.left(linear.fit.net(linear.samples.X))
    plain = Criterion(weights=np.ones(left.shape), scores=left)
    return replace(linear, residual=left, criterion=plain).distance


def _curved(asked: Question, net: Network, samples: Samples, noise: Noise) -> tuple[float, float]:
    """Of counts, whether their mean is the sum of the units."""
    kind = kinds.KINDS[noise.kind]
    if not kind.counts or not net.n_units or net.skip or not net.activation.piecewise_linear:
        return 1.0, 0.0
    F = net(np.asarray(samples.X, np.float64))
    criterion = kinds.criterion(noise, samples, F)
    assert criterion.weights is not None, "counts have weights"
    return curved(net, kind.standing(samples, F), criterion.weights, asked.biased)
