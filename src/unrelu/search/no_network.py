"""The result where no network is found, or none is looked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_labels
from unrelu.fitting.candidate import constant
from unrelu.result import Recovery
from unrelu.samples import Samples


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
