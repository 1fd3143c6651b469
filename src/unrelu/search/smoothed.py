"""Estimates with a prior of smooth hidden weights, whose length is chosen by evidence.

For each length along the axes of the grid of inputs, networks are fitted by maximum posterior from
the best one of the length before and from searches in the few directions that smooth weights have
(the principal ones of the prior). The evidence chooses the length, or no smoothness, and the
network. At the end further searches show whether another one is as likely.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment

from unrelu.activations import RELU, Activation
from unrelu.certificate import Certificate
from unrelu.errors import InputError, InputTypeError
from unrelu.evidence.evidence import Question
from unrelu.evidence.noisy_labels import judge_noisy, measured
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.fittings import fitting_of, without_units
from unrelu.fitting.prior import Prior
from unrelu.fitting.selection import Effort
from unrelu.fitting.weighted import reweighted
from unrelu.inference import fisher
from unrelu.inference.arguments import model_of, white_features
from unrelu.inference.posterior import Smoothness, Weighed, log_evidence, prior_information
from unrelu.inputs.smooth import Smooth
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise import kinds
from unrelu.noise.found import HOPELESS, Noise
from unrelu.noise.kind import Loss, NoiseKind
from unrelu.noise.kinds import of_values
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.whitening import Whitened
from unrelu.result import remark
from unrelu.samples import Samples
from unrelu.search.ending import with_ending
from unrelu.search.judging import Outcome
from unrelu.search.method import Method
from unrelu.search.methods import AUTO
from unrelu.search.options import combined
from unrelu.search.task import Task
from unrelu.search.unsettled import unsettled
from unrelu.search.watch import ENDED, watch
from unrelu.wording.status import Status
from unrelu.wording.streams import kind_of

LENGTHS = tuple(2.0 ** (i / 2) for i in range(-2, 7))
"""Steps of the grid, up to half of its longest axis."""

FALLING = 2
"""Lengths in a row, from one step on, whose evidence falls, after which longer ones do not help."""

TURNS = 0.0, 0.5, 2.0
"""Times the length of one axis that is tried while the others stay."""

PLAINLY = 5.0
"""Logarithm of the evidence by which smoothness, or another length of one axis, has to be better:
different networks of one length are about as far apart."""

STARTS, LAST = 1, 3
"""Searches at each length, and further ones at the one chosen."""

PRINCIPAL = 0.05
"""Share of the largest variance of the prior from which a direction is searched."""

ALIKE = 0.95
"""Correlation from which units of two searches are the same."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A network of maximum posterior, and the logarithm of its evidence."""

    net: Network
    lengths: tuple[float, ...]
    evidence: float


@dataclass(frozen=True, eq=False)
class Fits:
    """Fits to samples with noise of a kind, whose loss has one scale. `kept`: the inputs of the
    grid that the samples have."""

    samples: Samples
    bias: bool
    kind: NoiseKind
    loss: Loss
    smooth: Smooth
    kept: Index
    n_units: int

    def prior(self, lengths: tuple[float, ...]) -> Prior:
        return Prior(self.smooth.covariance(lengths)[np.ix_(self.kept, self.kept)])

    @cached_property
    def white(self) -> Whitened:
        return white_features(replace(self.samples, weights=None), self.bias)

    @cached_property
    def _labels(self) -> Array:
        return np.asarray(self.samples.Y, np.float64)

    def fit(self, start: Network, lengths: tuple[float, ...], *, rough: bool = True) -> Fit:
        prior = self.prior(lengths)
        at = (start, self.samples, lambda *_: self.loss, self.bias)
        net = reweighted(*at, rough=rough, prior=prior if any(lengths) else None)
        if net.n_units < self.n_units:  # one has vanished
            return Fit(net, lengths, -np.inf)
        net = net.canonical()
        predicted = net(np.asarray(self.samples.X, np.float64))
        model = model_of(net, self.white, net.U, self.bias)
        weights = self.loss.weights(self._labels, predicted)
        information = fisher.weighted_information(model, self.white.features, weights)
        of_prior = prior_information(model, self.white, prior)
        cost = self.loss.cost(self._labels, predicted)
        return Fit(net, lengths, log_evidence(cost, prior.cost(net.V), information, of_prior))

    def search(self, lengths: tuple[float, ...], seeds: range) -> Iterator[Fit]:
        """From afar, along the principal directions of the prior."""
        values, vectors = np.linalg.eigh(self.prior(lengths).covariance)
        basis = vectors[:, values > PRINCIPAL * values[-1]]
        few = replace(self.samples, X=np.asarray(self.samples.X, np.float64) @ basis)
        nothing = without_units(few, self.bias, False, RELU)
        fitting = fitting_of(self.kind, nothing, few, self.bias, False, Effort())
        for seed in seeds:
            found = fitting.from_afar(self.n_units, np.random.default_rng(seed))
            if found is not None and found.n_units == self.n_units:
                yield self.fit(Network(found.V @ basis.T, found.U, found.b, found.c), lengths)

    def best(self, lengths: tuple[float, ...], *starts: Network) -> Fit:
        """From these starts and from afar."""
        fits = [self.fit(start, lengths) for start in starts]
        return max((*fits, *self.search(lengths, range(STARTS))), key=lambda fit: fit.evidence)


