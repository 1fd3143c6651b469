"""Networks of many inputs in single precision: from a random subspace to all inputs.

Rounding hides what short differences show, and lines that are far enough from each other to show
all inputs are many. But a network that is asked in a subspace of r of the d inputs is a network of
r inputs, of as many units, which random answers determine:

1. count kinks on a line, for the number of units at least;
2. recover the network in the subspace: of several outputs, by lines in still fewer dimensions
   (`extraction.widened`), else from random answers (`search.hyperplanes`);
3. continue its units into the other inputs, from places in the subspace that are far from all
   hyperplanes (`extraction.directions`): to a few per cent;
4. fit all weights to answers at random inputs, by least squares, so that rounding averages out
   (`fitting.sums`); so large a fit also says how far rounding may have moved the weights.

Units that the subspace does not show, because their hyperplanes are far out, show on lines.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

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
from unrelu.extraction.meetings import OUTPUTS
from unrelu.extraction.places import choose_places
from unrelu.extraction.search import Search
from unrelu.extraction.widened import Space, in_all_inputs, shown_by_lines
from unrelu.fitting import joint
from unrelu.fitting.both_sides import on_both_sides
from unrelu.fitting.sums import Sums, fitted, row_errors
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search import hyperplanes
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

log = logging.getLogger(__name__)

DIMENSIONS = 32
"""Of the subspace: enough for places away from hundreds of hyperplanes."""

MORE, FEWEST = 1.15, 16
"""Units that are looked for, as a multiple of the kinks of a line, for some of these are two; and
at least."""

ANSWERS = 10.0
"""In the subspace, to each weight of so many units: there may be more."""

EACH = 2.5
"""Answers to each weight, of the last fit."""

REACH = 10.0
"""How far out lines go in a few dimensions, as a multiple of the usual norm of inputs."""

MOST_UNITS = 1000
"""Beyond which a search in the subspace takes too long."""


@dataclass(frozen=True, eq=False)
class Shown:
    """The network, standard errors (k,) of its rows (v, b), v of length one, for answers that are
    off by one, and the answers that it was fitted to."""

    net: Network
    errors: Array
    sums: Sums


def shown(
    ask: Ask,
    ask_last: Ask,
    least: int,
    d: int,
    m: int,
    *,
    scale: float,
    rounding: float,
    bias: bool,
    rng: np.random.Generator,
    reach: float = REACH,
    each: float = EACH,
    keep: Callable[[Network], None] = lambda _: None,
) -> Shown | None:
    """Steps 2 to 4, for at least so many units; None where there are few inputs, or few weights, or
    where no network explains the answers in the subspace, or these are not finite. `ask_last`: asks
    for the last fit, which needs none of the answers before. `rounding`: of an answer. `reach`:
    how far lines go, as a multiple of the usual norm of inputs. `each`: answers to each weight.
    `keep` is called with better and better networks, for this takes minutes."""
    if d < 2 * DIMENSIONS or least > MOST_UNITS or least * (d + m) <= joint.MOST_WEIGHTS:
        return None
    norm, basis = scale * np.sqrt(d), np.linalg.qr(rng.standard_normal((d, d)))[0]
    found = None
    if m >= OUTPUTS:
        space, whole = Space(ask, basis, norm, DIMENSIONS), Space(ask, basis, norm, d)
        narrow = shown_by_lines(space, m, reach, rounding, bias, rng)
        if narrow is not None:
            found = in_all_inputs(narrow, whole, ask_last, bias, each, keep, rng)
    if found is None:
        net = _in_subspace(ask, basis, least, norm, m, bias, rng)
        if net is None:
            return None
        net = _in_all_inputs(ask, net, basis, norm, rng)
        blocks = Sums.blocks(net.n_units * (d + m + 1), d, m, each)

        def ask_values(X: Array) -> Array:
            return ask_last(X)[1]

        sums = Sums.asked(ask_values, blocks, d, scale, rng)
        if not np.isfinite(sums.answers).all():  # of a link, saturated
            return None
        sums = on_both_sides(net, sums, ask_values, scale, rng)
        found = fitted(net, sums, bias=bias, keep=keep), sums
    net, sums = found[0].canonical(), found[1]
    return Shown(net, row_errors(net, sums, 1.0, bias, rng), sums)


def shown_in_a_subspace(search: Search) -> bool:
    """Whether a subspace shows the network, in single precision. Where lines show further units,
    far out, the verdict says so."""
    queries, kept, lines = search.queries, search.kept, search.on_lines
    d, m = kept.X.shape[1], kept.Y.shape[1]
    if not queries.single or d < 2 * DIMENSIONS:
        return False
    least, before = lines.n_kinks(), len(kept.X)
    queries.stage = "a subspace"
    found = shown(
        *(queries, kept.ask, least, d, m),
        scale=search.scale,
        rounding=lines.rounding,
        bias=search.bias,
        rng=search.aside,
        keep=search.keep_network,
    )
    if found is None:
        return False
    net, used = found.net, np.arange(before, len(kept.X))
    off = float(np.sqrt(((net(kept.X[:before]) - kept.Y[:before]) ** 2).mean()))
    lines.know(single.as_known(net, off, kept.norm))
    others = lines.n_others()
    log.info("%d units, answers off by %.1e, %d other kinks", net.n_units, off, others)
    search.grow_fresh(len(used))
    asked = Question(net, search.bias, used=used, values=True)
    result = estimate(asked, kept.samples(), found.errors, lines.rounding, search.scale)
    if result is None:
        search.keep_result(search.judge(net, used, ""), "a subspace")
        return False
    wrong = contradicted(result.certificate, kept.along, True)
    remarks = remarks_on(result.certificate, search.n_units, wrong, "")
    search.keep_result(replace(result, remarks=(*remarks, *result.remarks)), "a subspace")
    return True


def estimate(
    asked: Question, samples: Samples, errors: Array, noise: float, scale: float
) -> Recovery | None:
    """A network as an estimate, rounding as the noise; None where it leaves more than that.
    `errors` (k,): of its rows, for answers that are off by one; `noise`: the rounding of an answer,
    as measured on a few.

    Rounding that conspired could hide much of so many weights, so the test of exact labels would
    leave them open."""
    kind, taken = noise_of(asked, samples, "gaussian")
    case = measured(asked, taken, kind, samples.precision)
    judgement = judge_noisy(asked, case, kind, precision=samples.precision).judgement
    assert isinstance(judgement.evidence, NoisyLabels)
    evidence = judgement.evidence
    net, Y = judgement.network, np.asarray(samples.Y, np.float64)
    off = net(np.asarray(samples.X, np.float64)) - Y
    covariance = off.T @ off / (len(off) * (1 - evidence.unknowns / evidence.equations))
    left, rounding = float(np.sqrt(np.diag(covariance).mean())), single.rounding_of(Y)
    evidence = replace(evidence, weight_errors=errors * left)
    certificate = Certificate.of(replace(judgement, evidence=evidence))
    if certificate.status != Status.ESTIMATED or left > max(single.LEFT * noise, rounding):
        return None
    weakest = float(single.standing_out(net, scale, rounding).min(initial=np.inf))
    least = max(single.LEAST, left / rounding / single.SEEN)
    sentence = (
        f"what {counted(net.n_units, 'unit')} leave of the answers, {left / rounding:.2g} "
        "roundings, is the model's own rounding: units that stand out of it by less than some "
        f"{least:.2g} roundings may be left out; those found stand out by {weakest:.2g} or more"
    )
    below = Finding("below-rounding", Status.ESTIMATED, sentence)
    kind = replace(kind, covariance=covariance)
    return Recovery(net, certificate, {}, noise=kind, remarks=(below,))


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
    r, least = DIMENSIONS, max(FEWEST, math.ceil(MORE * least))
    n = math.ceil(ANSWERS * least * (r + 1 + m) / m)
    X, Y = ask(norm / np.sqrt(r) * rng.standard_normal((n, r)) @ basis[:r])
    if not np.isfinite(Y).all():  # of a link, saturated
        return None
    samples = Samples.of((X @ basis[:r].T).astype(np.float32), Y.astype(np.float32))
    net = hyperplanes.find(
        samples,
        n_units=None,
        least=least,
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
