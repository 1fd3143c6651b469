"""What a candidate is worth: its certificate and, where labels are noisy, its standard errors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.certificate import Certificate, judge, judge_estimate
from unrelu.checks import few_labels
from unrelu.checks.counting import distinct_rows
from unrelu.checks.explained import Explained, explain
from unrelu.checks.kinds_of_labels import LabelKind
from unrelu.checks.spared import leaner, offset_rounding
from unrelu.checks.unexplained import unexplained
from unrelu.checks.verdict import RARE
from unrelu.complete import facets
from unrelu.errors import InputError
from unrelu.fitting import linear_part
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.problem import Problem
from unrelu.inference import flat_directions
from unrelu.inference.uncertainty import Uncertainty, assess
from unrelu.inference.units import hidden_errors
from unrelu.network import Network
from unrelu.noise import kinds
from unrelu.noise.independent import clipped
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.numerics.precision import DOUBLE, Precision
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples
from unrelu.search import known_activation
from unrelu.search.methods import BY_NAME
from unrelu.wording.status import Status

FEW_ROWS, FEW_UNITS, MOST_ROWS = 300, 5, 100_000
"""Distinct inputs and units up to which other networks are looked for, a tenth of a second's
work; and samples up to which distinct ones are counted."""

ALL_ROUNDING = 0.35
"""Steps that are left, in the root mean square, where nothing else is: √(1/12) is 0.29."""

OPEN = ("weights-open", "weights-vague")
"""Verdicts on units that noise leaves open, perhaps because they share a linear function."""

LOOKED_AT, ROUNDED = 5000, 0.4
"""Samples that are looked at, and standard deviation in steps up to which it may be rounding."""

OWN = (
    "this is the recipe's own estimate: it may be further off than the noise makes necessary, and "
    "has no standard errors; method='auto' fits on to the best"
)


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be recovered: the samples, the rank of their labels, and what was asked for.
    `weights` of samples (n,) matter to fits of noisy labels alone: `weighted` has them.

    `precision`: of the labels, which may be coarser than that of the samples where it was read off
    them, and is not sure: then exact labels are looked for first, and then what fits to rounding.
    """

    samples: Samples
    rank: int
    n_units: int | None
    bias: bool
    method: str
    noise: str
    activation: Activation = RELU
    skip: bool = False
    weights: Array | None = None
    form: str = "auto"
    precision: Precision = DOUBLE
    alpha: float = 0.01

    @property
    def weighted(self) -> Samples:
        return replace(self.samples, weights=self.weights)


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate, the method that proposed it, and what it is worth; `kind`: what the labels are,
    if they are no values."""

    method: str
    candidate: Candidate
    certificate: Certificate
    uncertainty: Uncertainty | None = None
    kind: LabelKind | None = None

    @property
    def explained(self) -> bool:
        """Whether every label is explained to rounding, none of them left out."""
        certificate = self.certificate
        exactly = certificate.unexplained is None and not len(certificate.corrupted)
        return exactly and certificate.status != Status.FAILED


class Passes:
    """Passes over all samples, the last of them remembered: what a method looks at to see whether
    a network explains them all is what the certificate starts with."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._last: tuple[Network, Explained] | None = None

    def missed(self, net: Network) -> Index:
        self._last = net, explain(net.canonical(), self._samples)
        return self._last[1].missed

    def residual(self, net: Network) -> float:
        """Largest residual as a share of the labels' root mean square."""
        if self.last(net) is None:
            self.missed(net)
        assert self._last is not None
        return self._last[1].residual

    @property
    def latest(self) -> float:
        """The same of the last network looked at."""
        return np.inf if self._last is None else self._last[1].residual

    def last(self, net: Network) -> Explained | None:
        return self._last[1] if self._last is not None and self._last[0] is net else None


