"""Rounded answers: an estimate, then exact samples from the steps of the answers, and the network
that explains them.

1. Random queries, and `recover` with rounding as noise: an estimate.
2. Stretches of lines on which it predicts steps (`extraction.stretches`): exact samples, as many
   as there are unknowns. The network is fitted to them, without noise.
3. More such samples, at places that the network predicts to the last digits, so that they cost
   two queries to a step and not forty; some of them after the last fit. The certificate rests on
   all of them.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np

from unrelu.checks.explained import explain
from unrelu.evidence.evidence import Question
from unrelu.extraction.heads.far_out import contradiction
from unrelu.extraction.heads.head import Asked
from unrelu.extraction.heads.steps import EPS, Fit, Steps
from unrelu.extraction.judging import certified, remarks_on
from unrelu.extraction.stretches import Stretches, joined, solved
from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.numerics.grids import RULES, Grid
from unrelu.result import Recovery, remark
from unrelu.samples import Samples
from unrelu.wording.status import Status

log = logging.getLogger(__name__)

FIRST, GROWTH, ROUNDS = 30, 2, 6
"""Random queries of the first estimate, for each weight of a unit; their growth; and rounds."""

NOT_EXPLAINED = (
    "the values at places where the answers step from one level to the next are not those of such "
    "a network, but for the rounding of the answers: the model computes with fewer digits, or is "
    "another function"
)

PATIENCE = 2
"""Estimates that fail and are far from the answers, after which the model is something else."""

LEAST, SPARE = 1.15, 1.5
"""Exact samples before the first fit, and in all, relative to the minimum."""

FRESH = 0.1, 30
"""Share of the samples, and their least number, that are made after the network was found."""

MORE_ROUNDS = 8
"""Rounds of fits; each has `SPARE` times as many samples as the last, while units are open."""

SURE = 1e-9
"""Share of the widest bracket to begin with, where the network is known to rounding."""


def extract_steps(asked: Asked, link: Link, grid: Grid, keep: list[Recovery]) -> None:
    """Appends results to `keep`, better and better ones."""
    steps = Steps(asked, link, grid, asked.streams(6)[5])
    try:
        _search(steps, keep)
    finally:
        if keep and steps.unexplained and keep[-1].certificate.status != Status.EXACT:
            more = remark("steps-not-explained", NOT_EXPLAINED)
            keep[-1] = replace(keep[-1], remarks=(*keep[-1].remarks, *more))


def _search(steps: Steps, keep: list[Recovery]) -> None:
    first = FIRST * (steps.asked.n_inputs + steps.asked.bias)
    known: Stretches | None = None
    hopeless = 0
    for number in range(ROUNDS):
        result, net = steps.estimate(first * GROWTH**number)
        if result.status not in (Status.EXACT, Status.PROVED):  # of equal answers, to rounding
            keep.append(result)
        if net is None:
            hopeless += result.status == Status.FAILED
            if hopeless == PATIENCE:
                return
            continue
        count = math.ceil(steps.wanted(net, LEAST) / 2)
        if known is not None:
            known = known.take(~known.crossed(net))
            count -= len(known)
        more = steps.stretches(net, count, known=known)
        known = more if known is None else joined([known, more])
        if len(more) >= count:
            known = _completed(steps, net, known, keep)
            if keep and keep[-1] is not result:
                return


def _completed(steps: Steps, net: Network, known: Stretches, keep: list[Recovery]) -> Stretches:
    """Stretches until a network explains them and those that it predicts; all of them."""
    weak, spare = np.arange(0), SPARE
    for _ in range(MORE_ROUNDS):
        fit = steps.fitted(known, net)
        steps.unexplained[:] = [] if fit.off <= 1 else [fit]
        if not fit.explains:
            known, net = steps.enlarged(known, net)
            continue
        net, known = fit.net, fit.stretches
        more = math.ceil(steps.wanted(net, spare) / 2) - len(known)
        if more > 0:
            known = joined([known, steps.stretches(net, more, SURE, weak, known)])
            fit = steps.fitted(known, net)
        count = math.ceil(max(FRESH[0] * 2 * len(known), FRESH[1]) / 2)
        fresh = steps.stretches(fit.net, count, SURE, known=known)
        result = _judged(steps, fit, fresh)
        if result.certificate.status == Status.EXACT != result.status:
            result = _by_another_rule(steps, known, fit, fresh) or result
        known = joined([known, fresh])
        if result.certificate.status != Status.FAILED:
            keep.append(result)
        if result.certificate.status == Status.EXACT:
            break
        if result.certificate.status == Status.UNDETERMINED:
            weak, spare = result.certificate.weak_units, spare * SPARE
            net = result.certificate.network
    return known


def _by_another_rule(steps: Steps, known: Stretches, fit: Fit, fresh: Stretches) -> Recovery | None:
    """The result with other thresholds, if that contradicts no answer: where all answers nearby
    are of one sign, only those far out tell how they are rounded."""
    for rule in steps.rules:
        other = steps.fit(known, fit.net, rule)
        if rule != fit.rule and other.explains:
            result = _judged(steps, other, fresh)
            if result.status == Status.EXACT:
                return result
    return None


def _judged(steps: Steps, fit: Fit, fresh: Stretches) -> Recovery:
    X, F = solved(fresh, fit.net, steps.link, fit.rule)
    fitted = fit.samples
    samples = Samples(np.vstack([fitted.X, X]), np.vstack([fitted.Y, F]), EPS)
    used = np.arange(fitted.n)
    explained = explain(fit.net.canonical(), samples)
    question = Question(fit.net, steps.asked.bias, used=used, values=True)
    certificate = certified(question, samples, explained)
    log.info("certificate: %s", certificate.explanation)
    wrong = ""
    if certificate.status == Status.EXACT:
        answers = steps.all_answers()
        wrong = contradiction(steps.link, certificate, *answers, grid=steps.grid, rule=fit.rule)
    sentence = (
        f"the answers are rounded to {steps.grid.name}, {RULES[fit.rule]}; the certificate is "
        "based on values at places where they step from one level to the next"
    )
    if steps.shifted and fit.rule == "nearest":
        sentence += "; if they were rounded up or down, the output biases are off by half a step"
    remarks = (
        *remarks_on(certificate, steps.asked.n_units, wrong, ""),
        *remark("rounded-answers", sentence),
    )
    return replace(Recovery(certificate.network, certificate, {}), remarks=remarks)
