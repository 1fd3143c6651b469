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
from scipy.linalg import cho_factor, cho_solve, cholesky, qr, solve_triangular
from scipy.linalg.lapack import dpotri

from unrelu.network.jacobian import Jacobian, between_units
from unrelu.numerics.arrays import Array, Mask, unit_columns
from unrelu.numerics.conjugate_gradients import conjugate_gradients
from unrelu.numerics.tangents import Tangents
from unrelu.numerics.whitening import with_constant

DENSE = 3000
"""Unknowns up to which T is formed: half a second and 300 MB."""

DRAWS = 8
"""Sampled errors from which the size of the error of a unit is read: with several dozen
coordinates to a unit its norm is known to a few per cent, with a single weak direction the
largest of 8 draws lies within a factor of 3 of the standard deviation 99 times in 100."""


RIDGE = 1e-4
"""Of the preconditioner, relative to its diagonal: units that are nearly alike."""


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
    H = with_constant(F) if constant else F
    H = np.column_stack([F, Z]) if linear else H
    J = Jacobian(Z, active, U, tangents=Tangents.of(A))
    basis = _range(H)
    residual = _off(basis, residual)  # the rest is a matter of U
    if quick:
        errors, axes = _unit_by_unit(J, basis, residual, size, rng)
        found = Sensitivity(errors, None, axes)
    elif len(A) * (Z.shape[1] - 1) <= DENSE:
        found = _dense(J, basis, residual, size, rng)
    else:
        found = Sensitivity(_matrix_free(J, basis, residual, size, rng), None)
    if linear:
        found.errors[:, _without_kink(F, Z)] = np.inf
    return found


def _off(basis: Array, columns: Array) -> Array:
    """What is orthogonal to the basis."""
    return np.asarray(columns - basis @ (basis.T @ columns))


@dataclass(frozen=True, eq=False)
class _Root:
    """T = S (L Lᵀ − ridge) S for the hidden weights of `model`: S are the roots of its diagonal,
    `lower` is L, `idle` (p,) marks what no label depends on: columns that are nothing but rounding.
    """

    model: Jacobian
    scale: Array
    lower: Array
    ridge: float
    idle: Mask

    @classmethod
    def of(cls, T: Array, model: Jacobian) -> _Root:
        diagonal = np.maximum(np.diag(T), 0.0)
        idle = diagonal <= len(T) * np.finfo(np.float64).eps * diagonal.max(initial=0.0)
        scale = np.sqrt(np.where(idle, 1.0, diagonal))
        return cls(model, scale, *_factor(T / np.outer(scale, scale)), idle)

    def turned(self, columns: Array) -> Array:
        """(…, k, t): S⁻¹ L⁻ᵀ times columns (…, k t)."""
        k, t, _, _ = self.model.shape
        found = solve_triangular(self.lower, columns.T, lower=True, trans="T").T / self.scale
        return np.asarray(found.reshape(-1, k, t))

    def errors(self, pull: Array, size: float, rng: np.random.Generator) -> Array:
        """T⁻¹ pull, plus `DRAWS` errors of covariance size² T⁻¹: (draws, k, D)."""
        draws = rng.standard_normal((DRAWS, len(self.lower)))
        moved = self.turned(draws)
        # T is known to rounding only, so an eigenvalue below some hundred roundings may be zero.
        relative = np.linalg.norm(moved * self.scale.reshape(moved.shape[1:]), axis=2)
        null = relative.max(axis=0) > 0.03 / np.sqrt(self.ridge)
        null |= self.idle.reshape(moved.shape[1:]).any(axis=1)
        step = solve_triangular(self.lower, pull.ravel() / self.scale, lower=True)
        found = self.model.rows_of(self.turned(step[None]) + size * moved)
        found[:, null] = np.inf
        return found


def _factor(T: Array) -> tuple[Array, float]:
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
    rest = unit_columns(F)
    for _ in range(2):
        rest = rest - Z @ (Z.T @ rest / len(Z))
    half = np.sqrt(np.finfo(np.float64).eps)
    _, values, right = np.linalg.svd(rest, full_matrices=len(rest) < rest.shape[1])
    null = right[np.concatenate([values, np.zeros(len(right) - len(values))]) <= half]
    return np.asarray((np.abs(null) > half).any(axis=0), dtype=np.bool_)


def _range(columns: Array) -> Array:
    """Orthonormal basis of the column space, by pivoted QR."""
    q, r, _ = qr(unit_columns(columns), mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(r))
    rank = int((diagonal > 100 * np.finfo(np.float64).eps * max(columns.shape)).sum())
    return np.asarray(q[:, :rank])


