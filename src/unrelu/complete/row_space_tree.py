"""Any inputs, rank(Y) = k: the units are rays of one set, searched whole (BJW Theorem 1).

With P (n, r) a basis of the column space of Y (of [Y 1] with biases; X̄ = [X 1] then) let

    R = {w ≠ 0 : P w = f(X̄ v) for some v}.

F has its k columns in that space, and with the constant, where there are biases, they span it. So
a network exists iff R does, and the networks are the sets of k rays of R that are independent,
modulo the constant. P w = f(X̄ v) says of each sample that P_i w ≥ 0, P_i w − X̄_i v ≥ 0, and that
one of the two is 0: linear complementarity in r + D variables, whose search tree has a depth of at
most r + D whatever n is, with at most r − 1 samples held inactive.

To span the space, or to show that R does not: take g ≠ 0 that vanishes on the constant and on what
was found so far, and search R for w with g·w = 1, then −1. Each hit adds a dimension; two
refutations show that R lies in the hyperplane of g.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np

from unrelu.numerics.complementarity import Effort, Found, Sides, Tree, Undecided, search
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rational_lp import LinearSystem, Point
from unrelu.numerics.rationals import Rationals, to_fractions, to_matrix

Vector = tuple[Fraction, ...]


@dataclass(frozen=True)
class Unit:
    """P w = f(X̄ v), w in coprime integers."""

    w: Vector
    v: Vector


@dataclass(frozen=True, eq=False)
class Cone:
    """R as a complementarity system: row 2i is P_i w ≥ 0, row 2i + 1 is P_i w − X̄_i v ≥ 0, and the
    last is the level that keeps w from 0. `samples` : which sample each pair i stands for;
    repeated ones, up to a positive factor, are left out. `constant`: whether the last column of P
    is the constant."""

    P: Rationals
    X: Rationals
    constant: bool
    samples: tuple[int, ...]
    system: LinearSystem
    sides: Sides

    @property
    def level(self) -> int:
        return 2 * len(self.samples)


def cone(P: Rationals, X: Rationals, constant: bool) -> Cone:
    """P (n, r) of full column rank, its last column the constant or not; X (n, D) is X̄."""
    rank, dimension = P.shape[1], X.shape[1]
    samples = distinct_rays(P, X)
    rows = []
    for sample in samples:
        value = dict(enumerate(P[sample].tolist()))
        inputs = {j: -entry for j, entry in enumerate(X[sample].tolist(), start=rank)}
        rows += [value, value | inputs]
    system = LinearSystem(
        [*rows, {0: Fraction(1)}], [Fraction(0)] * len(rows) + [Fraction(1)], rank + dimension
    )
    sides = np.arange(2 * len(samples), dtype=np.intp).reshape(-1, 2)
    return Cone(P, X, constant, tuple(samples), system, sides)


def distinct_rays(Y: Rationals, X: Rationals) -> list[int]:
    """Samples that are not zero, nor positive multiples of earlier ones."""
    first: dict[tuple[int, ...], int] = {}
    for i, row in enumerate(np.hstack([Y, X]).tolist()):
        direction = coprime(row)
        if any(direction):
            first.setdefault(direction, i)
    return list(first.values())


@dataclass(frozen=True)
class Hyperplane:
    """R lies in {w : g·w = 0}: the trees refute g·w = 1 and g·w = −1."""

    g: Vector
    trees: tuple[Tree, Tree]


def span(
    of: Cone, effort: Effort, rng: np.random.Generator
) -> tuple[list[Unit], Hyperplane | Undecided | None]:
    """Units of R that are independent modulo the constant, and what ended the search for more:
    None if there are as many as there can be."""
    rank = of.P.shape[1]
    units: list[Unit] = []
    fixed = [_axis(rank, rank - 1)] if of.constant else []
    while len(units) + len(fixed) < rank:
        check_deadline()
        g = _orthogonal([*fixed, *(unit.w for unit in units)], rank, rng)
        trees: list[Tree] = []
        for sign in (1, -1):
            of.system.replace(of.level, dict(enumerate(g)), Fraction(sign))
            outcome = search(of.system, of.sides, [of.level], effort=effort)
            if isinstance(outcome, Undecided):
                return units, outcome
            if isinstance(outcome, Found):
                units.append(unit_at(of, outcome.point))
                break
            trees.append(outcome.tree)
        else:
            return units, Hyperplane(g, (trees[0], trees[1]))
    return units, None


def coprime(row: Sequence[Fraction]) -> tuple[int, ...]:
    """The same direction in coprime integers."""
    common = lcm(*(entry.denominator for entry in row))
    integers = [entry.numerator * (common // entry.denominator) for entry in row]
    shared = gcd(*integers) or 1
    return tuple(entry // shared for entry in integers)


def unit_at(of: Cone, point: Point) -> Unit:
    """The point of R at the scale where w is in coprime integers."""
    rank = of.P.shape[1]
    w, v = point.values[:rank], point.values[rank:]
    integers = coprime(w)
    scale = next(n / entry for n, entry in zip(integers, w, strict=True) if entry)
    return Unit(tuple(map(Fraction, integers)), tuple(scale * entry for entry in v))


def _axis(rank: int, place: int) -> Vector:
    return tuple(Fraction(int(j == place)) for j in range(rank))


def _orthogonal(vectors: list[Vector], rank: int, rng: np.random.Generator) -> Vector:
    """Coprime integers orthogonal to the vectors, drawn at random from all that are.

    Small coefficients keep the numbers short; a draw that happens to be orthogonal to units not
    yet found as well costs a refutation that proves as much as any other."""
    from flint import fmpz_mat

    if not vectors:
        basis = np.eye(rank, dtype=np.object_)
    else:
        kernel, nullity = fmpz_mat([[int(w) for w in coprime(row)] for row in vectors]).nullspace()
        columns = [[int(kernel[i, j]) for i in range(rank)] for j in range(nullity)]
        short = fmpz_mat([list(coprime([Fraction(x) for x in row])) for row in columns]).lll()
        basis = np.array([[int(x) for x in row] for row in short.tolist()], dtype=np.object_)
    while True:
        check_deadline()
        drawn = rng.integers(-COEFFICIENT, COEFFICIENT + 1, len(basis)).tolist()
        g = np.array(drawn, dtype=np.object_) @ basis
        if any(g):
            return tuple(map(Fraction, coprime([Fraction(int(x)) for x in g])))


COEFFICIENT = 9
"""Nineteen values to a coordinate: few draws are orthogonal to a given unit by chance."""


def independent_columns(labels: Rationals) -> list[int]:
    """The leftmost that span all."""
    reduced, rank = to_matrix(labels).rref()
    rows = reduced.tolist()[:rank]
    return [next(j for j, entry in enumerate(row) if entry != 0) for row in rows]


def solve(A: Rationals, B: Rationals) -> Rationals | None:
    """Z with A Z = B over ℚ, for A of full column rank; None if there is none."""
    left, right = to_matrix(A), to_matrix(B)
    gram: Any = left.transpose() * left
    answer = gram.solve(left.transpose() * right)
    return to_fractions(answer) if left * answer == right else None
