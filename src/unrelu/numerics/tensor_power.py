"""The power method: common factors of symmetric matrices one after the other.

For slices M_i = Σ_j w_ij a_j a_jᵀ of which a combination B = Σ θ_i M_i is positive definite,
the a_j become orthonormal in coordinates where B is the identity (whitening). There the power
iteration

    x ← Σ_i (xᵀM_i x) M_i x / ‖·‖

of the symmetric tensor Σ_i M_i ⊗ M_i is at rest in the factors, those with the largest Σ_i w_ij²
attract it, and one that is found is taken off the slices (deflation). With slices of a third-order
tensor T along an orthonormal basis it is the method of Anandkumar, Ge, Hsu, Kakade and Telgarsky
(2014), with T(T(x, x, ·), x, ·) in place of T(x, x, ·). Errors of the first factors pass on to the
last, as they do not in `joint_diagonalisation`.
"""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array, divisors, unit_rows
from unrelu.numerics.deadline import check_deadline

STARTS, STEPS = 30, 100
"""Random starts for each factor, and power steps; convergence is cubic, after some wandering."""

TURNS = 2000
"""Perceptron turns towards a positive definite combination. (R/γ)² are enough, where R is the
size of the slices and γ the least eigenvalue of the best combination."""


def power_factors(slices: Array, *, rng: np.random.Generator) -> Array | None:
    """Unit rows a_j (k, k), up to sign and order, of symmetric slices (s, k, k); None when no
    combination of the slices is seen to be positive definite.

    Cost: O(STARTS · STEPS · s k²) for each of the k factors.
    """
    combination = positive_combination(slices)
    if combination is None:
        return None
    root = np.linalg.cholesky(np.tensordot(combination, slices, axes=1))
    inverse = np.linalg.inv(root)
    white = inverse @ slices @ inverse.T
    factors = []
    for _ in range(len(root)):
        x = _strongest(white, rng)
        forms = (x @ white) @ x
        white = white - forms[:, None, None] * np.outer(x, x)
        factors.append(root @ x)
    return unit_rows(np.array(factors))


def _strongest(slices: Array, rng: np.random.Generator) -> Array:
    """Where the power iteration ends that reaches the largest Σ_i (xᵀM_i x)²."""
    s, k, _ = slices.shape
    points = unit_rows(rng.standard_normal((STARTS, k)))
    flat = slices.reshape(s * k, k)
    for _ in range(STEPS):
        check_deadline()
        moved = (points @ flat.T).reshape(STARTS, s, k)
        forms = (moved * points[:, None, :]).sum(axis=2)
        points = np.einsum("ts,tsk->tk", forms, moved)
        norms = np.linalg.norm(points, axis=1, keepdims=True)
        points = np.where(norms > 0, points / divisors(norms), 1 / np.sqrt(k))
    forms = np.einsum("tk,skl,tl->ts", points, slices, points, optimize=True)
    return np.asarray(points[(forms**2).sum(axis=1).argmax()])


def positive_combination(slices: Array) -> Array | None:
    """θ with Σ θ_i M_i positive definite and well conditioned, or None when none is found.

    The perceptron finds one: every unit x with xᵀ(Σ θ_i M_i)x ≤ 0 adds its (xᵀM_i x) to θ. From
    there Newton steps lead to the maximum of log det(Σ θ_i M_i) − ‖θ‖²/2, which is concave.
    """
    slices = slices / (np.linalg.norm(slices) or 1.0)
    theta = np.trace(slices, axis1=1, axis2=2)
    for _ in range(TURNS):
        values, vectors = np.linalg.eigh(np.tensordot(theta, slices, axes=1))
        # A least eigenvalue at rounding level counts as zero.
        if values[0] > 1e-9 * values[-1] > 0:
            break
        x = vectors[:, 0]
        theta = theta + (x @ slices) @ x
    else:
        return None
    for _ in range(50):
        inverse = np.linalg.inv(np.tensordot(theta, slices, axes=1))
        moved = inverse @ slices
        gradient = np.trace(moved, axis1=1, axis2=2) - theta
        curvature = np.einsum("aij,bji->ab", moved, moved, optimize=True) + np.eye(len(theta))
        step = np.linalg.solve(curvature, gradient)
        decrement = float(np.sqrt(max(gradient @ step, 0.0)))
        theta = theta + step / (1 + decrement)  # damped: stays inside (self-concordance)
        if decrement < 1e-6:
            break
    return np.asarray(theta)
