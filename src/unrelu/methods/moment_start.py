"""Moment start: approximate hyperplanes from the Hermite moments of noisy labels.

For Gaussian inputs of any full-rank covariance, whitened to z, and labels regressed on [1, z],

    E[y He_r(z)] = Σ_j h_r(β_j) u_j v_j⊗…⊗v_j,    h_r(β) = E f(g + β) He_r(g),

whatever noise independent of the inputs is added, so sample moments lead to V with an error that
falls as √(d/n). The second order, one (d, d) slice to an output, fixes every direction up to sign
when no two columns of U are parallel: joint diagonalisation. With one output, or where columns
turn out parallel, contractions of orders three and four join, computed within the span of V.

Outputs are whitened by the covariance of their residuals, and order r is weighted by 1/√r!: then
the noise in all entries of all slices has the same size, as in E[He_r²] = r!, and least squares
weigh them rightly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.activations import ReLU
from unrelu.numerics.joint_diagonalisation import JointDiagonal, joint_diagonalise
from unrelu.numerics.moments import (
    fourth_moments,
    residualise,
    second_moments,
    third_moments,
)
from unrelu.numerics.whitening import whiten

Array = NDArray[np.float64]

FURTHEST = 2.5
"""Largest bias, in standard deviations of its unit: beyond it a unit is active on fewer than one
sample in a hundred, or all but linear, and its curvature h₂ is lost in the noise."""

GRID = 101
"""Biases tried in [−FURTHEST, FURTHEST]: steps of 0.05, below what noisy moments can tell."""

ROUNDS = 3
"""Times the network found is taken off the labels and the moments of the rest are added to its
own, which are known: what is left of the labels is all that makes moments uncertain."""


def moment_start(
    X: Array, Y: Array, n_units: int, *, bias: bool, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Unit rows V (k, d) and biases b (k,) of approximately the units f(v_j·x + b_j).

    X (n, d) with independent columns, ideally Gaussian with any mean and covariance; Y (n, m) in
    any units; both float64. With `bias=False` b is zero. At most min(n_units, d) units come back,
    and none if the labels are affine in the inputs: for k > d, the d directions that fit the
    slices best, which need not be units. Errors fall as √(d/n); see the module.

    Cost: O(n d (d m + d)) a round, and for m = 1 O(n k²) for each of up to k²/2 contractions.
    """
    mean = X.mean(axis=0)
    white = whiten(X - mean)
    # In z every unit is f(v·z + β); β is known to be v·(factor⁻ᵀ mean) when there is no bias.
    centre = None if bias else np.linalg.solve(white.factor.T, mean)
    found = find_units(white.features, Y, min(n_units, X.shape[1]), centre, rng)
    V = white.to_rows(found.V)
    norms = np.linalg.norm(V, axis=1)
    V /= norms[:, None]
    b = found.offsets / norms - V @ mean if bias else np.zeros(len(V))
    return V, b


@dataclass(frozen=True, eq=False)
class Units:
    """Unit rows V (k, d) in white coordinates and offsets β (k,)."""

    V: Array
    offsets: Array


@dataclass(frozen=True, eq=False)
class Moments:
    """Labels (white outputs) as known units plus a rest that is regressed on [1, z] and on them:
    moments are those of the units, by formula, plus those of the rest, by averaging. Only the
    rest makes them uncertain."""

    units: Units
    weights: Array  # U (m, k) of the units
    rest: Array  # (n, m)
    slopes: Array  # (m, d), of everything
    second: Array  # (m, d, d), of everything

    def of_units(self, order: int) -> Array:
        """u_j h_r(β_j), (m, k): the coefficients of v_j⊗…⊗v_j."""
        return np.asarray(self.weights * ReLU().hermite(order, self.units.offsets))


def find_units(
    Z: Array, Y: Array, k: int, centre: Array | None, rng: np.random.Generator
) -> Units:
    """The same in white coordinates; offsets are Z-space biases, V·centre where that is given."""
    nothing = Units(np.zeros((0, Z.shape[1])), np.zeros(0))
    target = Y @ _white_labels(residualise(Z, Y)[0])
    if not target.shape[1]:
        return nothing
    moments = _moments(Z, target, nothing)
    units, start = nothing, None
    for _ in range(ROUNDS):
        V = _directions(Z, moments, k, start, rng)
        found = _offsets(Z, moments, V, centre)
        trial = _moments(Z, target, found)
        if len(units.V) and np.vdot(trial.rest, trial.rest) >= np.vdot(moments.rest, moments.rest):
            break
        units, moments, start = found, trial, found.V
    return units


def _moments(Z: Array, target: Array, units: Units) -> Moments:
    F, inner = residualise(Z, np.maximum(Z @ units.V.T + units.offsets, 0.0))
    rest, slopes = residualise(Z, target)
    U = np.linalg.lstsq(F, rest, rcond=None)[0].T
    rest = rest - F @ U.T
    second = second_moments(Z, rest)
    second += (units.V.T * (U * ReLU().hermite(2, units.offsets))[:, None, :]) @ units.V
    # residualise took the sample slopes of F away; their expectation is known.
    slopes = slopes - U @ inner + (U * ReLU().hermite(1, units.offsets)) @ units.V
    return Moments(units, U, rest, slopes, second)


