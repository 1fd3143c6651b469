"""Linear feasibility over ℚ: a rational point, or Farkas multipliers that show there is none.

A system is a list of rows A_i z ≥ a_i, any of which may be held equal. It is empty iff there are
multipliers y, non-negative except on rows that are held, with

    Σ y_i A_i = 0  and  Σ y_i a_i > 0,

since Σ y_i (A_i z − a_i) ≥ 0 would then read −Σ y_i a_i ≥ 0 (Farkas' lemma).

HiGHS answers in floating point, and all that is taken from it is which rows matter: the support
of its ray, or the rows at their bound. They are solved over ℚ, and where that is no proof, a dual
simplex over ℚ goes on from there. With no objective every basis is dual feasible, so that it needs
no first phase; where the worst violation leads nowhere it turns to the least-index rule, under
which no basis comes back (T. Terlaky's criss-cross method, 1985). Every answer is checked exactly.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from operator import mul
from typing import TYPE_CHECKING, Any

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.float_lp import FloatModel, OutOfTimeError

if TYPE_CHECKING:
    from flint import fmpz_mat

Row = Mapping[int, Fraction]
"""Coefficients by variable; those left out are 0."""


@dataclass(frozen=True)
class Point:
    """Rational values of all variables, which satisfy every row."""

    values: tuple[Fraction, ...]


@dataclass(frozen=True)
class Farkas:
    """Multipliers by row (those left out are 0) whose sum of rows reads 0 > 0."""

    multipliers: Mapping[int, Fraction]


def feasible(
    A: Sequence[Sequence[Fraction]],
    a: Sequence[Fraction],
    E: Sequence[Sequence[Fraction]] = (),
    e: Sequence[Fraction] = (),
) -> Point | Farkas:
    """Decide {z : A z ≥ a, E z = e} over ℚ; the rows of E come after those of A.

    >>> one = Fraction(1)
    >>> feasible([[one], [-one]], [one, -2 * one])              # 1 ≤ z ≤ 2
    Point(values=(Fraction(1, 1),))
    >>> feasible([[one], [-one]], [2 * one, -one])              # 2 ≤ z ≤ 1
    Farkas(multipliers={0: Fraction(1, 1), 1: Fraction(1, 1)})
    """
    dense = [*A, *E]
    rows = [{j: Fraction(w) for j, w in enumerate(row) if w} for row in dense]
    width = max((len(row) for row in dense), default=0)
    system = LinearSystem(rows, [*a, *e], width)
    return system.decide(range(len(A), len(dense)))


class LinearSystem:
    """Rows A_i z ≥ a_i, ready to be decided again and again with different rows held equal.

    One HiGHS model is kept, and only bounds of rows change, so that each call starts from the
    basis of the last: well under a millisecond for hundreds of rows in a few tens of variables.
    """

    def __init__(self, rows: Sequence[Row], bounds: Sequence[Fraction], n_variables: int) -> None:
        self.n_variables = n_variables
        integral = [_integral(row, bound) for row, bound in zip(rows, bounds, strict=True)]
        self._rows = [row for row, _, _ in integral]
        self._bounds = [bound for _, bound, _ in integral]
        self._factors = [factor for _, _, factor in integral]
        self._columns = _independent_columns(self._rows, n_variables)
        self._place = {column: place for place, column in enumerate(self._columns)}
        self._matrix = self._integer_matrix(range(len(rows)))
        self._model = FloatModel(self._rows, self._bounds, n_variables)

    def decide(
        self, held: Collection[int] = (), *, deadline: float = float("inf")
    ) -> Point | Farkas:
        """The exact answer with the given rows held equal.

        deadline : in the time of `time.monotonic`; raises OutOfTimeError when it passes.
        """
        found = self.look(held, deadline=deadline)
        if isinstance(found, Point | Farkas):
            return found
        return self._simplex(held, self._model.rows_at_bounds(), deadline)

    def look(
        self, held: Collection[int] = (), *, deadline: float = float("inf")
    ) -> Array | Point | Farkas:
        """The same, except that a point may come in floating point, unproved, and at a scale
        that `float_slacks` alone knows."""
        empty, point = self._model.run(held, deadline)
        if point is not None:
            return point
        if empty:
            farkas = self._from_support(self._model.ray(), held)
            if farkas is not None:
                return farkas
        return self._simplex(held, self._model.rows_at_bounds(), deadline)

    def slacks(self, point: Point) -> list[Fraction]:
        """A z − a, exactly, of the rows scaled to coprime integers."""
        from flint import fmpz, fmpz_mat

        common = lcm(*(value.denominator for value in point.values))
        scaled = [int(point.values[column] * common) for column in self._columns]
        bounds = [bound * common for bound in self._bounds]
        if scaled:
            products = (self._matrix * fmpz_mat(len(scaled), 1, scaled)).entries()
        else:
            products = [fmpz(0)] * len(bounds)
        pairs = zip(products, bounds, strict=True)
        return [Fraction(int(entry) - bound, common) for entry, bound in pairs]

    def float_slacks(self, z: Array) -> Array:
        """A z − a in floating point, of the rows scaled to a largest entry 1."""
        return self._model.slacks(z)

    def replace(self, row: int, coefficients: Row, bound: Fraction) -> None:
        """Another row in the place of one. The others must determine all variables that the old and
        the new one have: that is not examined again."""
        integers, level, factor = _integral(coefficients, bound)
        old = self._rows[row]
        self._rows[row], self._bounds[row], self._factors[row] = integers, level, factor
        for j, place in self._place.items():
            self._matrix[row, place] = integers.get(j, 0)
        self._model.replace(row, old, integers, level)

    def _integer_matrix(self, rows: Collection[int]) -> fmpz_mat:
        from flint import fmpz_mat

        width, place = len(self._columns), self._place
        entries = [0] * (len(rows) * width)
        for i, row in enumerate(rows):
            for j, weight in self._rows[row].items():
                if j in place:
                    entries[i * width + place[j]] = weight
        return fmpz_mat(len(rows), width, entries)

    def _from_support(self, ray: Array | None, held: Collection[int]) -> Farkas | None:
        """Multipliers with the support of a float ray: the only ones, or those next to it, whose
        entries, as all are well off 0, have the same signs."""
        from flint import fmpz_mat

        if ray is None or not np.isfinite(ray).all() or not ray.any():
            return None
        size = np.abs(ray)
        rows = np.flatnonzero(size > RAY * size.max()).tolist()
        used = sorted({j for row in rows for j in self._rows[row]})
        if not used:
            return None
        equations = [[self._rows[row].get(j, 0) for row in rows] for j in used]
        kernel, nullity = fmpz_mat(equations).nullspace()
        if nullity == 0:
            return None
        columns = [[int(kernel[i, j]) for i in range(len(rows))] for j in range(nullity)]
        if nullity == 1:
            return self._checked(dict(zip(rows, columns[0], strict=True)), held)
        sizes = [max(map(abs, column)) for column in columns]
        pairs = zip(columns, sizes, strict=True)
        basis = np.array([[entry / size for entry in column] for column, size in pairs]).T
        target = np.array([ray[row] / self._model.sizes[row] for row in rows])
        near = np.linalg.lstsq(basis, target / np.abs(target).max(), rcond=None)[0].tolist()
        factors = [Fraction(c) / size for c, size in zip(near, sizes, strict=True)]
        common = lcm(*(factor.denominator for factor in factors))
        integers = [int(factor * common) for factor in factors]
        weights = [sum(map(mul, integers, entries)) for entries in zip(*columns, strict=True)]
        return self._checked(dict(zip(rows, weights, strict=True)), held)

    def _checked(self, weights: dict[int, int], held: Collection[int]) -> Farkas | None:
        """Multipliers of the rows as they were given, up to sign, if they are a proof."""
        total = sum(weight * self._bounds[row] for row, weight in weights.items())
        sign = 1 if total > 0 else -1
        common = gcd(*weights.values())
        sums: dict[int, int] = {}
        for row, weight in weights.items():
            if weight * sign < 0 and row not in held:
                return None
            for j, entry in self._rows[row].items():
                sums[j] = sums.get(j, 0) + weight * entry
        if total == 0 or any(sums.values()):
            return None
        return Farkas(
            {
                row: Fraction(sign * weight, common) * self._factors[row]
                for row, weight in weights.items()
                if weight
            }
        )

    def _simplex(
        self, held: Collection[int], likely: Sequence[int], deadline: float
    ) -> Point | Farkas:
        """Dual simplex over ℚ. A basis is as many independent rows as there are variables, z
        where all of them are equal; held rows come first and never leave. A violated row i is
        a combination A_i = Σ λ_j A_j of them: it is mended by a row with λ_j > 0 that may
        leave, and where there is none, A_i − Σ λ_j A_j is the contradiction."""
        from flint import fmpz_mat

        held = frozenset(held)
        basis = self._basis([*sorted(held), *(row for row in likely if row not in held)])
        bounds = fmpz_mat(len(self._bounds), 1, self._bounds)
        steps = 0
        while True:
            check_deadline()
            if time.monotonic() > deadline:
                raise OutOfTimeError
            square = self._integer_matrix(basis)
            corner = fmpz_mat(len(basis), 1, [self._bounds[row] for row in basis])
            if basis:
                solved: Any = square.solve(corner)
                z, denominator = solved.numer_denom()
                slack = [int(s) for s in (self._matrix * z - bounds * denominator).entries()]
            else:  # no variable at all
                z, denominator, slack = None, 1, [-bound for bound in self._bounds]
            broken = [i for i, s in enumerate(slack) if s < 0 or (s > 0 and i in held)]
            if not broken:
                return self._point(z, denominator)
            careful = steps > HASTY * len(basis)
            # Held rows outside the basis depend on those in it: they cannot be mended.
            leaving = next((i for i in broken if i in held), broken[0])
            if not careful and leaving not in held:
                leaving = min(broken, key=lambda i: slack[i] / Fraction(self._model.sizes[i]))
            coefficients = self._combination(square, leaving) if basis else ([], 1)
            numerators, scale = coefficients
            side = 1 if slack[leaving] < 0 else -1
            free = [j for j, row in enumerate(basis) if row not in held]
            entering = [j for j in free if numerators[j] * side > 0]
            if not entering:
                weights = {row: -w for row, w in zip(basis, numerators, strict=True) if w}
                farkas = self._checked({**weights, leaving: scale}, held)
                assert farkas is not None, "the simplex method over ℚ is in error"
                return farkas
            if careful:
                chosen = min(entering, key=lambda j: basis[j])
            else:
                sizes = [Fraction(self._model.sizes[row]) for row in basis]
                chosen = max(entering, key=lambda j: abs(numerators[j]) * sizes[j])
            basis[chosen] = leaving
            steps += 1

    def _combination(self, square: Any, row: int) -> tuple[list[int], int]:
        target = self._integer_matrix([row]).transpose()
        numerators, scale = square.transpose().solve(target).numer_denom()
        return [int(entry) for entry in numerators.entries()], int(scale)

    def _basis(self, wanted: list[int]) -> list[int]:
        """Independent rows, as early in the list as possible; the others after them."""
        width = len(self._columns)
        for rows in (wanted, [*wanted, *(i for i in range(len(self._rows)) if i not in wanted)]):
            if len(rows) >= width:
                pivots = _pivots(self._integer_matrix(rows).transpose())
                if len(pivots) == width:
                    return [rows[i] for i in pivots]
        raise AssertionError("the rows determine every variable that is kept")

    def _point(self, z: Any, denominator: Any) -> Point:
        values = [Fraction(0)] * self.n_variables
        for place, column in enumerate(self._columns):
            values[column] = Fraction(int(z[place, 0]), int(denominator))
        return Point(tuple(values))


HASTY = 20
"""Steps for each variable in which the worst violation leaves. That usually ends within two, while
the least-index rule takes several times as many: it is there so that there is an end at all."""

RAY = 1e-9
"""Entries of a float ray below this share of the largest are taken for 0, which HiGHS itself does
with entries of a matrix. A wrong guess costs time only."""


def _integral(row: Row, bound: Fraction) -> tuple[dict[int, int], int, Fraction]:
    """The row and its bound as coprime integers, and the positive factor that made them so."""
    kept = {j: weight for j, weight in row.items() if weight}
    bound = Fraction(bound)
    common = lcm(bound.denominator, *(weight.denominator for weight in kept.values()))
    integers = {j: weight.numerator * (common // weight.denominator) for j, weight in kept.items()}
    level = bound.numerator * (common // bound.denominator)
    shared = gcd(level, *integers.values()) or 1
    divided = {j: weight // shared for j, weight in integers.items()}
    return divided, level // shared, Fraction(common, shared)


def _independent_columns(rows: Sequence[Mapping[int, int]], n_variables: int) -> list[int]:
    """Columns that span all others. The variables of the others may as well be 0.

    One that is alone in some row is independent of all others and, as that row clears it from
    the others, need not be examined again. Bounds of variables are such rows, and usually leave
    few columns."""
    from flint import fmpz_mat, nmod_mat

    alone = {next(iter(row)) for row in rows if len(row) == 1}
    others = [j for j in range(n_variables) if j not in alone]
    if not rows or not others:
        return sorted(alone)
    dense = [[row.get(j, 0) for j in others] for row in rows]
    # The rank modulo a prime is at most the rank.
    if nmod_mat(dense, PRIME).rank() == len(others):
        return list(range(n_variables))
    return sorted(alone | {others[j] for j in _pivots(fmpz_mat(dense))})


PRIME = 2**61 - 1


def _pivots(matrix: Any) -> list[int]:
    """The leftmost independent columns."""
    reduced, _, rank = matrix.rref()
    columns = matrix.ncols()
    pivots: list[int] = []
    j = 0
    for i in range(rank):
        while reduced[i, j] == 0:
            j += 1
        assert j < columns
        pivots.append(j)
    return pivots
