"""Moments of labels with Hermite polynomials of white Gaussian inputs.

For z ~ N(0, I) and y = g(v·z) with a unit vector v, E[y He_r(z)] = E[g(t) He_r(t)] v⊗…⊗v
(r factors). Tensors of order three and four are only ever contracted down to matrices: nothing
larger than (slices, d, d) is formed, and no sample is looped over.

Inputs Z (n, d) are meant to be white and centred (ZᵀZ = n I, Zᵀ1 = 0), as `whitening.whiten` of
centred rows makes them; the formulas themselves hold for any rows.
"""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array

BLOCK = 2**18
"""Entries of a block of outer products: 2 MiB, which a core's cache holds."""


def residualise(Z: Array, Y: Array) -> tuple[Array, Array]:
    """Residuals of labels Y (n, m) regressed on [1, z], and the slopes (m, d).

    For white and centred Z, where the slopes are means. O(n d m).
    """
    centred = Y - Y.mean(axis=0)
    slopes = centred.T @ Z / len(Z)
    return centred - Z @ slopes.T, slopes


def weighted_grams(Z: Array, weights: Array) -> Array:
    """mean of w z zᵀ for every column w of `weights` (n, s): (s, d, d), symmetric. O(n s d²)."""
    n, d = Z.shape
    grams = np.zeros((weights.shape[1], d * d))
    size = max(1, BLOCK // (d * d))
    for first in range(0, n, size):
        rows = Z[first : first + size]
        products = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), d * d)
        grams += weights[first : first + size].T @ products
    full = grams.reshape(-1, d, d) / n
    return np.asarray((full + full.transpose(0, 2, 1)) / 2)


def second_moments(Z: Array, Y: Array) -> Array:
    """E[y_i (zzᵀ − I)] for every column of Y (n, m): (m, d, d). O(n m d²)."""
    slices = weighted_grams(Z, Y)
    slices -= Y.mean(axis=0)[:, None, None] * np.eye(Z.shape[1])
    return slices


def third_moments(Z: Array, y: Array, directions: Array) -> Array:
    """E[y He₃(z)] with one mode contracted by each row a of `directions` (s, d): (s, d, d).

    He₃[a] = (a·z)(zzᵀ − I) − a zᵀ − z aᵀ. y has shape (n,). O(n s d²).
    """
    first = Z.T @ y / len(y)
    slices = weighted_grams(Z, y[:, None] * (Z @ directions.T))
    cross = directions[:, :, None] * first
    slices -= cross + cross.transpose(0, 2, 1)
    slices -= (directions @ first)[:, None, None] * np.eye(Z.shape[1])
    return slices


def fourth_moments(Z: Array, y: Array, contractions: Array) -> Array:
    """E[y He₄(z)] with two modes contracted by symmetric matrices A (s, d, d): (s, d, d).

    He₄[A] = (zᵀAz − tr A)(zzᵀ − I) − 2 (A zzᵀ + zzᵀ A − A) − (zᵀAz) I + … collects to

        W_A − tr(A) S − 2 (A S + S A) − ⟨A, S⟩ I + ȳ (tr(A) I + 2 A),

    with S = E[y zzᵀ] and W_A = E[y (zᵀAz) zzᵀ]; A = (abᵀ + baᵀ)/2 contracts with a and b.
    y has shape (n,). O(n s d²).
    """
    identity = np.eye(Z.shape[1])
    S = weighted_grams(Z, y[:, None])[0]
    forms = np.stack([((Z @ A) * Z).sum(axis=1) for A in contractions], axis=1)
    slices = weighted_grams(Z, y[:, None] * forms)
    trace = np.trace(contractions, axis1=1, axis2=2)[:, None, None]
    inner = np.einsum("sij,ij->s", contractions, S)[:, None, None]
    slices -= trace * S + 2 * (contractions @ S + S @ contractions) + inner * identity
    slices += y.mean() * (trace * identity + 2 * contractions)
    return slices


def white_labels(Y: Array, residuals: Array) -> Array:
    """(m, r) such that residuals @ it have the identity as covariance; r is their rank."""
    sizes = np.linalg.norm(residuals, axis=0)
    # Where labels are affine in the inputs, the regression leaves their rounding.
    curved = sizes > len(Y) * np.finfo(np.float64).eps * np.linalg.norm(Y, axis=0)
    scaled = residuals * (curved / np.where(curved, sizes, 1.0))
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    keep = values > len(Y) * np.finfo(np.float64).eps * values.max(initial=0.0)
    white = vectors[:, keep] * np.sqrt(len(Y) / values[keep])
    return np.asarray(white * (curved / np.where(curved, sizes, 1.0))[:, None])


def symmetric_basis(k: int) -> Array:
    """Of the symmetric matrices, orthonormal: (k (k + 1)/2, k, k)."""
    first, second = np.triu_indices(k)
    basis = np.zeros((len(first), k, k))
    basis[np.arange(len(first)), first, second] = 1.0
    basis += basis.transpose(0, 2, 1)
    return np.asarray(basis / np.linalg.norm(basis, axis=(1, 2), keepdims=True))


def contractions_of(k: int, rng: np.random.Generator) -> Array:
    """Symmetric (s, k, k) for the fourth order: all of an orthonormal basis while there are few,
    else as many random combinations as k units with four times as many equations need, scaled so
    that their squares add up to about the same."""
    most = 4 * k + 20
    contractions = symmetric_basis(k)
    if len(contractions) > most:
        mix = rng.standard_normal((most, len(contractions))) / np.sqrt(most)
        contractions = np.tensordot(mix, contractions, axes=1)
    return contractions
