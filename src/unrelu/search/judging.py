"""What a candidate is worth: its certificate and, where labels are noisy, its standard errors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.explained import explain
from unrelu.checks.finding import Finding
from unrelu.checks.nearby_fits import offset_rounding
from unrelu.checks.noise_left import RARE
from unrelu.checks.redundant_units import smaller_network
from unrelu.checks.unexplained import Unexplained
from unrelu.errors import InputError
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_labels
from unrelu.evidence.hidden_values import judge_hidden
from unrelu.evidence.noisy_labels import judge_noisy, left_of
from unrelu.fitting import linear_part
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.problem import Problem
from unrelu.inference import flat_directions
from unrelu.inference.assessment import assess_fit
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.units import hidden_errors
from unrelu.network import Network
from unrelu.noise import kinds
from unrelu.noise.found import Noise
from unrelu.noise.independent import clipped
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.numerics.whitening import whiten
from unrelu.result import remark, status_of
from unrelu.samples import Samples
from unrelu.search.task import Passes, Task
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

OPEN = ("weights-open", "weights-vague")
"""Verdicts on units that noise leaves open, perhaps because they share a linear function."""

OWN = (
    "this is the recipe's own estimate: it may be further off than the noise makes necessary, and "
    "has no standard errors; method='auto' fits on to the best"
)


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate, the method that proposed it, and what it is worth: the certificate, which knows
    nothing of the question, and `remarks`, what there is to say about the question. The first
    remark with a status stands before the certificate."""

    method: str
    candidate: Candidate
    certificate: Certificate
    uncertainty: Uncertainty | None = None
    remarks: tuple[Finding, ...] = ()

    @property
    def status(self) -> Status:
        return status_of(self.remarks, self.certificate)

    @property
    def nothing(self) -> bool:
        """Whether there is not even a candidate: the activation is unknown, and no unit shows."""
        return self.candidate.directions is not None and not self.candidate.network.n_units

    @property
    def explained(self) -> bool:
        """Whether every label is explained to rounding, none of them left out."""
        return self.certificate.evidence.explained and self.status != Status.FAILED


def judged(task: Task, method: str, candidate: Candidate, passes: Passes) -> Judged:
    """The verdict on what a method proposed."""
    if candidate.unsuitable:
        return _unsuitable(task, method, candidate)
    if candidate.directions is not None:
        return _of_hidden_values(task, method, candidate, candidate.directions)
    if candidate.noise is None:
        return _of_exact_labels(task, method, candidate, passes)
    if (rounded := _to_decimals(task, candidate)) is not None:
        return Judged(method, replace(candidate, noise=None), rounded)
    return _of_noisy_labels(task, method, candidate, candidate.noise)


def _asked(task: Task, net: Network, rows: Index) -> Question:
    return Question(net, task.bias, task.skip, rows, values=True)


def _certified(
    task: Task, net: Network, rows: Index, samples: Samples | None = None
) -> Certificate:
    """The certificate of a network that has to explain the samples to rounding."""
    return Certificate.of(judge_labels(_asked(task, net, rows), samples or task.samples))


def _unsuitable(task: Task, method: str, candidate: Candidate) -> Judged:
    net = candidate.network
    said = f"method={method!r} does not apply: {candidate.unsuitable}"
    said += "; of the network that it was led to" * bool(net.n_units)
    finding = Finding("method-does-not-apply", Status.FAILED, said)
    return Judged(method, candidate, _certified(task, net, candidate.rows), remarks=(finding,))


def _of_hidden_values(task: Task, method: str, candidate: Candidate, directions: Array) -> Judged:
    net, rows, note = candidate.network, candidate.rows, candidate.note
    asked = Question(net, task.bias, used=rows if net.n_units else np.arange(0))
    judged = judge_hidden(asked, task.samples, directions, note if net.n_units else "")
    why = () if net.n_units else (Finding("no-unit", Status.FAILED, note),)
    return Judged(method, candidate, Certificate.of(judged), remarks=why)


