"""The information that labels carry about the unknowns of a fit by rectified units.

The model is labels = f(Z Aᵀ) Uᵀ + c, f(z) = max(z, 0), with the pattern s = 1[Z Aᵀ > 0] held
fixed, so that it is smooth; or another f, with slopes f' in the place of s. J_i is the Jacobian
(m, p) of the labels of sample i. The scale of a unit may move between A and U: it is held in place
by n_j·δa_j = 0 for a given normal n_j, and the unknowns of row j are coordinates t = D − 1 of the
space orthogonal to n_j. Where the scale is part of f there are no normals, and t = D. In order:

    α (k, t), then W = [U c] (m, q), q = k + 1 with the constant, else k;  p = k t + m q.

A linear term Z Cᵀ takes the place of the constant, which Z holds where there is one: W = [U C],
q = k + D, and h_i = [F Z]_i below.

Sample i then has ∂y_o/∂α_j = U_oj φ_ij and ∂y_o/∂W_o = h_i, with φ_ij = s_ij T_jᵀ z_i (T_j an
orthonormal basis of the tangent space) and h_i = [F 1]_i. So every sum over samples is made of
sums over Φ and H alone, and the Jacobian (n m, p) is never formed.

Noise of covariance Ω between the outputs is for the caller to remove: labels and U times Ω^(−1/2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import iadd

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.lapack import dpocon, dpotrf, dpotri

from unrelu.activations import Activation, chord
from unrelu.network.jacobian import Jacobian, Moments
from unrelu.numerics.arrays import Array, Index, Mask, divisors
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.tangents import Tangents

BLOCK_ENTRIES = 1 << 21
"""Rows are taken in blocks whose largest intermediate has about this many entries (16 MB)."""


@dataclass(frozen=True, eq=False)
class Curved:
    """The units of an activation other than the ReLU, for `Model`: f and its slopes; where that is
    infinite at 0, those of chords over heights known to within `doubt`."""

    activation: Activation
    doubt: Array | float | None

    def __call__(self, z: Array) -> tuple[Array, Array]:
        f = self.activation
        return f(z), f.slope(z) if self.doubt is None else chord(f, z, self.doubt)


@dataclass(frozen=True, eq=False)
class Model:
    """A (k, D), U (m, k), normals (k, D) of the gauge or None, whether there is a constant c, or a
    linear term in its place, and the units' f if it is no ReLU. Features of weighted samples are √w
    times what they were, and so is the constant: it is then Z times the row `ones` (D,)."""

    A: Array
    U: Array
    normals: Array | None
    constant: bool
    linear: bool = False
    units: Curved | None = None
    ones: Array | None = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """k, t, m, q."""
        m, k = self.U.shape
        D = self.A.shape[1]
        t, outer = D - (self.normals is not None), D if self.linear else self.constant
        return k, t, m, k + outer

    @property
    def hidden_unknowns(self) -> int:
        k, t, _, _ = self.shape
        return k * t

    @property
    def unknowns(self) -> int:
        k, t, m, q = self.shape
        return k * t + m * q

    def hidden(self, heights: Array) -> tuple[Array, Array | Mask]:
        """Heights Z Aᵀ (rows, k) to hidden values f and slopes f'; `heights` may be overwritten."""
        if self.units is not None:
            return self.units(heights)
        active = heights > 0
        heights *= active
        return heights, active

    @cached_property
    def directions(self) -> Tangents | None:
        return None if self.normals is None else Tangents.of(self.normals)

    def tangents(self) -> Array:
        """T_j, shape (k, D, t)."""
        if self.directions is None:
            return np.tile(np.eye(self.A.shape[1]), (len(self.A), 1, 1))
        return self.directions.bases()

    def outer(self, F: Array, Z: Array) -> Array:
        """H (rows, q), what the outputs are linear in."""
        if self.linear:
            return np.column_stack([F, Z])
        if not self.constant:
            return F
        return np.column_stack([F, np.ones(len(F)) if self.ones is None else Z @ self.ones])

    def of_products(self, products: Array) -> Array:
        """From [Φ H]ᵀψ (..., k t + q, m) the gradient Σ_i J_iᵀ ψ_i, (..., p)."""
        k, t, m, _ = self.shape
        hidden = products[..., : k * t, :].reshape(*products.shape[:-2], k, t, m)
        hidden = (hidden * self.U.T[:, None]).sum(axis=-1)
        outer = np.swapaxes(products[..., k * t :, :], -1, -2)
        parts = hidden, outer
        return np.concatenate([each.reshape(*products.shape[:-2], -1) for each in parts], axis=-1)

    def to_coefficients(self, steps: Array) -> Array:
        """From changes of the unknowns (..., p) what of [Φ H] they add to each output,
        (..., k t + q, m): the transpose of `of_products`."""
        k, t, m, q = self.shape
        alpha, W = np.split(steps, [k * t], axis=-1)
        hidden = alpha.reshape(*steps.shape[:-1], k, t)[..., None] * self.U.T[:, None]
        outer = np.swapaxes(W.reshape(*steps.shape[:-1], m, q), -1, -2)
        return np.concatenate([hidden.reshape(*steps.shape[:-1], k * t, m), outer], axis=-2)

    def jacobian(self, Z: Array) -> Jacobian:
        """Of the labels of some rows."""
        F, slopes = self.hidden(Z @ self.A.T)
        return Jacobian(Z, slopes, self.U, self.outer(F, Z), self.directions)

    def blocks(self, Z: Array) -> Iterator[tuple[slice, Jacobian]]:
        """Rows and their Jacobian, a block at a time."""
        k, t, m, q = self.shape
        step = max(1, BLOCK_ENTRIES // max(k * t, m * q, k * k, m * m))
        for start in range(0, len(Z), step):
            check_deadline()
            rows = slice(start, start + step)
            yield rows, self.jacobian(Z[rows])


def moments(model: Model, Z: Array) -> Moments:
    """What the unweighted information is made of. O(n (k t + q)²), memory O((k t)²)."""
    return reduce(iadd, (J.moments() for _, J in model.blocks(Z)))


def information(model: Model, sums: Moments, metric: Array | None = None) -> Array:
    """Σ_i J_iᵀ M J_i, (p, p), for one symmetric metric M (m, m), the identity when left out.
    O(p²)."""
    return sums.gram(model.U, metric)


def weighted_information(model: Model, Z: Array, weights: Array) -> Array:
    """Σ_i J_iᵀ diag(w_i) J_i, (p, p), for weights (n, m).

    A pair of rows of A sees the samples through the weight Σ_o w_io U_oj U_ol, an output through
    its own. O(n (p² + m q²)), memory O(p²) and a block.
    """
    k, t, m, q = model.shape
    top, side = np.zeros((k * t, k * t)), np.zeros((k * t, m * q))
    outer = np.zeros((m, q, q))
    products = (model.U[:, :, None] * model.U[:, None, :]).reshape(m, k * k)
    for rows, J in model.blocks(Z):
        w, phi, H = weights[rows], J.features(), J.outer
        pair = (w @ products).reshape(len(w), k, k)
        for j in range(k):
            rest = (phi[:, j:] * pair[:, j, j:, None]).reshape(len(w), (k - j) * t)
            top[j * t : (j + 1) * t, j * t :] += phi[:, j].T @ rest
        weighted = w[:, :, None] * H[:, None, :]
        side += phi.reshape(len(w), k * t).T @ weighted.reshape(len(w), m * q)
        outer += np.matmul(H.T, weighted.transpose(1, 0, 2))
    top = np.triu(top) + np.triu(top, 1).T
    side = (side.reshape(k, t, m, q) * model.U.T[:, None, :, None]).reshape(k * t, m * q)
    bottom = np.zeros((m, q, m, q))
    bottom[np.arange(m), :, np.arange(m), :] = outer
    return np.block([[top, side], [side.T, bottom.reshape(m * q, m * q)]])


def scores(model: Model, Z: Array, psi: Array) -> Array:
    """Σ_i g_i g_iᵀ, (p, p), g_i = J_iᵀ ψ_i for ψ (n, m). O(n p²), memory O(p²) and a block."""
    total = np.zeros((model.unknowns, model.unknowns))
    for rows, J in model.blocks(Z):
        g = J.transposed_each(psi[rows])
        total += g.T @ g
    return total


def scored_information(model: Model, Z: Array, parts: Sequence[Array]) -> Array:
    """Σ_i J_iᵀ (Σ_ψ ψ_i ψ_iᵀ) J_i, (p, p), for parts ψ (n, m). O(n p²) each."""
    return reduce(iadd, (scores(model, Z, psi) for psi in parts))


def gradient(model: Model, Z: Array, psi: Array) -> Array:
    """Σ_i J_iᵀ ψ_i, (p,). O(n k (D + m))."""
    rows, W = model.jacobian(Z).transposed(psi)
    return np.concatenate([rows.ravel(), W.ravel()])


def product(model: Model, Z: Array, step: Array) -> Array:
    """J_i times changes of the unknowns (p,), for every row: (n, m). O(n k (D + m))."""
    k, t, m, q = model.shape
    rows, W = np.split(step, [model.hidden_unknowns])
    return model.jacobian(Z).product(rows.reshape(k, t), W.reshape(m, q))


def leverage(model: Model, sums: Moments, inverse: Array) -> Array:
    """Σ_i [J_i H⁻¹ J_iᵀ]_oo, (m,): how many of the unknowns each output pays for. For the inverse
    of `information` they add up to p, and the residuals of output o have n minus that many
    degrees of freedom. O(p²)."""
    k, t, m, q = model.shape
    a, U = k * t, model.U
    hidden = (inverse[:a, :a] * sums.hidden).reshape(k, t, k, t).sum(axis=(1, 3))
    side = inverse[:a, a:].reshape(k, t, m, q) * sums.cross.reshape(k, t, 1, q)
    own = inverse[a:, a:].reshape(m, q, m, q)[np.arange(m), :, np.arange(m), :]
    shares = np.einsum("oj,jl,ol->o", U, hidden, U)
    shares += 2 * np.einsum("oj,jo->o", U, side.sum(axis=(1, 3)))
    return np.asarray(shares + (own * sums.outer).sum(axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class Inverse:
    """`matrix` (p, p), the inverse on what is determined, and `null` (p, r), orthonormal
    directions (each unknown in units of its own size) that are not."""

    matrix: Array
    null: Array


def invert(model: Model, matrix: Array, n: int) -> Inverse:
    """Inverse of an information matrix over n samples; where it is singular to rounding, its
    generalised inverse, which is zero in the null directions. O(p³).

    The matrix is scaled to unit diagonal. Its entries, sums over n samples, are then known to
    √n roundings, so that an eigenvalue below p √n of them may be none.
    """
    p, (k, t, _, _) = len(matrix), model.shape
    eps = float(np.finfo(np.float64).eps)
    diagonal = np.diag(matrix).copy()
    of_rows = diagonal[: k * t].reshape(k, t)
    if t:  # what is nothing beside the other coordinates of its row is rounding
        of_rows[of_rows <= (t + 1) * eps * of_rows.max(axis=1, keepdims=True)] = 0.0
    known = diagonal > 0
    scale = np.where(known, 1.0 / np.sqrt(divisors(diagonal)), 0.0)
    scaled = matrix * scale[:, None] * scale
    bar = p * max(10.0, float(np.sqrt(n))) * eps
    if known.all():
        norm = float(np.abs(scaled).sum(axis=0).max(initial=0.0))
        lower, failed = dpotrf(scaled, lower=1)
        # 1/‖S⁻¹‖₁ is a lower bound of the smallest eigenvalue; LAPACK's estimate may be thrice it.
        if not failed and dpocon(lower, norm, uplo="L")[0] * norm > 10 * bar:
            inverse = dpotri(lower, lower=1)[0]
            inverse = np.tril(inverse) + np.tril(inverse, -1).T
            return Inverse(inverse * scale[:, None] * scale, np.zeros((p, 0)))
    values, vectors = eigh(scaled)
    sure = values > bar
    half = vectors[:, sure] / np.sqrt(values[sure])
    half *= scale[:, None]
    return Inverse(half @ half.T, vectors[:, ~sure])


def undetermined(model: Model, inverse: Inverse) -> Index:
    """Rows of A with a part, their own or in their column of U, in a null direction. Rounding
    mixes null directions only with those of information below its square root, which are next to
    undetermined themselves."""
    k, t, m, q = model.shape
    parts = (inverse.null**2).sum(axis=1)
    own = parts[: k * t].reshape(k, t).sum(axis=1)
    own += parts[k * t :].reshape(m, q)[:, :k].sum(axis=0)
    return np.flatnonzero(own > np.sqrt(np.finfo(np.float64).eps))


def output_covariance(model: Model, Z: Array, covariance: Array) -> Array:
    """J_i C J_iᵀ for every row, (n, m, m), C (p, p) the covariance of the unknowns.
    O(n p²), memory that of the result and a block."""
    _, _, m, q = model.shape
    a, U = model.hidden_unknowns, model.U
    result = np.empty((len(Z), m, m))
    for rows, J in model.blocks(Z):
        hidden, side, H = *_hidden_parts(J, covariance), J.outer
        mixed = np.matmul(U, side)
        total = np.matmul(U, hidden) @ U.T + mixed + mixed.transpose(0, 2, 1)
        for o in range(m):
            moved = (H @ covariance[a + o * q : a + (o + 1) * q, a:]).reshape(len(H), m, q)
            total[:, o] += np.einsum("irq,iq->ir", moved, H)
        result[rows] = total
    return result


def output_variance(model: Model, Z: Array, covariance: Array) -> Array:
    """The diagonals of `output_covariance`, (n, m). O(n p (k t + q))."""
    _, _, m, q = model.shape
    a, U = model.hidden_unknowns, model.U
    own = covariance[a:, a:].reshape(m, q, m, q)[np.arange(m), :, np.arange(m), :]
    result = np.empty((len(Z), m))
    for rows, J in model.blocks(Z):
        hidden, side, H = *_hidden_parts(J, covariance), J.outer
        total = (np.matmul(hidden, U.T) * U.T).sum(axis=1)
        total += 2 * (side * U.T).sum(axis=1)
        result[rows] = total + (np.matmul(H, own) * H).sum(axis=2).T
    return np.maximum(result, 0.0)  # what cancels leaves rounding of either sign


def _hidden_parts(J: Jacobian, covariance: Array) -> tuple[Array, Array]:
    """φ_jᵀ C_jl φ_l (rows, k, k) and φ_jᵀ C_jo h (rows, k, m)."""
    k, t, m, q = J.shape
    phi, H, a = J.features(), J.outer, k * t
    hidden, side = np.empty((len(H), k, k)), np.empty((len(H), k, m))
    for j in range(k):
        mine = covariance[j * t : (j + 1) * t]
        moved = (phi[:, j] @ mine[:, j * t : a]).reshape(len(H), k - j, t)
        hidden[:, j, j:] = hidden[:, j:, j] = (moved * phi[:, j:]).sum(axis=2)
        side[:, j] = np.matmul((phi[:, j] @ mine[:, a:]).reshape(len(H), m, q), H[:, :, None])[
            :, :, 0
        ]
    return hidden, side
