"""All 2^n sign patterns, one after the other: what the complete methods are compared with.

Nothing here is shared with them. A unit is sought by its hyperplane, not by its place in the
space of the labels: for every set A of samples, active or not,

    {v : X̄_i v ≥ 0 (i in A), X̄_i v ≤ 0 (i not in A), h = 1_A∘(X̄ v) in the space of the labels}

is a closed cone on which f(X̄ v) = h, whether or not A is what v does; together these sets hold
every v. Their extreme rays come from trying all choices of tight samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import inf, lcm

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from unrelu.numerics.rationals import Rationals
from unrelu.samples import ExactSamples

Values = tuple[Fraction, ...]


@dataclass(frozen=True)
class Complete:
    """Whether a network exists, the hidden values of all units (first non-zero 1, without the
    constants if there are biases), how many networks they make, and how many there are: infinitely
    many where some hidden values leave hidden weights open."""

    exists: bool
    rays: frozenset[Values]
    values_count: float
    count: float


def every_pattern(samples: ExactSamples, n_units: int, bias: bool) -> Complete:
    """By brute force, for labels whose rank is `n_units` (of [1 Y], one more)."""
    ones = np.full((len(samples.X), 1), Fraction(1), dtype=object)
    known = ones[:, : int(bias)]
    labels = _whole(np.hstack([known, samples.Y]))
    assert _rank(labels) - bias == n_units
    inputs, dependent = _independent(_whole(np.hstack([samples.X, known])))
    conditions = _null_space(list(zip(*labels, strict=True)))

    rays: set[Values] = set()
    loose: set[Values] = set()
    continuum = False
    for active in product((False, True), repeat=len(inputs)):
        weights: dict[Values, set[Values]] = {}
        idle = False  # a hyperplane that no sample is beyond may be added to any
        for v, h in _units(active, inputs, conditions):
            if any(h):
                ray, scaled = _scaled(h, h), _scaled(v, h)
                weights.setdefault(ray, set()).add(scaled)
            idle |= not any(h)
        continuum |= len(weights) > 1  # distinct, scaled alike: two dimensions
        rays |= weights.keys()
        for ray, several in weights.items():
            if active == tuple(value > 0 for value in ray) and (idle or len(several) > 1):
                loose.add(ray)
    if bias:
        rays = {ray for ray in rays if len(set(ray)) > 1}
    lines = {ray: _line(ray) for ray in rays}
    constant = [int(bias)] * len(inputs)
    if _rank([constant, *lines.values()]) - bias < n_units:
        return Complete(False, frozenset(rays), 0, 0)
    if continuum:
        return Complete(True, frozenset(rays), inf, inf)
    bases = [
        chosen
        for chosen in combinations(lines, n_units)
        if _rank([constant, *(lines[ray] for ray in chosen)]) == n_units + bias
    ]
    is_open = dependent or any(ray in loose for chosen in bases for ray in chosen)
    return Complete(True, frozenset(rays), len(bases), inf if is_open else len(bases))


def exists_with_outputs(
    X: NDArray[np.int64], Y: NDArray[np.int64], U: NDArray[np.int64], bias: bool
) -> bool:
    """Whether some V (and b, c) give Y with these output weights: all 2^(n k) patterns."""
    (n, m), k = Y.shape, U.shape[1]
    rows = X.tolist()
    if bias:
        rows = [[*row, 1] for row in rows]
    inputs, _ = _independent(rows)
    d = len(inputs[0])
    width = k * d + m * bias + 1  # V by rows, c where there is one, and a last one: 1
    for pattern in product((False, True), repeat=n * k):
        equations, cone = [], [[0] * (width - 1) + [1]]
        for i, x in enumerate(inputs):
            on = pattern[i * k : (i + 1) * k]
            for output in range(m):
                row = [int(U[output, j]) * on[j] * entry for j in range(k) for entry in x]
                row += [int(output == other) for other in range(m)] if bias else []
                equations.append([*row, -int(Y[i, output])])
            for j in range(k):
                side = [0] * width
                side[j * d : (j + 1) * d] = x if on[j] else [-entry for entry in x]
                cone.append(side)
        basis = _null_space(equations)
        if not basis or not any(vector[-1] for vector in basis):
            continue
        columns = list(zip(*basis, strict=True))
        if any(_dot(z, columns[-1]) > 0 for z in _extreme_rays(_product(cone, columns))):
            return True
    return False


def _independent(inputs: list[list[int]]) -> tuple[list[list[int]], bool]:
    """Columns that span all of them, and whether any were left out."""
    kept: list[int] = []
    for j in range(len(inputs[0])):
        if _rank([[row[i] for i in (*kept, j)] for row in inputs]) > len(kept):
            kept.append(j)
    return [[row[j] for j in kept] for row in inputs], len(kept) < len(inputs[0])


def _units(
    active: tuple[bool, ...], inputs: list[list[int]], conditions: list[list[int]]
) -> Iterator[tuple[list[int], list[int]]]:
    """The extreme rays v, and their h."""
    seen = [x if on else [0] * len(x) for x, on in zip(inputs, active, strict=True)]
    basis = _null_space(_product(conditions, seen))
    if not basis:
        return
    columns = list(zip(*basis, strict=True))
    values = _product(inputs, columns)
    cone = [value if on else [-v for v in value] for value, on in zip(values, active, strict=True)]
    for z in _extreme_rays(cone):
        v = [_dot(z, entries) for entries in columns]
        yield v, [_dot(x, v) for x in seen]


def _extreme_rays(cone: list[list[int]]) -> Iterator[list[int]]:
    """Of {z : C z ≥ 0} without lines: where all but one dimension of rows are tight."""
    different = [list(row) for row in {tuple(row) for row in cone}]
    for tight in combinations(different, len(cone[0]) - 1):
        line = _null_space(list(tight)) if tight else [[1]]
        if len(line) != 1:
            continue
        for sign in (1, -1):
            z = [sign * entry for entry in line[0]]
            if all(_dot(row, z) >= 0 for row in cone):
                yield z


def _scaled(vector: list[int], h: list[int]) -> Values:
    first = next(filter(None, h))
    return tuple(Fraction(entry, first) for entry in vector)


def _dot(left: list[int] | tuple[int, ...], right: list[int] | tuple[int, ...]) -> int:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _whole(rows: Rationals) -> list[list[int]]:
    """Each column times its denominators: their span stays."""
    columns = [_line(tuple(column)) for column in rows.T]
    return [list(row) for row in zip(*columns, strict=True)]


def _line(values: Values) -> list[int]:
    scale = lcm(*(entry.denominator for entry in values))
    return [int(entry * scale) for entry in values]


def _product(
    left: list[list[int]], right: list[list[int]] | list[tuple[int, ...]]
) -> list[list[int]]:
    if not left:
        return [[0] * len(right[0])]
    return [[int(e) for e in row] for row in (fmpz_mat(left) * fmpz_mat(right)).tolist()]


def _rank(rows: list[list[int]]) -> int:
    return int(fmpz_mat(rows).rank())


def _null_space(rows: list[list[int]] | list[tuple[int, ...]]) -> list[list[int]]:
    matrix, nullity = fmpz_mat(rows).nullspace()
    columns = list(zip(*matrix.tolist(), strict=True))[: int(nullity)]
    return [[int(entry) for entry in column] for column in columns]
