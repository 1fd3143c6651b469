"""Row-space alternation: one unit at a time, when the labels show every unit (rank(Y) = k ≤ m).

The columns f_j of F = f(XVᵀ + b) then span the column space of Y (with output biases, that of
[Y 1]), and in it only the multiples of f_j have their support inside that of f_j (BJW Lemma 33).
So one looks for w, v with P w = f(X v), P an orthonormal basis of that space. For a pattern
s = 1[X v > 0] the best pair minimises

    ‖P w − s∘(X v)‖² over ‖w‖ = 1:  w the top eigenvector of BᵀG⁻¹B, v = G⁻¹B w,
    G = X_sᵀX_s, B = X_sᵀP_s,

with value 1 − λ; the pattern of that v is the next s. Value 0 is a unit, found exactly; local
minima have values far from 0.

What is known to lie in the space may be added freely: the units found so far and, with output
biases, the constant; with a skip connection all inputs, then for labels less what is linear in
them, and a unit may come out either way round. With N an orthonormal basis of it, P shrinks to what
is orthogonal to N, and G to G − (X_sᵀN_s)(N_sᵀX_s). Then a start cannot end in a unit found before
(its w would be 0), and the last units are found as quickly as the first.

No assumption on the law of X or on κ(V). Cost of a step: O(l (D² + D k) + D³ + k³) on l rows.
"""

from __future__ import annotations

import numpy as np

from unrelu.fitting.affine_term import beyond_affine
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.problem import Missed, Problem, choose_rows
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.rank import column_space
from unrelu.samples import Samples

ROWS_PER_UNKNOWN = 4
"""A unit has D + k unknowns; with 4 rows to each, nearly every random start ends in a unit."""

MORE_ROWS = 200
"""On top: where there are few unknowns, chance leaves some unit with too few active rows."""

SCARCE = 600, 60
"""Starts in a row without a new unit after which the search ends, and steps of each: near the
smallest possible n one start in a hundred may succeed, until the first few units are found."""

AMPLE = 15, 20
"""The same for the first unit with ROWS_PER_UNKNOWN, where five or six steps are usual: if none
of so many starts ends in a unit, the labels do not have as many units as rank."""

UNIT = 1e-9
"""Value up to which a fixed point is a unit. The Gram matrices square the conditioning, so a
true one may be as far as 1e-10 from 0; a local minimum is at 1e-2 or more."""


def find(
    samples: Samples,
    *,
    bias: bool,
    rng: np.random.Generator,
    missed: Missed,
    skip: bool = False,
) -> Candidate | None:
    """Collect as many units as the labels have rank; polish the whole network.

    A few rows are enough, unless a unit is rarely active: while units are missing, and while
    other rows are left unexplained, more rows join. A candidate that lacks units is a start for
    the general route; None, no unit at all, means that these labels do not have as many units as
    rank. `skip`: a linear term may be added.
    """
    dimension = samples.d + bias
    rows = choose_rows(samples, ROWS_PER_UNKNOWN * (dimension + samples.m) + MORE_ROWS, rng)
    starts = 0
    best: Network | None = None
    while True:
        problem = Problem(samples, rows, bias, skip=skip)
        rows = problem.rows
        units, rank, used = collect(problem, samples, rng)
        starts += used
        if units:
            net = problem.network(*problem.hyperplanes(np.array(units)))
            if len(units) == rank:
                net = problem.refined(net)
            if best is None or net.n_units >= best.n_units:
                best = net
        if not units or len(rows) == samples.n:
            break
        if len(units) < rank:
            more = choose_rows(samples, 4 * len(rows), rng)
        else:
            more = missed(net)
            more = more if len(more) <= len(rows) else rng.choice(more, len(rows), replace=False)
        before, rows = len(rows), np.union1d(rows, more)
        if len(rows) == before:
            break
    return None if best is None else Candidate(best, rows, {"starts": starts, "rows": len(rows)})


def collect(
    problem: Problem, samples: Samples, rng: np.random.Generator
) -> tuple[list[Array], int, int]:
    """Whitened hyperplanes of the units found, the rank of the labels, and the starts spent."""
    Z, Y = problem.strict.features, problem.Y
    n, dimension = Z.shape
    if problem.skip:
        labels, free = beyond_affine(Y, Z, samples.eps), Z / np.sqrt(n)
    else:
        labels = column_space(Y - Y.mean(axis=0) if problem.bias else Y, samples.eps)
        free = np.full((n, int(problem.bias)), 1 / np.sqrt(n))
    rank = labels.shape[1]
    ample = n >= ROWS_PER_UNKNOWN * (dimension + rank)
    found: list[Array] = []
    starts, idle = 0, 0
    patience, steps = AMPLE if ample else SCARCE
    while len(found) < rank and idle < patience:
        height = Z @ rng.standard_normal(dimension)
        # With biases a unit may be on for any share of the samples, so starts are, too.
        pattern = height > (np.quantile(height, rng.uniform(0.05, 0.95)) if problem.bias else 0.0)
        unit = alternate(Z, labels, free, pattern, steps)
        starts, idle = starts + 1, idle + 1
        if unit is not None:
            found, idle = [*found, unit], 0
            patience, steps = SCARCE
            free = _extended(free, np.maximum(Z @ unit, 0.0))
            rest = labels - free @ (free.T @ labels)
            labels = np.linalg.svd(rest, full_matrices=False)[0][:, : rank - len(found)]
    return found, rank, starts


def alternate(Z: Array, P: Array, free: Array, pattern: Mask, steps: int) -> Array | None:
    """The hyperplane that a sign pattern leads to, or None for a local minimum.

    Z (l, D) white inputs; P (l, r) and `free` (l, q) orthonormal, and orthogonal to each other.
    """
    for _ in range(steps):
        value, v = _best_pair(Z[pattern], P[pattern], free[pattern])
        previous, pattern = pattern, Z @ v > 0
        if np.array_equal(previous, pattern):
            break
    if value > UNIT or pattern.all():
        return None
    return np.asarray(v / np.linalg.norm(v))


def _best_pair(Z: Array, P: Array, free: Array) -> tuple[float, Array]:
    """Value 1 − λ and v for the rows of one pattern, oriented so that Σ x·v > 0 on them."""
    B = Z.T @ P
    C = Z.T @ free
    gram = Z.T @ Z - C @ C.T
    gram[np.diag_indices(len(gram))] += len(gram) * np.finfo(np.float64).eps * (len(Z) + 1)
    try:
        solved = np.linalg.solve(gram, B)
    except np.linalg.LinAlgError:  # fewer independent samples than inputs: no unit shows there
        return np.inf, np.ones(len(gram))
    values, vectors = np.linalg.eigh(B.T @ solved)
    v = solved @ vectors[:, -1]
    if Z.sum(axis=0) @ v < 0:
        v = -v
    return 1.0 - float(values[-1]), v


def _extended(basis: Array, column: Array) -> Array:
    """The orthonormal basis with one more column; twice is enough (Kahan)."""
    for _ in range(2):
        column = column - basis @ (basis.T @ column)
    return np.column_stack([basis, column / np.linalg.norm(column)])
