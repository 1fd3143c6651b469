"""Several pieces of one curve, each in units of its own, laid over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.numerics.arrays import Array, Index

KNOTS = 24
"""Of the common curve, a cubic spline, at most; each has thirty points or more."""

ROUNDS = 30

BENT = 1e-3
"""What a spline of so many knots may be off by."""

SPREAD = 1.0
"""Standard deviation of the shifts x that are expected before the curves have been seen: a factor
of e or so. It decides where they do not tell much."""

PLAIN, VAGUE, FAR = 3.0, 0.05, 3.0
"""Pieces that lie on one curve without shifts x, to so many times what was expected, are not
shifted; nor are they when the shifts are known to no better than VAGUE, or FAR: a straight line
shifted along itself is the same, and nearly straight ones nearly so."""

POINTS = 500
"""Of a piece that are examined; spread over it."""

APART = 10
"""As many points of a piece err independently: it is the whole piece that lies a little off."""


@dataclass(frozen=True, eq=False)
class Shifts:
    """`x`, `y` (k,), each of mean 0: piece j is Φ(x + x_j) + y_j. `errors` (k,): standard errors of
    x; infinite where pieces are not shifted because they need not be. `misfit`: root mean square
    of what is left, in units of what was expected."""

    x: Array
    y: Array
    errors: Array
    misfit: float


def register(pieces: Sequence[tuple[Array, Array, Array]]) -> Shifts:
    """Shifts of pieces (x, y, error of y): least squares over shifts and a common spline Φ, by
    Gauss–Newton steps. O(rounds · n (knots + k)²)."""
    k = len(pieces)
    chosen = []
    for x, y, error in pieces:
        spread = np.argsort(x)[np.linspace(0, len(x) - 1, min(len(x), POINTS)).astype(np.intp)]
        steep = float(np.std(y[spread])) / (float(np.std(x[spread])) or 1.0)
        chosen.append((x[spread], y[spread], np.hypot(max(steep, 1.0) * error[spread], BENT)))
    unit = np.concatenate([np.full(len(x), j) for j, (x, _, _) in enumerate(chosen)])
    x, y, error = (np.concatenate([piece[i] for piece in chosen]) for i in range(3))
    weights = 1 / error
    if not np.ptp(x) > 0:
        return Shifts(np.zeros(k), np.zeros(k), np.full(k, np.inf), np.inf)
    flat = np.zeros(len(x))
    plain = shifts = _step(x, y, weights, unit, np.zeros(k), flat, 1.0)[0]
    if k == 1 or plain.misfit <= PLAIN:
        return plain
    for _ in range(ROUNDS):
        _, slopes = _step(x, y, weights, unit, shifts.x, flat, 1.0)
        moved, _ = _step(x, y, weights, unit, shifts.x, slopes, max(shifts.misfit, 1.0))
        change = np.clip(moved.x - shifts.x, -0.5, 0.5)
        at, _ = _step(x, y, weights, unit, shifts.x + change, flat, 1.0)
        shifts = Shifts(shifts.x + change, at.y, moved.errors, at.misfit)
        if np.abs(change).max() < 1e-2 * moved.errors.min():
            break
    vague = shifts.errors.max() > VAGUE or np.abs(shifts.x).max() > FAR
    return plain if vague or shifts.misfit > plain.misfit / 2 else shifts


def _step(
    x: Array, y: Array, weights: Array, unit: Index, shifts: Array, slopes: Array, scale: float
) -> tuple[Shifts, Array]:
    """Least squares for Φ, the shifts y and, to first order, x; and the slope of Φ at the points.
    The prior on x is `scale` times as strong as for residuals of the size that was expected."""
    from scipy.interpolate import BSpline

    k = len(shifts)
    scale *= np.sqrt(max(1.0, len(x) / (APART * k)))
    moved = x + shifts[unit]
    count = int(np.clip(len(x) // 30, 2, KNOTS))
    inner = np.unique(np.quantile(moved, np.linspace(0.0, 1.0, count + 1)))
    knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    basis = BSpline.design_matrix(moved, knots, 3).toarray()
    ones = np.eye(k)[unit]
    design = np.column_stack([basis, ones, slopes[:, None] * ones])
    prior = np.zeros((k + 2, design.shape[1]))
    prior[:k, -k:] = scale / SPREAD * np.eye(k)
    prior[k, -2 * k : -k] = prior[k + 1, -k:] = 1e6  # both kinds have mean 0
    target = np.zeros(k + 2)
    target[:k] = -scale / SPREAD * shifts
    target[k + 1] = -1e6 * shifts.sum()
    system = np.vstack([design * weights[:, None], prior])
    solution = np.linalg.lstsq(system, np.append(y * weights, target), rcond=1e-12)[0]
    left = (y - design @ solution) * weights
    misfit = float(np.sqrt((left**2).mean()))
    errors = np.full(k, np.inf)
    if slopes.any():
        covariance = np.linalg.pinv(system.T @ system, hermitian=True)
        errors = np.sqrt(np.diag(covariance)[-k:].clip(0)) * scale
    spline = BSpline(knots, solution[: basis.shape[1]], 3).derivative()
    lifts = solution[-2 * k : -k]
    return Shifts(
        shifts + (solution[-k:] if slopes.any() else 0.0), lifts - lifts.mean(), errors, misfit
    ), np.asarray(spline(moved))
