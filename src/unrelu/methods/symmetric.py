"""Symmetric inputs, not Gaussian (BJW Corollary 53, with Ge, Kuditipudi, Li and Wang, ICLR 2019).

Where x and −x are equally likely, E[f(v·x) x] = ½ E[x xᵀ] v for the ReLU, whatever the law, so the
linear part of the labels is ℓ(x) = 2 E[y xᵀ] E[x xᵀ]⁻¹ x = U V x. With labels reduced to k outputs
and a symmetric matrix P (k, k),

    Q(P) = E[(2 yᵀP y − ℓᵀP ℓ) x xᵀ] = −2 Σ_{i<j} (UᵀP U)_ij E[z_i z_j 1(z_i z_j ≤ 0) x xᵀ],

z = V x, sees only the off-diagonal entries of UᵀP U. If the "distinguishing" matrices on the right are
linearly independent, Q vanishes on a space of dimension k, spanned by p_j p_jᵀ with p_j the rows of
U⁻¹, and a joint diagonalisation of any basis of it gives them. Noise of the labels, independent of
the inputs, adds a multiple of E[x xᵀ] to Q(P), which is projected off.

Exact labels: Y p_j are the hidden values, nearly, and linear systems finish the network (`support`,
the paper's remark 54). Noisy labels: the rows of V are U⁻¹ (U V), by the linear part, and U is a
regression.

Assumptions: a symmetric law of the inputs (checked: odd moments), the
distinguishing matrices independent (checked: a gap in the singular values of Q), which d (d + 1)/2
≥ k (k − 1)/2 makes possible and a part of Gaussian inputs likely; rank(U) = k ≤ m, rank(V) = k ≤ d;
no biases. A Gaussian law is symmetric, too.

Where it stops, measured: uniform inputs, d = 10, k = 3, m = 3: all of 10 seeds from n = 5,000 on;
d = 10, k = 5, m = 5: from 20,000. Heavy tails want more, since E[y² x xᵀ] has the variance of
eighth moments.

Cost: O(n k² d²/4), and the SVD of a (d²/2, k²/2) matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unrelu.methods.candidate import Candidate
from unrelu.methods.support import exact_units, finished, full_rank_units, used_rows
from unrelu.methods.tensor import count_units, estimated
from unrelu.methods.unsuitable import Unsuitable
from unrelu.numerics.joint_diagonalisation import joint_diagonalise
from unrelu.numerics.laws import asymmetry
from unrelu.numerics.moments import weighted_grams
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]

CHANCE = 6.0
"""Standard errors up to which an odd moment may be chance."""

FAR = 2.0
"""Times the median size from which on samples are left out: of Gaussian inputs one in 10,000 for
d = 5, none for more; of one dimension, one in 6."""


def find(
    samples: Samples, *, n_units: int | None, bias: bool, noise: bool, rng: np.random.Generator
) -> Candidate:
    """See above; `bias` only says what the network is judged among. Raises `Unsuitable`."""
    k = count_units(samples, n_units, noise) if noise else full_rank_units(samples, n_units)
    if k > min(samples.m, samples.d):
        raise Unsuitable(
            f"{k} units for {samples.d} inputs and {samples.m} outputs: it needs rank(U) = "
            "rank(V) = k"
        )
    kept = _central(samples)
    white = whiten(kept.X)
    Z, Y = white.features, kept.Y
    if (score := asymmetry(Z)) > CHANCE:
        raise Unsuitable(
            f"the inputs are not symmetric: an odd moment is {score:.0f} standard errors off zero"
        )
    labels = _reduced(Y, k)
    linear = 2 * Z.T @ labels / kept.n  # (d, k), (U V)ᵀ in white coordinates
    P = joint_diagonalise(_diagonalised(Z, labels, linear), k, rng=rng).directions
    hidden = labels @ P.T
    P *= np.where(hidden.mean(axis=0) < 0, -1.0, 1.0)[:, None]
    V = white.to_rows(P @ linear.T)
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    stats: dict[str, float | int | str] = {"rows_kept": kept.n}
    if noise:
        return estimated(samples, V, stats)
    rows = used_rows(samples, k, rng)
    V, lost = exact_units(samples, np.asarray(samples.X[rows], np.float64) @ V.T, rows, rng)
    if lost:
        raise Unsuitable(
            f"{len(lost)} of the {k} components lead to no unit: it needs symmetric inputs whose "
            "distinguishing matrices are independent, no biases, labels without noise, or more "
            "samples"
        )
    return finished(samples, V, rows, bias=bias, stats=stats)


def _central(samples: Samples) -> Samples:
    """The samples with x not too far out: they are of a symmetric law, too, and one of bounded
    support, as the theorem has it. Heavy tails would make Q of a few samples."""
    sizes = np.linalg.norm(whiten(np.asarray(samples.X, np.float64)).features, axis=1)
    return samples.take(np.flatnonzero(sizes <= FAR * np.median(sizes)))


def _reduced(Y: Array, k: int) -> Array:
    """The k combinations of outputs with most in them, of size 1 and uncorrelated about zero."""
    values, vectors = np.linalg.eigh(Y.T @ Y / len(Y))
    return np.asarray(Y @ (vectors[:, -k:] / np.sqrt(values[-k:])))


def _diagonalised(Z: Array, labels: Array, linear: Array) -> Array:
    """(k, k, k): an orthonormal basis of the symmetric P on which Q vanishes, nearly."""
    k = labels.shape[1]
    basis = _symmetric_basis(k)
    even = Z @ linear
    weights = 2 * _forms(labels, basis) - _forms(even, basis)
    Q = weighted_grams(Z, weights)
    # E[z zᵀ] = I is what independent noise adds to.
    Q -= np.trace(Q, axis1=1, axis2=2)[:, None, None] * np.eye(Z.shape[1]) / Z.shape[1]
    left, values, _ = np.linalg.svd(Q.reshape(len(basis), -1))
    error = _sampling_error(Z, weights)
    if k > 1 and values[len(basis) - k - 1] < error:
        raise Unsuitable(
            f"the distinguishing matrices of these inputs are not independent, as far as {len(Z)} "
            "samples show: their least singular value is below what chance makes of zero"
        )
    null = left[:, len(basis) - k :].T
    return np.asarray(np.tensordot(null, basis, axes=1))


def _forms(rows: Array, basis: Array) -> Array:
    """rowᵀ P row for every row and every P of the basis: (n, len(basis))."""
    return np.stack([((rows @ P) * rows).sum(axis=1) for P in basis], axis=1)


def _symmetric_basis(k: int) -> Array:
    """Orthonormal, (k (k + 1)/2, k, k)."""
    first, second = np.triu_indices(k)
    basis = np.zeros((len(first), k, k))
    spot = np.arange(len(first))
    basis[spot, first, second] = 1.0
    basis = basis + basis.transpose(0, 2, 1)
    return np.asarray(basis / np.linalg.norm(basis, axis=(1, 2), keepdims=True))


def _sampling_error(Z: Array, weights: Array) -> float:
    """The singular value that sampling alone gives Q: an entry's standard error, times √(number
    of independent entries of a matrix)."""
    n, d = Z.shape
    entries = d * (d + 1) / 2
    return float(np.sqrt((weights**2).mean() / n * entries))