def _unit_by_unit(
    J: Jacobian, basis: Array, residual: Array, size: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    k, t, _, _ = J.shape
    errors, axes = np.full((DRAWS, k, t + 1), np.inf), np.zeros((t, k, t + 1))
    strength = np.linalg.norm(J.U, axis=0)
    bar = np.sqrt(10 * (t + 1) * np.finfo(np.float64).eps)
    if np.linalg.matrix_rank(J.U / strength, tol=bar) < k:
        return errors, axes
    apart = np.linalg.pinv(J.U / strength).T / strength
    for j in range(k):
        on = J.slopes[:, j] > 0
        if not on.any():
            continue
        own = J.take(on).of_unit(j)
        phi, noise = own.features()[:, 0], float(np.linalg.norm(apart[:, j]))
        C = phi.T @ basis[on]
        root = _Root.of(phi.T @ phi - C @ C.T, own)
        pull, _ = own.transposed(residual[on] @ apart[:, j : j + 1])
        errors[:, j : j + 1] = root.errors(pull, size * noise, rng)
        axes[:, j : j + 1] = own.rows_of(noise * root.turned(np.eye(t)))
    return errors, axes


def _dense(
    J: Jacobian, basis: Array, residual: Array, size: float, rng: np.random.Generator
) -> Sensitivity:
    k, t, m, _ = J.shape
    leverage = m * (basis**2).sum(axis=1)
    if t == 0:  # inputs on a line, no biases: a direction is a sign
        return Sensitivity(np.zeros((1, k, 1)), leverage)
    phi = J.features().reshape(len(J.Z), k * t)
    phi -= basis @ (basis.T @ phi)
    weights = J.U.T @ J.U
    root = _Root.of(between_units(phi.T @ phi, weights), J)
    errors = root.errors(J.transposed(residual)[0], size, rng)

    inverse = dpotri(root.lower, lower=1)[0]
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    inverse /= np.outer(root.scale, root.scale)
    values, vectors = np.linalg.eigh(inverse.reshape(k, t, k, t)[np.arange(k), :, np.arange(k)])
    vectors = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None]).transpose(2, 0, 1)
    # Leverage of sample i: trace of its (m, m) block of the hat matrix, U and constant first.
    leverage += ((phi @ between_units(inverse, weights)) * phi).sum(axis=1)
    return Sensitivity(errors, leverage, J.rows_of(vectors))


def _matrix_free(
    J: Jacobian, basis: Array, residual: Array, size: float, rng: np.random.Generator
) -> Array:
    """One draw by conjugate gradients: T x = Jᵀ(residual + size e) + √(diag T) size η g.

    The last term, small, has components in every direction. In a null direction nothing can
    cancel it, so the iteration does not converge and x grows there: both are seen. (A single one
    has a share η²/p in the square of the right side, far more than may be left.) With fewer
    equations than unknowns there are null directions, in general with a part in every unit, and
    nothing is iterated.

    Z is white, so T is about n (UᵀU ∘ C) in every coordinate, where C_jl is the share of samples on
    which units j and l are both active: the preconditioner.
    """
    (n, m), (k, t, _, _) = residual.shape, J.shape
    if m * (n - basis.shape[1]) < k * t:
        return np.full((1, k, t + 1), np.inf)
    scale = np.linalg.norm(J.U, axis=0) * np.sqrt(np.maximum(J.slopes.sum(axis=0), 1.0))
    scale = np.maximum(scale, np.finfo(np.float64).eps * scale.max())[:, None]
    units = (J.U.T @ J.U) * (J.slopes.T @ J.slopes) / (scale * scale.T)
    units[np.diag_indices(k)] += RIDGE
    factor = cho_factor(units, check_finite=False)
    noise = _off(basis, size * rng.standard_normal(residual.shape))
    everywhere = 1e-2 * size * rng.standard_normal((k, t))
    right = J.transposed(residual + noise)[0] / scale + everywhere

    def product(x: Array) -> Array:
        return np.asarray(J.transposed(_off(basis, J.product(x / scale)))[0] / scale)

    def precondition(x: Array) -> Array:
        rows = cho_solve(factor, J.rows_of(x).reshape(k, -1), check_finite=False)
        return rows if J.tangents is None else J.tangents.coordinates(rows)

    x, done = conjugate_gradients(product, right, precondition, tolerance=1e-6, most=2000)
    if done:
        return J.rows_of((x / scale)[None])
    # What cannot be reached is unknown to the accuracy with which anything can be known.
    lost = (right - product(x)) / np.sqrt(10 * x.size * np.finfo(np.float64).eps)
    return J.rows_of(((np.abs(x) + np.abs(lost)) / scale)[None])
