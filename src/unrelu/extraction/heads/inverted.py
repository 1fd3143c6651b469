"""Answers with all their digits: values, where the link is inverted without loss."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from unrelu.checks.explained import explain
from unrelu.checks.finding import undetermined
from unrelu.evidence.evidence import Question
from unrelu.extraction.heads.far_out import contradiction, on_lines
from unrelu.extraction.heads.head import Asked
from unrelu.extraction.heads.informative import informative
from unrelu.extraction.heads.many_inputs import kinks_behind, shown_behind
from unrelu.extraction.judging import certified, remarks_on
from unrelu.links.behind import magnified
from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.recover import recover
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search import hyperplanes
from unrelu.wording.status import Status

FIRST, GROWTH, ROUNDS = 30, 2, 6
"""Random queries at first, for each weight of a unit; their growth; and rounds."""

EACH, AFFORDED = 5.0, 4
"""Answers to each weight of about as many units as a line shows; and how many times as many queries
there have to be, for some answers are saturated."""

FRESH = 0.1, 30
"""Share of the samples, and their least number, that are made after the network was found."""

SAID = ("answers", "hidden-by-answers")
"""Remarks of `recover` that an extraction makes itself."""

UNCHECKED = undetermined(
    "not-checked", "the network was not compared with fresh answers, nor with answers on lines"
)


def extract_inverted(asked: Asked, link: Link, keep: list[Recovery]) -> None:
    """Appends results to `keep`, better and better ones."""
    rng, again = asked.streams(7)[5:]
    known = shown_behind(asked, link, keep)
    if known is not None:
        keep.append(known)
        return
    if asked.queries.single and _shown_at_once(asked, link, keep, rng):
        return
    first = FIRST * (asked.n_inputs + asked.bias)
    for number in range(ROUNDS):
        n = first * GROWTH**number
        if (answered := _asked(asked, link, n, rng)) is None:
            return
        samples, answers = answered
        options = {"answers": link, "bias": asked.bias, "rng": rng, "throw": False}
        result = recover(samples.X, answers, asked.n_units, **options)  # type: ignore[arg-type]
        remarks = [each for each in result.remarks if each.code not in SAID]
        unchecked = (UNCHECKED,) if result.status == Status.EXACT else ()
        keep.append(replace(result, remarks=(*unchecked, *remarks)))
        if result.status == Status.EXACT:
            fresh = samples.n + max(math.ceil(FRESH[0] * samples.n), FRESH[1])
            if (answered := _asked(asked, link, fresh, again)) is None:
                return
            net = result.certificate.network
            keep.append(_judged(asked, link, net, samples, answered[0], rng))
        if result.status.certain:
            return


def _shown_at_once(
    asked: Asked, link: Link, keep: list[Recovery], rng: np.random.Generator
) -> bool:
    """Whether as many answers as the kinks of a line call for show a network. Smaller numbers, to
    begin with, would take minutes each where units are many."""
    d, m = asked.n_inputs, asked.queries.n_outputs or 1
    least = kinks_behind(asked, link, rng)
    n = math.ceil(EACH * least * (d + 1 + m) / m)
    if not FIRST * GROWTH**2 * (d + asked.bias) < n < asked.queries.left / AFFORDED:
        return False
    asked.queries.stage = "random inputs"
    answered = _asked(asked, link, n, rng)
    if answered is None or answered[0].n < n // 2:
        return False
    samples = answered[0]
    net = hyperplanes.find(
        samples,
        n_units=None,
        least=least,
        bias=asked.bias,
        rng=rng,
        missed=lambda net: explain(net.canonical(), samples).missed,
    ).network
    if explain(net.canonical(), samples).in_roundings > 1:
        return False
    fresh = samples.n + max(math.ceil(FRESH[0] * samples.n), FRESH[1])
    if (answered := _asked(asked, link, fresh, rng)) is None:
        return False
    result = _judged(asked, link, net, samples, answered[0], rng)
    if result.status == Status.FAILED:
        return False
    keep.append(result)
    return True


def _asked(
    asked: Asked, link: Link, n: int, rng: np.random.Generator
) -> tuple[Samples, Array] | None:
    """Up to n inputs, in the precision of the model, with the values behind the answers to them;
    and the answers; None where nearly all are saturated."""
    X, P, *_ = informative(asked, link, None, n, rng)
    if len(X) <= 2 * asked.n_inputs + 2:
        return None
    kind = np.float32 if asked.queries.single else np.float64
    samples = Samples.of(X.astype(kind), link.inverse(P).astype(kind), few=True)
    return samples.rounded_to(magnified(link, P) * samples.eps), P


def _judged(
    asked: Asked,
    link: Link,
    net: Network,
    used: Samples,
    samples: Samples,
    rng: np.random.Generator,
) -> Recovery:
    question = Question(net, asked.bias, used=np.arange(used.n), values=True)
    certificate = certified(question, samples, explain(net.canonical(), samples))
    wrong = ""
    if certificate.status == Status.EXACT:
        on_lines(asked, rng)
        wrong = contradiction(link, certificate, *asked.queries.recorded, eps=samples.eps)
    remarks = remarks_on(certificate, asked.n_units, wrong, "")
    return Recovery(certificate.network, certificate, {}, remarks=remarks)
