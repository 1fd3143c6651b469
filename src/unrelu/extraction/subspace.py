"""Networks of many inputs in single precision: from a random subspace to all inputs.

Rounding hides what short differences show, and lines that are far enough from each other to show
all inputs are many. But a network that is asked in a subspace of r of the d inputs is a network of
r inputs, of as many units, which random answers determine:

1. count kinks on a line, for the number of units at least;
2. recover the network in the subspace from random answers (`search.hyperplanes`);
3. continue its units into the other inputs, from places in the subspace that are far from all
   hyperplanes (`extraction.directions`): to a few per cent;
4. fit all weights to answers at random inputs, by least squares, so that rounding averages out
   (`fitting.sums`); so large a fit also says how far rounding may have moved the weights.

Units that the subspace does not show, because their hyperplanes are far out, show on lines.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.explained import explain
from unrelu.checks.finding import Finding
from unrelu.evidence.evidence import Question
from unrelu.evidence.noisy_labels import NoisyLabels, judge_noisy, measured, noise_of
from unrelu.extraction import single
from unrelu.extraction.directions import extended
from unrelu.extraction.judging import contradicted, remarks_on
from unrelu.extraction.kinks import Ask
from unrelu.extraction.lines import Units
from unrelu.extraction.places import choose_places
from unrelu.extraction.search import Search
from unrelu.fitting import joint
from unrelu.fitting.sums import Sums, fitted, row_errors
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search import hyperplanes
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

log = logging.getLogger(__name__)

DIMENSIONS = 32
"""Of the subspace: enough for places away from hundreds of hyperplanes."""

ANSWERS = 6.0
"""In the subspace, to each weight of twice as many units as a line shows kinks, or of a few."""

FEWEST = 16
"""Units that are looked for at least."""

EACH = 2.5
"""Answers to each weight, of the last fit."""

MOST_UNITS = 1000
"""Beyond which a search in the subspace takes too long."""


def shown_in_a_subspace(search: Search) -> bool:
    """Whether a subspace shows the network. Only in single precision, where there are more inputs
    than it has dimensions, and too many weights for their normal matrix."""
    queries, kept, rng = search.queries, search.kept, search.aside
    d, m = kept.X.shape[1], kept.Y.shape[1]
    if not queries.single or d < 2 * DIMENSIONS:
        return False
    least = search.on_lines.n_kinks()
    if least > MOST_UNITS or least * (d + m) <= joint.MOST_WEIGHTS:
        return False
    # What is asked in the subspace and beside it is not kept: the last fit needs none of it.
    queries.stage = "a subspace"
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
    net = _in_subspace(queries, basis, least, kept.norm, m, search.bias, rng)
    if net is None:
        return False
    net = _in_all_inputs(queries, net, basis, kept.norm, rng)
    queries.stage = "all weights"
    before = len(kept.X)
    blocks = Sums.blocks(net.n_units * (d + m + 1), d, m, EACH)
    asked = Sums.asked(lambda X: kept.ask(X)[1], blocks, d, search.scale, rng)
    net = fitted(net, asked, bias=search.bias).canonical()
    used = np.arange(before, len(kept.X))
    off = float(np.sqrt(((net(kept.X[:before]) - kept.Y[:before]) ** 2).mean()))
    search.on_lines.know(single.as_known(net, off, kept.norm))
    others = search.on_lines.n_others()
    log.info("%d units, answers off by %.1e, %d other kinks", net.n_units, off, others)
    search.grow_fresh(len(used))
    errors = row_errors(net, asked, search.on_lines.rounding, search.bias, rng)
    search.keep_result(_judged(search, net, errors, used), "a subspace")
    assert search.best is not None, "it was judged"
    return search.best.status != Status.FAILED


def _judged(search: Search, net: Network, errors: Array, used: Index) -> Recovery:
    """The verdict: an estimate, rounding as the noise. Rounding that conspired could hide much of
    so many weights, so the test of exact labels would leave them open."""
    kept, samples = search.kept, search.kept.samples()
    asked = Question(net, search.bias, used=used, values=True)
    kind, taken = noise_of(asked, samples, "gaussian")
    case = measured(asked, taken, kind, samples.precision)
    judgement = judge_noisy(asked, case, kind, precision=samples.precision).judgement
    assert isinstance(judgement.evidence, NoisyLabels)
    evidence = replace(judgement.evidence, weight_errors=errors)
    certificate = Certificate.of(replace(judgement, evidence=evidence))
    if certificate.status != Status.ESTIMATED:
        return search.judge(net, used, "")
    contradiction = contradicted(certificate, kept.along, True)
    remarks = remarks_on(certificate, search.n_units, contradiction, "")
    net, off = certificate.network, certificate.network(kept.X) - kept.Y
    covariance = off.T @ off / (len(off) * (1 - evidence.unknowns / evidence.equations))
    rounding = single.rounding_of(kept.Y)
    left = float(np.sqrt(np.diag(covariance).mean())) / rounding
    weakest = float(single.standing_out(net, search.scale, rounding).min(initial=np.inf))
    sentence = (
        f"what {counted(net.n_units, 'unit')} leave of the answers, {left:.2g} roundings, is the "
        "model's own rounding: units that stand out of it by less than some "
        f"{max(single.LEAST, left / single.SEEN):.2g} roundings may be left out; those found stand "
        f"out by {weakest:.2g} or more"
    )
    below = Finding("below-rounding", Status.ESTIMATED, sentence)
    kind = replace(kind, covariance=covariance)
    return Recovery(net, certificate, {}, noise=kind, remarks=(*remarks, below))


def _in_subspace(
    ask: Ask,
    basis: Array,
    least: int,
    norm: float,
    m: int,
    bias: bool,
    rng: np.random.Generator,
) -> Network | None:
    """Step 2: the network as a function of coordinates in the first rows of `basis` (d, d), with at
    least so many units; None where none explains the answers. Inputs have about this norm."""
    r, units = DIMENSIONS, max(FEWEST, 2 * least)
    n = int(np.ceil(ANSWERS * units * (r + 1 + m) / m))
    X, Y = ask(norm / np.sqrt(r) * rng.standard_normal((n, r)) @ basis[:r])
    samples = Samples.of((X @ basis[:r].T).astype(np.float32), Y.astype(np.float32))
    net = hyperplanes.find(
        samples,
        n_units=None,
        least=max(1, least),
        bias=bias,
        rng=rng,
        missed=lambda net: explain(net.canonical(), samples).missed,
    ).network
    left = explain(net.canonical(), samples).in_roundings
    log.info("in a subspace: %d units, %.2g of what rounding allows", net.n_units, left)
    return net if left <= 1 else None


def _in_all_inputs(
    ask: Ask, net: Network, basis: Array, norm: float, rng: np.random.Generator
) -> Network:
    """Step 3: the same network as a function of all inputs, roughly."""
    lengths = np.linalg.norm(net.V, axis=1)
    none = np.zeros((2, net.n_units))
    units = Units(net.V / lengths[:, None], net.b / lengths, net.U * lengths, *none)
    units = extended(ask, units, choose_places(units, norm, len(basis), rng), basis)
    return Network(units.V @ basis, units.U, units.b, net.c)
