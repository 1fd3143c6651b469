"""Output weights given, any rank(Y): a complementarity system in the hidden values (BJW §3).

F (n, k), V (k, D) and, with biases, c (m) are unknown (X̄ = [X 1] then):

    F Uᵀ + 1 cᵀ = Y,  F_ij ≥ 0,  F_ij − X̄_i v_j ≥ 0,  one of the two 0 for each i, j.

NP-hard already for k = 2 and one output, so for small sizes. With one output the weights scale to
±1, so that U free is k + 1 such searches, one for each number of +1s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from unrelu.complete.row_space_tree import distinct_rays
from unrelu.numerics.arrays import Index, Mask
from unrelu.numerics.complementarity import Effort, Found, Refuted, Sides, Undecided, search
from unrelu.numerics.rational_lp import LinearSystem, Point
from unrelu.numerics.rationals import Rationals, product


@dataclass(frozen=True, eq=False)
class Values:
    """Rows: first the n m equations of the labels, then F_ij ≥ 0 and F_ij − X̄_i v_j ≥ 0 of each
    pair number i k + j. Unknowns: F by rows, V by rows, c. `samples` : which sample each i stands
    for; repeated ones are left out."""

    X: Rationals
    Y: Rationals
    U: Rationals
    constant: bool
    samples: tuple[int, ...]
    system: LinearSystem
    sides: Sides

    @property
    def labels(self) -> range:
        return range(len(self.samples) * self.U.shape[0])

    def weights(self, point: Point) -> tuple[Rationals, Rationals]:
        """V (k, D) and c (m,) of a point."""
        rest = point.values[len(self.samples) * self.U.shape[1] :]
        return _weights(rest, self.U, self.X.shape[1], self.constant)


def values(X: Rationals, Y: Rationals, U: Rationals, constant: bool) -> Values:
    """X (n, D) is X̄, Y (n, m), U (m, k); with `constant`, output biases are unknowns as well."""
    m, k = U.shape
    dimension = X.shape[1]
    kept = distinct_rays(Y, X)
    hidden, offsets = len(kept) * k, len(kept) * k + k * dimension
    one = Fraction(1)
    rows: list[dict[int, Fraction]] = []
    bounds: list[Fraction] = []
    for i, sample in enumerate(kept):
        for output in range(m):
            row = {i * k + j: U[output, j] for j in range(k) if U[output, j]}
            rows.append({**row, offsets + output: one} if constant else row)
            bounds.append(Y[sample, output])
    for i, sample in enumerate(kept):
        for j in range(k):
            start = hidden + j * dimension
            inputs = {start + a: -x for a, x in enumerate(X[sample].tolist()) if x}
            rows += [{i * k + j: one}, {i * k + j: one, **inputs}]
            bounds += [Fraction(0)] * 2
    system = LinearSystem(rows, bounds, offsets + m * constant)
    sides = np.arange(len(kept) * m, len(rows), dtype=np.intp).reshape(-1, 2)
    return Values(X, Y, U, constant, tuple(kept), system, sides)


def fit(of: Values, effort: Effort) -> Found | Refuted | Undecided:
    """A point with every pair complementary, or a refutation."""
    X, Y = of.X[list(of.samples)], of.Y[list(of.samples)]

    def settle(nearer: Index) -> Point | None:
        active = nearer.reshape(len(of.samples), of.U.shape[1]) == 1
        weights = on_pattern(X, Y, of.U, of.constant, active, effort.deadline)
        if weights is None:
            return None
        V, c = weights
        F = product(X, V.T)
        F[~active] = Fraction(0)
        outputs = c.tolist() if of.constant else []
        return Point((*F.ravel().tolist(), *V.ravel().tolist(), *outputs))

    return search(of.system, of.sides, of.labels, effort=effort, settle=settle)


def on_pattern(
    X: Rationals,
    Y: Rationals,
    U: Rationals,
    constant: bool,
    active: Mask,
    deadline: float = float("inf"),
) -> tuple[Rationals, Rationals] | None:
    """V (k, D) and c (m,) with the sign pattern `active` (n, k), or None where there are none:
    with the pattern known, F is gone, and what is left is a small system in V and c.

    Raises OutOfTimeError."""
    m, k = U.shape
    dimension = X.shape[1]
    rows: list[dict[int, Fraction]] = []
    bounds: list[Fraction] = []
    for x, y, on in zip(X.tolist(), Y.tolist(), active.tolist(), strict=True):
        for output in range(m):
            row = {
                j * dimension + a: U[output, j] * entry
                for j in range(k)
                if on[j] and U[output, j]
                for a, entry in enumerate(x)
            }
            rows.append({**row, k * dimension + output: Fraction(1)} if constant else row)
            bounds.append(y[output])
    labels = range(len(rows))
    for x, on in zip(X.tolist(), active.tolist(), strict=True):
        for j in range(k):
            sign = 1 if on[j] else -1
            rows.append({j * dimension + a: sign * entry for a, entry in enumerate(x)})
            bounds.append(Fraction(0))
    small = LinearSystem(rows, bounds, k * dimension + m * constant)
    answer = small.decide(labels, deadline=deadline)
    if not isinstance(answer, Point):
        return None
    return _weights(answer.values, U, dimension, constant)


def _weights(
    values: Sequence[Fraction], U: Rationals, dimension: int, constant: bool
) -> tuple[Rationals, Rationals]:
    """V (k, D) and c (m,), which is zero where it is no unknown."""
    m, k = U.shape
    weights = np.array(values, dtype=np.object_)
    c = weights[k * dimension :] if constant else np.array([Fraction(0)] * m)
    return weights[: k * dimension].reshape(k, dimension), c
