"""Points of the boundary between two classes, each enclosed by two inputs of different classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from unrelu.extraction.hard_labels.asking import Asking
from unrelu.numerics.arrays import Array, Index, Mask, largest_entries

Kept = TypeVar("Kept", bound=np.generic)

FINEST = 2.0**-51
"""Distance of the two inputs, relative to their largest entry, at which bisection ends: rounding of
the inputs leaves nothing between them."""

AT_ONCE = 4096
"""Points whose ends are subtracted at once."""


@dataclass(eq=False)
class Boundary:
    """All points found so far: inputs `inner` of class pairs[:, 0], `outer` of class pairs[:, 1].
    `scattered` marks those that were not looked for next to others."""

    n_inputs: int
    count: int = 0

    def __post_init__(self) -> None:
        self._inner, self._outer = np.zeros((2, 64, self.n_inputs))
        self._pairs, self._scattered = np.zeros((64, 2), np.intp), np.zeros(64, np.bool_)

    def __len__(self) -> int:
        return self.count

    def add(self, inner: Array, outer: Array, pairs: Index, scattered: bool) -> Index:
        """Keep the points; returns their numbers."""
        numbers = np.arange(self.count, self.count + len(pairs))
        self.count += len(pairs)
        while self.count > len(self._pairs):
            self._inner, self._outer = _longer(self._inner), _longer(self._outer)
            self._pairs, self._scattered = _longer(self._pairs), _longer(self._scattered)
        self._inner[numbers], self._outer[numbers] = inner, outer
        self._pairs[numbers], self._scattered[numbers] = pairs, scattered
        return numbers

    @property
    def inner(self) -> Array:
        return self._inner[: self.count]

    @property
    def outer(self) -> Array:
        return self._outer[: self.count]

    @property
    def pairs(self) -> Index:
        return self._pairs[: self.count]

    @property
    def scattered(self) -> Mask:
        return self._scattered[: self.count]

    @property
    def points(self) -> Array:
        middle = self.inner + self.outer
        middle /= 2
        return middle

    def refine(self, numbers: Index, width: float) -> Asking[Array]:
        """Bisect these further; returns them."""
        ends = self.inner[numbers], self.outer[numbers], self.pairs[numbers]
        inner, outer, pairs = yield from bisect(*ends, width)
        self._inner[numbers], self._outer[numbers] = inner, outer
        self._pairs[numbers] = pairs
        return (inner + outer) / 2


def _longer(rows: NDArray[Kept]) -> NDArray[Kept]:
    """With room for half as many again, which takes no memory before it is used."""
    longer = np.zeros((len(rows) + len(rows) // 2, *rows.shape[1:]), rows.dtype)
    longer[: len(rows)] = rows
    return longer


def widths(inner: Array, outer: Array) -> Array:
    """Distances of the ends, relative to their largest entries."""
    starts = range(0, max(len(inner), 1), AT_ONCE)
    parts = [largest_entries(outer[i : i + AT_ONCE] - inner[i : i + AT_ONCE]) for i in starts]
    return np.concatenate(parts) / np.maximum(largest_entries(inner), 1e-300)


def bisect(
    inner: Array, outer: Array, pair: Index, width: float = FINEST
) -> Asking[tuple[Array, Array, Index]]:
    """Bring `inner` (n, d), of class pair[:, 0], and `outer`, of class pair[:, 1], to a relative
    distance of `width`, all rows in parallel. The second class may turn out to be another one."""
    inner, outer, pair = inner.copy(), outer.copy(), pair.copy()
    while True:
        middle = (inner + outer) / 2
        apart = (middle != inner).any(axis=1) & (middle != outer).any(axis=1)
        rows = np.flatnonzero(apart & (widths(inner, outer) > width))
        if not len(rows):
            return inner, outer, pair
        classes = yield middle[rows]
        within = classes == pair[rows, 0]
        inner[rows[within]] = middle[rows[within]]
        outer[rows[~within]] = middle[rows[~within]]
        pair[rows[~within], 1] = classes[~within]


def separates(X: Array, offsets: Array, first: int, second: int) -> Asking[bool]:
    """Are all X + offsets of the first class, and all X − offsets of the second?"""
    classes = yield np.vstack([X + offsets, X - offsets])
    n = len(classes) // 2
    return bool((classes[:n] == first).all() and (classes[n:] == second).all())
