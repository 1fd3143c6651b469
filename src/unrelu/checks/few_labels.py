"""Few noisy labels to an unknown: could units fit noise alone as well?

Hyperplanes through n inputs in general position, in D homogeneous coordinates, part them in

    C = Σ_{i<D} (n − 1 choose i)

ways (Cover 1965), and twice as many units where the side matters. For each choice of k patterns the
labels are linear in the unknowns. What p − q of them leave of normal noise, beyond the q of a
constant or a linear function, is a share s of Beta((N − p)/2, (p − q)/2), N the number of labels.
So noise leaves a share as small as s with a probability of at most (2C)ᵏ/k! P(Beta ≤ s).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betainc, gammaln

from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.numerics.arrays import divisors
from unrelu.numerics.spread import robust_spread
from unrelu.samples import Samples

FEW = 7
"""Labels to an unknown from which on noise is not explained by units of its own choice: what a fit
of so many leaves would look like noise, but leave most of it."""

CLIP = 3.0
"""Robust standard deviations at which residuals count, where gross errors are expected."""


def chance(net: Network, samples: Samples, biased: bool, skip: bool, clipped: bool) -> float:
    """A bound on the probability that noise about a constant, or with `skip` about a linear
    function, is explained as well by this many units: zero where there are `FEW` labels to an
    unknown or more, but for one input; one where there are no more labels than unknowns. Of
    `clipped` residuals or not.

    Labels of outputs that share their noise count for fewer. Cost: a least-squares fit.
    """
    labels, p = samples.n * samples.m, unknowns_of(net, biases=biased, skip=skip)
    # In many dimensions there are so many partitions that the bound says nothing of weak units.
    if net.n_units == 0 or (labels >= FEW * p and samples.d > 1):
        return 0.0
    if labels <= p:
        return 1.0
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    columns = [X if skip else X[:, :0], np.ones((samples.n, int(biased)))]
    nothing = samples.root * np.hstack(columns)
    rest, before = samples.left(net(X)), samples.root * Y
    before = before - nothing @ np.linalg.lstsq(nothing, before)[0]
    if clipped:
        size = CLIP * robust_spread(rest, Y)
        rest, before = np.clip(rest, -size, size), np.clip(before, -size, size)
    tiny = float(np.finfo(np.float64).tiny)
    left, there = (rest**2).sum(axis=0), (before**2).sum(axis=0) + tiny
    share = float(np.exp(np.log(left / np.maximum(left, there) + tiny).mean()))
    about = rest - rest.mean(axis=0)
    about /= divisors(np.linalg.norm(about, axis=0))
    same = about.T @ about if (left > 0).all() else np.eye(1)
    np.fill_diagonal(same, 1.0)  # of what is left, nothing may vary
    count = min(labels, max(p + 1.0, labels * len(same) / float((same**2).sum())))
    units = p - nothing.shape[1] * samples.m
    dimension = samples.d + biased
    ways = _parted(samples.n, dimension) + math.log(2) * (not skip)
    within = float(betainc(0.5 * (count - p), 0.5 * units, min(share, 1.0)))
    if within == 0:
        return 0.0
    bound = net.n_units * ways - gammaln(net.n_units + 1) + math.log(within)
    return float(math.exp(min(0.0, bound)))


def _parted(n: int, dimension: int) -> float:
    """Logarithm of C.

    >>> round(np.exp(_parted(10, 2)))
    10
    """
    i = np.arange(min(dimension, n))
    return float(np.logaddexp.reduce(gammaln(n) - gammaln(i + 1) - gammaln(n - i)))
