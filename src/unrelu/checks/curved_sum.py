"""Are means of counts the sum of the units, or a curve of it?

Neurons have thresholds and saturate: the mean of their counts may be g(F) of the sum F of their
units, with a g that bends. A score test asks whether hinges of the fitted sum, at a few of its
quantiles, explain anything that the weights of the network do not.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.numerics.arrays import Array
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples

QUANTILES = 0.5, 0.8, 0.95
"""Of the fitted sum, where hinges are."""

LOOKED_AT = 20_000
"""Samples that are examined."""

CURVED = 1e-6
"""Probability under a straight line below which the sum is curved: networks that follow their noise
seem to saturate a little, and p = 0.01 is usual where labels are few."""

RANK = 1e-9
"""Share of the largest eigenvalue below which one of the information is rounding."""


def curved(net: Network, samples: Samples, weights: Array, biased: bool) -> tuple[float, float]:
    """The probability, by χ², that hinges explain as much by chance, of the output in which that
    is least, times the number of outputs; and the sum of their scores there, negative where the
    mean grows less than the sum. `weights` (n, m): of the labels, inverse variances up to a factor.

    Cost: O(n p²) for the p weights of a unit's inputs and outputs, of `LOOKED_AT` samples.
    """
    rows = samples.spread(LOOKED_AT)
    some, weights = samples.take(rows), weights[rows]
    X, Y = np.asarray(some.X, np.float64), np.asarray(some.Y, np.float64)
    F, Z = net(X), with_constant(X, biased)
    active = np.asarray(net.preactivations(X) > 0, np.float64)
    found = [1.0, 0.0]
    for o in range(net.n_outputs):
        J = Jacobian(Z, active, net.U[[o]], np.ones((len(X), int(biased))))
        hidden = J.features().reshape(len(X), -1) * np.repeat(net.U[o], Z.shape[1])
        known = np.column_stack([hidden, J.outer])
        knots = np.unique(np.quantile(F[:, o], QUANTILES))
        hinges = np.maximum(F[:, [o]] - knots, 0.0)
        p, along = _score(known, hinges, Y[:, o] - F[:, o], weights[:, o])
        if p * net.n_outputs < found[0]:
            found = [p * net.n_outputs, along]
    return found[0], found[1]


def _score(known: Array, hinges: Array, left: Array, weights: Array) -> tuple[float, float]:
    """Of what hinges (n, q) have beside known columns, in units of the noise that is left."""
    if len(left) <= 2 * (known.shape[1] + hinges.shape[1]):
        return 1.0, 0.0
    root = np.sqrt(weights)[:, None]
    known, hinges, rest = known * root, hinges * root, left[:, None] * root
    sizes, vectors = np.linalg.eigh(known.T @ known)
    kept = sizes > RANK * sizes.max(initial=0.0)
    inverse = (vectors[:, kept] / sizes[kept]) @ vectors[:, kept].T
    both = np.column_stack([hinges, rest])
    both = both - known @ (inverse @ (known.T @ both))
    hinges, rest = both[:, :-1], both[:, -1]
    scores = hinges.T @ rest
    # Each sample's own square: noise need not have the variance that weights say.
    covariance = (hinges * rest[:, None] ** 2).T @ hinges
    statistic = float(scores @ np.linalg.pinv(covariance, hermitian=True) @ scores)
    return float(chdtrc(len(scores), statistic)), float(scores.sum())
