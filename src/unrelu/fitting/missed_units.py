"""Units that a fit has missed, where labels have hardly any noise, and units it can do without.

A unit that is missing leaves its whole kink in the residual, where the errors of the others leave
small ones. So single units are looked for in the residual, from many starts (`one_unit`); the best
that differ join the fit, and all weights are fitted again (`joint`), until no further unit explains
what one that is worth finding would. Some of them are none of the model's: they stood for several,
or for the errors of others, until these were found. In the end, the fit can do without them, and
units are left out as long as what that costs is not worth a unit.

While strong units are missing, a fit of all weights lets the others stand for them: hundreds of
units in a few inputs make up nearly any function, but for its kinks. So where the output weights of
the units known are known besides, they are held at first, and new units alone are fitted to what
they leave.

All fits have an affine part, which stands for the sides of units.

Cost: a fit of all weights, O(n (k D)² + (k D)³) a step, for every few units that were missed.
"""

from __future__ import annotations

import logging

import numpy as np

from unrelu.fitting import joint
from unrelu.fitting.one_unit import good_units
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.whitening import whiten, with_constant

log = logging.getLogger(__name__)

STARTS = 32
"""Starts of a search for further units."""

AT_ONCE, NEARLY = 4, 0.2
"""Units that may join the fit at a time, and what each must explain as a share of what the best one
does."""

APART = 0.995
"""|cos| of two rows, in whitened coordinates, below which they are two candidates: 0.1 rad."""

FEW_STEPS = 8
"""Steps of a fit in which all units are near their places."""

ROWS, RATIO = 4000, 2.5
"""Rows at least, and answers to each weight, that are enough for all but the last fits."""

NEAR = 20.0
"""The first fits end where what is left is this multiple of what a unit just worth finding leaves,
in the root mean square."""

HARDLY = 0.8
"""Share of a residual that is left by a round that hardly helped."""

PATIENCE = 3
"""Such rounds, one after the other, after which the search has failed."""


def completed(
    known: Network, X: Array, Y: Array, *, bias: bool, worth: float, rng: np.random.Generator
) -> Network:
    """The network of least squares, with an affine part, that has all units worth finding: those
    that explain more than `worth` of the mean square of an answer, summed over outputs. `known`:
    units that were found otherwise, with output weights that are about right, or with none."""
    weights = joint.weights_of(_affine(X[:1], Y[:1], bias, known.V, known.b), affine=True)
    enough = min(len(X), max(ROWS, int(RATIO * weights / Y.shape[1])))
    rows = _rows_for(known, X, enough)
    x, y = X[rows], Y[rows]
    net = _affine(x, y, bias, known.V, known.b)
    net = joint.fitted(net, x, y, bias=bias, affine=True, steps=FEW_STEPS)
    if shows_further(net, X, Y, bias=bias, worth=worth, rng=rng):
        net = _with_missed(known, x, y, bias, worth, rng)
    net = joint.fitted(net, X, Y, bias=bias, affine=True)
    left = np.inf
    while (now := _misfit(net, X, Y)) < left - worth:
        left = now
        net = _grown(net, X, Y, bias, worth, rng)
        net = without_idle(net, X, Y, bias=bias, worth=worth)
    return net


def _rows_for(known: Network, X: Array, enough: int) -> Index:
    """The first rows, so many, and of others as many on the rarer side of each known unit as
    determine it: a unit far from most inputs would seem to be idle."""
    on = known.preactivations(X) > 0
    rarer = on ^ (on.mean(axis=0) > 0.5)
    needed = np.cumsum(rarer, axis=0) <= 2 * (X.shape[1] + 1)
    return np.flatnonzero((np.arange(len(X)) < enough) | (rarer & needed).any(axis=1))


def _with_missed(
    known: Network, X: Array, Y: Array, bias: bool, worth: float, rng: np.random.Generator
) -> Network:
    """The same, roughly: all units that stand out of the others."""
    V, b = known.V, known.b
    if known.n_units and known.U.any():
        some = slice(0, ROWS)
        left = Y[some] - known(X[some])
        new = _grown(_affine(X[some], left, bias), X[some], left, bias, worth, rng, patience=1)
        V, b = np.vstack([V, new.V]), np.append(b, new.b)
    goal = worth * NEAR**2
    net = _affine(X, Y, bias, V, b)
    net = joint.fitted(net, X, Y, bias=bias, affine=True, goal=goal * len(X))
    net = _grown(net, X, Y, bias, worth, rng, goal=goal)
    return without_idle(net, X, Y, bias=bias, worth=_misfit(net, X, Y))


