"""Samples that are too many to be searched as a whole: a part of them is searched.

The part is drawn uniformly, by the seed. A network that explains its labels to rounding is checked
on all samples; those that it does not explain join the part. An estimate of noisy labels by least
squares becomes that of all samples, if nothing in them speaks against it (`evidence.all_samples`);
another one is that of the part, and a finding says so.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.explained import explain
from unrelu.checks.finding import Finding, not_checked
from unrelu.evidence.all_samples import estimated_on_all
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import ExactLabels, judge_labels
from unrelu.evidence.noisy_labels import Estimated
from unrelu.fitting.problem import choose_rows
from unrelu.numerics.arrays import Index
from unrelu.result import remark
from unrelu.search.ending import with_ending
from unrelu.search.judging import Outcome
from unrelu.search.plan import run_plan
from unrelu.search.task import Task
from unrelu.search.watch import ENDED, watch
from unrelu.wording.status import Status

log = logging.getLogger(__name__)

ROUNDS = 3
"""Parts that are searched, each with samples that the network of the one before missed."""


OBJECTIONS = {
    "more-units": "no estimate of all can be right",
    "dependent": "all of them would give errors that are too small, for neighbours are alike",
    "repeated": "all of them would give errors that are too small, for many are there repeatedly",
    "other-noise": "the noise of all is another one than that of the part",
    "rounded": "an estimate of all would follow the rounding of the labels",
    "unsettled": "a few passes over all of them do not reach their estimate",
    "unsure-sides": "on which sides of the units samples are is not certain",
}
"""Why an estimate is not that of all samples, by the code of what speaks against that."""


def search_part(task: Task, rng: np.random.Generator) -> Outcome:
    """The outcome for all samples of a task, from a search of a part of them."""
    samples = task.samples
    rows = choose_rows(samples, samples.part(task.memory), rng)
    for number in range(ROUNDS):
        log.info("a search of %d of %d samples", len(rows), samples.n)
        weights = None if task.weights is None else task.weights[rows]
        part = replace(task, samples=samples.take(rows), weights=weights)
        found = run_plan(part, rng)
        certificate = found.certificate
        explained = certificate.residual_in_roundings <= 1
        if not (explained and isinstance(certificate.evidence, ExactLabels)):
            return _estimated_in_time(found, part, task)
        found, missed = _held_in_time(found, task, rows)
        if not len(missed) or number == ROUNDS - 1 or watch().ended is not None:
            break
        rows = np.union1d(rows, missed[: len(rows)])
    return found


def _held_in_time(found: Outcome, task: Task, rows: Index) -> tuple[Outcome, Index]:
    """`_held_against_all`; where there is no time for it, the network is that of the part, and
    undetermined: nobody knows whether it explains the other samples."""
    seen = watch()
    before = seen.ended
    try:
        seen.enter("check on all samples")
        with seen.searching() if before is None else seen.judging():
            return _held_against_all(found, task, rows)
    except ENDED as error:
        ended, certificate = seen.end(error), found.certificate
    if certificate.status.certain:
        shown = f"{len(rows)} of {task.samples.n} samples are explained to rounding"
        findings = not_checked(shown), *certificate.findings
        found = replace(found, certificate=replace(certificate, findings=findings))
    return (found if before else with_ending(found, ended)), np.arange(0)


def _held_against_all(found: Outcome, task: Task, rows: Index) -> tuple[Outcome, Index]:
    """The outcome, with the certificate of all samples, and rows that the network does not
    explain."""
    net, evidence = found.certificate.network, found.certificate.evidence
    gross = task.noise.gross or not evidence.explained
    samples = replace(task.samples, precision=task.precision)
    coarsest = samples.levels()[-1]  # labels may be rounded, and the part explained to that
    missed = np.arange(0) if gross else explain(net, coarsest).missed
    used = rows[found.candidate.rows]
    asked = Question(net, task.bias, task.skip, used, values=True)
    certificate = Certificate.of(judge_labels(asked, samples, gross=gross))
    return replace(found, certificate=certificate), missed


def _estimated_in_time(found: Outcome, part: Task, task: Task) -> Outcome:
    """`_estimated_on_all`; the estimate of the part where there is no time for it."""
    seen = watch()
    if seen.ended is None:
        seen.enter("fit to all samples")
        try:
            with seen.searching():
                return _estimated_on_all(found, part, task)
        except ENDED as error:
            found = with_ending(found, seen.end(error))
    said = _remark(part.samples.n, task.samples.n, found.certificate)
    return replace(found, remarks=(*found.remarks, *said))


def _estimated_on_all(found: Outcome, part: Task, task: Task) -> Outcome:
    """The outcome, an estimate of all samples where it can be."""
    samples, noise = task.samples, found.candidate.noise
    certificate, uncertainty = found.certificate, found.uncertainty
    if noise is not None and found.status == Status.ESTIMATED and uncertainty is not None:
        before = Estimated(certificate.judgement(found.candidate.rows), uncertainty)
        after = estimated_on_all(before, noise, part.weighted, samples, task.precision, task.form)
        if after is not before and after.uncertainty is not None:
            noise = replace(noise, covariance=after.uncertainty.noise)
            found = replace(
                found,
                candidate=replace(found.candidate, noise=noise),
                certificate=Certificate.of(after.judgement),
                uncertainty=after.uncertainty,
            )
    said = _remark(part.samples.n, samples.n, found.certificate)
    return replace(found, remarks=(*found.remarks, *said))


def _remark(count: int, n: int, certificate: Certificate) -> tuple[Finding, ...]:
    if certificate.n_samples == n:
        sentence = (
            f"units were searched for on {count} of {n} samples, drawn at random, and their "
            "weights fitted to all of them"
        )
        return remark("part-of-samples", sentence)
    codes = (OBJECTIONS[each.code] for each in certificate.findings if each.code in OBJECTIONS)
    why = next(codes, "the others do not fit into the memory allowed (memory=)")
    sentence = (
        f"the estimate and its errors are those of {count} of {n} samples, drawn at random: {why}; "
        "numbers of samples count those of the part"
    )
    return remark("part-of-samples", sentence)
