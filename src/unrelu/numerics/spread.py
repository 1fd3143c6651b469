"""The size of what a fit leaves, by its median: gross errors do not count.

A median collapses where more than half of the residuals are next to nothing, which is ordinary:
labels that are zero below a threshold, or clipped at a limit, are fitted there by a constant. What
is left of such labels says nothing of the noise of the others, and does not count.
"""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array, Mask

TIED = 0.25
"""Share of the labels of an output that a value must have to be a limit: whole numbers of more than
about ten levels have none."""

SMALL = 0.3
"""Size of the residuals of labels at a limit, to that of the others, up to which a constant fits
them. Zeros that come by chance, such as days without rain, are as far off as the others."""

APART = 0.3
"""Of the area under a ROC curve, which is 0.5 where nothing is told apart, and 0 or 1 at best."""

LOOKED_AT = 20_000
"""Labels in which such values are looked for."""

NORMAL = 0.6745
"""Median of |r| for normal r of standard deviation one."""


def at_limit(labels: Array) -> Mask:
    """Mask (n, m) of labels of a value that a quarter of the labels of their output have."""
    few = labels[:: max(1, -(-len(labels) // LOOKED_AT))]
    limited = np.zeros(labels.shape, dtype=bool)
    for o, column in enumerate(few.T):
        values, counts = np.unique(column, return_counts=True)
        limits = values[counts > max(2, TIED * len(few))]
        limited[:, o] = np.isin(labels[:, o], limits)
    return limited


def by_chance(fitted: Array, labels: Array) -> bool:
    """Whether labels of some output are `at_limit` wherever the network is, as days without rain
    are, and not on one side of a threshold: whether what is `fitted` (n, m) hardly tells which
    (the area under its ROC curve)."""
    limited = at_limit(labels)
    for o in np.flatnonzero(limited.any(axis=0) & ~limited.all(axis=0)):
        for limit in np.unique(labels[limited[:, o], o]):
            there = labels[:, o] == limit
            others, own = np.sort(fitted[~there, o]), fitted[there, o]
            below = np.searchsorted(others, own) + np.searchsorted(others, own, side="right")
            if abs(below.mean() / (2 * len(others)) - 0.5) < APART:
                return True
    return False


def telling(residual: Array, labels: Array) -> Mask:
    """Mask (n, m) of residuals that tell the size of the noise: all, but those of labels
    `at_limit` where they are small.

    >>> labels = np.array([[0.0], [0.0], [0.0], [1.2], [3.1], [2.4]])
    >>> telling(labels - [[0.0], [0.0], [0.0], [1.1], [3.2], [2.4]], labels)[:, 0]
    array([False, False, False,  True,  True,  True])
    """
    counted = np.ones(residual.shape, dtype=bool)
    limited = at_limit(labels)
    for o in np.flatnonzero(limited.any(axis=0) & ~limited.all(axis=0)):
        sizes, there = np.abs(residual[:, o]), limited[:, o]
        counted[:, o] = ~there | (np.median(sizes[there]) > SMALL * np.median(sizes[~there]))
    return counted


def robust_spread(residual: Array, labels: Array) -> Array:
    """(m,): standard deviations of residuals (n, m) by the medians of those that are `telling`;
    their root mean square where more than half of these are zero, too.

    >>> robust_spread(np.array([[1.0], [-1.0], [50.0], [0.0]]), np.arange(4.0)[:, None]).round(2)
    array([1.48])
    """
    found = np.empty(residual.shape[1])
    for o, (column, kept) in enumerate(zip(residual.T, telling(residual, labels).T, strict=True)):
        sizes = np.abs(column[kept])
        found[o] = np.median(sizes) / NORMAL or np.sqrt((sizes**2).mean())
    return found
