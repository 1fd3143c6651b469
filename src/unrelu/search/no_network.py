"""The result where no network is found, or none is looked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_labels
from unrelu.fitting.candidate import constant
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.wording.status import Status
from unrelu.wording.streams import counted


def without_units(samples: Samples, bias: bool) -> Recovery:
    """The network without units, judged on all samples."""
    net = constant(samples, bias).network
    asked = Question(net, bias, used=np.arange(samples.n), values=True)
    certificate = Certificate.of(judge_labels(asked, samples))
    return Recovery(certificate.network, certificate, {})


def refused(samples: Samples, bias: bool, kind: Finding) -> Recovery:
    """The same, saying of what kind the labels are, or that no network was found."""
    result = without_units(samples, bias)
    findings = (kind, *result.certificate.findings)
    return replace(result, certificate=replace(result.certificate, findings=findings))


def no_unit_shows(inputs: Array, weights: Array | None) -> Finding | None:
    """Why samples cannot show any unit, if they cannot."""
    counting = inputs if weights is None else inputs[weights > 0]
    n, d = counting.shape
    if n <= d:
        sentence = (
            f"{counted(n, 'sample')} of {counted(d, 'input')} cannot show a unit, which needs "
            f"{d + 1} on its active side: the mean label is all that is known"
        )
        return Finding("few-samples", Status.UNDETERMINED, sentence, more_samples=2 * (d + 1) - n)
    if (counting == counting[0]).all():
        sentence = "no input varies: the mean label is all that is known"
        return Finding("inputs-constant", Status.UNDETERMINED, sentence)
    return None
