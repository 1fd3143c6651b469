"""The certificate of a candidate and, where labels are noisy, its standard errors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.explained import explain
from unrelu.checks.finding import Finding
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
"""Codes for weights that noise leaves open, perhaps because units share a linear function."""

OWN = (
    "this is the recipe's own estimate: it may be further off than the noise makes necessary, and "
    "has no standard errors; method='auto' fits on to the best"
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """A candidate, the method that proposed it, its certificate, which does not depend on the
    question, and `remarks` on the question. The first remark with a status takes precedence over
    the certificate."""

    method: str
    candidate: Candidate
    certificate: Certificate
    uncertainty: Uncertainty | None = None
    remarks: tuple[Finding, ...] = ()

    @property
    def status(self) -> Status:
        return status_of(self.remarks, self.certificate)

    @property
    def empty(self) -> bool:
        """Whether there is not even a candidate: the activation is unknown, and no unit shows."""
        return self.candidate.directions is not None and not self.candidate.network.n_units

    @property
    def explained(self) -> bool:
        """Whether every label is explained to rounding, none of them left out."""
        return self.certificate.evidence.explained and self.status != Status.FAILED


def judge(task: Task, method: str, candidate: Candidate, passes: Passes) -> Outcome:
    """The outcome of what a method proposed."""
    if candidate.unsuitable:
        return _judge_unsuitable(task, method, candidate)
    if candidate.directions is not None:
        return _judge_hidden_values(task, method, candidate, candidate.directions)
    if candidate.noise is None:
        return _judge_exact_labels(task, method, candidate, passes)
    if (rounded := _certified_to_rounding(task, candidate)) is not None:
        return Outcome(method, replace(candidate, noise=None), rounded)
    return _judge_noisy_labels(task, method, candidate, candidate.noise)


def _question(task: Task, net: Network, rows: Index) -> Question:
    return Question(net, task.bias, task.skip, rows, values=True)


def _certified(
    task: Task, net: Network, rows: Index, samples: Samples | None = None
) -> Certificate:
    """The certificate of a network that has to explain the samples to rounding."""
    return Certificate.of(judge_labels(_question(task, net, rows), samples or task.samples))


def _judge_unsuitable(task: Task, method: str, candidate: Candidate) -> Outcome:
    net = candidate.network
    message = f"method={method!r} does not apply: {candidate.unsuitable}"
    finding = Finding("method-does-not-apply", Status.FAILED, message)
    return Outcome(method, candidate, _certified(task, net, candidate.rows), remarks=(finding,))


def _judge_hidden_values(
    task: Task, method: str, candidate: Candidate, directions: Array
) -> Outcome:
    net, rows, note = candidate.network, candidate.rows, candidate.note
    found = bool(net.n_units)
    asked = Question(net, task.bias, used=rows if found else np.arange(0))
    judgement = judge_hidden(asked, task.samples, directions, note * found)
    remarks = () if found else (Finding("no-unit", Status.FAILED, note),)
    return Outcome(method, candidate, Certificate.of(judgement), remarks=remarks)


def _judge_exact_labels(task: Task, method: str, candidate: Candidate, passes: Passes) -> Outcome:
    samples, net = task.samples, candidate.network
    gross = method == "sparse-noise" and task.noise != "none"
    asked, explained = _question(task, net, candidate.rows), passes.last(net)
    judgement = judge_labels(asked, samples, explained, gross=gross, rival=candidate.rival)
    certificate = Certificate.of(judgement)
    if not gross and certificate.status == Status.FAILED:
        certificate = _polished(certificate, task, candidate.rows)
    certificate = _with_fewer_units(certificate, task, candidate.rows)
    unasked = task.noise == task.method == "auto"
    doubtful = gross and unasked and certificate.status == Status.EXACT
    remarks = _few_unexplained(certificate, samples) if doubtful else ()
    return Outcome(method, candidate, certificate, remarks=remarks)


def refined(task: Task, net: Network, rows: Index) -> Network:
    """The network refined on these rows to the last digit."""
    return Problem(task.samples, rows, task.bias, None, task.skip, net.activation).refined(net)


def _polished(certificate: Certificate, task: Task, rows: Index) -> Certificate:
    """Where residuals are of the order of rounding, but too large: the certificate of the network
    fitted once more, also to samples that it does not explain."""
    net, samples = certificate.network, task.samples
    if not net.n_units or not certificate.residual <= samples.eps**0.75:
        return certificate
    rows = np.union1d(rows, explain(net, samples).missed[: len(rows)])
    again = _certified(task, refined(task, net, rows), rows)
    return certificate if again.status == Status.FAILED else again


def _judge_noisy_labels(task: Task, method: str, candidate: Candidate, noise: Noise) -> Outcome:
    samples, net, rows = task.weighted, candidate.network, candidate.rows
    asked = _question(task, net, rows)
    left = _left(asked, samples, noise, task)

    def certified(errors: Array | None = None, undetermined: Index | None = None) -> Certificate:
        data, told = (asked, samples, left, errors, undetermined), task.n_units is not None
        return Certificate.of(judge_noisy(*data, told=told, precision=task.precision))

    certificate = certified()
    if net.n_units and left.share <= samples.eps**0.75:  # rounding, though noise was expected
        exact = _certified(task, refined(task, net, rows), rows)
        if exact.status != Status.FAILED:
            exact = _with_fewer_units(exact, task, rows)
            return Outcome(method, Candidate(exact.network, rows, candidate.stats), exact)
    note = remark("note", candidate.note)
    recipe = task.recipe
    of_recipe = (*remark("recipes-own", OWN), *note)
    estimated = certificate.status == Status.ESTIMATED
    if recipe and not (estimated and net.activation.reversible):
        return Outcome(method, candidate, certificate, remarks=of_recipe)
    few = certificate.code in ("few-labels", "may-be-noise", "searches-disagree")
    few = few and certificate.equations > certificate.unknowns
    # Standard errors are expensive, and meaningless for a fit that failed.
    if not (estimated or few):
        return Outcome(method, candidate, certificate, remarks=_hint(certificate, task, candidate))
    fitted = samples if len(rows) == samples.n else samples.take(rows)
    net, cut = flat_directions.without_flat_directions(net, fitted, task.bias, noise.covariance)
    flat = remark("flat-directions", flat_directions.note(cut))
    if len(cut):
        asked = replace(asked, network=net)
        left = _left(asked, samples, noise, task)
    if recipe:
        certificate = certified() if len(cut) else certificate
        remarks = (*remark("recipes-own", OWN), *flat, *note)
        return Outcome(method, candidate, certificate, remarks=remarks)
    try:
        uncertainty = _standard_errors(task, net, fitted, noise, cut)
    except InputError as error:  # such as more unknowns than it can take
        none = remark("no-standard-errors", f"there are no standard errors: {error}")
        return Outcome(method, candidate, certificate, remarks=none)
    errors = hidden_errors(uncertainty.network, uncertainty.units, fitted)
    certificate = certified(errors, uncertainty.undetermined)
    hint = _hint(certificate, task, replace(candidate, network=net))
    lead = tuple(finding for finding in hint if finding.status is not None)
    trail = tuple(finding for finding in hint if finding.status is None)
    remarks = (*lead, *flat, *note, *trail)
    return Outcome(method, candidate, certificate, uncertainty, remarks)


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
    """A hint at skip=True, where it needs fewer units, or just those asked for."""
    noise, net = candidate.noise, candidate.network
    if task.skip or noise is None:
        return ()
    failed = certificate.status == Status.FAILED
    fixed_width = failed and task.n_units is not None
    if failed and not fixed_width:
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
        fixed_width=fixed_width,
    )
    if found is None:
        return ()
    units = counted(found.n_units, "unit")
    hint = (
        f"a linear function of the inputs and {units} explain the labels "
        f"{'better' if fixed_width else f'as well as these {net.n_units}'}: with skip=True, the "
        "linear function is part of the network"
    )
    if certificate.code in OPEN or fixed_width:
        return (Finding("skip-would-do", certificate.status, hint),)
    return remark("skip-would-do", hint)


def _with_fewer_units(certificate: Certificate, task: Task, rows: Index) -> Certificate:
    """The certificate of a network with fewer units, where weak ones are redundant."""
    net, asked = certificate.network, task.n_units or 0
    relu, weak = net.activation.reversible and not task.skip, certificate.weak_units
    undetermined = certificate.status == Status.UNDETERMINED and net.n_units > asked
    if not (relu and undetermined and len(weak)):
        return certificate
    fewer = smaller_network(net, task.samples, task.bias, weak)
    if fewer is None or fewer.n_units < asked:
        return certificate
    again = _certified(task, fewer, rows)
    return certificate if again.status == Status.FAILED else again


def _certified_to_rounding(task: Task, candidate: Candidate) -> Certificate | None:
    """The certificate of an estimate that is exact to the rounding of labels that may be rounded,
    if it is: all that fits as well lies within its errors."""
    net, precision = candidate.network, task.precision
    if precision.sure or task.noise != "auto" or not net.n_units or task.recipe:
        return None
    samples = replace(task.samples, precision=precision)
    certificate = _certified(task, net, candidate.rows, samples)
    coarse = replace(task, samples=samples.levels()[-1])
    certificate = _with_fewer_units(certificate, coarse, candidate.rows)
    return certificate if certificate.status == Status.EXACT else None


def _few_unexplained(certificate: Certificate, samples: Samples) -> tuple[Finding, ...]:
    """A few unexplained labels, where gross errors were not declared, may belong to a unit that is
    active on hardly any other sample: d + 1 samples fit any such unit. And gross errors do not
    depend on the inputs: where they do, the network lacks a unit there."""
    off = np.unique(certificate.corrupted[:, 0])
    if 0 < len(off) <= RARE * (samples.d + 1):
        why = "there are units that are active on hardly any others"
    elif len(off) and _dependence_on_inputs(certificate.network, samples, off) > DEPENDENT:
        why = "there are units at work where they lie: it depends on the inputs"
    else:
        return ()
    message = (
        f"{len(off)} of {samples.n} samples are not explained: their labels are wrong, or {why}; "
        "noise='sparse' takes them for wrong"
    )
    return (Finding("few-samples-off", Status.UNDETERMINED, message, samples=off),)


def _dependence_on_inputs(net: Network, samples: Samples, off: Index) -> float:
    """How much it depends on the inputs which samples are off, and in which direction."""
    signs = np.zeros((samples.n, samples.m))
    some = samples.take(off)
    signs[off] = np.sign(some.Y - net(some.X))
    wrong = np.any(signs, axis=1, keepdims=True).astype(np.float64)
    inputs = whiten(np.column_stack([np.asarray(samples.X, np.float64), np.ones(samples.n)]))
    scores = (dependence(r - r.mean(axis=0), inputs.features, clip=np.inf) for r in (wrong, signs))
    return max(scores)


def better(new: Outcome, old: Outcome) -> bool:
    """Whether the new outcome is to be reported rather than the old one."""
    if (new.status == Status.FAILED) != (old.status == Status.FAILED):
        return new.status != Status.FAILED
    noisy_labels = new.certificate.unexplained is not None
    return noisy_labels or new.certificate.residual < old.certificate.residual
