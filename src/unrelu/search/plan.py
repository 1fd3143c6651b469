"""The ladder: the methods that apply, cheapest first, and the certificate that judges each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.checks.kinds_of_labels import (
    kind_of_labels,
    log_odds,
    rounded_to_integers,
    sigmoid,
)
from unrelu.complete import facets, mixed_integer
from unrelu.evidence.evidence import kind_found
from unrelu.fitting import affine_term
from unrelu.fitting.candidate import Candidate, constant
from unrelu.fitting.problem import Problem
from unrelu.network import Network
from unrelu.noise.kinds import estimated
from unrelu.search import gross_errors, hyperplanes, noisy, recipe, row_space, unknown_activation
from unrelu.search.judging import Judged, better, judged
from unrelu.search.task import Passes, Task
from unrelu.wording.status import Status

log = logging.getLogger(__name__)

NEAR = 1e-3
"""Residual of a network for exact labels from which on it is a start for noisy ones: where there
is so little noise, the search for exact labels is the better one."""


AGAIN, CHEAP = 4, 3e9
"""Searches that follow one whose units are open, and operations up to which one is cheap."""

SQUASHED = 0.01
"""The same, of the log-odds of labels, for these to be a network's values; as a share of what a
network leaves of the labels themselves."""


def climb(task: Task, rng: np.random.Generator) -> Judged:
    """The first candidate that is not refuted, or the one that comes closest."""
    passes = Passes(task.samples)
    if task.unknown:
        found = unknown_activation.find(task.samples, bias=task.bias, rng=rng)
        return judged(task, "row-space, activation unknown", found, passes)
    best: Judged | None = None
    for method, candidate in _proposals(task, passes, rng):
        if isinstance(candidate, Finding):
            assert best is not None, "labels are looked at where nothing explains them"
            return _no_values(best, candidate)
        new = judged(task, method, candidate, passes)
        log.info("%s: %s", method, new.certificate.explanation)
        if method == "hyperplanes":
            new = _with_fewer(new, task, passes, rng)
        if best is None or _interpolates(best, task) or better(new, best):
            best = new
        if new.status != Status.FAILED and not _interpolates(new, task):
            break
    assert best is not None, "the plan always proposes something"
    if _too_many(best, task):
        best = judged(task, "least-squares", _closest(task, rng), passes)
    if task.noise == "poisson":
        return best
    best = replace(best, certificate=replace(best.certificate, values=False))
    kind = _kind(best, task)
    return best if kind is None else _no_values(best, kind)


def _kind(best: Judged, task: Task) -> Finding | None:
    """What the labels are, if they are no values: now there are directions to look along."""
    found = best.certificate
    return kind_found(found.network, best.status, found.evidence, task.samples)


def _no_values(best: Judged, kind: Finding) -> Judged:
    """The verdict where the labels are something else than values: whatever comes closest to them
    is no estimate."""
    found = best.certificate
    certificate = replace(found, findings=(kind, *found.findings), values=False)
    candidate = replace(best.candidate, noise=None, note="")
    return Judged(best.method, candidate, certificate)


def _too_many(judged: Judged, task: Task) -> bool:
    """Whether more units than asked for explain the labels, and perhaps so would fewer."""
    found, wanted = judged.certificate.network.n_units, task.n_units
    return wanted is not None and found > wanted and judged.status == Status.UNDETERMINED


def _interpolates(judged: Judged, task: Task) -> bool:
    """Whether labels are explained that are said to be noisy, or by more units than asked for, and
    nothing shows that it is no chance: then it may be noise that is explained."""
    said = task.noise in estimated()
    doubtful = judged.explained and judged.status == Status.UNDETERMINED
    return doubtful and (said or _too_many(judged, task))


def _closest(task: Task, rng: np.random.Generator) -> Candidate:
    """The network of the units asked for that comes closest to labels without noise."""
    return replace(_fitted(task, "gaussian", rng), noise=None, note="")


def _with_fewer(found: Judged, task: Task, passes: Passes, rng: np.random.Generator) -> Judged:
    """Where the units found are open, others may do with fewer, and be certain: another search or
    two, where they are cheap and no more units are asked for."""
    best = found
    for _ in range(AGAIN):
        certificate, stats = best.certificate, best.candidate.stats
        most = certificate.network.n_units
        if not (best.explained and best.status == Status.UNDETERMINED):
            break
        if most <= (task.n_units or max(1, task.rank)) or float(stats["operations"]) > CHEAP:
            break
        candidate = _from_hyperplanes(task, passes, rng, None)
        new = judged(task, "hyperplanes", candidate, passes)
        if new.explained and new.certificate.network.n_units < most:
            best = new
    return best


def _proposals(
    task: Task, passes: Passes, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate | Finding]]:
    """Candidates for exact labels; what the labels are, if not values; candidates for labels with
    gross errors, for noisy ones."""
    if task.rank == 0:
        yield _constant(task), _without_units(task)
    elif task.recipe:
        yield from recipe.candidates(task, rng)
    elif task.n_units == 0:
        yield _constant(task), _without_units(task)
        if task.noise not in ("none", "sparse"):
            yield "least-squares", _fitted(task, task.noise, rng)
    elif not task.activation.reversible:
        yield from _of_known_activation(task, passes, rng)
    else:
        yield from _of_relu(task, passes, rng)


def _of_relu(
    task: Task, passes: Passes, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate | Finding]]:
    """Row-space alternation needs as many units as the labels have rank, so it is tried unless more
    are asked for; what units it finds, if not all, are a start for the general route. Labels that
    look noisy are left to the estimators."""
    samples, near = task.samples, None
    if task.method == "auto" and task.noise == "auto":
        # No search ends soon on what is rounded; and no ReLUs have exponentials that sum to one.
        named = kind_of_labels(samples)
        if named is not None and (task.precision.step > 0 or named.code == "log-probabilities"):
            yield "constant", _without_units(task)
            yield "labels", named
            return
    if task.noise != "sparse":
        for method, candidate in _exact(task, passes, rng):
            yield method, candidate
            near = candidate.network if passes.residual(candidate.network) < NEAR else near
        said = kind_of_labels(samples) if task.noise != "poisson" else None
        if said is None and near is None and task.noise != "poisson":
            said = _squashed(task, passes, rng)
        if said is not None:
            yield "labels", said
            return
    yield from _with_gross_errors(task, passes, rng)
    if task.noise != "none" and task.method == "auto":
        yield from _with_noise(task, near, rng)


def _with_gross_errors(
    task: Task, passes: Passes, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate]]:
    """Where they are asked for, or the labels look like it."""
    samples, asked = task.samples, task.noise == "sparse"
    gross = task.noise == "auto" and task.rank == samples.m and not task.skip
    gross = gross and not rounded_to_integers(samples) and noisy.gross(samples, task.bias)
    if not (asked or (gross and task.method == "auto")):
        return
    found = gross_errors.find(samples, n_units=task.n_units, bias=task.bias, rng=rng, quick=gross)
    if found is None and asked:  # perhaps nothing is wrong with the labels
        yield from _exact(task, passes, rng)
    found = found or replace(constant(samples, task.bias), note=gross_errors.NO_SPLIT)
    yield "sparse-noise", found


def _with_noise(
    task: Task, near: Network | None, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate]]:
    """The estimate; before it the network behind heavy tails, if all but gross errors are exact."""
    samples = task.samples
    found = _fitted(task, "independent" if task.noise == "sparse" else task.noise, rng, near)
    assert found.noise is not None, "estimates have a noise"
    confirming = ("sparse",) if rounded_to_integers(samples) else ("auto", "sparse")
    if found.noise.kind == "independent" and task.noise in confirming and not task.skip:
        confirmed = gross_errors.confirm(found.network, samples, bias=task.bias, rng=rng)
        if confirmed is not None:
            yield "sparse-noise", confirmed
    if task.noise != "sparse":
        yield "least-squares", found


def _fitted(
    task: Task, kind: str, rng: np.random.Generator, near: Network | None = None
) -> Candidate:
    """What least squares, or the loss of this kind of noise, makes of the samples."""
    return noisy.find(
        task.weighted,
        n_units=task.n_units,
        bias=task.bias,
        kind=kind,
        rng=rng,
        near=near,
        skip=task.skip,
        activation=task.activation,
        alpha=task.alpha,
        step=task.precision.step,
    )


def _constant(task: Task) -> str:
    return "linear" if task.skip else "constant"


def _squashed(task: Task, before: Passes, rng: np.random.Generator) -> Finding | None:
    """Whether a network explains the log-odds of labels between zero and one, and far better than
    one explains the labels."""
    odds = log_odds(task.samples)
    if odds is None or task.skip:
        return None
    again = replace(task, samples=odds, rank=odds.m, n_units=None, method="auto", noise="auto")
    passes = Passes(odds)
    left = [passes.residual(candidate.network) for _, candidate in _exact(again, passes, rng)]
    return sigmoid() if min(left) < SQUASHED * min(1.0, before.latest) else None


def _exact(task: Task, passes: Passes, rng: np.random.Generator) -> Iterator[tuple[str, Candidate]]:
    samples, n_units, bias = task.samples, task.n_units, task.bias
    known = None
    if task.method == "facets":
        yield "facets", facets.find(samples, bias=bias, rng=rng, missed=passes.missed)
        return
    if task.method == "mixed-integer":
        assert n_units is not None, "the options have been checked"
        found = mixed_integer.find(samples, n_units=n_units, bias=bias, rng=rng)
        yield "mixed-integer", found
        return
    if task.method != "hyperplanes" and (n_units is None or n_units <= task.rank):
        candidate = row_space.find(
            samples, bias=bias, rng=rng, missed=passes.missed, skip=task.skip
        )
        if candidate is not None:
            known = candidate.network
            yield "row-space", _simplest(candidate, task, passes)
    if task.method == "row-space":
        if known is None:
            yield "row-space", _without_units(task)
        return
    yield "hyperplanes", _from_hyperplanes(task, passes, rng, known)


def _from_hyperplanes(
    task: Task, passes: Passes, rng: np.random.Generator, known: Network | None
) -> Candidate:
    found = hyperplanes.find(
        task.samples,
        n_units=task.n_units,
        least=task.rank,
        bias=task.bias,
        rng=rng,
        missed=passes.missed,
        known=known,
        noise=task.noise != "none" and task.method == "auto",
        skip=task.skip,
    )
    return _simplest(found, task, passes)


def _without_units(task: Task) -> Candidate:
    samples = task.samples
    if not task.skip:
        return constant(samples, task.bias, task.activation)
    net = affine_term.affine(samples, task.bias)
    return Candidate(net, np.arange(samples.n), {"starts": 0})


def _simplest(found: Candidate, task: Task, passes: Passes) -> Candidate:
    """Without a skip connection, where the network found can do without."""
    if not task.skip:
        return found
    plain = affine_term.without(found.network, task.samples, found.rows, task.bias, passes.missed)
    return replace(found, network=plain, note=affine_term.NOT_NEEDED) if plain else found


def _of_known_activation(
    task: Task, passes: Passes, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate]]:
    """As many units as the labels have rank, for exact labels; then least squares, for noisy ones
    (and what suits the noise named) and for more units than outputs. Where there may be no noise,
    they go down to rounding."""
    samples, activation, bias = task.samples, task.activation, task.bias
    near: Network | None = None
    if task.n_units is None or task.n_units <= task.rank or task.method == "row-space":
        found = row_space.find(
            samples, bias=bias, rng=rng, missed=passes.missed, activation=activation
        )
        found = found or constant(samples, bias, activation)
        units = found.network.n_units
        if units < task.rank:
            note = (
                f"{units} units of activation {activation.name!r} were found for labels of rank "
                f"{task.rank}: with it, row-space alternation finds as many units as that"
            )
            found = replace(found, note=note)
        yield "row-space", found
        near = found.network if units and passes.residual(found.network) < NEAR else None
        if task.method == "row-space" or (task.noise == "none" and 0 < units < task.rank):
            return  # with more units than outputs, none would have been found
    with np.errstate(over="ignore", invalid="ignore"):  # on the way; what overflows fits nothing
        kind = "gaussian" if task.noise in ("auto", "none") else task.noise
        found = _fitted(task, kind, rng, near)
        if task.noise == "none":
            net = found.network
            if net.n_units:
                net = Problem(samples, found.rows, bias, activation=activation).refined(net)
            found = replace(found, network=net, noise=None, note="")
    yield "least-squares", found
