"""Noisy labels of more samples than a fit can hold: the estimate of a part becomes that of all, if
nothing in all of them speaks against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.checks.estimates import more_units
from unrelu.checks.finding import Finding
from unrelu.checks.noise_left import far_from_the_estimate, on_weights
from unrelu.checks.noisy_case import NoisyCase
from unrelu.errors import InputError
from unrelu.evidence.evidence import Judgement
from unrelu.evidence.noisy_labels import Estimated, NoisyLabels, fit_to_first_order
from unrelu.evidence.shared_rounding import rounded_apart
from unrelu.inference.all_samples import by_least_squares, distance_on_all, estimate_on_all
from unrelu.inference.linearised import Linearised
from unrelu.inference.objections import Objection
from unrelu.inference.units import hidden_errors
from unrelu.noise.found import Noise
from unrelu.numerics.precision import Precision
from unrelu.samples import Samples
from unrelu.wording.status import Status

ESTIMATED = "noise"
"""Code of an estimate against which nothing speaks."""


def estimated_on_all(
    found: Estimated, noise: Noise, part: Samples, whole: Samples, precision: Precision, form: str
) -> Estimated:
    """The estimate of all samples from that of a part, `found`: by least squares, in three passes.
    Anything else stays as it is; and what speaks against the estimate of all is added to the
    findings: `more-units` decides, for no weights are right then, and so does `repeated`, for no
    errors are; for other reasons the estimate of the part is the better one."""
    judgement, uncertainty = found.judgement, found.uncertainty
    plain = judgement.findings[0].code == ESTIMATED and uncertainty is not None
    if not plain or uncertainty is None or len(uncertainty.undetermined):
        return found
    linear = _linearised(judgement, noise, part, precision, form)
    if linear is None or not by_least_squares(linear):
        return found
    try:
        of_all = estimate_on_all(linear, whole, precision.step)
    except (InputError, np.linalg.LinAlgError):
        return found
    if of_all.objections:
        return replace(found, judgement=_with(judgement, of_all.objections, part))
    evidence, net = judgement.evidence, of_all.uncertainty.network
    assert isinstance(evidence, NoisyLabels)
    errors = hidden_errors(net, of_all.uncertainty.units, part)
    evidence = replace(evidence, equations=whole.n * whole.m, weight_errors=errors, fitted=whole.n)
    finding = on_weights(_case(judgement, part, evidence))
    if finding.code != ESTIMATED:
        return found
    asked = replace(judgement.asked, network=net)
    rest = judgement.findings[1:]
    judgement = Judgement(net, asked, whole.n, evidence, (finding, *rest), fitted=whole.n)
    return Estimated(judgement, of_all.uncertainty)


def held_against_all(
    found: Estimated, noise: Noise, part: Samples, whole: Samples, precision: Precision, form: str
) -> Estimated:
    """What was `found` of a network on a part of the samples, and whether it is the estimate of all
    of them, by one pass. Of labels other than those of a fit by least squares, only what the part
    shows."""
    judgement = found.judgement
    if judgement.findings[0].code != ESTIMATED:
        return found
    linear = _linearised(judgement, noise, part, precision, form)
    if linear is None or not by_least_squares(linear):
        return found
    distance, against = distance_on_all(linear, whole, precision.step)
    evidence = judgement.evidence
    assert isinstance(evidence, NoisyLabels)
    evidence = replace(evidence, equations=whole.n * whole.m, distance=distance)
    judgement = replace(judgement, evidence=evidence, n_samples=whole.n)
    far = far_from_the_estimate(replace(_case(judgement, part, evidence), distance=distance))
    if far is not None:
        judgement = replace(judgement, findings=(far, *judgement.findings))
    return replace(found, judgement=_with(judgement, against, part), uncertainty=None)


def _linearised(
    judgement: Judgement, noise: Noise, part: Samples, precision: Precision, form: str
) -> Linearised | None:
    asked, net = judgement.asked, judgement.network
    samples = part.take(asked.used) if 0 < len(asked.used) < part.n else part
    try:
        return fit_to_first_order(
            asked, net, rounded_apart(net, samples, precision.step), noise, form
        )
    except InputError:
        return None


def _case(
    judgement: Judgement, part: Samples, evidence: NoisyLabels, more: bool = False
) -> NoisyCase:
    return NoisyCase(
        judgement.network,
        part,
        evidence.unexplained,
        evidence.unknowns,
        evidence.weight_errors,
        evidence.undetermined,
        more=more,
    )


def _with(judgement: Judgement, objections: tuple[Objection, ...], part: Samples) -> Judgement:
    """The judgement of a part, with what speaks against it: the finding that decides comes first,
    remarks come last."""
    decisive, remarks = [], []
    for each in objections:
        if each.code == "more-units":
            assert isinstance(judgement.evidence, NoisyLabels)
            more = more_units(_case(judgement, part, judgement.evidence, more=True))
            assert more is not None
            decisive.append(replace(more, sentence=f"{more.sentence}: of all samples, {each.seen}"))
        elif each.code == "repeated":  # in the part, too: its errors take copies for new samples
            said = f"the errors take repeated samples for new ones: {each.seen}"
            decisive.append(Finding(each.code, Status.UNDETERMINED, said))
        else:
            remarks.append(Finding(each.code, None, each.seen))
    return replace(judgement, findings=(*decisive, *judgement.findings, *remarks))