def checked_prior(
    prior: object,
    samples: Samples,
    activation: Activation | None,
    method: Method,
    noise: NoiseKind,
    skip: bool | str,
    memory: float | None,
) -> Smooth | None:
    """The prior, if it is one that such fits take."""
    if prior is None:
        return None
    if not isinstance(prior, Smooth):
        raise InputTypeError(f"prior: got {kind_of(prior)}, expected an unrelu.Smooth or None")
    if prior.size != samples.d:
        raise InputError(f"prior: got a grid of {prior.size} inputs, expected {samples.d}")
    taken = tuple(name for name, kind in of_values().items() if kind.at_scale is not None)
    if noise.name not in taken:
        raise combined("noise", noise.name, "a prior", taken)
    if activation is None or not activation.piecewise_linear:
        name = "unknown" if activation is None else activation.name
        raise combined("activation", name, "a prior", ("relu",))
    if method.alone:
        raise combined("method", method.name, "a prior", (AUTO.name,))
    if skip is not False:
        raise combined("skip", skip, "a prior", (False,))
    if samples.larger_than(memory):
        raise InputError("prior: got one for more samples than memory allows, expected fewer")
    return prior


def smoothed(task: Task, plain: Outcome) -> Outcome:
    """The outcome of the search without the prior, fitted again with it."""
    smooth, net, noise = task.smooth, plain.certificate.network, plain.candidate.noise
    assert smooth is not None, "there is a prior"
    if noise is None:
        sentence = "the smoothness prior was not needed: the labels are explained without noise"
        decided = Status.ESTIMATED if plain.status.certain else plain.status
        found = replace(remark("prior-left-out", sentence)[0], status=decided)
        return replace(plain, remarks=(found, *plain.remarks))
    seen = watch()
    if not net.n_units or seen.ended is not None:
        why = "the search was ended" if seen.ended else "no unit shows without it"
        found = remark("prior-left-out", f"the smoothness prior was left out: {why}")[0]
        return replace(plain, remarks=(*plain.remarks, found))
    seen.enter("smoothness")
    try:
        with seen.searching():
            return _with_prior(task, plain, noise, smooth)
    except ENDED as error:
        return with_ending(plain, seen.end(error), finished=False)


def _with_prior(task: Task, plain: Outcome, noise: Noise, smooth: Smooth) -> Outcome:
    rows, net, kind = plain.candidate.rows, plain.certificate.network, kinds.KINDS[noise.kind]
    samples = task.weighted.take(rows) if len(rows) < task.samples.n else task.weighted
    samples = samples.as_they_stand() if kind.integer else samples
    assert kind.at_scale is not None, "the prior is for kinds that have it"
    predicted = net(np.asarray(samples.X, np.float64))
    loss = kind.at_scale(samples, predicted, unknowns_of(net, biases=task.bias, skip=False))
    kept = np.arange(smooth.size) if task.kept is None else task.kept
    fits = Fits(samples, task.bias, kind, loss, smooth, kept, net.n_units)
    fit, found = chosen(fits, net)
    if not found.used:
        return replace(plain, smoothness=found)
    fit, common = _agreed(fits, fit)
    left = "" if noise.search in ("disagree", HOPELESS) else noise.search
    again = kinds.noise_left(
        *(kind, noise.reason, samples, fit.net, task.bias),
        widths=noise.widths,
        growth=noise.growth,
        alpha=noise.alpha,
        search=left if common == net.n_units else "disagree",
        common=common,
    )
    candidate = replace(plain.candidate, network=fit.net, noise=again)
    return _judged(task, plain, candidate, again, fits.prior(fit.lengths), found)


