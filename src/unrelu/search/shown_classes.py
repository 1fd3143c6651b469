"""Networks from differences of outputs, of which each sample shows some.

Where both classes of a pair are shown, the difference of their outputs is that of a network with
one output, and a linear part: units that are active wherever this pair is shown. The hyperplanes
that one pair after another shows are put together; the output weights of all classes are then a
linear problem, and the linear part tells on which side each unit is active.
"""

from __future__ import annotations

import logging

import numpy as np

from unrelu.fitting.orientation import Oriented, orient
from unrelu.network import Network
from unrelu.network.contrasts import Contrasts
from unrelu.numerics.arrays import Array, Index
from unrelu.samples import Samples
from unrelu.search import hyperplanes
from unrelu.search.task import Passes

log = logging.getLogger(__name__)

PER_WEIGHT = 3
"""Samples of a pair, for each weight of a unit, from which on it is searched."""

ENOUGH = 2
"""Samples to each weight of a network below which it may be one of many."""

MOST_PAIRS, PATIENCE = 12, 3
"""Pairs that are searched, and those that show nothing, after which the search ends."""

NEAR = 1e-6
"""Distance of rows (v, b) of unit length up to which hyperplanes are the same, in double precision.
"""

EXPLAINED = 1e-7
"""Residual up to which a pair has shown its hyperplanes, as a share of the differences, and up to
which all differences are explained before the last fit, in double precision."""

ROUNDINGS = 200.0
"""Both in roundings, where these are coarser."""

SPARE = 8
"""Differences to each weight in a fit."""

IDLE = 1e-9
"""Share of the largest output weights below which a unit is none."""


def find(
    contrasts: Contrasts,
    m: int,
    *,
    bias: bool,
    eps: float,
    rng: np.random.Generator,
    near: Network | None = None,
) -> Network | None:
    """The network with m outputs that sum to zero and have these differences; None if none was
    found that comes close. `near`: one that was found from fewer. Cost: a search of `hyperplanes`
    for each pair."""
    if near is not None:
        again = assembled(contrasts, near.V, near.b, m, bias=bias, eps=eps)
        if again is not None:
            return again
    known = np.zeros((0, contrasts.X.shape[1] + 1))
    best: Network | None = None
    idle = 0
    for rows in _by_pair(contrasts)[:MOST_PAIRS]:
        if len(rows) < PER_WEIGHT * (contrasts.X.shape[1] + bias):
            break
        found = _hyperplanes(contrasts.take(rows), bias, eps, rng)
        fresh = [row for row in found if not _contains(known, row, eps)]
        idle += not len(found)
        if idle == PATIENCE:
            break
        if not fresh:
            continue
        known = np.vstack([known, *fresh])
        net = assembled(contrasts, known[:, :-1], known[:, -1], m, bias=bias, eps=eps)
        log.info("%d samples of a pair: %d hyperplanes", len(rows), len(known))
        if net is not None and (best is None or net.n_units < best.n_units):
            best = net
        if best is not None and best.n_units <= len(known):
            break
    return best


def _by_pair(contrasts: Contrasts) -> list[Index]:
    """The rows of each pair, most of them first, the signs aside."""
    pairs = np.sort(contrasts.pairs, axis=1)
    _, which, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [np.flatnonzero(which.reshape(-1) == number) for number in order]


def _hyperplanes(pair: Contrasts, bias: bool, eps: float, rng: np.random.Generator) -> Array:
    """Rows (v, b) of unit length, of the units that the differences of one pair show."""
    flipped = pair.pairs[:, 0] > pair.pairs[:, 1]
    samples = Samples(pair.X, np.where(flipped, -pair.values, pair.values)[:, None], eps)
    passes = Passes(samples)
    found = hyperplanes.find(
        samples,
        n_units=None,
        least=1,
        bias=bias,
        rng=rng,
        missed=passes.missed,
        noise=True,  # what is no network is given up soon
        skip=True,
    )
    net = found.network
    weights = net.n_units * (samples.d + bias + 1) + samples.d + bias
    if passes.residual(net) > max(EXPLAINED, ROUNDINGS * eps) or samples.n < ENOUGH * weights:
        return np.zeros((0, samples.d + 1))
    rows = np.column_stack([net.V, net.b])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _contains(known: Array, row: Array, eps: float) -> bool:
    apart = np.minimum(np.abs(known - row).max(axis=1), np.abs(known + row).max(axis=1))
    return bool(len(known) and apart.min() < max(NEAR, ROUNDINGS * eps))


def assembled(
    contrasts: Contrasts, V: Array, b: Array, m: int, *, bias: bool, eps: float
) -> Network | None:
    """The network with these hyperplanes, on whichever sides its units are; None if these do not
    explain the differences. What is linear in the inputs shows the sides, but of classes that are
    rarely shown it is hardly known: two classes may do, or more are taken."""
    allowed = float(np.sqrt((contrasts.values**2).mean())) * max(EXPLAINED, ROUNDINGS * eps)
    some = contrasts.thinned(SPARE * (V.size + m * (len(V) + V.shape[1] + 1)))
    counts = np.bincount(contrasts.pairs.ravel(), minlength=m)
    often = np.argsort(-counts, kind="stable")
    best: Network | None = None
    for count in range(2, m + 1):
        sides = _sides(some, V, b, m, bias, often[:count])
        if sides is None:
            continue
        U, _, c = some.output_weights(sides.V, sides.b, m, biased=bias, linear=False)
        net = Network(sides.V, U, sides.b, c)
        fits = np.abs(contrasts.residuals(net)).max() <= allowed
        if fits and (best is None or net.n_units < best.n_units):
            best = net
        if best is not None and best.n_units <= len(V):
            break
    return None if best is None else some.fitted(best, bias)


def _sides(
    contrasts: Contrasts, V: Array, b: Array, m: int, bias: bool, classes: Index
) -> Oriented | None:
    """The units, each on the side on which the differences of some classes show it to be active,
    without those that do nothing; None where all do nothing."""
    among = contrasts.take(np.flatnonzero(np.isin(contrasts.pairs, classes).all(axis=1)))
    U, W, _ = among.output_weights(V, b, m, biased=bias, linear=True)
    U, W = (part[classes] - part[classes].mean(axis=0) for part in (U, W))
    strength = np.abs(U).max(axis=0, initial=0.0)
    used = strength > IDLE * strength.max(initial=0.0)
    return orient(V[used], b[used], U[:, used], W) if used.any() else None
