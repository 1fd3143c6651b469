"""Networks from class labels that were given: maximum likelihood under the logit model.

Such labels show where a class is likelier than another, and no more. The likelihood has many
maxima, so a search starts over-wide, from random hyperplanes, and takes units away one by one, the
others fitted again each time. Of several such searches the best network of each width is kept; its
units are then tried on their other sides, and exchanged for further ones. The number of units is
chosen by the tests of `fitting.width`, on labels drawn from the fit. A network that no second
search has ended in is not certain (`search.agreement`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.evidence.class_labels import judge_classes
from unrelu.evidence.evidence import Question
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.fittings import Reweighted
from unrelu.fitting.problem import choose_rows
from unrelu.fitting.selection import Effort, unit_edge
from unrelu.fitting.width import choose, with_units, without_least
from unrelu.inputs.classes import ClassName
from unrelu.network import Network
from unrelu.noise.found import Noise, Width
from unrelu.noise.labels import LABELS, probabilities, separated
from unrelu.numerics.arrays import unit_rows
from unrelu.numerics.deadline import DeadlinePassed
from unrelu.result import remark
from unrelu.samples import Samples
from unrelu.search.agreement import best_of_starts
from unrelu.search.ending import with_ending
from unrelu.search.judging import Outcome
from unrelu.search.task import Task
from unrelu.search.unsettled import of_search
from unrelu.search.watch import ENDED, watch
from unrelu.wording.status import Status

FIRST_WIDTH, OVERWIDE, MORE = 8, 2, 2
"""Units of a first search, where their number is not known; and of one for k units, OVERWIDE k +
MORE."""

LABELS_PER_UNKNOWN = 5
"""Labels to an unknown in the widest fit of a search: with fewer, units explain all of them."""

STARTS = 6
"""Searches of which the best network is taken. One in two or three ends in it."""

SEARCHED = 10_000
"""Samples that a search looks at; the last fit looks at all of them."""

MOST_TURNED, EXCHANGES = 24, 4
"""Units up to which each one is tried on its other side; and further units that are tried in the
place of one."""

SHIFT = 0.5
"""Standard deviation of the biases of random hyperplanes, in units of the inputs'."""


@dataclass(frozen=True, eq=False)
class _Found:
    """The network, and `widths`, `trouble` and `common` as those of `Noise`."""

    net: Network
    starts: int = 0
    widths: tuple[Width, ...] = ()
    trouble: str = ""
    common: int = 0


def find(task: Task, classes: tuple[ClassName, ...], rng: np.random.Generator) -> Outcome:
    """The estimate from labels Y (n, m), indicators of all `classes` but the first, and its
    certificate."""
    samples, seen = task.weighted, watch()
    seen.begin("likelihood")
    try:
        with seen.searching():
            found = _search(
                task, _fitting(task, samples.take(choose_rows(samples, SEARCHED, rng))), rng
            )
            found = replace(found, net=_fitting(task, samples).fit(found.net))
            _keep(found.net)
            return _judged(task, classes, found)
    except ENDED as error:
        ended = seen.end(error)
    if seen.kept is None:
        found = _Found(_fitting(task, samples).without_units())
        return with_ending(_judged(task, classes, found, tested=False), ended)
    found = _Found(seen.kept.make().network)
    try:
        with seen.judging():
            best = _judged(task, classes, found)
    except DeadlinePassed:
        best = _judged(task, classes, found, tested=False)
    return with_ending(best, ended, finished=False)


def _keep(net: Network) -> None:
    """Have a network kept, for a search that is ended."""
    watch().keep(
        net.n_units, None, "likelihood", lambda: Candidate(net, np.arange(0), {"starts": 0})
    )


def _judged(
    task: Task, classes: tuple[ClassName, ...], found: _Found, *, tested: bool = True
) -> Outcome:
    """The outcome of a network that was fitted to all samples; `tested`: whether all checks are
    made."""
    samples, net = task.weighted, found.net
    fitting = _fitting(task, samples)
    left = fitting.Y - probabilities(net(fitting.X))
    noise = Noise(
        LABELS.name,
        "the classes of samples are drawn with their probabilities",
        np.asarray(left.T @ left / samples.n),
        found.widths,
        alpha=task.alpha,
        search=found.trouble,
        common=found.common,
    )
    every = np.arange(samples.n)
    stats: dict[str, float | int | str] = {"starts": found.starts, "rows": samples.n}
    candidate = Candidate(net, every, stats, noise=noise)
    asked = Question(net, task.bias, task.skip, every, values=True)
    judged = judge_classes(
        *(asked, samples, classes), alpha=task.alpha, form=task.form, tested=tested
    )
    certificate = Certificate.of(judged.judgement)
    estimated = certificate.status == Status.ESTIMATED
    left_open = of_search(noise, net.n_units) if estimated else ()
    remarks = (*left_open, *_mapping(classes))
    return Outcome("likelihood", candidate, certificate, judged.uncertainty, remarks)


def _mapping(classes: tuple[ClassName, ...]) -> tuple[Finding, ...]:
    """Which output is which class."""
    names = [repr(name) for name in classes]
    if len(names) == 2:
        return remark("classes", f"the output is the logit of class {names[1]} against {names[0]}")
    shown = ", ".join(names[:8]) + ", …" * (len(names) > 8)
    words = f"outputs are the logits of classes {shown}, in this order; that of the first is zero"
    return remark("classes", words)


