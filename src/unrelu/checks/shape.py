"""Have the labels another activation than the network? Asked of what it leaves of noisy ones."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples

SURELY = 1e-6
"""Level of the test: a verdict rests on it."""

SAMPLES = 10
"""To a function that residuals are compared with; with fewer, squares of residuals do not tell what
variance to expect."""


def shape_p(net: Network, samples: Samples, residual: Array) -> float:
    """p-value of the residuals (n, m) not depending on the heights z_j of the units; one where
    there are too few samples.

    A network of another activation, fitted as well as may be, has its units about where they
    belong, and errs in a function of their heights. So each output's residual r is regressed on
    z, z² on either side of each kink and the step, φ (n, q). With g = Σ r_i φ_i the score
    gᵀ (Σ r_i² φ_i φ_iᵀ)⁻¹ g is χ² with q degrees of freedom, whatever the noise of each sample is
    (White 1980). That the fit has taken its own unknowns out of r makes it smaller.
    """
    Z = net.preactivations(np.asarray(samples.X, np.float64))
    Z = Z / np.maximum(np.sqrt((Z**2).mean(axis=0)), np.finfo(np.float64).tiny)
    up, down = np.maximum(Z, 0.0), np.maximum(-Z, 0.0)
    features = np.hstack([Z > 0, up, up**2, down, down**2])
    if len(Z) < SAMPLES * features.shape[1] or not net.n_units:
        return 1.0
    return float(min(1.0, net.n_outputs * min(scores_p(r[:, None] * features) for r in residual.T)))


def scores_p(scores: Array) -> float:
    """p-value of rows (n, q) having mean zero: their sum, squared in units of their own covariance
    (White 1980)."""
    left, values, _ = np.linalg.svd(scores, full_matrices=False)
    kept = values > 1e-6 * values.max(initial=0.0)
    if not kept.any():
        return 1.0
    return float(chdtrc(int(kept.sum()), float((left[:, kept].sum(axis=0) ** 2).sum())))
