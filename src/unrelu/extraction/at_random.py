"""Networks from random queries: where a few answers show them at once, where lines lead nowhere, or
where an extraction ends early."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from unrelu.checks.kinds_of_labels import NOT_VALUES
from unrelu.evidence.evidence import Question
from unrelu.evidence.noisy_labels import NoisyLabels
from unrelu.extraction import single
from unrelu.extraction.judging import at_the_end, estimated, other_function
from unrelu.extraction.queries import BudgetSpent
from unrelu.extraction.search import FRESH, PREDICTED, Search
from unrelu.numerics.arrays import Index
from unrelu.recover import recover
from unrelu.result import Recovery
from unrelu.search.no_network import without_units
from unrelu.wording.status import Status

PASSIVE = 8, 4, 5
"""Random queries without lines: for each weight of one unit at first, growth, and rounds."""


def shown_at_once(search: Search, n: int) -> bool:
    """In single precision, whether n random answers show the network, and lines through what it
    leaves show nothing else. Lines through the answers themselves take far more."""
    inputs = search.kept.X.shape[1] + search.bias
    if not search.queries.single or n < PASSIVE[0] * inputs or n > search.queries.budget:
        return False
    search.grow(n)
    exact = _recovered(search, n, fresh=False).status == Status.EXACT
    assert search.best is not None, "it was judged"
    net = search.best.certificate.network
    search.best, nothing = None, search.on_lines.units
    off = float(np.sqrt(((net(search.kept.X) - search.kept.Y) ** 2).mean()))
    if exact and off <= single.LEFT * search.on_lines.rounding:
        search.on_lines.know(single.as_known(net, off, search.kept.norm))
        search.on_lines.search()
        if len(search.on_lines.units.b) == net.n_units:
            search.grow(n + min(PREDICTED, search.queries.left), "fresh inputs")
            result = search.judge(net, search.kept.beside[:n], "")
            if result.status == Status.EXACT:
                search.keep_result(result, "random queries")
                return True
        search.on_lines.know(nothing)
    return False


def recover_at_random(search: Search) -> None:
    """Random queries in growing numbers, and `recover`."""
    first, growth, rounds = PASSIVE
    for number in range(rounds) if search.on_lines.noise else range(1, rounds):  # lines led nowhere
        n = (search.kept.X.shape[1] + search.bias) * first * growth**number
        search.grow(max(n, search.gaussian))
        result = _recovered(search, len(search.kept.beside), fresh=True)
        failed = result.status == Status.FAILED
        if failed and (not search.on_lines.noise or result.code in NOT_VALUES):
            break
        if not failed and not result.more_samples:
            break


def _recovered(search: Search, n: int, *, fresh: bool) -> Recovery:
    """`recover` from the first n queries that are not on lines, judged on all."""
    rows = search.kept.beside[:n]
    samples = search.kept.samples()
    if len(rows) < samples.n:
        samples = samples.take(rows)
    result = recover(
        samples.X,
        samples.Y,
        search.n_units,
        bias=search.bias,
        noise="auto" if search.on_lines.noise else "none",
        rng=search.fits,
        throw=False,
    )
    fits = result.status != Status.FAILED  # even what it is not certain of must hold elsewhere
    if fits and fresh:
        search.grow_fresh(n)
    if fits and len(search.kept.beside) > n:
        again = _judged_again(search, result, rows)
        if result.status.certain or again.status == Status.FAILED:
            result = again
    search.keep_result(result, f"random queries, {result.stats['method']}")
    return result


def _judged_again(search: Search, result: Recovery, used: Index) -> Recovery:
    """The same network, judged on all answers."""
    net, samples = result.certificate.network, search.kept.samples()
    if not isinstance(result.certificate.evidence, NoisyLabels):
        again = search.judge(net, used, "")
        return replace(result, certificate=again.certificate, remarks=again.remarks)
    asked = Question(net, search.bias, used=used, values=True)
    certificate = estimated(asked, samples, result.certificate.evidence)
    other = other_function(certificate, samples, search.on_lines.noise)
    return replace(result, certificate=certificate, remarks=(*other, *result.remarks))


def finish(search: Search, end: BaseException) -> None:
    """The extraction ends early: the best result from the answers so far, some kept as fresh.
    After a time limit or an interruption, nothing that takes long is begun."""
    rows = search.kept.beside
    n = len(rows) - max(1, math.ceil(FRESH[0] * len(rows)))
    if not isinstance(end, BudgetSpent):
        if search.best is None and search.latest is not None:
            search.keep_result(search.judge(search.latest, rows[:n], ""), "a subspace")
        search.best = search.best or without_units(search.kept.samples(), search.bias)
    elif search.best is None or not search.best.status.certain:
        found = len(search.on_lines.units.b) if search.on_lines.basis is None else 0
        if found and n > search.kept.X.shape[1] + found and not search.final:
            net, note = search.fit(rows[:n])
            search.keep_result(search.judge(net, rows[:n], note), "lines")
        if search.best is None:
            _recovered(search, n, fresh=False)
    assert search.best is not None, "there is always a best network"
    search.best = at_the_end(search.best, search.queries, search.on_lines.count, end)