def judged(task: Task, method: str, candidate: Candidate, passes: Passes) -> Judged:
    """The verdict on what a method proposed."""
    samples, bias, net = task.samples, task.bias, candidate.network
    if candidate.unsuitable:
        certificate = judge(net, samples, candidate.rows, bias)
        said = f"method={method!r} does not apply: {candidate.unsuitable}"
        if net.n_units:
            said += f"; of the network that it was led to, {certificate.explanation}"
        certificate = replace(
            certificate, status=Status.FAILED, code="method-does-not-apply", explanation=said
        )
        return Judged(method, candidate, certificate)
    if candidate.noise is None:
        gross = method == "sparse-noise" and task.noise != "none"
        explained = passes.last(net)
        certificate = judge(
            net, samples, candidate.rows, bias, explained, gross=gross, skip=task.skip
        )
        certificate = _leaner(certificate, task, candidate.rows)
        if method == "row-space" and not task.skip and certificate.status == Status.EXACT:
            candidate = _with_rivals(candidate, task)
        unasked = task.noise == "auto" and task.method == "auto"
        if gross and unasked and certificate.status == Status.EXACT:
            certificate = _rare(certificate, samples)
        return Judged(method, candidate, certificate)
    if (rounded := _to_decimals(task, candidate)) is not None:
        return Judged(method, replace(candidate, noise=None), rounded)
    unknown = np.full(net.n_units, np.inf)
    robust = kinds.KINDS[candidate.noise.kind].robust
    weighted = task.weighted
    left = unexplained(net, weighted, bias, robust)
    by_chance = few_labels.chance(net, weighted, bias, task.skip, robust)
    noise = candidate.noise
    left = replace(left, growth=noise.growth, chance=by_chance)
    left = replace(left, search=noise.search, common=noise.common)
    if _is_rounding(net, task):  # which is alike for neighbours, and no misfit
        left = replace(left, misfit=0.0)
    told = task.n_units is not None
    certificate = judge_estimate(
        net, samples, candidate.rows, bias, left, unknown, np.arange(0), task.skip, told
    )
    if net.n_units and left.share <= samples.eps**0.75:  # rounding, though noise was expected
        rows = candidate.rows
        refined = Problem(samples, rows, bias, None, task.skip, net.activation).refined(net)
        exact = judge(refined, samples, rows, bias, skip=task.skip)
        if exact.status != Status.FAILED:
            exact = _leaner(exact, task, rows)
            return Judged(method, Candidate(exact.network, rows, candidate.stats), exact)
    recipe = task.method in BY_NAME
    if recipe and (certificate.status != Status.ESTIMATED or not net.activation.reversible):
        said = "; ".join(filter(None, (certificate.explanation, OWN, candidate.note)))
        return Judged(method, candidate, replace(certificate, explanation=said))
    few = certificate.code in ("few-labels", "may-be-noise", "searches-disagree")
    few = few and certificate.equations > certificate.unknowns
    # Standard errors are dear, and mean nothing of a fit that is none.
    if certificate.status != Status.ESTIMATED and not few:
        return Judged(method, candidate, _hinted(certificate, task, candidate))
    whole = len(candidate.rows) == samples.n
    fitted = weighted if whole else weighted.take(candidate.rows)
    net, cut = flat_directions.without_unseen(net, fitted, bias, candidate.noise.covariance)
    if recipe:
        words = (certificate.explanation, OWN, flat_directions.in_words(cut), candidate.note)
        said = "; ".join(filter(None, words))
        net = net if len(cut) else certificate.network
        return Judged(method, candidate, replace(certificate, network=net, explanation=said))
    fit = kinds.criterion(candidate.noise, fitted, net(fitted.X))
    try:
        uncertainty = assess(
            net,
            fitted.X,
            fitted.Y,
            biased=bias,
            form=fit.form if task.form == "auto" else task.form,
            sample_weight=fitted.weights if fit.weights is None else None,
            covariance=fit.covariance,
            weights=fit.weights,
            scores=fit.scores,
            skip=task.skip,
            held=cut,
        )
    except InputError as error:  # such as more unknowns than it can take
        said = f"{certificate.explanation}; there are no standard errors: {error}"
        return Judged(method, candidate, replace(certificate, explanation=said))
    errors = hidden_errors(uncertainty.network, uncertainty.units, fitted)
    weak = uncertainty.undetermined
    certificate = judge_estimate(
        net, samples, candidate.rows, bias, left, errors, weak, task.skip, told
    )
    certificate = _of_rounding(certificate, task)
    notes = filter(None, (certificate.explanation, flat_directions.in_words(cut), candidate.note))
    certificate = replace(certificate, explanation="; ".join(notes))
    certificate = _hinted(certificate, task, replace(candidate, network=net))
    return Judged(method, candidate, certificate, uncertainty)


