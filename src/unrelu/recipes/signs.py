"""Which of v and −v? Two answers that do not need as many outputs as units, nor exact labels.

A tensor decomposition gives hidden weights up to sign. The 2k features f(±v_j·x) are linearly
independent for independent v_j and an f that is not zero on both sides, so labels regressed on all
of them have no use for those of the wrong sign. (Exact labels with rank(U) = k have a third
answer: `exact_step`.)
"""

from __future__ import annotations

import numpy as np

from unrelu.activations import Activation
from unrelu.numerics.arrays import Array


def by_regression(heights: Array, Y: Array, activation: Activation) -> Array:
    """Signs (k,): of the coefficients of f(v_j·x) and f(−v_j·x) in one regression of Y (n, m) on
    all 2k features, the larger wins. `heights` (n, k) are the v_j·x. O(n k² + k³)."""
    features, gram = _features(heights, activation)
    U = np.linalg.pinv(gram, hermitian=True) @ (features.T @ Y)
    sizes = np.linalg.norm(U, axis=1).reshape(2, -1)
    return np.where(sizes[0] >= sizes[1], 1.0, -1.0)


def by_projection(heights: Array, Y: Array, activation: Activation) -> Array:
    """Signs (k,) by BJW Algorithm 7: for each j, what of Y (n, m) is left off the span of the
    features f(±v_l·x) of the others and f(v_j·x), against the same with f(−v_j·x); the smaller
    wins. O(n k² + k⁴): everything is in the Gram matrix."""
    features, gram = _features(heights, activation)
    k = heights.shape[1]
    along = features.T @ Y
    signs = np.ones(k)
    for j in range(k):
        explained = []
        for out in (k + j, j):
            kept = np.delete(np.arange(2 * k), out)
            inverse = np.linalg.pinv(gram[np.ix_(kept, kept)], hermitian=True)
            explained.append(float(np.vdot(along[kept], inverse @ along[kept])))
        signs[j] = 1.0 if explained[0] >= explained[1] else -1.0
    return signs


def _features(heights: Array, activation: Activation) -> tuple[Array, Array]:
    features = np.hstack([activation(heights), activation(-heights)])
    return features, features.T @ features
