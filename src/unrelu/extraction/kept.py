"""The answers that a network is fitted to: all but those of lines far out."""

from __future__ import annotations

import math

import numpy as np

from unrelu.extraction.queries import Queries
from unrelu.numerics.arrays import Array, Index
from unrelu.samples import Samples

NEAR = 3.0
"""Multiple of the usual norm of inputs up to which an answer on a line counts as an equation: from
farther out, it has larger rounding than others."""


class Table:
    """Rows of numbers: room is doubled when it is used up, and only rows in use take memory."""

    def __init__(self, columns: int) -> None:
        self._rows, self._used = np.empty((0, columns)), 0

    def __len__(self) -> int:
        return self._used

    @property
    def rows(self) -> Array:
        """Those so far, without a copy."""
        return self._rows[: self._used]

    def add(self, rows: Array) -> None:
        if not self._used and rows.shape[1] != self._rows.shape[1]:
            self._rows = np.empty((0, rows.shape[1]))
        wanted = self._used + len(rows)
        if wanted > len(self._rows):
            more = np.empty((max(wanted, 2 * len(self._rows)), rows.shape[1]))
            more[: self._used] = self.rows
            self._rows = more
        self._rows[self._used : wanted] = rows
        self._used = wanted


class Kept:
    """What was asked and answered. `from_lines` (n,) marks answers on lines and beside them, which
    may be of another function than others; `along` has all of these, those far out, too."""

    def __init__(self, queries: Queries, scale: float) -> None:
        self.queries, self.norm = queries, scale * math.sqrt(queries.n_inputs)
        self._X, self._Y = Table(queries.n_inputs), Table(0)
        self.along: list[tuple[Array, Array]] = []
        self.from_lines = np.zeros(0, dtype=np.bool_)

    @property
    def X(self) -> Array:
        """Inputs (n, d)."""
        return self._X.rows

    @property
    def Y(self) -> Array:
        """Answers (n, m)."""
        return self._Y.rows

    @property
    def beside(self) -> Index:
        """The rows of answers that are not on lines."""
        return np.flatnonzero(~self.from_lines)

    def ask(self, X: Array) -> tuple[Array, Array]:
        """Answers that count as equations, with the inputs as they were asked."""
        if not len(X):
            return X, self.Y[:0]
        X, Y = self.queries(X)
        self._add(X, Y, on_line=False)
        return X, Y

    def ask_on_line(self, X: Array) -> tuple[Array, Array]:
        """Answers on a line. They do not count as equations: on each piece, two say all."""
        X, Y = self.queries(X)
        self.along.append((X, Y))
        return X, Y

    def ask_along(self, X: Array) -> tuple[Array, Array]:
        """Answers beside a line. Those far out do not count as equations."""
        X, Y = self.ask_on_line(X)
        if not self.queries.single:  # in single precision, rounding of so many alike is no noise
            near = np.linalg.norm(X, axis=1) <= NEAR * self.norm
            self._add(X[near], Y[near], on_line=True)
        return X, Y

    def samples(self) -> Samples:
        """In the model's own precision."""
        if self.queries.single:
            return Samples.of(self.X.astype(np.float32), self.Y.astype(np.float32))
        return Samples.of(self.X, self.Y)

    def _add(self, X: Array, Y: Array, *, on_line: bool) -> None:
        self._X.add(X)
        self._Y.add(Y)
        self.from_lines = np.append(self.from_lines, np.full(len(X), on_line))
