"""Do searches of noisy labels agree? A minimum that only one start has ended in may not be the
lowest; one that two independent starts have ended in is taken for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

from unrelu.fitting.fittings import Fitting
from unrelu.fitting.selection import Effort
from unrelu.fitting.sweeps import swept
from unrelu.fitting.width import without_least
from unrelu.network import Network
from unrelu.numerics.arrays import Array

MORE_STARTS = 4
"""Further starts of as many units, where no two have ended in the best network, at most for as long
again."""

AFAR = 3
"""Starts from afar at most, which often end in the best minimum of few units."""

SAME = 4.0
"""Noise variances to a weight by which the units of two searches may differ and still be the same:
next to each minimum there are others, with the hyperplanes on other sides of some samples."""

ROUNDING_ANGLE = 1e-12
"""Squared angle that rounding of the labels may leave where there is no noise to speak of."""

TINY = float(np.finfo(np.float64).tiny)


def best_from_afar(
    net: Network, fitting: Fitting, effort: Effort, rng: np.random.Generator
) -> Network:
    """The best of a network and of those with as many units that starts from afar lead to, if
    there are such starts; no more once one has led to the best."""
    best, k, same = net, net.n_units, False
    found: list[Network] = []
    while len(found) < AFAR and not same:
        start = fitting.from_afar(k, rng)
        if start is None:
            return best
        found.append(start)
        if start.n_units == k:
            same = common_units(start, best, fitting) == k
            best = start if fitting.gain(best, start) > 0 else best
    others = (each for each in (net, *found) if each is not best and each.n_units == k)
    effort.others += tuple(others)
    effort.agreed = False
    return best


def best_of_starts(
    net: Network, fitting: Fitting, effort: Effort, restart: Callable[[int], Network]
) -> tuple[Network, int]:
    """The best network of as many units that a start of the search ends in, once the units are
    taken away that noise has made; and how many of its units another start has found as well: all
    of them, unless no two agree. `restart` makes another start, of so many units."""
    found = [net]
    for start in effort.others:
        other = start
        while other.n_units > net.n_units:
            other = without_least(other, fitting)
        found.append(swept(fitting.fit(other), fitting))
    found = [other for other in found if other.n_units == net.n_units]
    spent = effort.operations
    for attempt in range(MORE_STARTS + 1):
        best = found[0]
        for other in found[1:]:
            best = other if fitting.gain(best, other) > 0 else best
        if effort.starts == 1 and effort.agreed:  # from a network that was near
            return best, best.n_units
        others = [other for other in found if other is not best]
        common = max((common_units(other, best, fitting) for other in others), default=0)
        if common == best.n_units or attempt == MORE_STARTS or effort.operations > 2 * spent:
            break
        other = swept(fitting.fit(restart(net.n_units)), fitting)
        found += [other] * (other.n_units == net.n_units)
    return best, common


def common_units(other: Network, net: Network, fitting: Fitting) -> int:
    """How many units are the same within the noise: turning one by an angle φ costs some φ² of what
    it gains in all."""
    squares = _squared_angles(other, net, fitting.X)
    squares = np.where(squares > ROUNDING_ANGLE, squares, 0.0)
    return int((squares * fitting.importance(net) < SAME * (net.n_inputs + 1)).sum())


def _squared_angles(other: Network, net: Network, X: Array) -> Array:
    """(k,): the squared angles, as the samples see them, that the hyperplane of each unit of `net`
    is turned by in the other network: its side may be another where a linear part makes up."""
    here, there = (one.preactivations(X) for one in (net, other))
    here, there = (z / np.maximum(np.linalg.norm(z, axis=0), TINY) for z in (here, there))
    cosines = np.abs(here.T @ there)
    units, partners = linear_sum_assignment(-cosines)
    return np.asarray(2 - 2 * cosines[units, partners])
