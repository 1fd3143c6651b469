"""recover(exact=True): the search is in floating point, the answer over the rationals.

A complete search (`solutions`) is exact throughout: by name, or, where it is quick, to show that
the network found is the only one.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.complete.lifting import lift
from unrelu.evidence.evidence import Question
from unrelu.evidence.rational_labels import (
    FEW_INPUTS,
    FEW_UNITS,
    MOST_NODES,
    judge_rational,
    judge_refuted,
)
from unrelu.fitting.candidate import constant
from unrelu.network import Network
from unrelu.noise.none import NONE
from unrelu.noise.sparse import SPARSE
from unrelu.numerics.arrays import Index
from unrelu.numerics.deadline import seconds_left
from unrelu.result import remark
from unrelu.samples import ExactSamples
from unrelu.search.ending import with_ending
from unrelu.search.judging import Outcome
from unrelu.search.options import dependent_inputs
from unrelu.search.plan import run_plan
from unrelu.search.row_space import label_rank
from unrelu.search.task import Task
from unrelu.search.watch import ENDED, watch
from unrelu.solutions import Solutions, solutions
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

EXPLAINED = (Status.EXACT, Status.UNDETERMINED)

PARTS, MOST_BROKEN = 4, 0.1
"""Parts of the samples that are tried: half of them miss a single wrong label. And the share of
samples that may break a proof, for it to be that of a network behind them."""


def run_rational_plan(task: Task, samples: ExactSamples, rng: np.random.Generator) -> Outcome:
    """The candidate of the plan, lifted to ℚ, with its certificate there.

    An exact network is looked for first. Where there is none, some labels may be wrong: it is then
    looked for in the other samples, and the result lists those that break the proof."""
    if task.method.complete:
        watch().enter(task.method.name)
        with watch().searching():
            return _complete(task, samples, rng)
    quick = 2 * _part_size(task) < task.samples.n and not task.noise.given
    broken = _with_broken_samples(task, samples, rng) if quick else None
    if broken is not None:
        return broken
    expected = SPARSE if task.method.gross else NONE
    best = run_plan(task if task.noise.given else replace(task, noise=expected), rng)
    if (seen := watch()).ended is not None:
        return best
    seen.enter("rational numbers")
    try:
        with seen.searching():
            return _finished(best, task, samples, rng)
    except ENDED as error:
        return with_ending(best, seen.end(error))


def _finished(
    best: Outcome, task: Task, samples: ExactSamples, rng: np.random.Generator
) -> Outcome:
    """The outcome over the rationals of what the plan has come to."""
    failed = best.status == Status.FAILED
    if task.activation.piecewise_linear and task.open and failed:
        clean = run_plan(replace(task, noise=SPARSE), rng)
        best = clean if clean.status in EXPLAINED else best
    started = time.perf_counter()
    best, steps = _over_the_rationals(best, task, samples, rng)
    if _may_be_refuted(best, task):
        complete = _complete(task, samples, rng, np.inf, MOST_NODES)
        if complete.certificate.refutation is not None:
            best = complete
    if best.status == Status.UNDETERMINED and not task.noise.given:
        broken = _with_broken_samples(task, samples, rng)
        fewer = None if broken is None else broken.certificate
        if fewer is not None and fewer.network.n_units < best.certificate.network.n_units:
            message = f"with {counted(fewer.network.n_units, 'unit')}, {fewer.proof}"
            best = replace(best, remarks=(*best.remarks, *remark("fewer-but-broken", message)))
    spent = {"lifting_steps": steps, "seconds_rational": time.perf_counter() - started}
    candidate = replace(best.candidate, stats={**best.candidate.stats, **spent})
    return replace(best, candidate=candidate)


def _part_size(task: Task) -> int:
    """Samples that are enough to find a network, if none of them is wrong."""
    unknowns = task.rank * (task.samples.d + task.samples.m)
    return 8 * (task.samples.d + task.rank) + 4 * unknowns // task.samples.m + 200


def _with_broken_samples(
    task: Task, samples: ExactSamples, rng: np.random.Generator
) -> Outcome | None:
    """A network proved by a part of the samples and by all but a few of the others, which break the
    proof. Otherwise a single wrong label would pass for one more unit."""
    n = task.samples.n
    for _ in range(PARTS):
        if watch().ended is not None:
            break
        rows = np.sort(rng.permutation(n)[: min(_part_size(task), n // 2)])
        part = task.samples.take(rows)
        few = len(rows) <= task.samples.d + task.bias  # which determine no unit
        if few or len(dependent_inputs(part, task.bias)[0]):
            continue
        rank = label_rank(part, task.bias, rng)
        found = run_plan(replace(task, samples=part, rank=rank, noise=NONE), rng)
        if found.status != Status.EXACT:
            continue
        lifted = lift(found.certificate.network, samples.take(rows), task.bias, rng)
        if lifted.network is None:
            continue
        certificate = _certified(task, lifted.network, rows, samples)
        assert certificate.proof is not None
        if 0 < len(certificate.proof.broken) <= MOST_BROKEN * n:
            return replace(found, certificate=certificate)
        return None
    return None


def _certified(
    task: Task,
    net: Network,
    rows: Index,
    samples: ExactSamples,
    search: Solutions | None = None,
) -> Certificate:
    asked = Question(net, task.bias, task.skip, rows)
    return Certificate.of(judge_rational(asked, samples, search))


def _over_the_rationals(
    best: Outcome, task: Task, samples: ExactSamples, rng: np.random.Generator
) -> tuple[Outcome, int]:
    """The network lifted to the rationals, certified there; a remark where it cannot be lifted."""
    certificate = best.certificate
    if best.status not in EXPLAINED:
        return best, 0
    kept = np.setdiff1d(np.arange(samples.rounded.n), certificate.corrupted[:, 0])
    lifted = lift(certificate.network, samples.take(kept), task.bias, rng)
    if lifted.network is None:
        status = Status.FAILED if lifted.contradicted else best.status
        message = f"not over the rationals: {lifted.reason}"
        finding = Finding("not-over-the-rationals", status, message)
        return replace(best, remarks=(finding, *best.remarks)), lifted.steps
    certificate = _certified(task, lifted.network, best.candidate.rows, samples)
    return replace(best, certificate=certificate), lifted.steps


def _may_be_refuted(best: Outcome, task: Task) -> bool:
    """Whether a quick search of all networks may show that there is none with n_units, as many as
    the labels have rank. Recipes asked for by name are not followed by it."""
    few = 0 < task.rank <= FEW_UNITS and task.samples.d <= FEW_INPUTS
    unproved = best.status != Status.PROVED and not task.method.recipe
    relu = task.activation.piecewise_linear
    return relu and few and unproved and task.n_units == task.rank


def _complete(
    task: Task,
    samples: ExactSamples,
    rng: np.random.Generator,
    time_limit: float = 60.0,
    most_nodes: float = np.inf,
) -> Outcome:
    """The result of a complete search: a network, the only one or one of several; a proof that
    there is none; or neither."""
    units, method = task.n_units or task.rank, task.method.name
    if not task.method.complete or units == 0:
        method = "facets"  # also says where constant labels need no unit
    found = solutions(
        samples.X,
        samples.Y,
        max(units, 1),
        bias=task.bias,
        method=method,
        count=True,
        time_limit=min(time_limit, seconds_left()),
        most_nodes=most_nodes,
        rng=rng,
    )
    rows = np.arange(samples.rounded.n)
    candidate = constant(samples.rounded, task.bias)
    remarks: tuple[Finding, ...] = ()
    if found.networks:
        candidate = replace(candidate, network=found.networks[0])
        certificate = _certified(task, candidate.network, rows, samples, found)
    elif found.refutation is not None:
        asked = Question(candidate.network, task.bias, task.skip, rows)
        certificate = Certificate.of(judge_refuted(asked, samples, found.refutation))
    else:
        certificate = _certified(task, candidate.network, rows, samples)
        remarks = (Finding("none-found", Status.FAILED, found.reason),)
    stats = {name: found.stats[name] for name in ("nodes", "seconds_rational")}
    return Outcome(method, replace(candidate, stats=stats), certificate, remarks=remarks)
