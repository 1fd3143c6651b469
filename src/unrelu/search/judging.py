"""The certificate of a candidate and, where labels are noisy, its standard errors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.explained import explain
from unrelu.checks.finding import Finding
from unrelu.checks.noise_left import on_residuals
from unrelu.checks.redundant_units import smaller_network
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_labels
from unrelu.evidence.hidden_values import judge_hidden
from unrelu.evidence.noisy_labels import judge_noisy, measured
from unrelu.fitting import linear_part
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.problem import Problem
from unrelu.inference import flat_directions
from unrelu.inference.posterior import Smoothness
from unrelu.inference.uncertainty import Uncertainty
from unrelu.network import Network
from unrelu.noise import kinds
from unrelu.noise.found import Noise
from unrelu.noise.independent import clipped
from unrelu.numerics.arrays import Array, Index
from unrelu.result import remark, status_of
from unrelu.samples import Samples
from unrelu.search.task import Passes, Task
from unrelu.search.unsettled import unsettled
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

WITH_SKIP = "skip-would-do"
"""Code of the hint that a linear function of the inputs would spare units."""

BENT = "curved-output"
"""Code for counts whose mean is a curve of the sum of the units."""

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
    the certificate. `smoothness`: where a prior was asked for, that of the fit."""

    method: str
    candidate: Candidate
    certificate: Certificate
    uncertainty: Uncertainty | None = None
    remarks: tuple[Finding, ...] = ()
    smoothness: Smoothness | None = None

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
    gross = candidate.gross and not task.noise.exact
    asked, explained = _question(task, net, candidate.rows), passes.last(net)
    declared = not (gross and task.open)
    judgement = judge_labels(
        asked, samples, explained, gross=gross, declared=declared, rival=candidate.rival
    )
    certificate = Certificate.of(judgement)
    if not gross and certificate.status == Status.FAILED:
        certificate = _polished(certificate, task, candidate.rows)
    certificate = _with_fewer_units(certificate, task, candidate.rows)
    return Outcome(method, candidate, certificate)


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
    asked, own = _question(task, net, rows), task.method.recipe
    case = measured(asked, samples, noise, task.precision)
    rounded = not task.noise.given and explain(net, task.samples).in_roundings <= 1
    if net.n_units and (rounded or not case.beyond_rounding):  # though noise was expected
        exact = _certified(task, net if rounded else refined(task, net, rows), rows)
        if exact.status != Status.FAILED:
            exact = _with_fewer_units(exact, task, rows)
            return Outcome(method, Candidate(exact.network, rows, candidate.stats), exact)
    cut: Index = np.arange(0)
    if on_residuals(case) is None and net.activation.reversible:
        fitted = case.samples if len(rows) == samples.n else case.samples.take(rows)
        covariance = noise.covariance
        net, cut = flat_directions.without_flat_directions(net, fitted, task.bias, covariance)
    if len(cut):
        asked = replace(asked, network=net)
        case = measured(asked, samples, noise, task.precision)
    found = judge_noisy(
        *(asked, case, noise),
        precision=task.precision,
        form=task.form,
        own=own,
        held=cut,
    )
    certificate, uncertainty = Certificate.of(found.judgement), found.uncertainty
    open_ = () if own else unsettled(certificate, noise, given=task.n_units is not None)
    remarks = [
        *open_,
        *remark("recipes-own", OWN * own),
        *remark("flat-directions", flat_directions.note(cut)),
        *remark("note", candidate.note),
    ]
    if found.objection:
        remarks += remark("no-standard-errors", f"there are no standard errors: {found.objection}")
    elif not own:
        status = status_of(open_, certificate)
        remarks += _hint(certificate, task, noise, status)
        uncertainty = None if status == Status.FAILED else uncertainty
    return Outcome(method, candidate, certificate, uncertainty, tuple(remarks))


def _hint(certificate: Certificate, task: Task, noise: Noise, status: Status) -> list[Finding]:
    """A hint at skip=True, where it needs fewer units, or just those asked for; `status`: what the
    search and the certificate have come to. None where the sum of the units is bent: a linear
    function would make up for the curve."""
    net, failed = certificate.network, status == Status.FAILED
    if task.skip or certificate.code == BENT:
        return []
    fixed_width = failed and task.n_units is not None
    if failed and not fixed_width:
        return []
    kind = kinds.KINDS[noise.kind]
    samples = kind.standing(task.weighted, net(task.weighted.X))
    if kind.robust:
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
        return []
    units = counted(found.n_units, "unit")
    hint = (
        f"a linear function of the inputs and {units} explain the labels "
        f"{'better' if fixed_width else f'as well as these {net.n_units}'}: with skip=True, the "
        "linear function is part of the network"
    )
    if certificate.code in OPEN or fixed_width:
        return [Finding(WITH_SKIP, status, hint)]
    return [*remark(WITH_SKIP, hint)]


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
    if precision.sure or task.noise.given or not net.n_units or task.method.recipe:
        return None
    samples = replace(task.samples, precision=precision)
    certificate = _certified(task, net, candidate.rows, samples)
    coarse = replace(task, samples=samples.levels()[-1])
    certificate = _with_fewer_units(certificate, coarse, candidate.rows)
    return certificate if certificate.status == Status.EXACT else None


def better(new: Outcome, old: Outcome) -> bool:
    """Whether the new outcome is to be reported rather than the old one."""
    if (new.status == Status.FAILED) != (old.status == Status.FAILED):
        return new.status != Status.FAILED
    noisy_labels = new.certificate.unexplained is not None
    return noisy_labels or new.certificate.residual < old.certificate.residual
