"""Is a unit redundant, to rounding, so that another in its place may make a linear function?

Rounding hides what lies close together. Two units that nearly share a hyperplane may be one, and
a unit whose kink the samples hardly show may be none; what the other units cannot take over is
often a linear function,

    u f(z) + u' f(−z) = (u + u') f(z) − u' z,

and one unit that is active on every sample makes any linear function of rank one. Such a rival
has no more units than the network, and lies far away from it. Whether there is one is not
derived, but tried: leave out a unit, or put one in place of two; fit the others, with any linear
function added, to the labels; turn some of them round so that the linear function has rank one;
and see whether the network that comes of it explains all samples to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from unrelu.checks.case import Case
from unrelu.checks.explained import explain
from unrelu.checks.finding import Finding, listed
from unrelu.checks.nearby_fits import NearbyFits, offset_rounding, sets_of_units
from unrelu.checks.sides import WITH_SKIP, opposite_pair
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.numerics.deadline import check_deadline
from unrelu.samples import Samples
from unrelu.wording.status import Status

MOST_TO_DROP = 400
"""Hidden weights up to which all of them may move, where units are known to be weak."""

NEARLY = 1e-3
"""How far apart two hyperplanes are at most that count as one, to rounding."""

SAME_UNIT = 1e-3
"""How far apart units are at least that are different ones."""

OFFSET = 100
"""Size of inputs over what varies in them, from which on rounding is that of the offset."""

ALL_FACING = 4
"""Units of which all sets are turned round where one unit is put facing another; of more, only
those that nearly do already."""

SLACK = 3.0
"""Roundings that a rival may leave: it is fitted to some of the samples, in floats."""


def redundant_units(
    net: Network, samples: Samples, biased: bool, skip: bool = False
) -> Index | None:
    """Units that another network of no more units can do without; None where none is found. `net`:
    canonical, explains the samples; `skip`: whether networks with any linear function compete.

    Cost: for each unit (or close pair) some least-squares problems of four equations to each of
    k (d + 1) unknowns; of larger networks than `nearby_fits.MOST_UNKNOWNS`, close pairs only, with
    the other hyperplanes held fixed."""
    k = net.n_units
    if k == 0:
        return None
    model = NearbyFits(net, samples, biased)
    for gone, planes, moving in model.starts():
        check_deadline()
        fitted = model.fitted(planes, moving)
        if fitted is None:
            continue
        others = model.with_skip(fitted) if skip else model.networks(fitted)
        if any(explain(other, samples).in_roundings <= SLACK for other in others):
            return gone
    return None


def smaller_network(net: Network, samples: Samples, biased: bool, weak: Index) -> Network | None:
    """A network that explains the samples to rounding with fewer units, found by leaving out one of
    those that are weak, or putting one in place of two, again and again; None where there is none.

    Rounding lets a search add units: several stand for one kink, or one for rounding alone. Inputs
    with a large offset have more of it."""
    lost = offset_rounding(samples)
    coarse = samples.rounded_to(lost) if lost > OFFSET * samples.eps else samples
    best: Network | None = None
    while net.n_units > 1 and len(weak):
        model = NearbyFits(net, samples, biased, MOST_TO_DROP)
        if not model.small:
            break
        close = (start for start in model.starts() if np.isin(start[0], weak).any())
        others = (other for _, planes, moving in close for other in model.fewer(planes, moving))
        fewer = next((o for o in others if explain(o, coarse).in_roundings <= 1), None)
        if fewer is None or fewer.n_units >= net.n_units:
            break
        best = net = fewer
        weak = np.arange(net.n_units)
    return best


def reversed_units(
    net: Network, samples: Samples, biased: bool, sets: Sequence[Mask], errors: Array
) -> Index | None:
    """Units that are active on the other side in another network that explains the samples to
    rounding; None where none is found. `sets` are tried and, of a small network, all there are (of
    more than a few units, single ones); all weights are fitted again (of larger networks, the
    output weights only). What ends within `errors` (k,) of the network is the network."""
    model = NearbyFits(net, samples, biased)
    moving = np.arange(net.n_units if model.small else 0)
    for units, planes in _rearranged(model, sets):
        check_deadline()
        fitted = model.fitted(planes, moving, linear=False)
        if fitted is None:
            continue
        other = model.plain(fitted)
        if _same(net, other, errors) or explain(other, samples).in_roundings > SLACK:
            continue
        return units
    return None


def _rearranged(model: NearbyFits, sets: Sequence[Mask]) -> Iterator[tuple[Index, Array]]:
    """Units turned round, and the hyperplanes of all with them. Of a small network, also with one
    unit put facing another: with no sample between them the two make one linear function on the
    one side and another on the other, which may take the place of that unit, with others turned."""
    k = model.net.n_units

    def reversed_at(planes: Array, units: Sequence[int] | Index) -> Array:
        signs = np.ones((k, 1))
        signs[units] = -1.0
        return signs * planes

    every = sets_of_units(k) if model.small else ()
    for units in (*map(np.flatnonzero, sets), *(np.array(some) for some in every if some)):
        yield np.asarray(units), reversed_at(model.planes, units)
    few = k <= ALL_FACING
    near = ((i, j) for i, j, facing in model.pairs() if facing)
    pairs = combinations(range(k), 2) if few else near
    for gone, faced in (both for i, j in pairs for both in ((i, j), (j, i))) if model.small else ():
        planes = model.planes.copy()
        planes[gone] = -planes[faced]
        for some in sets_of_units(k) if few else ([],):
            if gone not in some and faced not in some:
                yield np.array(sorted([gone, *some])), reversed_at(planes, some)


def _same(net: Network, other: Network, errors: Array) -> bool:
    """Whether each unit of one is one of the other, but for errors."""
    if net.n_units != other.n_units:
        return False
    apart = np.linalg.norm(net.V[:, None] - other.V[None], axis=2)
    apart += np.abs(net.b[:, None] - other.b) / np.maximum(1.0, np.abs(net.b))[:, None]
    near = apart <= np.maximum(SAME_UNIT, 3 * errors)[:, None]
    return bool(near.any(axis=0).all() and near.any(axis=1).all())


def spare_units(case: Case) -> Finding | None:
    """Whether another network of no more units explains the samples to rounding."""
    net = case.net
    units = redundant_units(net, case.samples, case.biased, case.skip)
    if units is None:
        return None
    facing = len(units) == 2 and opposite_pair(
        Network(net.V[units], net.U[:, units], net.b[units]), NEARLY
    )
    reason = (
        "are so close to facing each other on one hyperplane that, to rounding, one unit and one "
        "that is active on every sample explain the samples as well"
        if facing
        else "can be left out: to rounding, the others, moved, and a unit that is active on every "
        "sample explain the samples as well"
        if len(units) == 1
        else "are so close that, to rounding, one unit and one that is active on every sample "
        "explain the samples as well"
    )
    return Finding(
        "facing-pair" if facing else "spare-unit",
        Status.UNDETERMINED,
        f"every sample is explained, but {listed(units)} {reason}{WITH_SKIP * (len(units) > 1)}",
        units=units,
    )
