"""What several heads are recognised by: how answers change over a tiny step, bend, and end."""

from __future__ import annotations

import numpy as np

from unrelu.extraction.heads.head import Asked, Shown
from unrelu.extraction.kinks import TRIPLES
from unrelu.links.behind import vagueness
from unrelu.links.link import Link
from unrelu.numerics.arrays import Array
from unrelu.numerics.grids import grid_of
from unrelu.recover import recover
from unrelu.wording.status import Status

OUTSIDE, FAR = 32, 100.0
"""Number and distance of queries so far out that bounded answers are at their bounds."""

SATURATED = 0.4
"""Least share of answers that are there: where no unit is active, they are not."""

AT_END = 1e-3
"""How near to a bound they are then."""

STEP = 2.0**-13
STRAIGHT = 1e4
"""Largest bend of values over such a step, in units of rounding: curves bend by far more."""

PAIRS, TINY = 64, 2.0**-44
"""Number and distance, in usual sizes of inputs, of pairs of queries, that rounded answers do not
tell apart, and answers with all their digits do."""

SAME = 0.7
"""Least share of equal pairs."""

MOST = 0.99
"""Largest share of answers at an end of their range where values were cut off."""

PER_WEIGHT = 8, 15, 30, 60
"""Queries, for each weight of a unit, that show whether a network explains them: more where fewer
do not. An extraction begins with thirty of them."""

SAME_VALUE = 1e-6
"""Difference of answers that are the same, as a share of the largest."""

FEW = 10
"""Different answers up to which they are class labels."""

CAST = 16
"""Pairs of queries of which one is the other, rounded to single precision."""


def unchanged(shown: Shown) -> float:
    """The share of answers that a tiny step of the inputs does not change."""
    asked = shown.asked
    base = asked.scale * shown.rng.standard_normal((PAIRS, asked.n_inputs))
    beside = base + TINY * asked.scale * shown.rng.standard_normal(base.shape)
    return float(np.isclose(shown.ask(base)[1], shown.ask(beside)[1], rtol=0, atol=0).mean())


def rounded(shown: Shown) -> bool:
    """Whether answers on a grid are on it for being rounded."""
    return grid_of(shown.Y) is not None and unchanged(shown) >= SAME


def takes_single_precision(asked: Asked, Y: Array) -> bool:
    """Whether a model whose answers are Y (n, m), in single precision, rounds its inputs to that
    first. If it computes in double precision, most answers differ."""
    grid = grid_of(Y)
    if grid is None or not grid.single:
        return False
    X = asked.scale * asked.streams(8)[7].standard_normal((CAST, asked.n_inputs))
    single = X.astype(np.float32).astype(np.float64)
    return bool((asked.queries(X)[1] == asked.queries(single)[1]).all())


def straight(shown: Shown, link: Link) -> bool:
    """Whether values behind answers are piecewise linear to rounding, as those of the right link
    are. For answers that have been rounded there is no telling, and they pass."""
    if grid_of(shown.Y) is not None:
        return True
    scale, d = shown.asked.scale, shown.X.shape[1]
    clear = np.argsort(-link.clarity(shown.Y).min(axis=1), kind="stable")[:TRIPLES]
    aside = STEP * scale * shown.rng.standard_normal((len(clear), d))
    X = shown.X[clear]
    Z = link.inverse(shown.ask(np.vstack([X - aside, X, X + aside]))[1])
    left, middle, right = np.split(Z, 3)
    with np.errstate(invalid="ignore"):  # an end of the range has an infinite value
        bend = np.median(np.abs(left - 2 * middle + right).max(axis=1))
    eps = float(np.finfo(np.float64).eps)
    return bool(bend <= STRAIGHT * eps * max(1.0, float(np.abs(Z).max())))


def at_bounds(shown: Shown, low: float, high: float) -> bool:
    """Whether answers to queries far out are all between bounds, and most of them at one."""
    X = FAR * shown.asked.scale * shown.rng.standard_normal((OUTSIDE, shown.X.shape[1]))
    Y = shown.ask(X)[1]
    ends = (np.minimum(Y - low, high - Y) < AT_END * (high - low)).mean()
    return within(Y, low, high) and bool(ends >= SATURATED)


def some_at(Y: Array, *ends: float) -> bool:
    """Whether some of the answers are at the ends of their range, but not most."""
    return 0 < float(np.isin(Y, ends).mean()) <= MOST


def cut_off(shown: Shown, link: Link) -> bool:
    """Whether the network that explains the answers which are not at an end of their range has
    values beyond it where they are."""
    asked = shown.asked
    for share in PER_WEIGHT:
        X, Y = asked.queries(asked.random_inputs(share * (asked.n_inputs + asked.bias)))
        if grid_of(Y) is not None:
            return len(np.unique(Y)) > FEW and unchanged(shown) >= SAME
        inside = np.flatnonzero(vagueness(link, None, Y) <= 1)
        if len(inside) <= 2 * X.shape[1]:
            continue
        found = recover(X[inside], Y[inside], bias=asked.bias, noise="none", rng=0, throw=False)
        if found.status != Status.EXACT:
            continue
        X, Y = np.vstack([X, shown.X]), np.vstack([Y, shown.Y])  # all that are cut off so far
        F = found.certificate.network(X)
        error = SAME_VALUE * np.abs(Y).max()
        right = np.abs(link.forward(F) - Y).max() <= error
        units = found.certificate.network.n_units > 0  # max(linear, 0) is a unit itself
        return units and bool(right and np.abs(F - Y).max() > error)
    return False


def stays_within(shown: Shown, low: float, high: float) -> bool:
    """Whether answers to queries far out are between bounds."""
    X = FAR * shown.asked.scale * shown.rng.standard_normal((OUTSIDE, shown.X.shape[1]))
    return within(shown.ask(X)[1], low, high)


def within(Y: Array, low: float, high: float) -> bool:
    return bool(Y.min() >= low and Y.max() <= high and np.ptp(Y) > 0)
