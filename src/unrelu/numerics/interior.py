"""The middle of a polyhedral cone {v : A v > 0}, and how far from it its borders are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import check_deadline

STEPS = 60
"""Newton steps for a centre; from any inner point ten or so are usual."""

REACH = 30.0
"""Of the cone seen from the middle of a wider one, in standard deviations of that."""

GROWTH = 4
"""By which the number of rows examined grows from round to round."""


@dataclass(frozen=True, eq=False)
class Middle:
    """`direction` (d,), of unit length, well inside; `factor` (d, d − 1), orthogonal to it, with
    direction + factor · u for |u| about 1 the directions that the cone holds: the covariance of one
    drawn at random is about factor · factorᵀ."""

    direction: Array
    factor: Array

    @property
    def error(self) -> float:
        """Root mean square angle between the direction and one drawn at random."""
        return float(np.linalg.norm(self.factor))


def middle(rows: Array) -> Middle | None:
    """The analytic centre of {v : rows · v > 0}: the unit vector with the largest Π (rows · v).
    None if there is no such v.

    In a cone cut out by many random half-spaces the inverse Hessian of Σ log(rows · v) at the
    centre is, measured, within a quarter of the covariance of the uniform law.

    With rows of n points in a random order the cone narrows as d/n². So a few rows come first;
    what they leave is blown up to size 1 before more rows cut it, and a linear program with
    tolerances of 1e-7 finds its way however narrow the cone. Rows should come in a random order.
    Cost: a linear program in d variables a round; Newton steps of O(n d²).
    """
    lengths = np.linalg.norm(rows, axis=1)
    if not (lengths > 0).all():
        return None
    rows = rows / lengths[:, None]
    dimension = rows.shape[1]
    frame, start = np.eye(dimension), np.zeros(dimension)
    count = 8 * dimension + 100
    while True:
        check_deadline()
        some = rows[:count]
        inside = _inner(some @ start, some @ frame)
        if inside is None:
            return None
        found = _centre(some, start + frame @ inside)
        if count >= len(rows) or found is None:
            return found
        start, frame = found.direction, REACH * found.factor
        count *= GROWTH


def _inner(fixed: Array, free: Array) -> Array | None:
    """u in the cube |u| <= 1 with fixed + free · u > 0, well inside; None if there is none.

    maximise t over u, |u_i| <= 1:  fixed + free · u >= t ‖free‖, row by row
    """
    from scipy.optimize import linprog

    lengths = np.linalg.norm(free, axis=1)
    # A row that the whole cube satisfies asks for nothing.
    near = fixed <= lengths * np.sqrt(free.shape[1]) * 2
    fixed, free, lengths = fixed[near], free[near], lengths[near]
    if not len(fixed):
        return np.zeros(free.shape[1])
    usual = lengths.max() or 1.0
    lengths = np.maximum(lengths, 1e-12 * usual)
    program: Any = linprog(
        np.append(np.zeros(free.shape[1]), -1.0),
        A_ub=np.column_stack([-free / lengths[:, None], np.ones(len(free))]),
        b_ub=fixed / lengths,
        bounds=[(-1.0, 1.0)] * free.shape[1] + [(None, 1.0)],
        method="highs",
    )
    if program.status != 0 or program.x[-1] <= 0:
        return None
    inside = np.asarray(program.x[:-1])
    return inside if (fixed + free @ inside > 0).all() else None


def _centre(rows: Array, v: Array) -> Middle | None:
    """Newton's method for the maximum of Σ log(rows · v) − n ‖v‖²/2, which has length 1."""
    n, dimension = rows.shape
    v = v / np.linalg.norm(v)
    slacks = rows @ v
    if not (slacks > 0).all():
        return None
    for _ in range(STEPS):
        check_deadline()
        inverse = rows / slacks[:, None]
        gradient = inverse.sum(axis=0) - n * v
        hessian = inverse.T @ inverse + n * np.eye(dimension)
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:  # rows with hardly any room between them
            return None
        decrement = float(np.sqrt(max(gradient @ step, 0.0)))
        # Damped steps stay inside (self-concordance); near the end they are whole ones.
        v = v + step / (1.0 if decrement < 0.25 else 1 + decrement)
        slacks = rows @ v
        if not (slacks > 0).all():
            return None
        if decrement < 1e-6:
            break
    v = v / np.linalg.norm(v)
    tangent = np.linalg.svd(v[None])[2][1:].T
    inverse = (rows @ tangent) / (rows @ v)[:, None]
    sizes, turn = np.linalg.svd(inverse, full_matrices=False)[1:]
    if not sizes.min(initial=np.inf) > 0:
        return None
    return Middle(v, tangent @ (turn.T / sizes))