def _white_labels(residuals: Array) -> Array:
    """(m, r) such that residuals @ it have the identity as covariance; r is their rank."""
    sizes = np.sqrt((residuals**2).mean(axis=0))
    # What a regression leaves of affine labels is rounding.
    sizes = np.where(sizes > 0, sizes, 1.0)
    values, vectors = np.linalg.eigh((residuals / sizes).T @ (residuals / sizes) / len(residuals))
    keep = values > len(residuals) * np.finfo(np.float64).eps * values.max(initial=0.0)
    return np.asarray(vectors[:, keep] / np.sqrt(values[keep]) / sizes[:, None])


def _directions(
    Z: Array, moments: Moments, k: int, start: Array | None, rng: np.random.Generator
) -> Array:
    slices = moments.second / np.sqrt(2)
    fit = joint_diagonalise(slices, k, rng=rng, rows=moments.slopes, start=start)
    if not _parallel(fit, len(Z)):
        return fit.directions
    return _with_higher_orders(Z, moments, fit, start, rng)


def _parallel(fit: JointDiagonal, n: int) -> bool:
    if len(fit.weights) == 1:
        return True
    W = fit.weights / np.linalg.norm(fit.weights, axis=0)
    cosines = np.abs(W.T @ W)
    np.fill_diagonal(cosines, 0.0)
    G = fit.directions @ fit.directions.T
    noise = np.sqrt(np.diag(np.linalg.pinv(G**2)) / n) / np.linalg.norm(fit.weights, axis=0)
    sines = np.sqrt(np.maximum(1 - cosines**2, 0.0))
    return bool((sines < 3 * np.hypot(noise[:, None], noise)).any())


def _with_higher_orders(
    Z: Array, moments: Moments, fit: JointDiagonal, start: Array | None, rng: np.random.Generator
) -> Array:
    basis = np.linalg.qr(fit.directions.T)[0].T
    k = len(basis)
    P, v = Z @ basis.T, moments.units.V @ basis.T
    # What second order the rest has is orthogonal to higher ones and only adds to their noise.
    inside = second_moments(P, moments.rest)
    rest = moments.rest - 0.5 * (
        np.einsum("na,iab,nb->ni", P, inside, P, optimize=True)
        - np.trace(inside, axis1=1, axis2=2)
    )
    left, values, _ = np.linalg.svd(fit.weights, full_matrices=False)
    outputs = left[:, : min(4, len(values))]
    contractions = _contractions(k, rng)
    slices = [basis @ moments.second @ basis.T / np.sqrt(2)]
    for output in outputs.T:
        y = rest @ output
        third = third_moments(P, y, np.eye(k))
        third += (v.T * (output @ moments.of_units(3) * v.T)[:, None, :]) @ v
        fourth = fourth_moments(P, y, contractions)
        forms = np.einsum("sab,ja,jb->sj", contractions, v, v, optimize=True)
        fourth += (v.T * (output @ moments.of_units(4) * forms)[:, None, :]) @ v
        slices += [third / np.sqrt(6), fourth / np.sqrt(24)]
    joint = joint_diagonalise(
        np.concatenate(slices), k, rng=rng, start=None if start is None else start @ basis.T
    )
    return joint.directions @ basis


def _contractions(k: int, rng: np.random.Generator) -> Array:
    first, second = np.triu_indices(k)
    contractions = np.zeros((len(first), k, k))
    spot = np.arange(len(first))
    contractions[spot, first, second] = 1.0
    contractions = (contractions + contractions.transpose(0, 2, 1)) / 2
    contractions *= np.where(first == second, 1.0, np.sqrt(2))[:, None, None]
    if len(contractions) > 4 * k + 20:
        mix = rng.standard_normal((4 * k + 20, len(contractions))) / np.sqrt(4 * k + 20)
        contractions = np.tensordot(mix, contractions, axes=1)
    return contractions


def _offsets(Z: Array, moments: Moments, V: Array, centre: Array | None) -> Units:
    """Offset and orientation of each direction by a scan ... (see text)."""
    activation = ReLU()
    k = len(V)
    T = Z @ V.T
    gram, cross = V @ V.T, V @ moments.units.V.T
    polynomials = [None, T**2 - 1, T**3 - 3 * T, T**4 - 6 * T**2 + 3]
    H, weights = [], []
    for r in range(1, 5):
        inverse = np.linalg.pinv(gram**r, hermitian=True)
        if r == 1:
            along = V @ moments.slopes.T
        else:
            along = polynomials[r - 1].T @ moments.rest / len(Z)  # (k, m)
            along += cross**r @ moments.of_units(r).T
        H.append(inverse @ along)
        factorial = (1, 2, 6, 24)[r - 1]
        weights.append(1 / (factorial * np.diag(inverse)))
    H_, w = np.array(H), np.array(weights)  # (4, k, m), (4, k)
    sign = np.array([1.0, -1.0])[:, None, None]
    if centre is None:
        grid = np.linspace(-FURTHEST, FURTHEST, GRID)[None, :, None] * np.ones((2, 1, k))
    else:
        grid = sign * (V @ centre)
    model = np.array([sign**r * activation.hermite(r, grid) for r in range(1, 5)])  # 4,2,g,k
    weighted = model * w[:, None, None]
    score = np.einsum("rsgk,rkm->sgkm", weighted, H_)
    value = (score**2).sum(axis=-1) / (weighted * model).sum(axis=0)  # 2, g, k
    best = value.reshape(-1, k).argmax(axis=0)
    which, where = np.unravel_index(best, value.shape[:2])
    orient = np.array([1.0, -1.0])[which]
    return Units(V * orient[:, None], grid[which, where, np.arange(k)])
