"""Row-space alternation: one unit at a time, when the labels show every unit (rank(Y) = k ≤ m).

The columns f_j of F = f(XVᵀ + b) then span the column space of Y (with output biases, that of
[Y 1]), and in it only the multiples of f_j have their support inside that of f_j (BJW Lemma 33).
So one looks for w and v with P w = f(X v), P an orthonormal basis of that space. For a pattern
s = 1[X v > 0] the best pair minimises

    ‖P w − s∘(X v)‖² over ‖w‖ = 1:  w the top eigenvector of BᵀG⁻¹B, v = G⁻¹B w,
    G = X_sᵀX_s, B = X_sᵀP_s,

with value 1 − λ; the pattern of that v is the next s. Value 0 is a unit, found exactly. Random
starts end in one of the units, or in a local minimum with a value far from 0; already found units
are avoided by starting at right angles to them. No assumption on the law of X or on κ(V).

Cost of a step: O(l (D² + D k) + D³ + k³) on l rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

from unrelu.methods.candidate import Candidate
from unrelu.methods.problem import Problem, choose_rows
from unrelu.numerics.rank import column_space
from unrelu.samples import Samples

Array = NDArray[np.float64]

ROWS_PER_UNKNOWN = 8
"""A unit has D + k unknowns; with 8 rows to each, every random start ends in a unit."""


def find(
    samples: Samples, *, n_units: int, bias: bool, rng: np.random.Generator
) -> Candidate:
    """Collect the n_units units of labels of that rank; polish the whole network.

    Starts go on until all are found or patience ends: with k units equally likely to be hit,
    all have been seen after about k (ln k + 3) successes, for all but 5% of the cases.
    """
    dimension = samples.d + bias
    rows = choose_rows(samples.n, ROWS_PER_UNKNOWN * (dimension + n_units), rng)
    problem = Problem(samples, rows, bias)
    Z = problem.strict.features
    P = column_space(np.column_stack([problem.Y, np.ones(len(rows))]) if bias else problem.Y)
    alternation = Alternation(Z, P, problem.floor)
    found = np.zeros((0, dimension))
    starts = 0
    patience = 40 + 10 * n_units
    idle = 0
    while len(found) < n_units and idle < patience:
        start = rng.standard_normal(dimension)
        if 0 < len(found) < dimension:
            start -= np.linalg.lstsq(found.T, start)[0] @ found
        unit = alternation.unit(start, found)
        starts += 1
        idle += 1
        if unit is not None:
            found = np.vstack([found, unit])
            idle = 0
    stats: dict[str, float | int | str] = {
        "starts": starts, "rows": len(rows), "units found": len(found)
    }
    if not len(found):
        return Candidate(None, rows, stats)
    net = problem.network(*problem.hyperplanes(found))
    if len(found) == n_units:
        net = problem.refined(net)
    return Candidate(net, rows, stats)


class Alternation:
    """Inputs Z (l, D), white, and the label space P (l, r), orthonormal."""

    def __init__(self, Z: Array, P: Array, floor: float) -> None:
        self.Z, self.P, self.floor = Z, P, floor

    def unit(self, start: Array, found: Array) -> Array | None:
        """The hyperplane that a start leads to, or None: a local minimum, or one found before."""
        v = start
        pattern = self.Z @ v > 0
        known = self.Z @ found.T > 0
        for _ in range(60):
            value, v = self._step(pattern)
            previous, pattern = pattern, self.Z @ v > 0
            if len(found) and (pattern[:, None] != known).mean(axis=0).min() < 0.01:
                return None
            if np.array_equal(previous, pattern):
                break
        if value > 1e-6 or pattern.all():
            return None
        return v / np.linalg.norm(v)

    def _step(self, pattern: NDArray[np.bool_]) -> tuple[float, Array]:
        Z, P = self.Z[pattern], self.P[pattern]
        B = Z.T @ P
        gram = Z.T @ Z
        ridge = len(gram) * np.finfo(np.float64).eps * len(self.Z)
        gram[np.diag_indices(len(gram))] += ridge
        half = cho_factor(gram)
        solved = cho_solve(half, B)
        size = B.shape[1]
        values, vectors = eigh(B.T @ solved, subset_by_index=(size - 1, size - 1))
        v = solved @ vectors[:, 0]
        if Z.sum(axis=0) @ v < 0:
            v = -v
        return 1.0 - float(values[0]), v