def _of_exact_labels(task: Task, method: str, candidate: Candidate, passes: Passes) -> Judged:
    samples, net = task.samples, candidate.network
    gross = method == "sparse-noise" and task.noise != "none"
    certificate = Certificate.of(
        judge_labels(
            _asked(task, net, candidate.rows),
            samples,
            passes.last(net),
            gross=gross,
            rival=candidate.rival,
        )
    )
    if not gross and certificate.status == Status.FAILED:
        certificate = _polished(certificate, task, candidate.rows)
    certificate = _leaner(certificate, task, candidate.rows)
    unasked = task.noise == "auto" and task.method == "auto"
    rare = None
    if gross and unasked and certificate.status == Status.EXACT:
        rare = _rare(certificate, samples)
    return Judged(method, candidate, certificate, remarks=(rare,) if rare else ())


def _polished(certificate: Certificate, task: Task, rows: Index) -> Certificate:
    """Where no more than rounding is left of the labels, and yet too much: the certificate of the
    network fitted once more, to samples that it does not explain, too."""
    net, samples = certificate.network, task.samples
    if not net.n_units or not certificate.residual <= samples.eps**0.75:
        return certificate
    missed = explain(net, samples).missed[: len(rows)]
    rows = np.union1d(rows, missed)
    problem = Problem(samples, rows, task.bias, None, task.skip, net.activation)
    again = _certified(task, problem.refined(net), rows)
    return certificate if again.status == Status.FAILED else again


def _of_noisy_labels(task: Task, method: str, candidate: Candidate, noise: Noise) -> Judged:
    samples, net, rows = task.weighted, candidate.network, candidate.rows
    asked, told = _asked(task, net, rows), task.n_units is not None
    left = _left(asked, samples, noise, task)
    certificate = Certificate.of(
        judge_noisy(asked, samples, left, told=told, precision=task.precision)
    )
    if net.n_units and left.share <= samples.eps**0.75:  # rounding, though noise was expected
        problem = Problem(task.samples, rows, task.bias, None, task.skip, net.activation)
        refined = problem.refined(net)
        exact = _certified(task, refined, rows)
        if exact.status != Status.FAILED:
            exact = _leaner(exact, task, rows)
            return Judged(method, Candidate(exact.network, rows, candidate.stats), exact)
    note = remark("note", candidate.note)
    recipe = task.recipe
    of_recipe = (*remark("recipes-own", OWN), *note)
    estimated = certificate.status == Status.ESTIMATED
    if recipe and not (estimated and net.activation.reversible):
        return Judged(method, candidate, certificate, remarks=of_recipe)
    few = certificate.code in ("few-labels", "may-be-noise", "searches-disagree")
    few = few and certificate.equations > certificate.unknowns
    # Standard errors are dear, and mean nothing of a fit that is none.
    if not (estimated or few):
        return Judged(method, candidate, certificate, remarks=_hint(certificate, task, candidate))
    fitted = samples if len(rows) == samples.n else samples.take(rows)
    net, cut = flat_directions.without_unseen(net, fitted, task.bias, noise.covariance)
    cut_said = remark("flat-directions", flat_directions.in_words(cut))
    if len(cut):
        asked = replace(asked, network=net)
        left = _left(asked, samples, noise, task)
    if recipe:
        if len(cut):
            judged_again = judge_noisy(asked, samples, left, told=told, precision=task.precision)
            certificate = Certificate.of(judged_again)
        remarks = (*remark("recipes-own", OWN), *cut_said, *note)
        return Judged(method, candidate, certificate, remarks=remarks)
    try:
        uncertainty = _standard_errors(task, net, fitted, noise, cut)
    except InputError as error:  # such as more unknowns than it can take
        none = remark("no-standard-errors", f"there are no standard errors: {error}")
        return Judged(method, candidate, certificate, remarks=none)
    errors = hidden_errors(uncertainty.network, uncertainty.units, fitted)
    certificate = Certificate.of(
        judge_noisy(
            *(asked, samples, left, errors, uncertainty.undetermined),
            told=told,
            precision=task.precision,
        )
    )
    hint = _hint(certificate, task, replace(candidate, network=net))
    lead = tuple(finding for finding in hint if finding.status is not None)
    trail = tuple(finding for finding in hint if finding.status is None)
    remarks = (*lead, *cut_said, *note, *trail)
    return Judged(method, candidate, certificate, uncertainty, remarks)


def _left(asked: Question, samples: Samples, noise: Noise, task: Task) -> Unexplained:
    """What a fit leaves, and what its search could not settle."""
    left = left_of(asked, samples, kinds.KINDS[noise.kind].robust, task.precision)
    return replace(left, growth=noise.growth, search=noise.search, common=noise.common)


