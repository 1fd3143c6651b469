"""Does what is left of a fit still depend on the inputs?"""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.rank import column_space

MOST_ROWS = 1500
"""Rows that are examined: the kernel is a matrix over pairs of them."""

CLIP = 3.0
"""Residuals count up to this many of their median size: a few gross ones must not drown the
others. Not so for skewed noise, such as that of rare counts: what is clipped from one side shifts
the mean, and by as much as the inputs say."""

DEPENDENT = 7.0
"""Score from which on residuals depend on the inputs. Under independence the score has mean 0
and variance 1; in high dimensions it is normal, and where one direction carries all of it, a
centred χ² with one degree of freedom, beyond 7 one time in a thousand."""


def dependence(
    residual: Array, inputs: Array, *, clip: float = CLIP, size: Array | None = None
) -> float:
    """A score for the dependence of residuals (n, m) on white inputs (n, D): about 0 when they
    are independent, growing with n when they are not.

    T = Σ_{i≠j} K_ij r_i·r_j over √(2 Σ K_ij² (r_i·r_j)²). K is the arc-cosine kernel of order
    one (Cho and Saul 2009), the covariance of a random rectified unit seen at two inputs, less
    what constants and linear functions of the inputs explain: a fit has taken those out of the
    residual. Adding up over pairs, T does not mind residuals of unequal size, nor correlated
    outputs. `size` (m,): of the residuals, by which they are clipped; their median where it is
    not given. Cost O(l² (D + m)) for l ≤ 1500 rows.

    >>> rng = np.random.default_rng(0)
    >>> z, e = rng.standard_normal((2, 500, 3))
    >>> dependence(e, z) < 3, dependence(np.abs(z[:, :1]) - 0.8, z) > DEPENDENT
    (True, True)
    """
    step = max(1, -(-len(inputs) // MOST_ROWS))
    Z, R = inputs[::step], residual[::step]
    size = np.median(np.abs(R), axis=0) if size is None else size
    R = R / np.where(size > 0, size, np.abs(R).max(axis=0) + np.finfo(np.float64).tiny)
    R = np.clip(R, -clip, clip)
    Z = np.column_stack([np.ones(len(Z)), Z]) / np.sqrt(Z.shape[1] + 1)
    K = _arc_cosine(Z)
    basis = column_space(Z)  # one column less where the inputs span the constants themselves
    K -= basis @ (basis.T @ K)
    K -= (K @ basis) @ basis.T
    K *= R @ R.T
    np.fill_diagonal(K, 0.0)
    return float(K.sum() / np.sqrt(2 * np.vdot(K, K) + np.finfo(np.float64).tiny))


def _arc_cosine(Z: Array) -> Array:
    """2 E f(g·z) f(g·z') for g ~ N(0, I): ‖z‖‖z'‖ (sin θ + (π − θ) cos θ) / π."""
    lengths = np.linalg.norm(Z, axis=1)
    cosine = np.clip(Z @ Z.T / np.outer(lengths, lengths), -1.0, 1.0)
    angle = np.arccos(cosine)
    return np.asarray(
        np.outer(lengths, lengths) * (np.sqrt(1.0 - cosine**2) + (np.pi - angle) * cosine) / np.pi
    )
