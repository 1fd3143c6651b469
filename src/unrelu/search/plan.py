"""The plan: the methods that apply, cheapest first, and the certificate of each candidate."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.checks.kinds_of_labels import kind_of_labels, log_odds, rounded_to_integers, sigmoid
from unrelu.evidence.evidence import kind_found
from unrelu.fitting.candidate import Candidate, constant
from unrelu.network import Network
from unrelu.network.unknowns import count_unknowns
from unrelu.noise import kinds
from unrelu.noise.gaussian import GAUSSIAN
from unrelu.noise.kinds import KINDS
from unrelu.search import gross_errors, noisy, recipe, row_space, unknown_activation
from unrelu.search.ending import SoFar, at_the_end
from unrelu.search.judging import Outcome, better, judge, refined
from unrelu.search.method import Method
from unrelu.search.methods import AUTO, METHODS, SEARCHES
from unrelu.search.proposals import from_hyperplanes, without_units
from unrelu.search.task import Passes, Task
from unrelu.search.watch import ENDED, watch
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

log = logging.getLogger(__name__)

NEAR = 1e-3
"""Residual of a network for exact labels from which on it is a start for noisy ones: where there
is so little noise, the search for exact labels is the better one."""

NEARLY = 10.0
"""Roundings up to which labels are nearly explained."""

MORE_SEARCHES, CHEAP = 4, 3e9
"""Searches that follow one whose units are not determined, and operations up to which one is
cheap."""

SCARCE = 12.0
"""Equations to an unknown of the network asked for, or found, up to which further starts are worth
the time that is left: noise may have hidden most of the units of one that explains all labels."""

HYPERPLANES = "hyperplanes"

SQUASHED = 0.01
"""The same, of the log-odds of labels, for these to be a network's values; as a share of what a
network leaves of the labels themselves."""


def run_plan(task: Task, rng: np.random.Generator) -> Outcome:
    """The first candidate that is not refuted, or the one that comes closest. Where the search is
    ended early, the best so far."""
    seen, so_far = watch(), SoFar(Passes(task.samples))
    seen.begin("plan")
    try:
        with seen.searching():
            best = _searched(task, so_far, rng)
            if so_far.kind is None and _is_open(best, task):
                so_far.best, so_far.done = best, True
                best = _patiently(best, task, so_far.passes, rng)
            return _with_kind_of_labels(best, task) if so_far.kind is None else best
    except ENDED as error:
        best = at_the_end(task, so_far, seen, error)
    if so_far.kind is not None or task.unknown:
        return best
    return _with_kind_of_labels(best, task)


def _searched(task: Task, so_far: SoFar, rng: np.random.Generator) -> Outcome:
    passes = so_far.passes
    if task.unknown:
        watch().enter("row-space")
        found = unknown_activation.find(task.samples, bias=task.bias, rng=rng)
        return judge(task, "row-space, activation unknown", found, passes)
    for method, candidate in _proposals(task, passes, rng):
        best = so_far.best
        if isinstance(candidate, Finding):
            assert best is not None, "labels are examined after the searches"
            if best.explained:  # by a network that may have too many units: they are values
                break
            so_far.kind = candidate
            return _not_values(best, candidate)
        so_far.proposed = method, candidate
        watch().enter("certificate")
        new = judge(task, method, candidate, passes)
        so_far.proposed = watch().kept = None
        log.info("%s: %s", method, new.certificate.explanation)
        search = METHODS.get(method)
        if best is None or _interpolates(best, task) or better(new, best):
            so_far.best = new
        if search is not None and search.varies:
            fewer = _with_fewer_units(search, new, task, passes, rng)
            so_far.best = fewer if so_far.best is new else so_far.best
            new = fewer
        if new.status != Status.FAILED and not _interpolates(new, task):
            break
    best = so_far.best
    assert best is not None, "the plan always proposes something"
    if _too_many(best, task):
        closest = replace(noisy.find(task, GAUSSIAN.name, rng), noise=None, note="")
        best = judge(task, "least-squares", closest, passes)
    return best


def _is_open(best: Outcome, task: Task) -> bool:
    """Whether there is time left, and samples so few, or so surely without noise, that further
    starts may find a network which explains them."""
    of_relu = task.activation.reversible and not task.unknown and task.rank > 0
    wanted = task.n_units != 0 and task.method.name in (AUTO.name, HYPERPLANES)
    if not (watch().time_is_left and of_relu and wanted) or best.status.certain:
        return False
    if task.noise.estimated or task.noise.gross:
        return False
    samples, units = task.samples, max(1, task.n_units or best.certificate.network.n_units)
    unknowns = count_unknowns(units, samples.d, samples.m, biases=task.bias, skip=task.skip)
    return task.noise.exact or samples.n * samples.m < SCARCE * unknowns


def _patiently(best: Outcome, task: Task, passes: Passes, rng: np.random.Generator) -> Outcome:
    """Further starts, until one leads to a network that is certain, or the deadline passes."""
    watch().enter("further starts")
    most = best.certificate.network.n_units - 1 if best.explained else None
    while most is None or most > 0:
        found = from_hyperplanes(task, passes, rng, patient=True, most=most)
        new = judge(task, HYPERPLANES, found, passes)
        if new.status.certain:
            return new
        if new.explained:
            best, most = new, new.certificate.network.n_units - 1
    return best


def _with_kind_of_labels(best: Outcome, task: Task) -> Outcome:
    """The outcome in view of the kind of the labels, now that there are directions to look
    along."""
    if task.values:
        return best
    certificate = replace(best.certificate, values=False)
    best = replace(best, certificate=certificate)
    kind = kind_found(certificate.network, best.status, certificate.evidence, task.samples)
    return best if kind is None else _not_values(best, kind)


def _not_values(best: Outcome, kind: Finding) -> Outcome:
    """The outcome where the labels are not values: a network that is close to them is not an
    estimate."""
    found = best.certificate
    certificate = replace(found, findings=(kind, *found.findings), values=False)
    candidate = replace(best.candidate, noise=None, note="")
    return Outcome(best.method, candidate, certificate)


def _too_many(outcome: Outcome, task: Task) -> bool:
    """Whether more units than asked for explain the labels, or nearly so, and perhaps fewer do."""
    found, wanted = outcome.certificate.network.n_units, task.n_units
    if wanted is None or found <= wanted:
        return False
    nearly = 1 < outcome.certificate.residual_in_roundings <= NEARLY
    return outcome.status == Status.UNDETERMINED or (outcome.status == Status.FAILED and nearly)


def _interpolates(outcome: Outcome, task: Task) -> bool:
    """Whether the network explains labels that were declared noisy, or needs more units than asked
    for, and is not determined: then it may explain noise."""
    undetermined = outcome.explained and outcome.status == Status.UNDETERMINED
    return undetermined and (task.noise.estimated or _too_many(outcome, task))


def _with_fewer_units(
    search: Method, found: Outcome, task: Task, passes: Passes, rng: np.random.Generator
) -> Outcome:
    """Where the units found are not determined, a network with fewer units may be: a few more
    searches, where they are cheap and no more units are asked for."""
    best = found
    for _ in range(MORE_SEARCHES):
        certificate, stats = best.certificate, best.candidate.stats
        most = certificate.network.n_units
        if not (best.explained and best.status == Status.UNDETERMINED):
            break
        if most <= (task.n_units or max(1, task.rank)) or float(stats["operations"]) > CHEAP:
            break
        assert search.propose is not None, "it has proposed something before"
        candidate = search.propose(task, passes, rng, None)
        assert candidate is not None, "it has proposed something before"
        new = judge(task, search.name, candidate, passes)
        if new.explained and new.certificate.network.n_units < most:
            best = new
    return best


def _proposals(
    task: Task, passes: Passes, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate | Finding]]:
    """Candidates for exact labels; the kind of the labels, if they are not values; candidates for
    labels with gross errors and for noisy ones."""
    if task.rank == 0:
        yield _constant(task), without_units(task)
    elif task.method.recipe:
        watch().enter(task.method.name)
        yield from recipe.candidates(task, rng)
    elif task.n_units == 0:
        yield _constant(task), without_units(task)
        if task.noise.noisy:
            yield "least-squares", noisy.find(task, task.noise.name, rng)
    elif not task.activation.reversible:
        yield from _of_other_activation(task, passes, rng)
    else:
        yield from _of_relu(task, passes, rng)


def _of_relu(
    task: Task, passes: Passes, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate | Finding]]:
    """Row-space alternation needs as many units as the labels have rank, so it is tried unless more
    are asked for; if it finds some of the units, they start the general route. Labels that look
    noisy are left to the estimators."""
    samples, near = task.samples, None
    if task.open:
        # Searches of rounded labels are slow, and exponentials of ReLU outputs do not sum to one.
        kind = None if task.values else kind_of_labels(samples)
        if kind is not None and (task.precision.step > 0 or kind.code == "log-probabilities"):
            yield "constant", without_units(task)
            yield "labels", kind
            return
    if not task.noise.gross:
        for method, candidate in _exact(task, passes, rng):
            yield method, candidate
            near = candidate.network if passes.residual(candidate.network) < NEAR else near
        kind = None if task.values else kind_of_labels(samples)
        if kind is None and near is None and not task.values:
            kind = _squashed(task, passes, rng)
        if kind is not None:
            yield "labels", kind
            return
    yield from _with_gross_errors(task, passes, rng)
    if not (task.noise.exact or task.method.alone):
        yield from _with_noise(task, near, rng)


def _with_gross_errors(
    task: Task, passes: Passes, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate]]:
    """Where they are asked for, or suspected from the labels."""
    samples, asked = task.samples, task.noise.gross
    gross = task.open and task.rank == samples.m and not task.skip
    gross = gross and not rounded_to_integers(samples)
    if not (asked or (gross and noisy.suspects_gross_errors(samples, task.bias))):
        return
    watch().enter("gross errors")
    found = gross_errors.find(samples, n_units=task.n_units, bias=task.bias, rng=rng, quick=gross)
    if found is None and asked:  # perhaps nothing is wrong with the labels
        yield from _exact(task, passes, rng)
    found = found or gross_errors.not_split(samples, task.bias)
    yield "sparse-noise", found


def _with_noise(
    task: Task, near: Network | None, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate]]:
    """The estimate; before it the network behind heavy tails, if all but gross errors are exact."""
    samples, noise = task.samples, task.noise
    found = noisy.find(task, noise.stand_in if noise.gross else noise.name, rng, near)
    assert found.noise is not None, "estimates have a noise"
    may_be_gross = noise.gross or not (noise.given or rounded_to_integers(samples))
    if KINDS[found.noise.kind].robust and may_be_gross and not task.skip:
        confirmed = gross_errors.confirm(found.network, samples, bias=task.bias, rng=rng)
        if confirmed is not None:
            yield "sparse-noise", confirmed
    if not noise.gross:
        yield "least-squares", found


def _constant(task: Task) -> str:
    return "linear" if task.skip else "constant"


def _squashed(task: Task, before: Passes, rng: np.random.Generator) -> Finding | None:
    """Whether a network explains the log-odds of labels between zero and one, and far better than
    one explains the labels."""
    odds = log_odds(task.samples)
    if odds is None or task.skip:
        return None
    again = replace(task, samples=odds, rank=odds.m, n_units=None, method=AUTO, noise=kinds.AUTO)
    passes = Passes(odds)
    with watch().keeping_nothing():
        left = [passes.residual(candidate.network) for _, candidate in _exact(again, passes, rng)]
    return sigmoid() if min(left) < SQUASHED * min(1.0, before.latest) else None


def _exact(task: Task, passes: Passes, rng: np.random.Generator) -> Iterator[tuple[str, Candidate]]:
    known = None
    for search in (task.method,) if task.method.alone else SEARCHES:
        assert search.propose is not None, "recipes have a plan of their own"
        watch().enter(search.name)
        candidate = search.propose(task, passes, rng, known)
        if candidate is None and task.method.alone:
            candidate = without_units(task)
        if candidate is not None:
            known = candidate.network
            yield search.name, candidate


def _of_other_activation(
    task: Task, passes: Passes, rng: np.random.Generator
) -> Iterator[tuple[str, Candidate]]:
    """As many units as the labels have rank, for exact labels; then least squares, for noisy ones
    (and what suits the noise named) and for more units than outputs. Where there may be no noise,
    they go down to rounding."""
    samples, activation, bias = task.samples, task.activation, task.bias
    near: Network | None = None
    if task.n_units is None or task.n_units <= task.rank or task.method.alone:
        missed, quick = passes.missed, task.noise.estimated
        watch().enter("row-space")
        found = row_space.find(
            samples, bias=bias, rng=rng, missed=missed, activation=activation, quick=quick
        )
        found = found or constant(samples, bias, activation)
        units = found.network.n_units
        if units < task.rank:
            found = replace(
                found,
                note=f"row-space alternation needs as many units as the rank of the labels, "
                f"{task.rank}, and found {counted(units, 'unit')} of {activation.name!r}",
            )
        yield "row-space", found
        near = found.network if units and passes.residual(found.network) < NEAR else None
        if task.method.alone or (task.noise.exact and 0 < units < task.rank):
            return  # with more units than outputs, none would have been found
    with np.errstate(over="ignore", invalid="ignore"):  # on the way; what overflows fits nothing
        found = noisy.find(task, task.noise.stand_in or task.noise.name, rng, near)
        if task.noise.exact:
            net = found.network
            net = refined(task, net, found.rows) if net.n_units else net
            found = replace(found, network=net, noise=None, note="")
    yield "least-squares", found
