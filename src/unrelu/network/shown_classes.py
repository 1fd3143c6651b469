"""The probabilities of a softmax, where only those of a few classes are shown.

Of shown classes a and b, log p_a − log p_b = F_a − F_b. Where all classes but one are shown, that
one has what is missing to one. Nothing else is used: what the others have together is a sum of
exponentials of all their outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unrelu.network.contrasts import Contrasts
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.grids import Grid, grid_of

SPARE_SIZE = 1e4
"""Probabilities, relative to the smallest numbers with all digits, below which they lose some."""

ROUNDINGS = 4.0
"""Roundings of a probability that the arithmetic of a softmax may add."""

CLEAR = 8.0
"""Steps of rounded probabilities below which one is not used."""

SUM_ROUNDINGS = 1000.0
"""Roundings by which probabilities that were divided by their sum may fail to sum to one."""

SUM_OFF = 1e-3
"""By how much the probabilities of all classes may fail to sum to one."""


@dataclass(frozen=True, eq=False)
class ShownClasses:
    """Probabilities P (n, m) of samples, zero where a class is not shown. classes (m,): which
    class, of the `total` that there are, each column belongs to; those that are never shown have no
    column. `total`: None if it is not known."""

    P: Array
    classes: Index
    total: int | None

    @classmethod
    def of_columns(cls, Y: Array) -> ShownClasses:
        """Answers (n, total), zero where a class is not shown."""
        seen = np.flatnonzero((Y > 0).any(axis=0))
        if (Y == 0).sum(axis=1).max(initial=0) <= 1:  # what the last class has is known
            seen = np.arange(Y.shape[1])
        return cls(Y[:, seen], seen, Y.shape[1])

    @classmethod
    def of_pairs(cls, Y: Array) -> ShownClasses:
        """Answers (n, 2 k): k times the number of a class and its probability."""
        codes, P = Y[:, ::2].astype(np.intp), Y[:, 1::2]
        classes = np.unique(codes)
        full = np.zeros((len(Y), len(classes)))
        np.add.at(full, (np.arange(len(Y))[:, None], np.searchsorted(classes, codes)), P)
        return cls(full, classes, None)

    @property
    def hidden(self) -> int:
        """How many classes are never shown, as far as that is known."""
        return 0 if self.total is None else self.total - len(self.classes)

    @property
    def grid(self) -> Grid | None:
        """To what the probabilities are rounded, if they are."""
        return grid_of(self.P[self.P > 0][:, None])

    @property
    def single(self) -> bool:
        """Whether they are numbers in single precision."""
        grid = self.grid
        return grid is not None and grid.single

    @property
    def eps(self) -> float:
        """Their relative rounding, unless that is coarser: see `grid`."""
        return float(np.finfo(np.float32 if self.single else np.float64).eps)

    def refusal(self) -> str:
        """What contradicts that P are the largest probabilities of a softmax; "" if nothing."""
        shown = np.where(self.P > 0, self.P, np.inf)
        if not self.P.size:
            return "expected the probability of one class at least in each answer"
        if self.P.min() < 0 or self.P.sum(axis=1).max() > 1 + SUM_OFF:
            return "expected probabilities, of at most one together"
        if not np.isfinite(shown.min(axis=1)).all():
            return "expected the probability of one class at least in each answer"
        if self.total is None:
            return ""
        others = self.total - (self.P > 0).sum(axis=1)
        rest = 1 - self.P.sum(axis=1)
        if (rest > others * shown.min(axis=1) + SUM_OFF).any() and not self.renormalised:
            return "expected the largest probabilities: what is left is too much for the others"
        return ""

    @property
    def renormalised(self) -> bool:
        """Whether the probabilities that are shown sum to one, though others are not shown."""
        some = (self.P > 0).sum(axis=1) < self.P.shape[1] + self.hidden
        off = np.abs(self.P.sum(axis=1) - 1)
        return bool(
            some.any()
            and (self.P > 0).sum(axis=1).min() > 1
            and off.max() < SUM_ROUNDINGS * self.eps
        )

    def contrasts(self, X: Array, eps: float, grid: Grid | None = None) -> Contrasts:
        """The equations of answers to X (n, d), in each of them the largest probability against the
        others, with errors from rounding: of `eps`, relative, or that of a grid."""
        P, errors = self.completed(eps, grid)
        shown = (_tiniest(eps) < P) & (errors < (1 / CLEAR if grid else 1e-3))
        rows = np.flatnonzero(shown.sum(axis=1) > 1)
        P, errors, shown = P[rows], errors[rows], shown[rows]
        top = np.where(shown, P, 0.0).argmax(axis=1)
        shown[np.arange(len(rows)), top] = False
        i, other = np.nonzero(shown)
        largest = top[i]
        pairs = np.column_stack([largest, other])
        values = np.log(P[i, largest]) - np.log(P[i, other])
        off = (
            np.hypot(errors[i, largest], errors[i, other])
            if grid
            else (errors[i, largest] + errors[i, other])
        )
        return Contrasts(X[rows[i]], pairs, values, off)

    def completed(self, eps: float, grid: Grid | None = None) -> tuple[Array, Array]:
        """Probabilities, with that of a single class that is not shown, and their relative
        errors."""
        P = self.P.copy()
        with np.errstate(divide="ignore", invalid="ignore"):
            if grid is None:
                errors = np.where(P > 0, ROUNDINGS * eps, np.inf)
            else:
                errors = np.where(P > 0, grid.spacing(P) / math.sqrt(12) / P, np.inf)
            one_missing = (P > 0).sum(axis=1) == P.shape[1] - 1
            if grid is None and self._all_known and not self.renormalised:
                rows = np.flatnonzero(one_missing)
                columns = P[rows].argmin(axis=1)
                rest = 1 - P[rows].sum(axis=1)
                P[rows, columns] = np.maximum(rest, 0.0)
                errors[rows, columns] = np.where(rest > 0, ROUNDINGS * eps / rest, np.inf)
        return P, errors

    @property
    def _all_known(self) -> bool:
        """Whether there are no other classes: with two, one of them has a half at least."""
        if self.total is not None:
            return self.hidden == 0
        return len(self.classes) == 2 and bool(self.P.max(axis=1).min() >= 0.5)


def _tiniest(eps: float) -> float:
    """The probability below which numbers of this relative rounding lose digits."""
    kind = np.float32 if eps > np.finfo(np.float32).eps / 2 else np.float64
    return SPARE_SIZE * float(np.finfo(kind).tiny)
