"""Labels as numbers of classes, in the order in which they turn up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from unrelu.extraction.hard_labels.null_vectors import Inside
from unrelu.extraction.queries import Queries
from unrelu.numerics.arrays import Array, Index

KEPT = 24
"""Inputs of each class that are remembered."""


@dataclass(eq=False)
class Classes:
    """Asks for classes. `labels` are the answers, one for each class, and `inside` inputs of it.
    With a `basis` (r, d), inputs are coordinates in its rows."""

    queries: Queries
    basis: Array | None = None
    labels: list[tuple[float, ...]] = field(default_factory=list)
    inside: list[Array] = field(default_factory=list)
    numbers: dict[tuple[float, ...], int] = field(default_factory=dict)

    def __call__(self, X: Array) -> Index:
        """The classes (n,) of inputs X (n, d)."""
        if not len(X):
            return np.zeros(0, np.intp)
        if self.basis is None:
            X, Y = self.queries(X)
        else:
            _, Y = self.queries(X @ self.basis)
        rows = [tuple(row) for row in (Y + 0.0).tolist()]
        for number, row in enumerate(rows):
            if row not in self.numbers:
                self.numbers[row] = len(self.labels)
                self.labels.append(row)
                self.inside.append(X[number : number + 1].copy())
        return np.array([self.numbers[row] for row in rows], dtype=np.intp)

    @property
    def n_inputs(self) -> int:
        return self.queries.n_inputs if self.basis is None else len(self.basis)

    def in_all_inputs(self) -> Classes:
        """The same, with inputs instead of coordinates."""
        if self.basis is None:
            return self
        inside = [Y @ self.basis for Y in self.inside]
        return Classes(self.queries, labels=self.labels, inside=inside, numbers=self.numbers)

    def __len__(self) -> int:
        return len(self.labels)

    def remember(self, X: Array, classes: Index) -> None:
        """Keep some of the inputs of each class, the later ones."""
        for number in range(len(self)):
            both = np.vstack([self.inside[number], X[classes == number]])
            self.inside[number] = both[-KEPT:]

    def all_inside(self) -> Inside:
        """What is remembered."""
        counts = [len(X) for X in self.inside]
        return Inside(np.vstack(self.inside), np.repeat(np.arange(len(self)), counts))

    def sorted(self) -> Index:
        """The numbers of the classes in the order of their labels. Of columns, the last counts
        first: with one column for each class, output i is that of column i."""
        key = self.name if self.queries.texts.names else lambda number: self.labels[number][::-1]
        return np.array(sorted(range(len(self)), key=key))

    def name(self, number: int) -> str:
        """The text of a class, where labels are texts; else empty."""
        names = self.queries.texts.names
        return names[int(self.labels[number][0])] if names else ""
