"""Do residuals depend on each other in their order, as those of a time series do?"""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array

PLAIN = 4.0
"""Standard errors beyond which neighbours depend on each other."""

FEW = 50
"""Residuals from which on that can be told from what a fit lacks."""

FADED = 0.1
"""Correlation at a distance that no longer counts."""

SHORTEST = 10
"""Blocks that are left at least."""


def serial(residual: Array) -> float:
    """How many standard errors the products of neighbours are from zero: residuals (n, m) whose
    signs come by chance have mean zero and variance Σ (r_i · r_{i+1})².

    >>> rng = np.random.default_rng(0)
    >>> e = rng.standard_normal((400, 1))
    >>> abs(serial(e)) < 3, serial(e[1:] + e[:-1]) > PLAIN
    (True, True)
    """
    products = np.einsum("ij,ij->i", residual[1:], residual[:-1])
    size = float(np.sqrt(np.vdot(products, products)))
    return float(products.sum()) / size if size > 0 else 0.0


def block_length(residual: Array) -> int:
    """Rows that stay together where the order of residuals (n, m) is to be forgotten: one, or
    twice the distance at which their correlation has faded."""
    n = len(residual)
    if n < FEW or serial(residual) <= PLAIN:
        return 1
    square = float(np.vdot(residual, residual))
    longest = n // SHORTEST
    for lag in range(1, longest // 2):
        if float(np.vdot(residual[lag:], residual[:-lag])) < FADED * square:
            return 2 * lag
    return longest