def _standard_errors(
    task: Task, net: Network, fitted: Samples, noise: Noise, cut: Index
) -> Uncertainty:
    criterion = kinds.criterion(noise, fitted, net(fitted.X))
    if task.form != "auto":
        criterion = replace(criterion, form=task.form)
    return assess_fit(net, fitted, criterion, biased=task.bias, skip=task.skip, held=cut)


def _hint(certificate: Certificate, task: Task, candidate: Candidate) -> tuple[Finding, ...]:
    """A word on skip=True, where it would do with fewer units, or with those asked for."""
    noise, net = candidate.noise, candidate.network
    if task.skip or noise is None:
        return ()
    failed = certificate.status == Status.FAILED
    told = failed and task.n_units is not None
    if failed and not told:
        return ()
    samples = task.weighted
    if kinds.KINDS[noise.kind].robust:
        samples = clipped(samples, net(samples.X))
    found = linear_part.with_skip(
        net,
        samples,
        task.bias,
        noise.covariance,
        open_units=certificate.weak_units if certificate.code in OPEN else None,
        fixed_width=told,
    )
    if found is None:
        return ()
    units = counted(found.n_units, "unit")
    hint = (
        f"a linear function of the inputs and {units} explain the labels "
        f"{'better' if told else f'as well as these {net.n_units}'}: with skip=True, the linear "
        "function is part of the network"
    )
    if certificate.code in OPEN or told:
        return (Finding("skip-would-do", certificate.status, f"{hint}. Without it"),)
    return remark("skip-would-do", hint)


def _leaner(certificate: Certificate, task: Task, rows: Index) -> Certificate:
    """The certificate of a network with fewer units, where weak ones are redundant."""
    net, asked = certificate.network, task.n_units or 0
    relu, weak = net.activation.reversible, certificate.weak_units
    open_ = certificate.status == Status.UNDETERMINED and net.n_units > asked
    if not (relu and open_ and len(weak)) or task.skip:
        return certificate
    fewer = smaller_network(net, task.samples, task.bias, weak)
    if fewer is None or fewer.n_units < asked:
        return certificate
    again = _certified(task, fewer, rows)
    if again.status == Status.FAILED:  # the rounding of heights, where inputs have an offset
        coarse = task.samples.rounded_to(offset_rounding(task.samples))
        again = _certified(task, fewer, rows, coarse)
    return certificate if again.status == Status.FAILED else again


def _to_decimals(task: Task, candidate: Candidate) -> Certificate | None:
    """The certificate of an estimate that is exact to the rounding of labels that may be rounded,
    if it is: all that fits as well lies within its errors."""
    net, precision = candidate.network, task.precision
    if precision.sure or task.noise != "auto" or not net.n_units or task.recipe:
        return None
    samples = replace(task.samples, precision=precision)
    certificate = _certified(task, net, candidate.rows, samples)
    coarse = replace(task, samples=samples.levels()[-1])
    certificate = _leaner(certificate, coarse, candidate.rows)
    return certificate if certificate.status == Status.EXACT else None


def _rare(certificate: Certificate, samples: Samples) -> Finding | None:
    """Nobody has said that labels are wrong, so a few that are off may be what a unit says that
    hardly any sample sees: d + 1 samples fit any such unit. And accidents do not depend on the
    inputs: where they do, the network lacks something that is at work there."""
    off = np.unique(certificate.corrupted[:, 0])
    if 0 < len(off) <= RARE * (samples.d + 1):
        said = "there are units that are active on hardly any others"
    elif len(off) and _where(certificate.network, samples, off) > DEPENDENT:
        said = "there are units at work where they lie: it depends on the inputs"
    else:
        return None
    return Finding(
        "few-samples-off",
        Status.UNDETERMINED,
        f"{len(off)} of {samples.n} samples are not explained: their labels are wrong, or {said}; "
        "noise='sparse' takes them for wrong",
        samples=off,
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


def better(new: Judged, old: Judged) -> bool:
    """Which of two failures to report, or which is none."""
    if (new.status == Status.FAILED) != (old.status == Status.FAILED):
        return new.status != Status.FAILED
    noisy_labels = new.certificate.unexplained is not None
    return noisy_labels or new.certificate.residual < old.certificate.residual
