"""Which stretches to ask, of those that a network predicts: both sides of every hyperplane.

The row of a unit is determined by samples on which it is active, one equation each, and by those
on which it is not, where it might be active on the other side. With several outputs, a few dozen
samples are more equations than there are weights, but not that many; with one, a unit that is
hardly ever active has few of its own. So every unit is to have as many on both sides as its row has
weights, and some to spare.
"""

from __future__ import annotations

import numpy as np

from unrelu.extraction.stretches import Stretches
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, Mask

SPARE = 1.2
"""Samples on either side of each hyperplane, relative to the weights of a row."""


def balanced(
    net: Network, known: Stretches | None, pool: Stretches, count: int, weights: int
) -> Index:
    """Rows of `pool`, `count` of them or all: greedily, each the one that is on most of the sides
    that have too few samples yet. `weights`: of a row. Of equals, the first."""
    active = _active(net, pool)
    missing = SPARE * weights - _samples(net, known)
    chosen: list[int] = []
    free = np.ones(len(pool), np.bool_)
    for _ in range(min(count, len(pool))):
        gain = _gain(active, np.maximum(missing, 0.0))
        best = int(np.where(free, gain, -1.0).argmax())
        chosen.append(best)
        free[best] = False
        missing[active[best].astype(np.intp), np.arange(net.n_units)] -= 2
    return np.asarray(chosen, np.intp)


def lacking(net: Network, known: Stretches | None, some: Stretches, weights: int) -> bool:
    """Whether some side of a hyperplane has fewer samples than a row has `weights`."""
    return bool((_samples(net, known) + _samples(net, some) < weights).any())


def _samples(net: Network, stretches: Stretches | None) -> Array:
    """(2, k): samples on which each unit is off, and active; two to a stretch."""
    if stretches is None:
        return np.zeros((2, net.n_units))
    on = _active(net, stretches)
    return np.asarray(2.0 * np.array([(~on).sum(axis=0), on.sum(axis=0)]))


def rarest(net: Network, pool: Stretches) -> Index:
    """The quarter of the units that are active, or inactive, on the fewest of the pool."""
    share = _active(net, pool).mean(axis=0)
    order = np.argsort(np.minimum(share, 1 - share), kind="stable")
    return np.asarray(order[: max(1, len(order) // 4)])


def _active(net: Network, stretches: Stretches) -> Mask:
    """(n, k): units that are active half-way between the steps of each stretch."""
    middle = stretches.place.mean(axis=(1, 2))[:, None]
    on = net.preactivations(stretches.start + middle * stretches.direction) > 0
    return np.asarray(on, np.bool_)


def _gain(active: Mask, missing: Array) -> Array:
    return np.asarray(active @ missing[1] + ~active @ missing[0])
