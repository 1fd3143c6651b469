"""Coordinates in which the sample second moment of the inputs is the identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.numerics.arrays import Array, Index, divisors


@dataclass(frozen=True, eq=False)
class Whitened:
    """`features` (n, D) with featuresᵀfeatures = n I, and `factor` (D, D), upper triangular,
    such that features @ factor are the rows that went in."""

    features: Array
    factor: Array

    @property
    def independent(self) -> bool:
        """Whether no column of the rows is, to rounding, a combination of those before it."""
        sizes = np.linalg.norm(self.factor, axis=0)
        bar = max(self.features.shape) * np.finfo(np.float64).eps * sizes
        return bool((np.abs(np.diag(self.factor)) > bar).all())

    def to_rows(self, coefficients: Array) -> Array:
        """Coefficients a of the features as coefficients of the original columns:
        z·a = x·(R⁻¹a) for x = Rᵀz. Shape (..., D)."""
        if not self.independent:  # the shortest of them
            return np.asarray(np.linalg.lstsq(self.factor, coefficients.T)[0].T)
        return np.asarray(solve_triangular(self.factor, coefficients.T).T)

    def to_features(self, coefficients: Array) -> Array:
        """The inverse of `to_rows`: z·(Ra) = x·a."""
        return np.asarray(coefficients @ self.factor.T)


def whiten(rows: Array) -> Whitened:
    """Two rounds of Cholesky QR: orthonormal to rounding for condition numbers up to ~1e7, beyond
    which Cholesky fails and a Householder QR, twice as slow, takes over. O(n D²).

    >>> w = whiten(np.array([[3.0, 0.0], [0.0, 4.0]]))
    >>> np.allclose(w.features.T @ w.features, 2 * np.eye(2))
    True
    """
    n = len(rows)
    features, factor = rows, np.eye(rows.shape[1])
    for _ in range(2):
        try:
            step = np.linalg.cholesky(features.T @ features / n).T
        except np.linalg.LinAlgError:
            q, r = np.linalg.qr(rows)
            return Whitened(np.ascontiguousarray(q * np.sqrt(n)), r / np.sqrt(n))
        features = features @ np.asarray(solve_triangular(step, np.eye(len(step))))
        factor = step @ factor
    return Whitened(features, factor)


def dependent_columns(rows: Array, tolerance: float) -> Index:
    """Columns that are, to `tolerance` of their own norm, combinations of the others: those that
    a pivoted QR leaves over. O(n D²)."""
    from scipy.linalg import qr

    norms = np.linalg.norm(rows, axis=0)
    if not norms.all():
        return np.flatnonzero(norms == 0)
    r, order = qr(rows / norms, mode="r", pivoting=True)[:2]
    left = np.abs(np.diag(r)) <= tolerance
    return np.sort(order[: len(left)][left])


def power_of_two(columns: Array) -> Array:
    """Near the size of each column: a scale that rounds nothing."""
    return np.exp2(np.round(np.log2(divisors(np.abs(columns).max(axis=0)))))


def with_constant(columns: Array, biased: bool = True) -> Array:
    """The columns and, with biases, one of ones."""
    return np.column_stack([columns, np.ones(len(columns))]) if biased else columns
