"""How far can the kinks of a piecewise linear fit move when the labels change by rounding?

The model is labels = f(Z Aᵀ) Uᵀ (+ constant), f(z) = max(z, 0), with unit rows in A and the
pattern s = 1[Z Aᵀ > 0] held fixed, so that it is smooth in A. U and the constant are projected
out; what is left is the matrix of the canonical Jacobian,

    T = (UᵀU) ∘ Φᵀ (I − H H⁺) Φ,   Φ_j = s_j∘Z restricted to the tangent space of a_j,  H = [F 1],

block (j, l) of the first factor spread over block (j, l) of the second. Labels with errors of
size τ move A by T⁻¹Jᵀe, which has covariance τ² T⁻¹; a null direction of T is a way to change
the fit without changing a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, qr, solve_triangular
from scipy.linalg.lapack import dpotri

from unrelu.numerics.arrays import Array, Mask

DENSE = 3000
"""Unknowns up to which T is formed: half a second and 300 MB."""

DRAWS = 8
"""Sampled errors from which the size of the error of a unit is read: with several dozen
coordinates to a unit its norm is known to a few per cent, with a single weak direction the
largest of 8 draws lies within a factor of 3 of the standard deviation 99 times in 100."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """`errors` (draws, k, D): errors of A that label errors may have caused; infinite for units
    with a part in a null direction of T. `leverage` (n,): how much of each sample's labels the
    unknowns (U and the constant included) can follow, between 0 and m; None where not computed.
    `axes` (D − 1 or D, k, D), where computed: those of the ellipsoid in which a unit's row lies
    when the labels change by a vector of length one, whichever.
    """

    errors: Array
    leverage: Array | None
    axes: Array | None = None


def sensitivity(
    Z: Array,
    A: Array,
    U: Array,
    residual: Array,
    size: float,
    constant: bool,
    rng: np.random.Generator,
    *,
    quick: bool = False,
    linear: bool = False,
) -> Sensitivity:
    """Errors and leverages of the fit A (k, D), U (m, k) for label errors of the given size.

    `quick` takes the units apart instead of forming T: with P the pseudo-inverse of U, P_j of a
    change of the labels is s_j∘Z δa_j plus a combination of the columns of H, so each unit is
    known at least as well as its own labels P_j Y tell. It needs U of full column rank.

    `linear`: any linear function of Z (with its constant, if Z has one) is free as well, H = [F Z].
    Where these columns are dependent, so are U and that function, and units in it are unknown.

    Each error is the distance to the least-squares optimum (one Gauss–Newton step from
    `residual` (n, m)) plus a random draw of covariance size² T⁻¹. Z (n, D) should be white.
    Cost O(n p² + p³) for p = k (D − 1) up to `DENSE`, beyond that a few hundred products of
    O(n k D).
    """
    F = Z @ A.T
    active = (F > 0).astype(np.float64)
    F *= active
    H = np.column_stack([F, np.ones(len(Z))]) if constant else F
    H = np.column_stack([F, Z]) if linear else H
    basis = _range(H)
    residual = residual - basis @ (basis.T @ residual)  # the rest is a matter of U
    if quick:
        errors, axes = _unit_by_unit(Z, A, U, active, basis, residual, size, rng)
        found = Sensitivity(errors, None, axes)
    elif len(A) * (Z.shape[1] - 1) <= DENSE:
        found = _dense(Z, A, U, active, basis, residual, size, rng)
    else:
        errors = _matrix_free(Z, A, U, active, basis, residual, size, rng)
        found = Sensitivity(errors, None)
    if linear:
        found.errors[:, _without_kink(F, Z)] = np.inf
    return found


def _root(T: Array) -> tuple[Array, float]:
    """Cholesky factor of T plus a ridge of some roundings, or as many as it takes."""
    ridge = 10 * len(T) * float(np.finfo(np.float64).eps)
    while True:
        shifted = T.copy()
        shifted[np.diag_indices(len(T))] += ridge
        try:
            return cholesky(shifted, lower=True, overwrite_a=True, check_finite=False), ridge
        except np.linalg.LinAlgError:
            ridge *= 100


def _without_kink(F: Array, Z: Array) -> Mask:
    """Which columns of F are, to half of the digits, combinations of others and those of Z."""
    norms = np.linalg.norm(F, axis=0)
    rest = F / np.where(norms > 0, norms, 1.0)
    for _ in range(2):
        rest = rest - Z @ (Z.T @ rest / len(Z))
    half = np.sqrt(np.finfo(np.float64).eps)
    _, values, right = np.linalg.svd(rest, full_matrices=len(rest) < rest.shape[1])
    null = right[np.concatenate([values, np.zeros(len(right) - len(values))]) <= half]
    return np.asarray((np.abs(null) > half).any(axis=0), dtype=np.bool_)


def _range(columns: Array) -> Array:
    """Orthonormal basis of the column space, by pivoted QR."""
    norms = np.linalg.norm(columns, axis=0)
    q, r, _ = qr(columns / np.where(norms > 0, norms, 1.0), mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(r))
    rank = int((diagonal > 100 * np.finfo(np.float64).eps * max(columns.shape)).sum())
    return np.asarray(q[:, :rank])


def _unit_by_unit(
    Z: Array,
    A: Array,
    U: Array,
    active: Array,
    basis: Array,
    residual: Array,
    size: float,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    k, D = A.shape
    errors, axes = np.full((DRAWS, k, D), np.inf), np.zeros((D, k, D))
    ridge = 10 * D * np.finfo(np.float64).eps
    strength = np.linalg.norm(U, axis=0)
    if np.linalg.matrix_rank(U / strength, tol=np.sqrt(ridge)) < k:
        return errors, axes
    apart = np.linalg.pinv(U / strength).T / strength
    for j in range(k):
        rows = active[:, j] > 0
        B = Z[rows]
        C = B.T @ basis[rows]
        T = B.T @ B - C @ C.T
        T += np.outer(A[j], A[j]) * max(np.trace(T) / D, 0.0)  # scale is no unknown
        scale = np.sqrt(np.maximum(np.diag(T), 0.0))
        if not rows.any() or not scale.all():
            continue
        T /= np.outer(scale, scale)
        T[np.diag_indices(D)] += ridge
        try:
            lower = np.linalg.cholesky(T)
        except np.linalg.LinAlgError:
            continue
        pull = B.T @ (residual[rows] @ apart[:, j])
        pull -= A[j] * (A[j] @ pull)
        draws = np.linalg.solve(lower.T, rng.standard_normal((D, DRAWS)))
        if np.linalg.norm(draws, axis=0).max() > 0.03 / np.sqrt(ridge):
            continue
        step = np.linalg.solve(lower.T, np.linalg.solve(lower, pull / scale))
        moves = (step[:, None] + size * np.linalg.norm(apart[:, j]) * draws) / scale[:, None]
        errors[:, j] = (moves - np.outer(A[j], A[j] @ moves)).T
        root = np.linalg.norm(apart[:, j]) * np.linalg.inv(lower).T / scale[:, None]
        axes[:, j] = (root - np.outer(A[j], A[j] @ root)).T
    return errors, axes


def _dense(
    Z: Array,
    A: Array,
    U: Array,
    active: Array,
    basis: Array,
    residual: Array,
    size: float,
    rng: np.random.Generator,
) -> Sensitivity:
    (k, D), t = A.shape, A.shape[1] - 1
    if t == 0:  # inputs on a line, no biases: a direction is a sign
        return Sensitivity(np.zeros((1, k, D)), len(U) * (basis**2).sum(axis=1))
    # Householder reflections I − 2wwᵀ that take e_1 to ±a_j: their other columns span a_j's
    # tangent space, and Z times them costs a rank-one update.
    mirrors = A.copy()
    mirrors[:, 0] += np.where(A[:, 0] >= 0, 1.0, -1.0)
    mirrors /= np.linalg.norm(mirrors, axis=1, keepdims=True)
    reach = Z @ mirrors.T
    columns = np.empty((len(Z), k, t))
    for j in range(k):
        np.subtract(Z[:, 1:], np.outer(2 * reach[:, j], mirrors[j, 1:]), out=columns[:, j])
        columns[:, j] *= active[:, j, None]
    phi = columns.reshape(len(Z), k * t)
    pull = np.einsum("njt,nj->jt", columns, residual @ U, optimize=True).ravel()
    phi -= basis @ (basis.T @ phi)
    weights = U.T @ U
    blocks = (phi.T @ phi).reshape(k, t, k, t)
    blocks *= weights[:, None, :, None]
    T = blocks.reshape(k * t, k * t)

    diagonal = np.maximum(np.diag(T), 0.0)
    # A column that is nothing but rounding is a direction that no label depends on.
    idle = diagonal <= len(T) * np.finfo(np.float64).eps * diagonal.max(initial=0.0)
    scale = np.sqrt(np.where(idle, 1.0, diagonal))
    T /= np.outer(scale, scale)
    lower, ridge = _root(T)

    def spread(columns: Array) -> Array:
        moved = solve_triangular(lower, columns.T, lower=True, trans="T").T
        return np.asarray(moved.reshape(-1, k, t))

    draws = rng.standard_normal((DRAWS, k * t))
    # T is known to rounding only, so an eigenvalue below some hundred roundings may be none.
    null = np.linalg.norm(spread(draws), axis=2).max(axis=0) > 0.03 / np.sqrt(ridge)
    null |= idle.reshape(k, t).any(axis=1)
    step = solve_triangular(lower, pull / scale, lower=True)
    moves = spread(step + size * draws) / scale.reshape(k, t)
    errors = np.zeros((DRAWS, k, D))
    errors[..., 1:] = moves
    errors -= 2 * (moves * mirrors[:, 1:]).sum(axis=2, keepdims=True) * mirrors
    errors[:, null] = np.inf

    # Leverage of sample i: trace of its (m, m) block of the hat matrix, U and constant first.
    inverse = dpotri(lower, lower=1)[0]
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    inverse /= np.outer(scale, scale)
    values, vectors = np.linalg.eigh(inverse.reshape(k, t, k, t)[np.arange(k), :, np.arange(k)])
    vectors = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None]).transpose(2, 0, 1)
    axes = np.zeros((t, k, D))
    axes[..., 1:] = vectors
    axes -= 2 * (vectors * mirrors[:, 1:]).sum(axis=2, keepdims=True) * mirrors
    inverse.reshape(k, t, k, t)[...] *= weights[:, None, :, None]
    leverage = len(U) * (basis**2).sum(axis=1) + ((phi @ inverse) * phi).sum(axis=1)
    return Sensitivity(errors, leverage, axes)


def _matrix_free(
    Z: Array,
    A: Array,
    U: Array,
    active: Array,
    basis: Array,
    residual: Array,
    size: float,
    rng: np.random.Generator,
) -> Array:
    """One draw by conjugate gradients: T x = Jᵀ(residual + size e) + √(diag T) size η g.

    The last term, small, has components in every direction. In a null direction nothing can
    cancel it, so the iteration does not converge and x grows there: both are seen. With fewer
    equations than unknowns there are null directions, in general with a part in every unit, and
    nothing is iterated.
    """
    n, m = residual.shape
    if m * (n - basis.shape[1]) < A.shape[0] * (A.shape[1] - 1):
        return np.full((1, *A.shape), np.inf)

    def project(rows: Array) -> Array:
        return np.asarray(rows - A * (A * rows).sum(axis=1, keepdims=True))

    def push(step: Array) -> Array:
        moved = ((Z @ step.T) * active) @ U.T
        return np.asarray(moved - basis @ (basis.T @ moved))

    def pull(labels: Array) -> Array:
        return project(((labels @ U) * active).T @ Z)

    scale = np.linalg.norm(U, axis=0) * np.sqrt(np.maximum(active.sum(axis=0), 1.0))
    scale = np.maximum(scale, np.finfo(np.float64).eps * scale.max())[:, None]
    noise = size * rng.standard_normal(residual.shape)
    noise -= basis @ (basis.T @ noise)
    everywhere = 1e-2 * size * project(rng.standard_normal(A.shape))
    right = pull(residual + noise) / scale + everywhere

    x, rest = np.zeros_like(A), right.copy()
    direction, norm = rest.copy(), float(np.vdot(rest, rest))
    target = norm * 1e-18
    for _ in range(2000):
        image = pull(push(direction / scale)) / scale
        curvature = float(np.vdot(direction, image))
        if curvature <= 0:
            break
        length = norm / curvature
        x += length * direction
        rest -= length * image
        previous, norm = norm, float(np.vdot(rest, rest))
        if norm <= target:
            return np.asarray((x / scale)[None])
        direction = rest + (norm / previous) * direction
    # What cannot be reached is unknown to the accuracy with which anything can be known.
    lost = rest / np.sqrt(10 * A.size * np.finfo(np.float64).eps)
    return np.asarray(((np.abs(x) + np.abs(lost)) / scale)[None])
