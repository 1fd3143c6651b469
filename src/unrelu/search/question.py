"""Remarks on the question asked, beside the certificate."""

from __future__ import annotations

import math

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.network.unknowns import count_unknowns
from unrelu.result import remark
from unrelu.samples import Samples
from unrelu.search.judging import Outcome
from unrelu.search.task import Task
from unrelu.search.watch import CODES
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

NOISY = (
    "the labels are noisy, or come from another kind of model, or from more units than this many "
    "samples show"
)


def remarks_on(best: Outcome, task: Task, exact: bool) -> tuple[Finding, ...]:
    """What there is to say about the question, unless the answer says it all: an estimate, labels
    that are no values, a complete search, or labels that no rational network gives."""
    certificate, candidate = best.certificate, best.candidate
    no_values = len(certificate.findings) > 1
    failed = certificate.status == Status.FAILED
    searched = exact and task.method.complete and failed
    broken = certificate.proof is not None and not certificate.proof.holds
    to_rounding = best.status == Status.FAILED and certificate.residual_in_roundings <= 1
    if candidate.noise is not None or candidate.unsuitable or no_values or searched:
        return best.remarks
    if certificate.refutation is not None or broken or to_rounding:
        return best.remarks
    return _remarks_on_exact(best, task)


def other_number(certificate: Certificate, n_units: int | None) -> tuple[Finding, ...]:
    """Where a network that answers show exactly has more or fewer units than were asked for."""
    found = certificate.network.n_units
    if certificate.status != Status.EXACT or n_units in (None, found):
        return ()
    verb = "explains" if found == 1 else "explain"
    sentence = f"{counted(found, 'unit')} {verb} the answers, not {n_units}"
    if found > (n_units or 0):
        return (Finding("more-units", Status.FAILED, sentence),)
    return (Finding("fewer-units", Status.UNDETERMINED, sentence),)


def _remarks_on_exact(best: Outcome, task: Task) -> tuple[Finding, ...]:
    """Of labels without noise: too few samples for the units asked for, more or fewer units than
    those, and what the method has noted."""
    status, note = best.status, best.candidate.note
    found, asked = best.certificate.network.n_units, task.n_units
    if task.unknown:
        return (*best.remarks, *_other_number(best, task))
    if status == Status.FAILED:
        ended = any(each.code in CODES and each.status for each in best.remarks)  # which is why
        return best.remarks if ended else (*best.remarks, _why_failed(best, task))
    notes = () if best.candidate.rival is not None else remark("note", note)
    if asked is None or found == asked:
        return (*best.remarks, *notes)
    if found < asked:
        message = (
            f"a network of {counted(found, 'unit')} explains these samples, and nothing in them "
            f"shows that there are {asked}"
        )
        return (Finding("fewer-units", Status.UNDETERMINED, message), *best.remarks, *notes)
    message = f"{found} units explain these samples, and perhaps {asked} would"
    if status != Status.UNDETERMINED:
        status, units = Status.FAILED, counted(asked, "unit")
        message = f"no network of {units} explains these samples, {found} are needed"
    return (Finding("more-units", status, message), *best.remarks, *notes)


def _other_number(best: Outcome, task: Task) -> tuple[Finding, ...]:
    """Where the activation is unknown, the number of units is the rank of the labels."""
    units, asked = best.certificate.network.n_units, task.n_units
    if asked in (None, units) or best.status != Status.ESTIMATED:
        return ()
    code = "more-units" if units > (asked or 0) else "fewer-units"
    message = f"{counted(units, 'unit')} explain these samples, not {asked}"
    return (Finding(code, Status.FAILED, message),)


def _why_failed(best: Outcome, task: Task) -> Finding:
    samples, rank = task.samples, int(best.candidate.stats.get("split_rank", task.rank))
    units = task.n_units or rank
    missing = _missing_samples(samples, units, rank, task.bias, task.skip)
    if not missing:
        return Finding(best.certificate.code, Status.FAILED, best.candidate.note or NOISY)
    at_least = "" if task.n_units else "the at least "
    message = (
        f"{samples.n} samples are too few to find {at_least}{counted(units, 'unit')}: about "
        f"{missing} more would do"
    )
    return Finding("few-samples", Status.UNDETERMINED, message, more_samples=missing)


def _missing_samples(samples: Samples, units: int, rank: int, bias: bool, skip: bool) -> int:
    """How many samples short of what finding so many units takes: for each its D unknowns twice
    over on one side and the other units on the other (units active half of the time, a tenth to
    spare); in all four equations to three unknowns, or, measured, three to one where the labels
    do not show every unit."""
    dimension, rank = samples.d + bias, max(rank, 1)
    sides = 1.1 * (2 * dimension + 2 * math.sqrt(dimension) + units / rank)
    unknowns = count_unknowns(units, samples.d, rank, biases=bias, skip=skip)
    equations = (4 / 3 if units <= rank else 3.0) * unknowns / rank
    return max(0, math.ceil(max(sides, equations)) - samples.n)