def _fitting(task: Task, samples: Samples) -> Reweighted:
    skip, activation = task.skip, task.activation
    return Reweighted(LABELS, samples, bias=task.bias, skip=skip, activation=activation)


def _search(task: Task, fitting: Reweighted, rng: np.random.Generator) -> _Found:
    """The network of as many units as are asked for, or as tests show."""
    asked = task.n_units
    if asked == 0:
        return _Found(fitting.without_units())
    paths, width = _paths(fitting, asked, rng)
    starts = [path[width] for path in paths if width in path]
    best = min(starts, key=lambda net: _cost(fitting, net))
    _keep(best)
    net = _exchanged(_turned(best, fitting), fitting, rng)
    _keep(net)
    if separated(fitting.Y, net(fitting.X)):
        return _Found(net, len(paths))
    widths: tuple[Width, ...] = ()
    if asked is None:
        watch().enter("number of units")
        most = _most_width(fitting)
        chosen = choose(net, fitting, alpha=task.alpha, most=most, rng=rng)
        net, widths = chosen.network, chosen.widths
        if chosen.endless:
            return _Found(net, len(paths), widths, "endless")
    if not net.n_units:
        return _Found(net, len(paths), widths)
    _keep(net)
    width = net.n_units
    others = tuple(path.get(width, path[max(path)]) for path in paths)
    effort = Effort(starts=len(paths), others=others)

    def again(n_units: int) -> Network:
        wide = _wide(fitting, _overwide(fitting, n_units), rng)
        return with_units(wide, fitting, n_units, rng)

    net, common = best_of_starts(net, fitting, effort, again)
    return _Found(net, len(paths), widths, "" if common == net.n_units else "disagree", common)


def _paths(
    fitting: Reweighted, asked: int | None, rng: np.random.Generator
) -> tuple[list[dict[int, Network]], int]:
    """Networks by their number of units, those of each of several searches, and the number that was
    asked for, or that seems best: each unit is to explain more than the best one would of noise."""
    wide = _overwide(fitting, asked) if asked else min(FIRST_WIDTH, _most_width(fitting))
    price = unit_edge(fitting.X.shape[1] + fitting.bias, fitting.Y.shape[1])
    while True:
        paths = [_path(fitting, wide, asked or 1, rng) for _ in range(STARTS)]
        if asked:
            return paths, asked
        costs = {
            width: min(_cost(fitting, path[width]) for path in paths if width in path)
            for width in range(1, wide + 1)
            if any(width in path for path in paths)
        }
        best = min(costs, key=lambda width: costs[width] + price * width)
        if OVERWIDE * best + MORE <= wide or wide == _most_width(fitting):
            return paths, best
        wide = min(_most_width(fitting), 2 * wide)


def _path(
    fitting: Reweighted, wide: int, least: int, rng: np.random.Generator
) -> dict[int, Network]:
    """From an over-wide fit down to `least` units."""
    net = _wide(fitting, wide, rng)
    path = {net.n_units: net}
    while net.n_units > least:
        net = without_least(net, fitting)
        path[net.n_units] = net
    _keep(net)
    return path


def _wide(fitting: Reweighted, width: int, rng: np.random.Generator) -> Network:
    """A fit of so many units from random hyperplanes."""
    nothing, (_, d) = fitting.without_units(), fitting.X.shape
    middle, size = fitting.X.mean(axis=0) * fitting.bias, fitting.X.std(axis=0)
    V = unit_rows(rng.standard_normal((width, d))) / np.where(size > 0, size, 1.0)
    b = SHIFT * rng.standard_normal(width) * fitting.bias - V @ middle
    U = np.zeros((fitting.Y.shape[1], width))
    start = Network(V, U, b, nothing.c, fitting.activation, nothing.W if fitting.skip else None)
    return fitting.fit(start, rough=True)


def _overwide(fitting: Reweighted, n_units: int) -> int:
    return max(n_units, min(_most_width(fitting), OVERWIDE * n_units + MORE))


def _most_width(fitting: Reweighted) -> int:
    (n, d), m = fitting.X.shape, fitting.Y.shape[1]
    return max(1, int(n // (LABELS_PER_UNKNOWN * (d + fitting.bias + m))))


def _cost(fitting: Reweighted, net: Network) -> float:
    return fitting.loss(net).cost(fitting.Y, net(fitting.X))


def _turned(net: Network, fitting: Reweighted) -> Network:
    """With units on their other sides, where that is better: what is linear in the difference,
    other units may explain."""
    net, better = fitting.fit(net), net.n_units <= MOST_TURNED and not fitting.skip
    while better:
        better = False
        for unit in range(net.n_units):
            other = fitting.fit(fitting.turned(net, unit))
            if other.n_units == net.n_units and fitting.gain(net, other) > 1:
                net, better = other, True
    return net


def _exchanged(net: Network, fitting: Reweighted, rng: np.random.Generator) -> Network:
    """With further units in the place of others, where that is better."""
    for _ in range(EXCHANGES):
        wider = with_units(net, fitting, net.n_units + 1, rng)
        other = fitting.fit(with_units(wider, fitting, net.n_units, rng))
        if other.n_units == net.n_units and fitting.gain(net, other) > 0:
            net = other
    return net
