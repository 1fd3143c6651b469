"""Answers whose kind is known, and that no network is recovered from."""

from __future__ import annotations

from dataclasses import replace

from unrelu.checks.finding import Finding, undetermined
from unrelu.extraction.heads.head import Asked, Head
from unrelu.extraction.judging import at_the_end, without_units
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery
from unrelu.samples import Samples

UNSEARCHED = undetermined("not-searched", "the extraction ended before a network was found")


def refused(asked: Asked, X: Array, Y: Array, kind: Finding) -> Recovery:
    """The result that says of what kind the answers Y (n, m) to X (n, d) are."""
    result = without_units(Samples.of(X, Y, few=True), asked.bias)
    findings = (kind, *result.certificate.findings)
    certificate = replace(result.certificate, findings=findings)
    return replace(result, certificate=certificate, stats={"method": "random queries"})


def ended_before(end: BaseException) -> Head:
    """The head of answers that were not recognised before the extraction ended."""

    def extract(asked: Asked) -> Recovery:
        X, Y = asked.queries(asked.random_inputs(1))  # was asked before
        sentence = "it was not found out what the answers are; `answers` states it"
        result = refused(asked, X, Y, undetermined("not-recognised", sentence))
        return at_the_end(result, asked.queries, 1, end)

    return Head("not recognised", "of a kind not known yet", _never, lambda _: False, extract)


def _never(_: Array) -> bool:
    return False
