"""Polyhedral cones and arrangements of hyperplanes through 0 over ℤ, in few dimensions.

Vectors are tuples of Python integers without a common factor: a ray, not a length. pycddlib does
double description as well, but is under the GPL, which this library is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import gcd

Vector = tuple[int, ...]


class TooManyError(Exception):
    """More rays or signs than the limit allows."""


def primitive(vector: Sequence[int]) -> Vector:
    """Without the common factor; 0 stays 0.

    >>> primitive([4, -6, 0])
    (2, -3, 0)
    """
    factor = gcd(*vector)
    return tuple(entry // factor for entry in vector) if factor > 1 else tuple(vector)


def dot(left: Sequence[int], right: Sequence[int]) -> int:
    """The sum of products."""
    return sum(a * b for a, b in zip(left, right, strict=True))


def combined(coefficients: Sequence[int], vectors: Sequence[Vector]) -> Vector:
    """Σ coefficients_i vectors_i, which must be one vector at least."""
    return tuple(dot(coefficients, entries) for entries in zip(*vectors, strict=True))


def null_space(rows: Sequence[Sequence[int]], dimension: int) -> list[Vector]:
    """A basis of {x in ℤ^dimension : every row · x = 0}, over ℚ.

    >>> null_space([[1, 1, 0]], 3)
    [(1, -1, 0), (0, 0, 1)]
    """
    from flint import fmpz_mat

    if not rows:
        return [tuple(int(i == j) for j in range(dimension)) for i in range(dimension)]
    matrix, nullity = fmpz_mat([list(row) for row in rows]).nullspace()
    columns = [
        primitive([int(matrix[i, j]) for i in range(dimension)]) for j in range(int(nullity))
    ]
    # A sign of one's own makes the answer the same whatever the elimination did.
    return [
        column if next(filter(None, column)) > 0 else tuple(-entry for entry in column)
        for column in columns
    ]


def rank(rows: Sequence[Sequence[int]]) -> int:
    """Of a matrix of integers; 0 without rows."""
    from flint import fmpz_mat

    return int(fmpz_mat([list(row) for row in rows]).rank()) if rows else 0


def generators(
    inequalities: Sequence[Vector], dimension: int, limit: int
) -> tuple[list[Vector], list[Vector]]:
    """Rays and lines whose non-negative and free combinations are {x : every inequality · x ≥ 0}.

    The rays are the extreme ones modulo the lines; there are no more of them than necessary.
    Double description (Motzkin, Raiffa, Thompson and Thrall 1953): constraints are added one by
    one. A line that crosses its plane becomes a ray, and everything else is moved along it into
    the constraint's plane. Otherwise rays with negative values go, and each pair of a kept and a
    lost ray that spans a face of dimension 2 (no third ray satisfies with equality all that both
    do) leaves the point where it crosses the plane.

    Raises TooManyError when more than `limit` rays are on the way. There may be
    n^⌊dimension/2⌋ of them, and a step costs the cube of their number.

    >>> generators([(1, 0, 0), (-1, 1, 0)], 3, 9)
    ([(0, 1, 0), (1, 1, 0)], [(0, 0, 1)])
    """
    lines = [tuple(int(i == j) for j in range(dimension)) for i in range(dimension)]
    rays: list[tuple[Vector, int]] = []  # with the set of constraints met with equality, as bits
    for number, row in enumerate(inequalities):
        bit = 1 << number
        crossing = next((line for line in lines if dot(row, line)), None)
        if crossing is not None:
            value = dot(row, crossing)
            if value < 0:
                crossing, value = tuple(-entry for entry in crossing), -value

            def moved(
                vector: Vector, row: Vector = row, along: Vector = crossing, value: int = value
            ) -> Vector:
                return primitive(combined((value, -dot(row, vector)), (vector, along)))

            rays = [(moved(ray), tight | bit) for ray, tight in rays]
            lines = [line for line in map(moved, lines) if any(line)]
            rays.append((crossing, bit - 1))
            continue
        values = [dot(row, ray) for ray, _ in rays]
        kept = [
            (ray, tight | bit if value == 0 else tight)
            for (ray, tight), value in zip(rays, values, strict=True)
            if value >= 0
        ]
        above = [i for i, value in enumerate(values) if value > 0]
        below = [i for i, value in enumerate(values) if value < 0]
        for i in above:
            for j in below:
                tight = rays[i][1] & rays[j][1]
                if all(
                    third[1] & tight != tight or other in (i, j) for other, third in enumerate(rays)
                ):
                    between = combined((-values[j], values[i]), (rays[i][0], rays[j][0]))
                    kept.append((primitive(between), tight | bit))
        rays = kept
        if len(rays) > limit:
            raise TooManyError(f"a cone with more than {limit} rays")
    return sorted(ray for ray, _ in rays), lines


def planes(rows: Sequence[Vector]) -> list[Vector]:
    """Each plane {w : row · w = 0} once, by its normal.

    >>> planes([(2, -2), (-1, 1), (0, 0), (0, 3)])
    [(0, 1), (1, -1)]
    """
    normals = {primitive(row) for row in rows if any(row)}
    return sorted(
        {row if next(filter(None, row)) > 0 else tuple(-a for a in row) for row in normals}
    )


Signs = tuple[int, int]
"""The positive and the negative entries of a sign vector, each a set as bits."""


def sign_vectors(rows: Sequence[Vector], limit: int) -> set[Signs]:
    """Signs of (row_1 · w, …, row_n · w) over all w: the faces of an arrangement, 0 included.

    The rows must have full rank r. Faces of dimension 1 are the solutions w of r − 1 independent
    equations row · w = 0. Every other face holds the sum of some of those that bound it, and
    these agree in sign wherever both are not 0, so the signs of the sum are those of one, and of
    the next where the first are 0: *compositions*. Conversely X∘Y is the sign vector of a point
    of X moved slightly towards Y. So one pass that composes all found so far with one ray after
    the other finds them all.

    Raises TooManyError above `limit` sign vectors. There are O(n^(r−1)) of them, and as many
    rays, so O(n^(2r−2)) compositions.

    >>> sorted(sign_vectors([(1,), (2,), (-1,)], 9))
    [(0, 0), (3, 4), (4, 3)]
    """
    dimension = len(rows[0])
    found: set[Signs] = {(0, 0)}
    rays: set[Signs] = set()
    for chosen in combinations(planes(rows), dimension - 1):
        basis = null_space(chosen, dimension)
        if len(basis) == 1:
            values = [dot(row, basis[0]) for row in rows]
            positive = sum(1 << i for i, value in enumerate(values) if value > 0)
            negative = sum(1 << i for i, value in enumerate(values) if value < 0)
            rays |= {(positive, negative), (negative, positive)}
    for above, below in sorted(rays):
        found |= {(p | above & ~n, n | below & ~p) for p, n in found}
        if len(found) > limit:
            raise TooManyError(f"more than {limit} sign vectors")
    return found
