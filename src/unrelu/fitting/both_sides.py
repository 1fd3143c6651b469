"""Answers on both sides of every hyperplane, at sums of points.

A unit that is active at hardly any of some random inputs, or at nearly all of them, is not
determined there: the fit then takes it for what it likes, and so hides rounding, or has further
units stand for the error. Sums about the foot of its hyperplane, the point next to the origin, show
it: half of them are on either side.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from unrelu.fitting.sums import SIDE, Sums
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index

POINTS = 2.0
"""Points to each weight of a row, on either side of its hyperplane, that determine it."""

FOOT = 1.5
"""Points that a block about its foot gives to a unit, as a multiple of SIDE: some are alone."""

FARTHEST = 6.0
"""Distance of a foot, in standard deviations of the inputs, up to which answers there are about as
large, and their rounding, as elsewhere. Units farther out are left as they are."""


def on_both_sides(
    net: Network, sums: Sums, ask: Callable[[Array], Array], scale: float, rng: np.random.Generator
) -> Sums:
    """`sums`, and those about the feet of hyperplanes that these do not determine. Blocks in which
    an answer is not finite are left out."""
    d, short = net.n_inputs, POINTS * (net.n_inputs + 1) - points_aside(net, sums)
    lengths = np.linalg.norm(net.V, axis=1)
    near = np.abs(net.b) <= FARTHEST * scale * lengths
    centres = [
        np.tile(-net.b[unit] * net.V[unit] / lengths[unit] ** 2, (math.ceil(count), 1))
        for unit in np.flatnonzero(near & (short > 0))
        if (count := short[unit] / (FOOT * SIDE)) > 0
    ]
    if not centres:
        return sums
    feet = np.vstack(centres)
    return sums.with_finite(Sums.asked(ask, len(feet), d, scale, rng, feet))


def points_aside(net: Network, sums: Sums) -> Index:
    """(k,): about how many independent points show the hyperplane of each unit. In a block, the
    sums on one side of it give as many equations for heights as they have points, less one; the
    side that has fewer of them counts."""
    aside = np.zeros((2, net.n_units), np.int64)
    for first, second, _ in sums:
        on = (first @ net.V.T + net.b)[:, None] + second @ net.V.T > 0
        for side, there in enumerate((on, ~on)):
            points = there.any(axis=0).sum(axis=0) + there.any(axis=1).sum(axis=0)
            aside[side] += np.maximum(points - 1, 0)
    return np.asarray(aside.min(axis=0))
