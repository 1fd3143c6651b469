"""Models of many inputs in single precision, behind a link: a random subspace shows the network
(`extraction.subspace`)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.evidence.evidence import Question
from unrelu.evidence.exact_labels import judge_labels
from unrelu.extraction.heads.far_out import contradiction, on_lines
from unrelu.extraction.heads.head import FIRST_ANSWERS, Asked
from unrelu.extraction.judging import remarks_on
from unrelu.extraction.kinks import Ask, Line, measure_bend
from unrelu.extraction.line_search import STEPS
from unrelu.extraction.lines import Rest, Rounding, Units
from unrelu.extraction.queries import ENDED
from unrelu.extraction.subspace import DIMENSIONS, estimate, shown
from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import DeadlinePassed
from unrelu.result import Recovery
from unrelu.samples import Samples

SEEN = 1.5
"""How far out a line is followed, as a multiple of the usual norm: links saturate farther out."""

EACH = 12.0
"""Answers to each weight: probabilities magnify what is left of values."""

OF_ALL = 0.6
"""Share of the kinks that are there: the places of a hyperplane on lines are Cauchy distributed."""


def shown_behind(asked: Asked, link: Link, keep: list[Recovery]) -> Recovery | None:
    """The network, if a subspace shows it; None where not, or where some answers are saturated.
    What a fit that is ended has found by then is appended to `keep`."""
    d, scale, rng = asked.n_inputs, asked.scale, asked.streams(12)[11]
    X, P = asked.queries(asked.random_inputs(FIRST_ANSWERS))
    inputs, values = [X], [link.inverse(P)]
    if not asked.queries.single or d < 2 * DIMENSIONS or not np.isfinite(values[0]).all():
        return None
    m = values[0].shape[1]

    def ask(points: Array) -> tuple[Array, Array]:
        points, answers = asked.queries(points)
        return points, link.inverse(answers)

    def ask_last(points: Array) -> tuple[Array, Array]:
        points, behind = ask(points)
        inputs.append(points)
        values.append(behind)
        return points, behind

    asked.queries.stage = "lines"
    rounding = measure_bend(ask, d, scale, STEPS[0], rng)
    least = _n_units(ask, d, m, scale, rounding, rng)
    asked.queries.stage = "a subspace"
    latest: list[Network] = []
    try:
        found = shown(
            *(ask, ask_last, least, d, m),
            scale=scale,
            rounding=rounding,
            bias=asked.bias,
            rng=rng,
            reach=SEEN,
            each=EACH,
            keep=latest.append,
        )
    except (*ENDED, DeadlinePassed):
        if latest:
            keep.append(_unfinished(latest[-1], X, values[0], asked.bias))
        raise
    behind = np.vstack(values)
    if found is None or not np.isfinite(behind).all():
        return None
    samples = Samples.of(np.vstack(inputs).astype(np.float32), behind.astype(np.float32))
    question = Question(found.net, asked.bias, used=np.arange(len(X), samples.n), values=True)
    result = estimate(question, samples, found.errors, rounding, scale)
    if result is None:
        return None
    on_lines(asked, rng)
    wrong = contradiction(link, result.certificate, *asked.queries.recorded, eps=samples.eps)
    remarks = remarks_on(result.certificate, asked.n_units, wrong, "")
    return replace(result, remarks=(*remarks, *result.remarks))


def _unfinished(net: Network, X: Array, values: Array, bias: bool) -> Recovery:
    """The verdict on a network whose fit was ended, by the first answers, which it has not seen."""
    samples = Samples.of(X.astype(np.float32), values.astype(np.float32))
    question = Question(net, bias, used=np.arange(0), values=True)
    certificate = Certificate.of(judge_labels(question, samples))
    return Recovery(certificate.network, certificate, {})


def kinks_behind(asked: Asked, link: Link, rng: np.random.Generator) -> int:
    """About so many units are there, by the kinks of a line through values behind answers; zero
    where all of these are saturated."""
    d, scale = asked.n_inputs, asked.scale

    def ask(points: Array) -> tuple[Array, Array]:
        points, answers = asked.queries(points)
        return points, link.inverse(answers)

    asked.queries.stage = "lines"
    rounding = measure_bend(ask, d, scale, STEPS[0], rng)
    if not np.isfinite(rounding):
        return 0
    return _n_units(ask, d, asked.queries.n_outputs or 1, scale, rounding, rng)


def _n_units(
    ask: Ask, d: int, m: int, scale: float, rounding: float, rng: np.random.Generator
) -> int:
    """About so many units are there, by the kinks of a line."""
    nothing, size = Units.empty(d, m), Rounding(rounding, scale * math.sqrt(d))
    start, direction = scale * rng.standard_normal((2, d))
    rest = Rest(ask, nothing, size, careful=True, subtract=False)
    return math.ceil(rest.kinks_on(Line(start, direction, SEEN)).count / OF_ALL)