def _hinted(certificate: Certificate, task: Task, candidate: Candidate) -> Certificate:
    """With a word on skip=True, where it would do with fewer units, or with those asked for."""
    noise, net = candidate.noise, candidate.network
    if task.skip or noise is None:
        return certificate
    failed = certificate.status == Status.FAILED
    told = failed and task.n_units is not None
    if failed and not told:
        return certificate
    samples = task.weighted
    if kinds.KINDS[noise.kind].robust:
        samples = clipped(samples, net(samples.X))
    found = linear_part.with_skip(
        net,
        samples,
        task.bias,
        noise.covariance,
        open_units=certificate.weak_units if certificate.code in OPEN else None,
        told=told,
    )
    if found is None:
        return certificate
    units = f"{found.n_units} unit{'s' * (found.n_units != 1)}"
    open_now = certificate.code in OPEN or told
    hint = (
        f"a linear function of the inputs and {units} explain the labels "
        f"{'better' if told else f'as well as these {net.n_units}'}: with skip=True, the linear "
        "function is part of the network"
    )
    if not open_now:
        return replace(certificate, explanation=f"{certificate.explanation}; {hint}")
    said = f"{hint}. Without it, {certificate.explanation}"
    return replace(certificate, code="skip-would-do", explanation=said)


def not_values(best: Judged, kind: LabelKind) -> Judged:
    """The verdict where the labels are something else than values: whatever comes closest to them
    is no estimate."""
    certificate = replace(
        best.certificate,
        status=Status.FAILED,
        code=kind.code,
        explanation=kind.explanation,
        more_samples=None,
    )
    candidate = replace(best.candidate, noise=None, note="")
    return replace(best, candidate=candidate, certificate=certificate, uncertainty=None, kind=kind)


def _leaner(certificate: Certificate, task: Task, rows: Index) -> Certificate:
    """The certificate of a network with fewer units, where weak ones can be spared."""
    net, asked = certificate.network, task.n_units or 0
    relu, weak = net.activation.reversible, certificate.weak_units
    open_ = certificate.status == Status.UNDETERMINED and net.n_units > asked
    if not (relu and open_ and len(weak)) or task.skip:
        return certificate
    fewer = leaner(net, task.samples, task.bias, weak)
    if fewer is None or fewer.n_units < asked:
        return certificate
    judged_again = judge(fewer, task.samples, rows, task.bias)
    if judged_again.status == Status.FAILED:  # the rounding of heights, where inputs have an offset
        coarse = task.samples.rounded_to(offset_rounding(task.samples))
        judged_again = judge(fewer, coarse, rows, task.bias)
    return certificate if judged_again.status == Status.FAILED else judged_again


def _to_decimals(task: Task, candidate: Candidate) -> Certificate | None:
    """The certificate of an estimate that is exact to the rounding of labels that may be rounded,
    if it is: all that fits as well lies within its errors."""
    net, precision = candidate.network, task.precision
    if precision.sure or task.noise != "auto" or not net.n_units or task.method in BY_NAME:
        return None
    samples = replace(task.samples, precision=precision)
    certificate = judge(net, samples, candidate.rows, task.bias, skip=task.skip)
    coarse = replace(task, samples=samples.levels()[-1])
    certificate = _leaner(certificate, coarse, candidate.rows)
    return certificate if certificate.status == Status.EXACT else None


