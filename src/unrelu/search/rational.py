"""recover(exact=True): the search is in floating point, the answer over the rationals.

A complete search (`solutions`) is exact throughout: by name, or, where it is quick, to show that
the network found is the only one.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate, judge_exactly
from unrelu.checks.proof import prove
from unrelu.complete.lifting import lift
from unrelu.fitting.candidate import constant
from unrelu.samples import ExactSamples
from unrelu.search.judging import Judged, Task
from unrelu.search.methods import BY_NAME
from unrelu.search.options import dependent_inputs, label_rank
from unrelu.search.plan import climb
from unrelu.solutions import solutions
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

EXPLAINED = (Status.EXACT, Status.UNDETERMINED)

COMPLETE = ("facets", "enumeration", "mixed-integer")
"""Methods that look for all networks with a given number of units, or show that there is none."""

FEW_UNITS, FEW_INPUTS, MOST_NODES = 8, 32, 2000
"""Units, inputs and nodes of a search tree up to which every other network is looked for: about a
second, and usually a fraction of it."""

PARTS, MOST_BROKEN = 4, 0.1
"""Parts of the samples that are tried: half of them miss a single wrong label. And the share of
samples that may break a proof, for it to be that of a network behind them."""

ROWS_PER_UNKNOWN = 4
"""Samples to an unknown of a unit on which they are looked for. What some exclude, all exclude."""

ALONE = "; a search of all such networks has found no other"


def climb_exactly(task: Task, samples: ExactSamples, rng: np.random.Generator) -> Judged:
    """The candidate of the ladder over ℚ, and judged there.

    The labels are searched for an exact network. Where there is none, some may be off: it is then
    looked for in the others, and the result says which samples break the proof."""
    if task.method in COMPLETE:
        return _complete(task, samples, rng)
    quick = 2 * _part(task) < task.samples.n and task.noise == "auto"
    broken = _but_for_a_few(task, samples, rng) if quick else None
    if broken is not None:
        return broken
    expected = "sparse" if task.method == "sparse-noise" else "none"
    best = climb(replace(task, noise=expected) if task.noise == "auto" else task, rng)
    failed = best.certificate.status == Status.FAILED
    relu = task.activation.piecewise_linear  # gross errors are for it, and so is a complete search
    if relu and task.noise == "auto" and failed and task.method == "auto":
        clean = climb(replace(task, noise="sparse"), rng)
        best = clean if clean.certificate.status in EXPLAINED else best
    started = time.perf_counter()
    certificate, steps = _over_the_rationals(best, task, samples, rng)
    if certificate.status != Status.PROVED and _may_be_decided(certificate, task):
        complete = _complete(task, samples, rng, np.inf, MOST_NODES)
        refuted = complete.certificate.refutation is not None and task.n_units is not None
        if refuted or complete.certificate.status == Status.PROVED:
            best, certificate = complete, complete.certificate
    if certificate.status == Status.UNDETERMINED and task.noise == "auto":
        broken = _but_for_a_few(task, samples, rng)
        fewer = None if broken is None else broken.certificate
        if fewer is not None and fewer.network.n_units < certificate.network.n_units:
            said = f"with {counted(fewer.network.n_units, 'unit')}, {fewer.proof}"
            certificate = replace(certificate, explanation=f"{certificate.explanation}; {said}")
    spent = {"lifting_steps": steps, "seconds_rational": time.perf_counter() - started}
    candidate = replace(best.candidate, stats={**best.candidate.stats, **spent})
    return replace(best, candidate=candidate, certificate=certificate)


def _part(task: Task) -> int:
    """Samples that are enough to find a network, if none of them is wrong."""
    unknowns = task.rank * (task.samples.d + task.samples.m)
    return 8 * (task.samples.d + task.rank) + 4 * unknowns // task.samples.m + 200


def _but_for_a_few(task: Task, samples: ExactSamples, rng: np.random.Generator) -> Judged | None:
    """A network that a part of the samples prove, and all but a few of the others: those break its
    proof. A single wrong label would otherwise pass for one more unit."""
    n = task.samples.n
    for _ in range(PARTS):
        rows = np.sort(rng.permutation(n)[: min(_part(task), n // 2)])
        part = task.samples.take(rows)
        if len(dependent_inputs(part, task.bias)[0]):
            continue
        rank = label_rank(part, task.bias, rng)
        found = climb(replace(task, samples=part, rank=rank, noise="none"), rng)
        if found.certificate.status != Status.EXACT:
            continue
        lifted = lift(found.certificate.network, samples.take(rows), task.bias, rng)
        if lifted.network is None:
            continue
        judged = judge_exactly(lifted.network, samples, rows, task.bias)
        assert judged.proof is not None
        if 0 < len(judged.proof.broken) <= MOST_BROKEN * n:
            return replace(found, certificate=judged)
        return None
    return None


def _over_the_rationals(
    best: Judged, task: Task, samples: ExactSamples, rng: np.random.Generator
) -> tuple[Certificate, int]:
    certificate = best.certificate
    if certificate.status not in EXPLAINED:
        return certificate, 0
    kept = np.setdiff1d(np.arange(samples.rounded.n), certificate.corrupted[:, 0])
    lifted = lift(certificate.network, samples.take(kept), task.bias, rng)
    if lifted.network is None:
        said = f"{certificate.explanation}; but not over the rationals: {lifted.reason}"
        status = Status.FAILED if lifted.contradicted else certificate.status
        code = "not-over-the-rationals"
        return replace(certificate, status=status, code=code, explanation=said), lifted.steps
    judged = judge_exactly(lifted.network, samples, best.candidate.rows, task.bias)
    if judged.status == Status.PROVED and 0 < judged.network.n_units == task.rank:
        judged = _with_others(judged, samples, task)
    return judged, lifted.steps


def _with_others(judged: Certificate, samples: ExactSamples, task: Task) -> Certificate:
    """The certificate of a network with as many units as the labels have rank, in the sight of
    all others with as many, if looking for them is quick."""
    if not _few(task):
        return judged
    k, d, n = task.rank, task.samples.d, task.samples.n
    rows = np.random.default_rng(0).permutation(n)[: ROWS_PER_UNKNOWN * (d + k + 1) + 20]
    some = samples.take(np.sort(rows))
    found = solutions(
        some.X, some.Y, k, bias=task.bias, count=True, time_limit=np.inf, most_nodes=MOST_NODES
    )
    if len(some.X) == n and found.count is not None and found.count > 1:
        return _several(judged, found.count, k)
    if not found.complete:
        return judged
    explaining = [net for net in found.networks if not len(prove(net, samples, task.bias).broken)]
    if len(explaining) == 1:
        return replace(judged, explanation=judged.explanation + ALONE)
    return _several(judged, len(explaining), k)


def _may_be_decided(certificate: Certificate, task: Task) -> bool:
    """Whether a search of all networks with as many units as the labels have rank may show what the
    certificate leaves open: that there is none with n_units, or only this one. A recipe asked for
    by its name is left to itself."""
    asked = task.rank > 0 and task.n_units in (None, task.rank) and task.method not in BY_NAME
    return asked and _few(task) and (task.n_units is not None or certificate.status in EXPLAINED)


def _few(task: Task) -> bool:
    if not task.activation.piecewise_linear:
        return False
    return task.rank <= FEW_UNITS and task.samples.d <= FEW_INPUTS


def _several(judged: Certificate, count: float, units: int) -> Certificate:
    many = "infinitely many" if np.isinf(count) else f"{count:.0f}"
    said = f"{many} networks of {counted(units, 'unit')} explain every sample without any error"
    return replace(judged, status=Status.UNDETERMINED, code="several-networks", explanation=said)


def _complete(
    task: Task,
    samples: ExactSamples,
    rng: np.random.Generator,
    time_limit: float = 60.0,
    most_nodes: float = np.inf,
) -> Judged:
    """What a complete search says: a network, the only one or one of several; a proof that there is
    none; or neither."""
    units, method = task.n_units or task.rank, task.method
    if method not in COMPLETE or units == 0:
        method = "facets"  # also says where constant labels need no unit
    found = solutions(
        samples.X,
        samples.Y,
        max(units, 1),
        bias=task.bias,
        method=method,
        count=True,
        time_limit=time_limit,
        most_nodes=most_nodes,
        rng=rng,
    )
    rows = np.arange(samples.rounded.n)
    candidate = constant(samples.rounded, task.bias)
    if found.networks:
        net = found.networks[0]
        certificate = judge_exactly(net, samples, rows, task.bias)
        if found.count == 1:
            many = counted(net.n_units, "unit")
            said = f"a network of {many} explains all {len(rows)} samples{ALONE}"
            certificate = replace(
                certificate, status=Status.PROVED, code="unique", explanation=said
            )
        elif found.count is not None:
            certificate = _several(certificate, found.count, net.n_units)
    else:
        net = candidate.network
        certificate = judge_exactly(net, samples, rows, task.bias)
        certificate = replace(
            certificate,
            status=Status.FAILED,
            code="none-exists" if found.refutation is not None else "none-found",
            explanation=found.reason,
            refutation=found.refutation,
            proof=None,
        )
    stats = {name: found.stats[name] for name in ("nodes", "seconds_rational")}
    return Judged(method, replace(candidate, network=net, stats=stats), certificate)
