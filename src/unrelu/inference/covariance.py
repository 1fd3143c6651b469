"""Covariance of the unknowns of a piecewise linear fit, for least squares, weighted least squares
and other losses.

With J_i the Jacobian (m, p) of sample i as in `inference.fisher`, r_i its residual, ν = n − p/m:

least squares    H⁻¹ G H⁻¹, H = Σ J_iᵀJ_i
  homoscedastic  G = Σ J_iᵀ Ω̂ J_i, Ω̂ the covariance of the residuals: noise may differ between
                 outputs and be correlated between them. For Ω̂ = σ̂² this is σ̂² H⁻¹.
  sandwich       G = n/ν Σ g_i g_iᵀ, g_i = J_iᵀ r_i: any noise independent between samples.
Σ w_io r_io²     H_w = Σ J_iᵀ diag(w_i) J_i
  homoscedastic  φ̂ H_w⁻¹, φ̂ = Σ w_io r_io² / (n m − p): noise of variance φ/w.
  sandwich       H_w⁻¹ G H_w⁻¹, g_i = J_iᵀ (w_i∘r_i).
Σ ρ(r_io)        the last one, with w = ρ''(r) and g_i = J_iᵀ ρ'(r_i).
likelihood       H = Σ J_iᵀ (Σ ψψᵀ) J_i, ψ the parts of the covariance of the scores of a sample
  homoscedastic  H⁻¹, the inverse of Fisher's information.
  sandwich       H⁻¹ G H⁻¹, g_i = J_iᵀ of the scores.

(Huber 1967; White 1980. n/ν is the small-sample factor of MacKinnon and White 1985, HC1.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.inference import fisher
from unrelu.network.jacobian import Moments
from unrelu.noise.kind import Criterion
from unrelu.numerics.arrays import Array

FULL, DIAGONAL = 10, 10
"""Residuals to each output, beyond what the unknowns use up, from which the noise is estimated:
FULL m for its whole covariance, DIAGONAL for one variance to each output; below, one in all."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """`covariance` (p, p) of the unknowns; the `inverse` of H; `noise` (m, m), the covariance of
    the noise of one sample; `tail`, the degrees of freedom it rests on."""

    covariance: Array
    inverse: fisher.Inverse
    noise: Array
    tail: float


def estimate(
    model: fisher.Model, Z: Array, residual: Array, criterion: Criterion, *, sandwich: bool
) -> Estimate:
    """After a fit that minimised a criterion of `residual` (n, m), in the coordinates in which its
    covariance is the identity. With scores and weights there is only the sandwich.
    O(n p² + p³)."""
    n, m = residual.shape
    spare = n - model.unknowns / m
    if criterion.parts:
        inverse = fisher.invert(model, fisher.scored_information(model, Z, criterion.parts), n)
        noise = residual.T @ residual / spare
        if not sandwich:
            return Estimate(inverse.matrix, inverse, noise, spare)
    elif criterion.weights is None:
        scores = fisher.scores(model, Z, criterion.scores_of(residual)) if sandwich else None
        return of_least_squares(model, fisher.moments(model, Z), residual.T @ residual, n, scores)
    else:
        weights = criterion.weights
        inverse = fisher.invert(model, fisher.weighted_information(model, Z, weights), n)
        noise = residual.T @ residual / spare
        if not sandwich:
            dispersion = float((weights * residual**2).sum()) / (spare * m)
            return Estimate(inverse.matrix * dispersion, inverse, noise, spare * m)
    middle = fisher.scores(model, Z, criterion.scores_of(residual)) * (n / spare)
    return Estimate(_between(inverse, middle), inverse, noise, spare)


def of_least_squares(
    model: fisher.Model, sums: Moments, products: Array, n: int, scores: Array | None
) -> Estimate:
    """After least squares on n samples, by their sums: `products` (m, m) of the residuals, and, for
    the sandwich, Σ g_i g_iᵀ (p, p). O(p³)."""
    m = len(products)
    spare = n - model.unknowns / m
    inverse = fisher.invert(model, fisher.information(model, sums), n)
    used = fisher.leverage(model, sums, inverse.matrix)
    noise, tail = _noise(products, n, used, spare)
    if scores is not None:
        return Estimate(_between(inverse, scores * (n / spare)), inverse, noise, spare)
    if m == 1 or tail > spare:  # the same noise in every output
        return Estimate(inverse.matrix * noise[0, 0], inverse, noise, tail)
    middle = fisher.information(model, sums, noise)
    return Estimate(_between(inverse, middle), inverse, noise, tail)


def _noise(products: Array, n: int, used: Array, spare: float) -> tuple[Array, float]:
    """Covariance of the residuals, each output paying for the unknowns that it determines, and
    how many residuals it rests on."""
    m, left = len(products), n - used
    if spare >= DIAGONAL and left.min() >= DIAGONAL:
        noise = products / np.sqrt(np.outer(left, left))
        return noise if spare >= FULL * m else np.diag(np.diag(noise)), spare
    return np.eye(m) * np.trace(products) / (spare * m), spare * m


def _between(inverse: fisher.Inverse, middle: Array) -> Array:
    product = inverse.matrix @ middle @ inverse.matrix
    return np.asarray(0.5 * (product + product.T))


def in_outputs(model: fisher.Model, covariance: Array, root: Array) -> Array:
    """Covariance once the outputs are multiplied by their root (m, m)."""
    (k, t, m, q), a = model.shape, model.hidden_unknowns
    if np.array_equal(root, np.eye(m)):
        return covariance
    result = covariance.copy()
    for _ in range(2):  # rows, then columns of the symmetric matrix
        result[a:] = (root @ result[a:].reshape(m, -1)).reshape(m * q, k * t + m * q)
        result = result.T.copy()
    return result
