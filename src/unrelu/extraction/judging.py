"""The verdict on a network by the answers to queries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.case import Explained
from unrelu.checks.finding import Finding
from unrelu.checks.redundant_units import smaller_network
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_labels
from unrelu.evidence.noisy_labels import NoisyLabels, judge_again
from unrelu.extraction.queries import BudgetSpent, Queries, TimeSpent
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery, remark
from unrelu.samples import Samples
from unrelu.search.predicted_answers import FAR, doubt
from unrelu.search.question import other_number
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

NOISE = 5.0
"""Ratio of the root mean square residual to the noise measured beforehand, on a few points, beyond
which the residual is not noise."""

FEW_PREDICTED = 30
"""Predictions from which nothing is concluded."""


def certified(asked: Question, samples: Samples, explained: Explained) -> Certificate:
    """The certificate of a network, or of one with fewer units where weak ones are redundant."""
    certificate = Certificate.of(judge_labels(asked, samples, explained))
    if certificate.status != Status.UNDETERMINED or not len(certificate.weak_units):
        return certificate
    fewer = smaller_network(certificate.network, samples, asked.biased, certificate.weak_units)
    if fewer is None:
        return certificate
    return Certificate.of(judge_labels(replace(asked, network=fewer), samples))


def remarks_on(
    certificate: Certificate, n_units: int | None, contradiction: str, note: str
) -> tuple[Finding, ...]:
    """Findings about the question: another number of units than the given one, and answers on lines
    that contradict the network, as returned by `contradicted`."""
    remarks = (*other_number(certificate, n_units), *remark("note", note))
    if contradiction:
        sentence = f"{contradiction}; what follows is of random queries alone"
        remarks = (Finding("lines-contradict", Status.FAILED, sentence), *remarks)
    return remarks


def as_predicted(certificate: Certificate, n: int, what: str = "answers") -> tuple[Finding, ...]:
    """What n correct predictions say of others: a share of 3 / n that are not predicted would show
    with a probability of 95%."""
    if certificate.status != Status.EXACT or n < FEW_PREDICTED:
        return ()
    share = f"{1 - 3 / n:.1%} of such ones"
    sentence = f"{n} further {what} were as predicted: so are, with 95% confidence, {share}"
    return remark("fresh-answers", sentence)


def contradicted(
    certificate: Certificate, searched: Sequence[tuple[Array, Array]], single: bool
) -> str:
    """A sentence if answers (X, Y) on lines are not those of the network; empty otherwise."""
    net = certificate.network
    eps = float(np.finfo(np.float32 if single else np.float64).eps)
    wrong, nearest, asked = 0, math.inf, 0
    for X, Y in searched:
        norms = np.linalg.norm(X, axis=1)
        allowed = doubt(net, X, certificate.weight_errors, eps)
        off = np.abs(net(X) - Y).max(axis=1) > FAR * allowed
        asked, wrong = asked + len(X), wrong + int(off.sum())
        nearest = min(nearest, float(norms[off].min(initial=math.inf)))
    if not wrong:
        return ""
    return (
        f"{wrong} of {asked} answers on lines, the nearest {nearest:.2g} from the origin, are not "
        "those of this network: there the model is another function, or has units that were not "
        "found; a smaller reach avoids such places"
    )


def estimated(asked: Question, samples: Samples, before: NoisyLabels) -> Certificate:
    """The certificate of an estimate on more samples than it was fitted to."""
    return Certificate.of(judge_again(asked, samples, before))


def other_function(certificate: Certificate, samples: Samples, noise: float) -> tuple[Finding, ...]:
    """Whether an estimate leaves far more than the `noise` of repeated queries."""
    net = certificate.network
    rest = float(np.sqrt(((net(samples.X) - samples.Y) ** 2).mean()))
    if certificate.status != Status.ESTIMATED or rest <= NOISE * noise:
        return ()
    sentence = (
        f"the best network of {counted(net.n_units, 'unit')} leaves {rest:.1e} of the answers, "
        f"which are repeated to {noise:.1e}: not noise, but another kind of function"
    )
    return (Finding("no-noise", Status.FAILED, sentence),)


def at_the_end(result: Recovery, queries: Queries, lines: int, end: BaseException) -> Recovery:
    """The result of an extraction that ended early."""
    if not result.status.certain:
        ended = Finding(*_named(end, queries, result.status))
        return replace(result, remarks=(ended, *result.remarks))
    if result.status == Status.ESTIMATED:
        code, _, sentence = _named(end, queries, result.status)
        result = replace(result, remarks=(*result.remarks, *remark(code, sentence)))
    if lines:
        return result
    sentence = "no line was searched: units that random queries do not show may be missing"
    if result.status == Status.EXACT:  # of the samples, but perhaps not of the model
        missing = Finding("no-lines", Status.UNDETERMINED, sentence)
        return replace(result, remarks=(missing, *result.remarks))
    return replace(result, remarks=(*result.remarks, *remark("no-lines", sentence)))


def _named(end: BaseException, queries: Queries, status: Status) -> tuple[str, Status, str]:
    asked = counted(queries.asked, "query")
    if isinstance(end, BudgetSpent):
        words = f"the budget is {counted(queries.budget, 'query')}, {queries.asked} were made"
        return "budget-spent", status, f"{words}, and what comes next needs more"
    if isinstance(end, TimeSpent):
        limit = f"the time limit of {queries.time_limit:g} s passed"
        return "time-limit", status, f"{limit} after {asked}"
    return "interrupted", status, f"interrupted after {asked}"
