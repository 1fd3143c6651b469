"""Could units be active on the other side of their hyperplanes?"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations

import numpy as np

from unrelu.checks.case import Case
from unrelu.checks.counting import CHANCE
from unrelu.checks.finding import Finding, listed, undetermined
from unrelu.checks.scales import FINE, column_scale, hidden_by
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, Mask, divisors
from unrelu.numerics.lattice import vanishing_subsets
from unrelu.samples import Samples

FACING = 1e-9
"""How far apart two hyperplanes may be and yet be the same, where rounding is fine."""

FINE_BITS = 42
"""Of weights from float64 labels in a lattice."""

FEW = 4
"""Units in a set that is examined one by one, of weights that rounding has left few digits."""

MOST_SETS = 200_000

WITH_SKIP = "; with skip=True, a linear function is part of the network"

MOST_UNITS_TO_TURN = 120
"""Lattice reduction takes a second at 80 units, and the sixth power of it."""


def other_sides(net: Network, samples: Samples) -> list[Mask] | None:
    """Sets of units that can change sides together without changing the function: those with
    Σ u_j v_jᵀ = 0, for f(z) = f(−z) + z and the constants go into c. None when it cannot be
    decided. A set that turns the network into itself (an opposite pair with equal output
    weights) is no ambiguity and is left out.
    """
    k = net.n_units
    if k == 0:
        return []
    U, V = net.U, net.V * column_scale(samples)
    strength = np.linalg.norm(U, axis=0) * np.linalg.norm(V, axis=1)
    near = hidden_by(samples.eps, 1e-6)
    if k <= len(U) * V.shape[1]:
        # The products of the terms, of length one; rounding of 1e-15 k does not matter here.
        gram = (U.T @ U) * (V @ V.T) / np.outer(strength, strength)
        if np.linalg.eigvalsh(gram)[0] > near**2 * k:
            return []
    if k > MOST_UNITS_TO_TURN:
        return None
    terms = (U.T[:, :, None] * V[:, None, :]).reshape(k, -1) / strength.max()
    bits = FINE_BITS if samples.eps < FINE else round(-math.log2(near))
    sets = vanishing_subsets(terms, bits)
    if sets is None and samples.eps > FINE:
        sets = _few_together(terms, near)
    if sets is None:
        return None
    return [units for units in sets if not _is_mirrored(net, units, hidden_by(samples.eps, FACING))]


def _few_together(terms: Array, near: float) -> list[Mask] | None:
    """Sets of a few units whose terms add up to zero to within `near`; larger sets are so many that
    nothing but chance is to be feared of them, and None is returned where there is enough of that.
    Coarse numbers have no digits to spare for a lattice."""
    k, q = terms.shape
    met = k * math.log(2) + q * math.log(min(1.0, 2 * near))  # sums are as wide as their rounding
    if met > CHANCE:
        return None
    few = max(size for size in range(1, FEW + 1) if size == 1 or math.comb(k, size) <= MOST_SETS)
    found = []
    for size in range(1, few + 1):
        which = np.array(list(combinations(range(k), size)))
        rest = np.abs(sum(terms[column] for column in which.T)).max(axis=1)
        for row in which[rest <= near * k]:
            units = np.zeros(k, dtype=np.bool_)
            units[row] = True
            found.append(units)
    return found


def opposite_pair(net: Network, near: float = FACING) -> tuple[int, int] | None:
    """Two units on one hyperplane that face each other, if there are any."""
    rows = np.column_stack([net.V, net.b])
    size = np.maximum(1.0, np.abs(net.b))
    pairs = _facing(rows, near * np.maximum(size[:, None], size[None]))
    return (int(pairs[0, 0]), int(pairs[0, 1])) if len(pairs) else None


def _facing(rows: Array, near: Array) -> Index:
    """(s, 2), in order: pairs of rows (k, D) whose sums have no entry larger than `near` (k, k).
    The first column rules out nearly all of them."""
    first, second = np.nonzero(np.abs(rows[:, None, 0] + rows[:, 0]) <= near)
    for column in rows.T[1:]:
        facing = np.abs(column[first] + column[second]) <= near[first, second]
        first, second = first[facing], second[facing]
    return np.column_stack([first, second])


def linear_pair(net: Network, samples: Samples) -> tuple[int, int] | None:
    """Two units on one hyperplane that face each other with opposite output weights, if there are
    any: u f(z) − u f(−z) = u z is a linear function, and nothing shows their hyperplane."""
    near = hidden_by(samples.eps, FACING)
    pair = opposite_pair(net, near)
    if pair is None:
        return None
    left, right = net.U[:, pair[0]], net.U[:, pair[1]]
    kink = np.abs(left + right).max()
    return pair if kink <= near * np.abs(left).max() else None


def pair_in_a_gap(net: Network, samples: Samples) -> tuple[int, int] | None:
    """Two parallel units that face each other across a gap in the samples, so that on each sample
    one of them is active, and never both.

    Inside the gap lie their two kinks and the constant between, m + 2 unknowns, known by the 2 m
    constants of the labels on either side. With one or two independent outputs these meet
    whatever they are: nothing shows that there are two units in the gap, and not three. (Slopes
    of rank one on either side are evidence only of directions, which parallel units share.)"""
    near = hidden_by(samples.eps, FACING)
    pairs = _facing(net.V, np.full((net.n_units, net.n_units), near))
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    if not len(pairs) or np.linalg.matrix_rank(net.U, rtol=near) > 2:
        return None
    complementary = np.ones(len(pairs), dtype=np.bool_)
    for _, X, _ in samples.blocks():
        active = net.preactivations(X) > 0
        complementary &= (active[:, pairs[:, 0]] != active[:, pairs[:, 1]]).all(axis=0)
    found = pairs[complementary]
    return (int(found[0, 0]), int(found[0, 1])) if len(found) else None


def in_a_half_space(samples: Samples) -> bool:
    """Is there w with x·w > 0 for (about two thousand of) the samples? A linear program: find w
    with x·w >= 1 for every x, each scaled to unit size."""
    from scipy.optimize import linprog

    some = samples.take(samples.spread(2000))
    X = some.X / column_scale(some)
    X = X / divisors(np.linalg.norm(X, axis=1, keepdims=True))
    answer = linprog(
        np.zeros(samples.d), A_ub=-X, b_ub=-np.ones(len(X)), bounds=(None, None), method="highs"
    )
    return int(answer.status) != 2  # anything but proved infeasible


def _is_mirrored(net: Network, units: Mask, near: float) -> bool:
    rows = np.column_stack([net.V, net.b, net.U.T])[units]
    turned = rows.copy()
    turned[:, : net.n_inputs + 1] *= -1
    apart = np.abs(rows[:, None] - turned[None]).max(axis=2)
    return bool((apart.min(axis=1) < near * np.abs(rows).max()).all())


def facing_pair(case: Case) -> Finding | None:
    """Whether two units face each other on one hyperplane, and something else may take the place of
    one: a unit that is active on every sample, or a skip connection."""
    pair = opposite_pair(case.net)
    if pair is None or not (case.skip or case.biased or in_a_half_space(case.samples)):
        return None
    others = (
        "which one unit and a skip connection explain as well: u f(z) + u' f(−z) = "
        "(u + u') f(−z) + u z"
        if case.skip
        else "which one unit and one that is active on every sample explain as well: "
        f"u f(z) + u' f(−z) = (u + u') f(−z) + u z{WITH_SKIP}"
    )
    units = np.array(pair)
    return undetermined(
        "facing-pair",
        f"{listed(units)} face each other on one hyperplane, {others}",
        units=units,
    )


def linear_function(case: Case) -> Finding | None:
    """Whether two units make a linear function, which shows no kink."""
    pair = linear_pair(case.net, case.samples)
    if pair is None:
        return None
    units = np.array(pair)
    return undetermined(
        "linear-pair",
        f"{listed(units)} together make a linear function, without a kink that the samples could "
        f"show: with other units turned round, fewer may do{WITH_SKIP}",
        units=units,
    )


def gap(case: Case) -> Finding | None:
    """Whether two units face each other across a gap between the samples."""
    net = case.net
    lengths = np.linalg.norm(net.V, axis=1)  # one, for the ReLU
    scaled = Network(net.V / lengths[:, None], net.U, net.b / lengths, net.c)
    pair = pair_in_a_gap(scaled, case.samples)
    if pair is None:
        return None
    units = np.array(pair)
    return undetermined(
        "gap",
        f"{listed(units)} face each other across a gap between the samples: what the network does "
        "inside it, and with how many units, cannot be known; samples from the gap would tell",
        units=units,
    )


@lru_cache(maxsize=1)
def sides_of(case: Case) -> list[Mask] | None:
    """`other_sides`, which two checks ask for one after the other."""
    return other_sides(case.net, case.samples)


def open_sides(case: Case) -> Finding | None:
    """Whether sets of units can change sides without changing the function."""
    sides = sides_of(case)
    if sides is None:
        return undetermined(
            "sides-undecided",
            "it cannot be decided on which side each unit is active: there are too many units for "
            "so few inputs and outputs, or the weights are too regular; every sample is explained, "
            "and every hyperplane pinned down",
        )
    if not sides or case.samples.eps > FINE:
        return None
    units = np.flatnonzero(sides[0])
    return undetermined(
        "sides-open",
        f"{listed(units)} can change sides (v, b become −v, −b) without changing the function: no "
        "samples tell the two networks apart",
        units=units,
    )
