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

from unrelu.rationals import Rationals
from unrelu.samples import ExactSamples

Values = tuple[Fraction, ...]


@dataclass(frozen=True)
class Complete:
    """Whether a network exists, the hidden values of all units (first non-zero 1, without the
    constants if there are biases), and how many networks they make."""

    exists: bool
    rays: frozenset[Values]
    count: float


def every_pattern(samples: ExactSamples, n_units: int, bias: bool) -> Complete:
    """By brute force, for labels whose rank is `n_units` (of [1 Y], one more)."""
    ones = np.full((len(samples.X), 1), Fraction(1), dtype=object)
    known = ones[:, : int(bias)]
    labels = _whole(np.hstack([known, samples.Y]))
    assert _rank(labels) - bias == n_units
    inputs = _whole(np.hstack([samples.X, known]))
    kept: list[int] = []
    for j in range(len(inputs[0])):
        if _rank([[row[i] for i in (*kept, j)] for row in inputs]) > len(kept):
            kept.append(j)
    inputs = [[row[j] for j in kept] for row in inputs]
    conditions = _null_space(list(zip(*labels, strict=True)))

    rays: set[Values] = set()
    count: float = 0
    for active in product((False, True), repeat=len(inputs)):
        images = {
            tuple(Fraction(value, next(filter(None, h))) for value in h)
            for h in _hidden_values(active, inputs, conditions)
        }
        if len(images) > 1:  # distinct, scaled alike: two dimensions
            count = inf
        rays |= images
    rays = {ray for ray in rays if not (bias and len(set(ray)) == 1)}
    span = [[int(bias)] * len(inputs), *(_line(ray) for ray in rays)]
    if _rank(span) - bias < n_units:
        return Complete(False, frozenset(rays), 0)
    if count == 0:
        count = sum(
            _rank([span[0], *chosen]) == n_units + bias
            for chosen in combinations(span[1:], n_units)
        )
    return Complete(True, frozenset(rays), count)


def _hidden_values(
    active: tuple[bool, ...], inputs: list[list[int]], conditions: list[list[int]]
) -> Iterator[list[int]]:
    seen = [x if on else [0] * len(x) for x, on in zip(inputs, active, strict=True)]
    basis = _null_space(_product(conditions, seen))
    if not basis:
        return
    values = _product(inputs, list(zip(*basis, strict=True)))
    cone = [value if on else [-v for v in value] for value, on in zip(values, active, strict=True)]
    dimension = len(basis)
    different = [list(row) for row in {tuple(row) for row in cone}]
    for tight in combinations(different, dimension - 1):
        line = _null_space(list(tight)) if tight else [[1]]
        if len(line) != 1:
            continue
        for sign in (1, -1):
            z = [sign * entry for entry in line[0]]
            if all(_dot(row, z) >= 0 for row in cone):
                v = [_dot(z, entries) for entries in zip(*basis, strict=True)]
                h = [_dot(x, v) for x in seen]
                if any(h):
                    yield h


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