def shows_further(
    net: Network, X: Array, Y: Array, *, bias: bool, worth: float, rng: np.random.Generator
) -> bool:
    """Whether some unit explains more than `worth` of what a fit leaves."""
    return len(further(net, X, Y, bias, worth, rng)) > 0


def without_idle(net: Network, X: Array, Y: Array, *, bias: bool, worth: float) -> Network:
    """The fit less the units that it can do without: all others fitted again, it leaves no more
    than `worth` on top. Half as many are tried as long as leaving out several costs too much."""
    enough, fit = _misfit(net, X, Y) + worth, net
    count = net.n_units
    while count:
        check_deadline()
        near = joint.Neighbourhood.of(net, X, Y, bias=bias)
        costs = near.costs_without() / len(X)
        count = min(count, int((costs < worth).sum()))
        while count:
            fewer = near.without(np.argsort(costs)[:count])
            goal = enough * len(X)
            fewer = joint.fitted(fewer, X, Y, bias=bias, affine=True, goal=goal)
            if _misfit(fewer, X, Y) <= enough:
                net = fewer
                break
            count //= 2
    return net if net is fit else joint.fitted(net, X, Y, bias=bias, affine=True)


def _grown(
    net: Network,
    X: Array,
    Y: Array,
    bias: bool,
    worth: float,
    rng: np.random.Generator,
    *,
    goal: float = 0.0,
    patience: int = PATIENCE,
) -> Network:
    """The fit with units that explain what it leaves, while there are such, until it leaves no more
    than `goal` or several rounds have hardly helped."""
    idle = 0
    left = _misfit(net, X, Y)
    while left > goal and idle < patience:
        check_deadline()
        rows = further(net, X, Y, bias, worth, rng)
        V, b = np.vstack([net.V, rows[:, :-1]]), np.append(net.b, rows[:, -1])
        wider = Network(V, np.zeros((Y.shape[1], len(b))), b)
        if not len(rows) or joint.weights_of(wider, affine=True) > joint.MOST_WEIGHTS:
            break
        wider = joint.fitted(_affine(X, Y, bias, V, b), X, Y, bias=bias, affine=True)
        before, left, net = left, _misfit(wider, X, Y), wider
        idle = idle + 1 if left > HARDLY**2 * before else 0
        log.info("%d units leave %.2e", net.n_units, np.sqrt(left))
    return net


def further(
    net: Network, X: Array, Y: Array, bias: bool, worth: float, rng: np.random.Generator
) -> Array:
    """Rows (v, b) of different units that explain much of what a fit leaves, more than `worth`."""
    rows = rng.choice(len(X), min(len(X), ROWS), replace=False)
    white = whiten(with_constant(X[rows], bias))
    # With features of second moment one, their own columns are what an affine part explains.
    base = white.features / np.sqrt(len(rows))
    drops, found = good_units(white.features, base, Y[rows] - net(X[rows]), STARTS, rng)
    enough = max(worth * len(rows), NEARLY * drops[0])
    kept: list[Array] = []
    for drop, row in zip(drops, found, strict=True):
        if drop < enough or len(kept) == AT_ONCE:
            break
        if all(abs(row @ other) < APART for other in kept):
            kept.append(row)
    best = white.to_rows(np.reshape(kept, (-1, found.shape[1])))
    best = best if bias else np.column_stack([best, np.zeros(len(best))])
    return np.asarray(best / np.linalg.norm(best[:, :-1], axis=1, keepdims=True))


def _affine(
    X: Array, Y: Array, bias: bool, V: Array | None = None, b: Array | None = None
) -> Network:
    """The linear fit with some hyperplanes, or none, and an affine part."""
    V = np.zeros((0, X.shape[1])) if V is None else V
    return joint.from_planes(V, np.zeros(len(V)) if b is None else b, X, Y, bias=bias, affine=True)


def _misfit(net: Network, X: Array, Y: Array) -> float:
    """The mean square of what is left of an answer, summed over outputs."""
    return float(((Y - net(X)) ** 2).sum() / len(X))
