"""All networks that explain a few samples when rank(Y) = k, by trying all 2^n sign patterns of a
unit. Nothing but null spaces over ℚ: no linear program, nothing of the library."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Ray = tuple[int, ...]


@dataclass(frozen=True)
class Truth:
    """Whether a network with k units exists, how many sets of hidden values F there are, and how
    many networks; infinity for a continuum."""

    exists: bool
    values_count: float
    count: float


def rank(matrix: Integers) -> int:
    return int(fmpz_mat(matrix.tolist()).rank()) if matrix.size else 0


def kernel(matrix: Integers) -> Integers:
    """Integer columns that span the null space."""
    if not len(matrix):
        return np.eye(matrix.shape[1], dtype=object)
    vectors, nullity = fmpz_mat(matrix.tolist()).nullspace()
    entries = [[int(vectors[i, j]) for j in range(nullity)] for i in range(matrix.shape[1])]
    return np.array(entries, dtype=object).reshape(matrix.shape[1], nullity)


def primitive(vector: Integers) -> Ray:
    shared = math.gcd(*map(int, vector)) or 1
    return tuple(int(entry) // shared for entry in vector)


def extreme_rays(inequalities: Integers) -> set[Ray]:
    """Of {t : M t ≥ 0}, a pointed cone: where dim − 1 independent rows are tight."""
    dimension = inequalities.shape[1]
    rows = np.array(sorted({primitive(row) for row in inequalities}), dtype=object)
    rows = rows.reshape(-1, dimension)
    rays: set[Ray] = set()
    for tight in itertools.combinations(range(len(rows)), dimension - 1):
        line = kernel(rows[list(tight)].reshape(-1, dimension))
        if line.shape[1] != 1:
            continue
        for direction in (line[:, 0], -line[:, 0]):
            if (rows @ direction >= 0).all():
                rays.add(primitive(direction))
    return rays


def cells(P: Integers, X: Integers) -> Iterator[set[Ray]]:
    """For each pattern, the extreme rays (w, v) of {P_Z w = 0, X_Z v ≤ 0, P_A w = X_A v ≥ 0}."""
    n, r = P.shape
    for pattern in itertools.product((False, True), repeat=n):
        on = np.array(pattern)
        equations = np.block([[P[~on], 0 * X[~on]], [P[on], -X[on]]])
        space = kernel(equations)
        if space.shape[1]:
            inequalities = np.vstack([P[on] @ space[:r], -X[~on] @ space[r:]])
            yield {primitive(space @ np.array(ray)) for ray in extreme_rays(inequalities)}


def solve_by_patterns(X: Integers, Y: Integers, k: int, bias: bool) -> Truth:
    """For integers X (n, d), Y (n, m) with rank(Y) = k, or rank([Y 1]) = k + 1 with biases."""
    X, Y = X.astype(object), Y.astype(object)
    ones = np.ones((len(X), 1), dtype=object)
    if bias:
        X = np.hstack([X, ones])
    P = ones[:, :0] if not bias else ones
    for column in Y.T:
        if rank(np.column_stack([P, column])) > P.shape[1]:
            P = np.column_stack([P, column])
    r = P.shape[1]
    assert r == k + bias
    kept = [j for j in range(X.shape[1]) if rank(X[:, : j + 1]) > rank(X[:, :j])]
    loose_inputs, X = len(kept) < X.shape[1], X[:, kept]
    constant = [] if not bias else [tuple(int(j == 0) for j in range(r))]

    units: dict[Ray, set[Ray]] = {}
    continuum = False
    for cell in cells(P, X):
        here = {primitive(np.array(ray[:r])) for ray in cell if any(ray[:r])}
        continuum |= len(here) > 1
        for ray in cell:
            if any(ray[:r]):
                units.setdefault(primitive(np.array(ray[:r])), set()).add(ray)
    rays = [w for w in units if w not in constant]
    spanned = rank(np.array([*constant, *rays], dtype=object).reshape(-1, r)) == r
    if not spanned:
        return Truth(False, 0, 0)
    if continuum:
        return Truth(True, math.inf, math.inf)
    bases = [
        chosen
        for chosen in itertools.combinations(rays, k)
        if rank(np.array([*constant, *chosen], dtype=object)) == r
    ]
    used = {w for chosen in bases for w in chosen}
    loose = loose_inputs or any(len(units[w]) > 1 or _may_move(P, X, w) for w in used)
    return Truth(True, len(bases), math.inf if loose else len(bases))


def _may_move(P: Integers, X: Integers, w: Ray) -> bool:
    """Whether some v ≠ 0 is 0 on the active samples of w and ≤ 0 on the others."""
    height = P @ np.array(w, dtype=object)
    space = kernel(X[height > 0])
    return bool(space.shape[1] and extreme_rays(-X[height == 0] @ space))


def exists_with_outputs(X: Integers, Y: Integers, U: Integers, bias: bool) -> bool:
    """Whether some V (and b, c) give Y with these output weights: all 2^(n k) patterns."""
    X, Y, U = X.astype(object), Y.astype(object), U.astype(object)
    n, (m, k) = len(X), U.shape
    if bias:
        X = np.hstack([X, np.ones((n, 1), dtype=object)])
    X = X[:, [j for j in range(X.shape[1]) if rank(X[:, : j + 1]) > rank(X[:, :j])]]
    dimension = X.shape[1]
    # Unknowns V by rows, c where there is one, and a last one that stands for 1.
    heights = np.zeros((n, k, k * dimension + m * bias + 1), dtype=object)
    for j in range(k):
        heights[:, j, j * dimension : (j + 1) * dimension] = X
    for pattern in itertools.product((0, 1), repeat=n * k):
        on = np.array(pattern).reshape(n, k, 1)
        labels = np.einsum("lj,nju->nlu", U, heights * on)
        labels[:, :, -1] -= Y
        if bias:
            labels[:, :, k * dimension : -1] += np.eye(m, dtype=object)
        space = kernel(labels.reshape(n * m, -1))
        if not space.shape[1] or not space[-1].any():
            continue
        signs = (2 * on - 1) * heights
        rows = np.vstack([signs.reshape(n * k, -1), [[0] * (heights.shape[2] - 1) + [1]]]) @ space
        if any(np.array(ray) @ space[-1] > 0 for ray in extreme_rays(rows)):
            return True
    return False
