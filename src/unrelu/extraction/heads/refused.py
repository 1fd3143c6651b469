"""Answers whose kind is known, and that no network is recovered from."""

from __future__ import annotations

from dataclasses import replace

from unrelu.checks.finding import Finding
from unrelu.extraction.heads.head import Asked
from unrelu.extraction.judging import without_units
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery
from unrelu.samples import Samples


def refused(asked: Asked, X: Array, Y: Array, kind: Finding) -> Recovery:
    """The result that says of what kind the answers Y (n, m) to X (n, d) are."""
    result = without_units(Samples.of(X, Y, few=True), asked.bias)
    findings = (kind, *result.certificate.findings)
    certificate = replace(result.certificate, findings=findings)
    return replace(result, certificate=certificate, stats={"method": "random queries"})