def chosen(fits: Fits, net: Network) -> tuple[Fit, Smoothness]:
    """The fit of the largest evidence, and what was weighed; of a length that was given, that."""
    smooth, axes = fits.smooth, len(fits.smooth.shape)
    none = fits.fit(net, (0.0,) * axes)
    weighed = [none]
    if isinstance(smooth.length, tuple):
        best = fits.best(smooth.length, none.net, net)
        return best, _found(smooth, best, [none, best], chosen=False)
    best, falling, last = none, 0, none
    longest = max(1.0, max(smooth.shape) / 2)
    for length in LENGTHS:
        if length > longest or falling >= FALLING:
            break
        fit = fits.best((length,) * axes, *{id(each): each.net for each in (last, best)}.values())
        weighed.append(fit)
        falling = falling + 1 if length > 1 and fit.evidence < last.evidence else 0
        best, last = max(best, fit, key=lambda each: each.evidence), fit
    for axis in range(axes if axes > 1 else 0):
        for turn in TURNS:
            size = best.lengths[axis] or 1.0
            lengths = tuple(turn * size if i == axis else s for i, s in enumerate(best.lengths))
            if all(lengths != each.lengths for each in weighed):
                weighed.append(fits.fit(best.net, lengths))
        turned = max(weighed, key=lambda each: each.evidence)
        best = turned if turned.evidence > best.evidence + PLAINLY else best
    if best.evidence < none.evidence + PLAINLY:
        best = none
    return best, _found(smooth, best, weighed, chosen=True)


def _found(smooth: Smooth, best: Fit, weighed: list[Fit], *, chosen: bool) -> Smoothness:
    none = weighed[0].evidence
    all_of_them = tuple(Weighed(each.lengths, each.evidence - none) for each in weighed)
    gain = best.evidence - none
    return Smoothness(smooth.shape, best.lengths, gain, chosen, all_of_them)


def _agreed(fits: Fits, best: Fit) -> tuple[Fit, int]:
    """The best of further searches, too, and how many of its units another one has as well."""
    others = list(fits.search(best.lengths, range(STARTS, STARTS + LAST)))
    all_of_them = [best, *others]
    best = max(all_of_them, key=lambda fit: fit.evidence)
    finest = fits.fit(best.net, best.lengths, rough=False)
    shared = [_common(fits, best.net, each.net) for each in all_of_them if each is not best]
    return finest, max(shared, default=0)


def _common(fits: Fits, net: Network, other: Network) -> int:
    """Units whose heights are about the same."""
    if net.n_units != other.n_units:
        return 0
    k, few = net.n_units, np.asarray(fits.samples.X[:2000], np.float64)
    both = np.corrcoef(few @ net.V.T, few @ other.V.T, rowvar=False)[:k, k:]
    rows, columns = linear_sum_assignment(-both)
    return int((both[rows, columns] > ALIKE).sum())


def _judged(
    task: Task, plain: Outcome, candidate: Candidate, noise: Noise, prior: Prior, found: Smoothness
) -> Outcome:
    samples = task.weighted
    asked = Question(candidate.network, task.bias, task.skip, candidate.rows, values=True)
    case = measured(asked, samples, noise, task.precision)
    estimate = judge_noisy(
        asked, case, noise, precision=task.precision, form=task.form, prior=prior
    )
    certificate = Certificate.of(estimate.judgement)
    remarks = [
        *unsettled(certificate, noise, given=task.n_units is not None),
        *remark("note", candidate.note),
    ]
    if estimate.objection:
        sentence = f"there are no standard errors: {estimate.objection}"
        remarks += remark("no-standard-errors", sentence)
    outcome = Outcome(
        f"{plain.method}, smooth", candidate, certificate, None, tuple(remarks), found
    )
    failed = outcome.status == Status.FAILED
    return replace(outcome, uncertainty=None if failed else estimate.uncertainty)
