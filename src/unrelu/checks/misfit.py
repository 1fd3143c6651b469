"""Is what a network leaves of noisy labels like what it leaves of its neighbours'?

A network is its own reduction of dimension: where another function made the labels, what is left
is alike for samples that are near each other in the space of the units found, even where no unit
explains it. In all inputs neighbours are far from each other; in one to three directions they
are near.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from unrelu.network import Network
from unrelu.numerics.arrays import Array, divisors

NEIGHBOURS = 5

DIRECTIONS, WEAK = 3, 0.2
"""Directions of the hidden weights that neighbours are looked for in, at most; and the share of the
first, in size, that a further one must have."""

MISFIT = 4.0
"""Score from which on what is left is alike for neighbours. Under independence it has mean 0 and
variance 1, and is nearly normal: beyond, in one of 30,000 cases."""


def misfit(net: Network, X: Array, residual: Array) -> float:
    """The larger of two scores, of neighbours along the main directions of the hidden weights and
    of neighbours along the fitted sum: X (n, d), residual (n, m).

    Σ r_i · r_j over pairs of neighbours, over the root of Σ (r_i · r_j)², its variance if signs
    come by chance: residuals of unequal size do no harm, nor outputs that share their noise.
    Cost O(n log n + n d k).
    """
    residual = residual - residual.mean(axis=0)  # as skewed noise about a robust fit has it
    X, residual, _ = distinct(X, residual, np.ones((len(X), 1)))
    spaces = [space for space in (_directions(net, X), _sum(net, X)) if space is not None]
    return max((_alike(space, residual) for space in spaces), default=0.0)


def distinct(X: Array, residual: Array, root: Array) -> tuple[Array, Array, Array]:
    """One sample for all that have the same inputs, with what they leave in the mean, as large as
    before: repeated samples are no neighbours that agree. Residuals (n, m) are times root (n, 1),
    of the weights of samples."""
    inputs, group = np.unique(X, axis=0, return_inverse=True)
    if len(inputs) == len(X):
        return X, residual, root
    sums, squares = np.zeros((len(inputs), residual.shape[1])), np.zeros((len(inputs), 1))
    np.add.at(sums, group.reshape(-1), root * residual)
    np.add.at(squares, group.reshape(-1), root**2)
    roots = np.sqrt(squares)
    return inputs, sums / divisors(roots), roots


def _directions(net: Network, X: Array) -> Array | None:
    """Inputs (n, q) along the main directions of the hidden weights, times output weights; all
    inputs where they are few."""
    spread = X.std(axis=0)
    white = (X - X.mean(axis=0)) / divisors(spread)
    if X.shape[1] <= DIRECTIONS:
        return np.asarray(white, np.float64)
    sizes = np.linalg.norm(net.U, axis=0)
    rows = np.vstack([net.V * sizes[:, None], net.W]) * spread
    if not rows.any():
        return None
    _, values, right = np.linalg.svd(rows, full_matrices=False)
    main = right[:DIRECTIONS][values[:DIRECTIONS] > WEAK * values[0]]
    return np.asarray(white @ main.T, np.float64)


def _sum(net: Network, X: Array) -> Array | None:
    """The fitted labels, along the direction in which they vary most."""
    fitted = net(X)
    fitted = fitted - fitted.mean(axis=0)
    if not fitted.any():
        return None
    return np.asarray(fitted @ np.linalg.svd(fitted, full_matrices=False)[2][0])[:, None]


def _alike(space: Array, residual: Array) -> float:
    n = len(space)
    if n <= 2 * NEIGHBOURS:
        return 0.0
    near = cKDTree(space).query(space, k=NEIGHBOURS + 1)[1]
    first, second = np.repeat(np.arange(n), NEIGHBOURS + 1), near.ravel()
    pairs = np.sort(np.column_stack([first, second])[first != second], axis=1)
    pairs, counts = np.unique(pairs, axis=0, return_counts=True)
    products = np.einsum("ij,ij->i", residual[pairs[:, 0]], residual[pairs[:, 1]]) * counts
    size = float(np.linalg.norm(products))
    return float(products.sum()) / size if size > 0 else 0.0