def _is_rounding(net: Network, task: Task) -> bool:
    """Whether what is left is as small as the rounding of labels to decimals or whole numbers: a
    uniform error of up to half a step has a standard deviation of 0.29 steps."""
    some = task.samples.take(task.samples.spread(LOOKED_AT))
    left = np.asarray(some.Y, np.float64) - net(some.X)
    return bool((left.std(axis=0) < ROUNDED * task.precision.step).all())


def _of_rounding(certificate: Certificate, task: Task) -> Certificate:
    """Says so where what is left of the labels is their rounding."""
    step, net = task.precision.step, certificate.network
    if certificate.status != Status.ESTIMATED or not step:
        return certificate
    some = task.samples.take(task.samples.spread(MOST_ROWS))
    if float(np.sqrt(((some.Y - net(some.X)) ** 2).mean())) > ALL_ROUNDING * step:
        return certificate
    name = task.precision.name
    said = f"{certificate.explanation}, the rounding of the labels to {name}"
    return replace(certificate, code="rounding", precision=name, explanation=said)


def _with_rivals(candidate: Candidate, task: Task) -> Candidate:
    """That a wrong network explains labels by chance is counted for inputs of no structure. A few
    of them, such as the corners of a cube, may have some: then all units that explain the labels
    are looked at, where that is quick."""
    distinct = distinct_rows(task.samples, task.bias) if task.samples.n <= MOST_ROWS else None
    if distinct is None or len(distinct) > FEW_ROWS:
        return candidate
    few = task.samples.take(distinct)
    if not task.activation.piecewise_linear:
        rng = np.random.default_rng(0)
        said = known_activation.others(few, candidate.network, bias=task.bias, rng=rng)
        return replace(candidate, note=said, several=True) if said else candidate
    if candidate.network.n_units > FEW_UNITS:
        return candidate
    passes = Passes(few)
    others = facets.find(few, bias=task.bias, rng=np.random.default_rng(0), missed=passes.missed)
    return replace(candidate, note=others.note, several=True) if others.several else candidate


def _rare(certificate: Certificate, samples: Samples) -> Certificate:
    """Nobody has said that labels are wrong, so a few that are off may be what a unit says that
    hardly any sample sees: d + 1 samples fit any such unit. And accidents do not depend on the
    inputs: where they do, the network lacks something that is at work there."""
    off = np.unique(certificate.corrupted[:, 0])
    if 0 < len(off) <= RARE * (samples.d + 1):
        said = "there are units that are active on hardly any others"
    elif len(off) and _where(certificate.network, samples, off) > DEPENDENT:
        said = "there are units at work where they lie: it depends on the inputs"
    else:
        return certificate
    return replace(
        certificate,
        status=Status.UNDETERMINED,
        code="few-samples-off",
        explanation=f"{len(off)} of {samples.n} samples are not explained: their labels are wrong, "
        f"or {said}; noise='sparse' takes them for wrong",
    )


def _where(net: Network, samples: Samples, off: Index) -> float:
    """How much it depends on the inputs which samples are off, and to which side."""
    signs = np.zeros((samples.n, samples.m))
    some = samples.take(off)
    signs[off] = np.sign(some.Y - net(some.X))
    marks = np.any(signs, axis=1, keepdims=True).astype(np.float64)
    inputs = whiten(np.column_stack([np.asarray(samples.X, np.float64), np.ones(samples.n)]))
    scores = (dependence(r - r.mean(axis=0), inputs.features, clip=np.inf) for r in (marks, signs))
    return max(scores)


def better(new: Certificate, old: Certificate) -> bool:
    """Which of two failures to report, or which is none."""
    if (new.status == Status.FAILED) != (old.status == Status.FAILED):
        return new.status != Status.FAILED
    return new.unexplained is not None or new.residual < old.residual
