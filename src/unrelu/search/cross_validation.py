"""The number of units by cross-validation: n_units="cv".

The tests of `fitting.width` stop where a further unit may be chance. Predictions may still gain by
units that no test is sure of, as those of labels that are no network's do: here the number is the
one whose networks predict samples best that they were not fitted to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from unrelu.fitting.fittings import fitting_of
from unrelu.fitting.selection import Effort
from unrelu.fitting.width import with_units
from unrelu.noise.kind import NoiseKind
from unrelu.noise.kinds import KINDS
from unrelu.numerics.arrays import Index, divisors
from unrelu.result import remark
from unrelu.search import least_squares, noisy
from unrelu.search.ending import with_ending
from unrelu.search.judging import Outcome
from unrelu.search.row_space import label_rank
from unrelu.search.skip_left_open import search_both
from unrelu.search.task import Task
from unrelu.search.watch import ENDED, watch
from unrelu.wording.streams import counted

FOLDS = 5

PATIENCE = 3
"""Widths in a row that predict no better, after which wider ones are not tried."""

ROWS = 20_000
"""Samples that decide: of more, so many, spread evenly."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The mean loss of held-out labels, from no unit on."""

    skip: bool
    errors: tuple[float, ...]

    @property
    def best(self) -> int:
        return int(np.argmin(self.errors))


def search_cross_validated(
    task: Task, search: Callable[[Task], Outcome], either: bool, rng: np.random.Generator
) -> tuple[Task, Outcome]:
    """The task with the number of units that predicts best, and its outcome; with `either`, also
    without a skip connection or with one, whichever predicts better. Labels without noise are
    explained by as many units as that takes.

    Cost: six searches, and 3 to 10 fits in each of five.
    """
    chosen, found = search_both(task, search, rng) if either else (task, search(task))
    noise = found.candidate.noise
    seen = watch()
    if noise is None or seen.ended is not None:
        return chosen, found
    kind, options = KINDS[noise.kind], (False, True) if either else (task.skip,)
    seen.enter("cross-validation")
    try:
        with seen.searching():
            scores = [_scores(_with_skip(task, skip, rng), kind, rng) for skip in options]
    except ENDED as error:
        return chosen, with_ending(found, seen.end(error))
    best = min(scores, key=lambda each: min(each.errors))
    wider = replace(_with_skip(task, best.skip, rng), n_units=best.best)
    linear = best.skip and either
    if best.best == 0 and not (best.skip or task.bias):
        return chosen, found  # nothing predicts better than nothing
    without = best.errors[0] or 1.0
    relative = ", ".join(f"{error / without:.3g}" for error in best.errors)
    sentence = (
        f"{counted(best.best, 'unit')}{' and a linear function of the inputs' if linear else ''} "
        f"predict best what is held out in {FOLDS}-fold cross-validation: from no unit to "
        f"{len(best.errors) - 1}, {relative} of the loss without any; for the standard errors, "
        "this number is taken to be known"
    )
    last = search(wider)
    ended = watch().ended
    if ended is not None and not last.status.certain:  # the one before was finished
        return chosen, with_ending(found, ended)
    said = remark("cross-validated", sentence)
    return wider, replace(last, remarks=(*last.remarks, *said))


def _with_skip(task: Task, skip: bool, rng: np.random.Generator) -> Task:
    if skip == task.skip:
        return task
    return replace(task, skip=skip, rank=label_rank(task.samples, task.bias, rng, skip=skip))


class _Fold:
    """A fit to all samples but those held out, and the networks of every width that follow."""

    def __init__(
        self, task: Task, kind: NoiseKind, rows: Index, part: Index, rng: np.random.Generator
    ) -> None:
        samples = task.weighted
        fitted = samples.take(np.setdiff1d(rows, part))
        weights = None if task.weights is None else fitted.weights
        few = replace(task, samples=replace(fitted, weights=None), weights=weights, n_units=None)
        self._net = noisy.find(few, kind.name, rng).network
        self._fitting = fitting_of(kind, self._net, fitted, task.bias, task.skip, Effort())
        self._held_out = samples.take(part)
        self._rng = rng
        about, plain = self._net(fitted.X), replace(fitted, weights=None)
        self._loss = None if kind.loss is None else kind.loss(plain, about)
        self._size = divisors(fitted.left(about).std(axis=0))

    def loss(self, units: int) -> float:
        """Of the labels held out, about the network of so many units."""
        net = with_units(self._net, self._fitting, units, self._rng)
        self._net = net if units > self._net.n_units else self._net
        X, Y = self._held_out.X, np.asarray(self._held_out.Y, np.float64)
        if self._loss is not None:
            return self._loss.cost(Y, net(X))
        return float(((self._held_out.left(net(X)) / self._size) ** 2).sum())


def _scores(task: Task, kind: NoiseKind, rng: np.random.Generator) -> Scores:
    rows = task.samples.spread(ROWS)
    parts = np.array_split(rng.permutation(rows), FOLDS)
    folds = [_Fold(task, kind, rows, np.sort(part), rng) for part in parts]
    most, errors = least_squares.most_width(task.samples, task.bias), list[float]()
    while len(errors) <= most and len(errors) <= PATIENCE + int(np.argmin(errors or [0.0])):
        errors.append(sum(fold.loss(len(errors)) for fold in folds))
    return Scores(task.skip, tuple(errors))
