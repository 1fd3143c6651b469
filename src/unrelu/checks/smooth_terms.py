"""Do smooth functions of the inputs explain more of what a network leaves than of noise?

A smooth function that a network was fitted to, such as a product of two inputs, leaves waves that
are as narrow as the units are near each other, and of no size beside the noise: neighbours hardly
show them (`checks.misfit`). But what the network has and the function lacks, kinks, is in the first
derivatives of the network by its weights, and the function itself is not. So a few smooth terms,
less what these derivatives explain of them, meet nearly all that the network has missed (the score
test for a further term; along the fitted sum, that of Ramsey 1969). Of a network's own labels, what
is left is noise less what those derivatives explain, and no term stands out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import fdtrc

from unrelu.checks.alike import explained, rest_of
from unrelu.checks.misfit import distinct
from unrelu.checks.shape import scores_p
from unrelu.network import Network
from unrelu.numerics.arrays import Array, divisors

MOST_ROWS = 5000
"""Samples that are examined."""

MOST_FREEDOM, MOST_TERMS = 0.25, 0.1
"""Unknowns to a sample, and terms, up to which the test is made: beyond, fits are not near what
their first derivatives say."""

FEWEST = 100
"""Samples from which on the places of kinks are known well enough for that."""

POWERS = 2, 3, 4
"""Of the main direction and of the fitted sum."""

FAR = 4.0
"""Standard deviations up to which inputs count: the powers of a few that are far out would hang on
the noise of those samples."""

FREE = 0.01
"""Of a sample's noise, so much is left at least, in the sizes of residuals."""

SMOOTH = 0.001
"""Probability under noise below which the terms stand out."""


def smooth_p(net: Network, X: Array, residual: Array, root: Array) -> float:
    """The probability that smooth terms explain as much of the residuals if these are noise; one
    where there are too few samples. Of all sets of terms the smallest, times their number.

    X (n, d); residual (n, m), of one law, times root (n, 1), of the weights of samples. Of what a
    set explains beyond first derivatives of the network, two probabilities are asked, and the
    larger counts: that by the F law, for residuals of one size, and that by their own squares,
    whatever the size of each (`checks.shape`). Few residuals that are large do not pass the
    second, nor is it passed by chance where tails are heavy. Cost O(n (k d)²).
    """
    X, residual, root = distinct(X, residual, root)
    n = len(X)
    columns = root * explained(net, X)
    if n < FEWEST or columns.shape[1] > MOST_FREEDOM * n or not net.n_units:
        return 1.0
    left, basis = rest_of(columns, residual)
    free = 1 - (basis**2).sum(axis=1)  # what is left of the variance of each sample's noise
    sizes = np.sqrt(np.maximum(free, FREE))[:, None]
    found = []
    for terms in (root * each for each in _sets(net, X)):
        own = _independent(rest_of(columns, terms, basis)[0], np.linalg.norm(terms, axis=0))
        if own.shape[1]:
            found += [_p(each, own, spare=n - basis.shape[1], sizes=sizes) for each in left.T]
    return min(1.0, len(found) * min(found, default=1.0))


def _sets(net: Network, X: Array) -> Iterator[Array]:
    """Products of two inputs and waves along the heights of the units, where these are few; powers
    along the main direction of the hidden weights, and of the fitted sum."""
    n, d = X.shape
    spread = X.std(axis=0)
    white = np.clip((X - X.mean(axis=0)) / divisors(spread), -FAR, FAR)
    first, second = np.triu_indices(d)
    if len(first) <= MOST_TERMS * n:
        yield white[:, first] * white[:, second]
    if 4 * net.n_units <= MOST_TERMS * n:
        heights = _standard(net.preactivations(X))
        yield np.hstack([heights**2, heights**3, np.tanh(2 * heights), np.exp(-(heights**2))])
    rows = np.vstack([net.V * np.linalg.norm(net.U, axis=0)[:, None], net.W]) * spread
    yield _powers(white @ np.linalg.svd(rows, full_matrices=False)[2][0])
    fitted = net(X) - net(X).mean(axis=0)
    yield _powers(fitted @ np.linalg.svd(fitted, full_matrices=False)[2][0])


def _powers(along: Array) -> Array:
    each = _standard(along[:, None])
    return np.hstack([each**power for power in POWERS])


def _standard(columns: Array) -> Array:
    columns = columns - columns.mean(axis=0)
    return np.clip(columns / divisors(columns.std(axis=0)), -FAR, FAR)


def _independent(beyond: Array, sizes: Array) -> Array:
    """A basis of the terms of which something is left."""
    kept = np.linalg.norm(beyond, axis=0) > 1e-4 * sizes
    columns = beyond[:, kept] / divisors(np.linalg.norm(beyond[:, kept], axis=0))
    # Squares of singular values down to the square of 1e-4 are far above rounding.
    squares, vectors = np.linalg.eigh(columns.T @ columns)
    some = squares > 1e-8 * squares.max(initial=0.0)
    return np.asarray(columns @ (vectors[:, some] / np.sqrt(squares[some])))


def _p(residual: Array, own: Array, spare: int, sizes: Array) -> float:
    """Of one output's residuals (n,) and one set of terms, with an orthonormal basis (n, q)."""
    q, found = own.shape[1], float(((residual @ own) ** 2).sum())
    rest = (float(residual @ residual) - found) / (spare - q)
    by_ratio = float(fdtrc(q, spare - q, found / q / (rest or np.finfo(np.float64).tiny)))
    return max(by_ratio, scores_p(residual[:, None] / sizes * own))
