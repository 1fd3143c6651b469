"""Are residuals of neighbours more alike than those of labels drawn from the fit?

Where the law of the labels is known, copies drawn from it show the law of any score of residuals.
So the scores can have kernels of several widths, which see more than a few nearest neighbours do
(`checks.misfit`), and no margin is needed for laws that are not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from unrelu.network import Network
from unrelu.numerics.arrays import Array, divisors
from unrelu.numerics.whitening import with_constant

MOST_ROWS = 1500
"""Samples that are examined: kernels are matrices over pairs of them."""

COPIES = 200
"""Copies of the labels for the law of the score."""

MOST_FREEDOM = 0.25
"""Unknowns to a sample up to which what fits explain is taken out of copies to first order."""

WIDTHS = 0.5, 0.25
"""Of kernels, in medians of the distance of two samples; and, of that along the fitted sum,
`NARROW` standard deviations."""

NARROW = 0.2

ALIKE = 0.003
"""Probability under the fitted law below which it does not hold."""


def alike_p(net: Network, X: Array, root: Array, left: Array, copies: Iterable[Array]) -> float:
    """The probability that residuals of labels of the fitted law are as alike as these: that the
    largest of several scores is as large, by the Gumbel law with the mean and variance that it has
    in copies.

    X (n, d); root (n, m), of the weights of labels; left (n, m) and copies, of the labels and of
    such as are drawn from the fit, times root. A score is Σ_{i≠j} K_ij r_i·r_j over Σ r_i·r_i, r
    less what the fit explains of it to first order in its weights. Cost O(n² m) for each copy.
    """
    columns = explained(net, X)
    if columns.shape[1] > MOST_FREEDOM * len(X):
        return 1.0
    each = np.stack([left, *copies], axis=2)  # (n, m, 1 + copies)
    outputs = [rest_of(columns * root[:, [o]], each[:, o])[0] for o in range(each.shape[1])]
    size = divisors(sum((rest**2).sum(axis=0) for rest in outputs))
    scores = []
    for kernel in _kernels(net, X):
        np.fill_diagonal(kernel, 0.0)
        score = sum((rest * (kernel @ rest)).sum(axis=0) for rest in outputs) / size
        scores.append((score - score[1:].mean()) / (score[1:].std() or 1.0))
    largest = np.max(scores, axis=0)
    spread = float(largest[1:].std()) or 1.0
    scaled = math.pi / math.sqrt(6) * (largest[0] - largest[1:].mean()) / spread + np.euler_gamma
    return float(-np.expm1(-np.exp(-scaled)))


def explained(net: Network, X: Array) -> Array:
    """Columns (n, q) that the fit of each output has: of a constant, and of the inputs on the side
    of each unit where it is active."""
    inputs = with_constant(X, True)
    active = net.preactivations(X) > 0
    parts = [inputs * active[:, [unit]] for unit in range(net.n_units)]
    return np.column_stack([inputs if net.W.any() else np.ones((len(X), 1)), *parts])


def rest_of(columns: Array, residual: Array, basis: Array | None = None) -> tuple[Array, Array]:
    """What columns do not explain, and a basis of theirs, if it is not known."""
    if basis is None:
        basis = np.linalg.qr(columns / divisors(np.linalg.norm(columns, axis=0)))[0]
    return np.asarray(residual - basis @ (basis.T @ residual)), basis


def _kernels(net: Network, X: Array) -> Iterable[Array]:
    """Gaussian, of the distances in all inputs, and along the direction of the outputs in which the
    fit varies most."""
    squares = _squares((X - X.mean(axis=0)) / divisors(X.std(axis=0)))
    usual = float(np.median(squares)) or float(squares.mean()) or 1.0
    for width in WIDTHS:
        yield np.exp(-squares / (2 * width**2 * usual))
    fitted = net(X) - net(X).mean(axis=0)
    if fitted.any():
        along = fitted @ np.linalg.svd(fitted, full_matrices=False)[2][0]
        yield np.exp(-_squares(along[:, None] / (along.std() or 1.0)) / (2 * NARROW**2))


def _squares(points: Array) -> Array:
    sizes = (points**2).sum(axis=1)
    return np.asarray(np.maximum(sizes[:, None] + sizes - 2 * points @ points.T, 0.0))
