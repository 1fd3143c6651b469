"""A network that lines show in a few dimensions, continued to all inputs, in single precision.

Lines show units to some millionths where the inputs are few (`extraction.meetings`), but for those
whose kinks are as small as rounding makes those of others. Then

1. in a subspace of some more dimensions, fit all weights to answers at random, and look for further
   units in what the fit leaves (`fitting.missed_units`), until that hardly helps;
2. continue the units into all inputs, from places far from all hyperplanes, and fit again.

Which side of its hyperplane each unit is active on stays open until there are more equations than
units, m d for k. All fits before that have a skip connection.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unrelu.extraction import single
from unrelu.extraction.directions import extended
from unrelu.extraction.kinks import Ask
from unrelu.extraction.lines import Rounding, Units
from unrelu.extraction.meetings import all_met
from unrelu.extraction.places import choose_places
from unrelu.fitting import joint, missed_units
from unrelu.fitting.both_sides import on_both_sides
from unrelu.fitting.orientation import orient
from unrelu.fitting.sums import Sums, fitted
from unrelu.network import Network
from unrelu.numerics.arrays import Array

log = logging.getLogger(__name__)

NARROW = 8
"""Dimensions in which lines are searched."""

EACH, RANDOM, LINEAR = 3.0, 4000, 3.0
"""Answers to each weight in the subspace; answers in which further units are looked for; and
answers to each weight of what is linear."""

STEPS, ROUNDS = 8, 10
"""Steps of a fit that is not the last one; and rounds of further units."""

PEELED, NEARLY = 4, 0.3
"""Searches for further units in a round, each in what is left by the last; and what one has to
explain, as a share of the best, for another."""

SMALL, HARDLY = 3.0, 0.7
"""What may be left in a subspace, in roundings; and share that a round leaves that is no use."""

ROUGH = 2000.0
"""What may be left there at most: fits of hundreds of units in few inputs converge slowly."""

WEAKEST = 3.0
"""By how many times what is left a unit has to stand out, not to stand for the errors of others."""

LEFT = 0.1
"""Share of the largest output weight that may be left of the linear part."""


@dataclass(frozen=True, eq=False)
class Space:
    """Of some dimensions: the first rows of a `basis` (d, d); inputs have about this `norm`."""

    ask: Ask
    basis: Array
    norm: float
    dimensions: int

    @property
    def scale(self) -> float:
        return self.norm / math.sqrt(self.dimensions)

    def __call__(self, points: Array) -> tuple[Array, Array]:
        """Answers at points in the coordinates of the space."""
        return points, self.ask(points @ self.basis[: self.dimensions])[1]

    def random(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        return self(self.scale * rng.standard_normal((n, self.dimensions)))

    def sums(self, units: int, each: float, rng: np.random.Generator) -> Sums:
        """At random sums of points: so many answers to each weight."""
        r, m = self.dimensions, self.random(1, rng)[1].shape[1]
        blocks = Sums.blocks(units * (r + m + 1), r, m, each)
        return Sums.asked(lambda X: self(X)[1], blocks, r, self.scale, rng)


def shown_by_lines(
    space: Space, m: int, reach: float, rounding: float, bias: bool, rng: np.random.Generator
) -> Network | None:
    """Step 1: the network in a subspace, but for sides; None where lines or answers show none.
    `reach`: how far lines go, as a multiple of the usual norm of inputs."""
    narrow = Space(space.ask, space.basis, space.norm, NARROW)
    size = Rounding(rounding, space.norm)
    units = all_met(narrow, NARROW, m, scale=narrow.scale, reach=reach, rounding=size, rng=rng)
    log.info("lines in %d dimensions show %d units", NARROW, len(units.b))
    if not len(units.b):
        return None
    places = choose_places(units, space.norm, space.dimensions, rng)
    units = extended(space.ask, units, places, space.basis[: space.dimensions])
    return _completed(space, units, rounding, bias, rng)


def _completed(
    space: Space, units: Units, rounding: float, bias: bool, rng: np.random.Generator
) -> Network | None:
    """The network of least squares with these units and those that it shows to be missing."""
    X, Y = space.random(RANDOM, rng)
    sums, worth = space.sums(len(units.b), EACH, rng), single.worth_finding(Y)
    net = joint.from_planes(units.V, units.b, X, Y, bias=bias, affine=True)
    best, least = net, np.inf
    for _ in range(ROUNDS):
        sums = on_both_sides(net, sums, lambda points: space(points)[1], space.scale, rng)
        net = fitted(net, sums, bias=bias, affine=True, steps=STEPS)
        left = float(np.sqrt(((net(X) - Y) ** 2).mean()))
        log.info("%d units leave %.2g roundings", net.n_units, left / rounding)
        if left > HARDLY * least:
            break
        best, least = net, left
        if left <= SMALL * rounding:
            break
        net = _with_further(net, X, Y, bias, worth, rng)
    best = _strong(best, space.scale, max(WEAKEST * least, single.LEAST * rounding))
    return best if least <= ROUGH * rounding else None


def _strong(net: Network, scale: float, size: float) -> Network:
    """Without units that stand out by less than this: some have stood for the errors of others."""
    kept = single.standing_out(net, scale, size) >= 1
    return _merged(Network(net.V[kept], net.U[:, kept], net.b[kept], net.c, W=net.W), scale, size)


def _merged(net: Network, scale: float, size: float) -> Network:
    """With one unit in place of two whose hyperplanes are so close that it makes less difference
    than this: such a pair has stood for the error of one. On opposite sides of the hyperplane, two
    are one and a linear function, if the network has one. Rows have length one."""
    rows, strong = np.column_stack([scale * net.V, net.b]), np.abs(net.U).max(axis=0, initial=0.0)
    U, W, c, affine = net.U.copy(), net.W.copy(), net.c.copy(), bool(net.W.any())
    kept = list(np.argsort(-strong))
    for weaker in kept[::-1]:
        others = [unit for unit in kept if unit != weaker and strong[unit] >= strong[weaker]]
        same = np.linalg.norm(rows[others] - rows[weaker], axis=1)
        opposite = np.linalg.norm(rows[others] + rows[weaker], axis=1)
        apart = np.minimum(same, opposite) if affine else same
        if strong[weaker] * apart.min(initial=np.inf) >= size:
            continue
        nearest, u = int(apart.argmin()), U[:, weaker]
        U[:, others[nearest]] += u
        if same[nearest] > apart[nearest]:  # u f(z) = u f(−z) + u z
            W, c = W + np.outer(u, net.V[weaker]), c + u * net.b[weaker]
        kept.remove(weaker)
    left = np.sort(np.asarray(kept, np.intp))
    return Network(net.V[left], U[:, left], net.b[left], c, W=W if affine else None)


def _with_further(
    net: Network, X: Array, Y: Array, bias: bool, worth: float, rng: np.random.Generator
) -> Network:
    """With the units that explain most of what is left, and those that explain nearly as much of
    what is left by these, and so on."""
    most = 0.0
    for _ in range(PEELED):
        rows = missed_units.further(net, X, Y, bias, worth, rng)
        wider = _with_rows(net, rows, X, Y, bias)
        gained = float(((net(X) - Y) ** 2).sum() - ((wider(X) - Y) ** 2).sum())
        if gained <= NEARLY * most:
            break
        net, most = wider, max(most, gained)
    return net


def _with_rows(net: Network, rows: Array, X: Array, Y: Array, bias: bool) -> Network:
    """With further units of rows (q, d + 1), for what is left of the answers."""
    V, b, (k, d) = rows[:, :-1], rows[:, -1], (len(rows), X.shape[1])
    hidden, one = np.maximum(X @ V.T + b, 0.0), np.full((len(X), 1), float(bias))
    found = np.linalg.lstsq(np.hstack([hidden, X, one]), Y - net(X))[0].T
    V, U, b = np.vstack([net.V, V]), np.hstack([net.U, found[:, :k]]), np.append(net.b, b)
    return Network(V, U, b, net.c + found[:, -1], W=net.W + found[:, k : k + d])


def in_all_inputs(
    narrow: Network,
    space: Space,
    ask_last: Ask,
    bias: bool,
    each: float,
    keep: Callable[[Network], None],
    rng: np.random.Generator,
) -> tuple[Network, Sums] | None:
    """Step 2, with the answers that the network was fitted to; None where sides do not explain what
    is linear. `keep` is called with better and better networks."""
    none, d = np.zeros((2, narrow.n_units)), space.dimensions
    units = Units(narrow.V, narrow.b, narrow.U, *none)  # rows have length one
    places = choose_places(units, space.norm, d, rng)
    units = extended(space.ask, units, places, space.basis)
    V = units.V @ space.basis
    # From here on, inputs are in their own coordinates.
    X, Y = space.ask(space.scale * rng.standard_normal((math.ceil(LINEAR * (d + 1)), d)))
    rest = Y - np.maximum(X @ V.T + units.b, 0.0) @ units.U.T
    affine = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), rest)[0]
    start, m = Network(V, units.U, units.b, affine[d], W=affine[:d].T), Y.shape[1]
    blocks = Sums.blocks(len(V) * (d + m + 1), d, m, each)

    def ask(points: Array) -> Array:
        return ask_last(points)[1]

    sums = Sums.asked(ask, blocks, d, space.scale, rng)
    if not np.isfinite(sums.answers).all():
        return None
    sums = on_both_sides(start, sums, ask, space.scale, rng)

    def keep_turned(net: Network) -> None:
        keep(_turned(net, bias)[0])

    net = fitted(start, sums, bias=bias, affine=True, steps=STEPS, keep=keep_turned)
    strong = _strong(net, space.scale, WEAKEST * float(np.sqrt(((net(X) - Y) ** 2).mean())))
    if strong.n_units < net.n_units:
        net = fitted(strong, sums, bias=bias, affine=True, steps=STEPS, keep=keep_turned)
    net, left = _turned(net, bias)
    if left > LEFT:
        log.info("sides leave %.1e of the output weights", left)
        return None
    net = fitted(net, sums, bias=bias, keep=keep)
    rounding = single.rounding_of(Y)
    off = float(np.sqrt(((net(X) - Y) ** 2).mean()))
    strong = _strong(net, space.scale, max(WEAKEST * off, single.LEAST * rounding))
    if strong.n_units < net.n_units:
        net = fitted(strong, sums, bias=bias, keep=keep)
    return net, sums


def _turned(net: Network, bias: bool) -> tuple[Network, float]:
    """The network without its skip connection, sides chosen so that they explain it; and what they
    leave of that, as a share of the largest output weight."""
    oriented, k = orient(net.V, net.b, net.U, net.W), net.n_units
    V, b = oriented.V[:k], oriented.b[:k]  # without the pairs that may follow
    other = (V * net.V).sum(axis=1) < 0  # u f(z) = u f(−z) + u z
    left = net.W + net.U[:, other] @ net.V[other]
    c = net.c + net.U[:, other] @ net.b[other]
    share = np.abs(left).max(initial=0.0) / np.abs(net.U).max(initial=0.0)
    return (Network(V, net.U, b, c) if bias else Network(V, net.U)), float(share)
