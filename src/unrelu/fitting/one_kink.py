"""One kink along one input: what it would explain at every place, all other weights free.

With columns H(t) = √w max(±(x − t), 0) and residuals R (n, m) of what a basis Q explains, a kink at
t explains

    ‖Rᵀ h‖² / ‖h‖²,   h = H(t) less its part in col Q,

of the sum of squares. Over the samples on one side of t, H is x − t: so all products with it are
those of x and of 1, summed from the end, for all t at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.numerics.arrays import Array, Index, divisors

ROUNDING = 1e-9
"""Share of a column's square that must lie outside of the basis: less is rounding."""


@dataclass(frozen=True, eq=False)
class Kinks:
    """Kinks at `places` (T,) along samples x (n,) with roots of weights (n,), to the side `sign` of
    each place, and an orthonormal basis (n, q) of what else explains the labels. `outside` (T,):
    the squares of the columns outside of it, zero where that is rounding."""

    x: Array
    root: Array
    base: Array
    places: Array
    sign: float
    order: Index
    first: Index
    inside: Array
    outside: Array

    @classmethod
    def of(cls, x: Array, root: Array, base: Array, places: Array, sign: float) -> Kinks:
        """O(n (log n + q) + T q)."""
        order = np.argsort(-sign * x, kind="stable")  # from the active end
        first = np.searchsorted(-sign * x[order], -sign * places, side="left")
        squares = _running(root[order] ** 2 * _powers(x[order], 2), first)
        square = squares[2] - 2 * places * squares[1] + places**2 * squares[0]
        empty = np.zeros(0)
        bare = cls(x, root, base, places, sign, order, first, empty, empty)
        inside = bare.products(base)
        outside = square - (inside**2).sum(axis=1)
        outside = np.where(outside > ROUNDING * square, outside, 0.0)
        return cls(x, root, base, places, sign, order, first, inside, outside)

    def products(self, columns: Array) -> Array:
        """(T, c): of H(t) with columns (n, c). O((n + T) c)."""
        taken = (self.root[:, None] * columns)[self.order]
        ones = _running(taken[None], self.first)[0]
        along = _running((self.x[self.order, None] * taken)[None], self.first)[0]
        return np.asarray(self.sign * (along - self.places[:, None] * ones))

    def left(self, residual: Array) -> Array:
        """(n, c): what the basis leaves of columns."""
        return np.asarray(residual - self.base @ (self.base.T @ residual))

    def along(self, columns: Array) -> Array:
        """(T, c): products of columns (n, c) with the unit column of each kink outside of the
        basis; zero where there is none."""
        outside = self.products(columns) - self.inside @ (self.base.T @ columns)
        there = self.outside > 0
        size = np.sqrt(divisors(self.outside))
        return np.asarray(np.where(there[:, None], outside / size[:, None], 0.0))


def _powers(x: Array, most: int) -> Array:
    return np.stack([x**power for power in range(most + 1)])


def _running(terms: Array, first: Index) -> Array:
    """(r, T, …): sums of the first so many terms (r, n, …)."""
    sums = np.zeros((terms.shape[0], terms.shape[1] + 1, *terms.shape[2:]))
    np.cumsum(terms, axis=1, out=sums[:, 1:])
    return np.asarray(sums[:, first])


def spanned(columns: Array) -> Array:
    """An orthonormal basis of the span of columns (n, q), short of directions that are rounding."""
    sizes = np.linalg.norm(columns, axis=0)
    left, values, _ = np.linalg.svd(columns[:, sizes > 0] / sizes[sizes > 0], full_matrices=False)
    return np.asarray(left[:, values > ROUNDING * values[:1].max(initial=0.0)])
