"""Are labels piecewise linear, without noise? A few inputs show it before anything is fitted."""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array, divisors

MOST_INPUTS = 6
"""Inputs up to which nearest neighbours are near enough to lie on one piece."""

CENTRES, MOST_ROWS = 200, 20_000
"""Neighbourhoods examined, and rows that neighbours are looked for among."""

SPARE = 3
"""Labels of a neighbourhood beyond those that any linear function fits."""

LEAST, SHARE = 8, 0.05
"""Neighbourhoods, and share of them, that must be linear to rounding: noise makes none so."""

ROUNDINGS = 256.0
VARIES = 1e4
"""Roundings of the labels up to which a neighbourhood is linear, and from which on its labels
differ: one of constant labels says nothing of noise elsewhere."""


def pieces_without_noise(X: Array, Y: Array, eps: float) -> bool:
    """Whether labels (n, m) are linear functions of the inputs (n, d), to rounding, in many small
    neighbourhoods. False where there are too many inputs to tell. O(n log n).

    >>> X = np.random.default_rng(0).standard_normal((500, 2))
    >>> noise = 1e-6 * np.random.default_rng(1).standard_normal((500, 2))
    >>> [pieces_without_noise(X, np.abs(X) + e, 2.2e-16) for e in (0.0, noise)]
    [True, False]
    """
    from scipy.spatial import cKDTree

    n, d = X.shape
    count = d + 1 + SPARE
    if d > MOST_INPUTS or n < 2 * count:
        return False
    step = max(1, -(-n // MOST_ROWS))
    X, Y = X[::step], Y[::step]
    size = np.abs(Y).max(axis=0) + np.finfo(np.float64).tiny
    spread = X.std(axis=0)
    X, Y = X / divisors(spread), Y / size
    centres = X[:: max(1, len(X) // CENTRES)]
    rows = np.asarray(cKDTree(X).query(centres, min(count, len(X)))[1])
    near = X[rows] - X[rows].mean(axis=1, keepdims=True)
    design = near / divisors(np.abs(near).max(axis=(1, 2), keepdims=True))
    labels = Y[rows] - Y[rows].mean(axis=1, keepdims=True)
    left, values, _ = np.linalg.svd(design, full_matrices=False)
    kept = left * (values > 1e-9 * values[:, :1])[:, None, :]
    rest = np.abs(labels - kept @ (kept.transpose(0, 2, 1) @ labels)).max(axis=(1, 2))
    telling = np.abs(labels).max(axis=(1, 2)) > VARIES * eps
    linear = telling & (rest <= ROUNDINGS * eps)
    return bool(linear.sum() >= max(LEAST, SHARE * telling.sum()))


def bent_everywhere(x: Array, Y: Array, eps: float) -> bool:
    """Whether no three neighbours along one input x (n,) have labels (n, m) on a line, to rounding:
    then only networks with as many unknowns as labels explain these. O(n log n).

    >>> x = np.arange(9.0)
    >>> [bent_everywhere(x, y[:, None], 2.2e-16) for y in (x**2, np.maximum(x - 4, 0))]
    [True, False]
    """
    x, first = np.unique(x, return_index=True)
    if len(x) < 3:
        return False
    Y = Y[first] / (np.abs(Y).max(axis=0) + np.finfo(np.float64).tiny)
    share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    between = Y[:-2] + share[:, None] * (Y[2:] - Y[:-2])
    return bool((np.abs(Y[1:-1] - between).max(axis=1) > ROUNDINGS * eps).all())
