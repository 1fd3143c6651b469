"""The output layer, from points of the boundary and the hyperplanes of all units.

At a point x between classes A and B, K_A·h(x) = K_B·h(x) for h(x) = [|Vx + b|, x, 1]: as f(z) =
(|z| + z)/2, |z| leaves it open on which side a unit is active. A unit that is active where z σ > 0
adds u_c/2 to the entry of |z| of class c, and σ u_c/2 to that of z: so it shows its side σ = ±1. A
second null vector, of [f(Vx + b), 1], has the output weights. Without biases, 1 is left out.

Where z has one sign at all points of a class, |z| and z are the same for it, and only other classes
show the side; where a unit is off at all points of a class, its output weight there is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from unrelu.extraction.hard_labels.null_vectors import (
    NOTHING,
    Inside,
    Solved,
    classes_where,
    solve_blocks,
)
from unrelu.fitting.orientation import orient
from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints
from unrelu.numerics.arrays import Array, Index, Mask

SIDE = 0.1
"""How far from ±1 the side of a unit may come out."""

DEPENDENT = 1e8
"""Condition of the hidden weights from which on one of them is a combination of the others."""

NEVER = -1e30
"""Output of classes where it is unknown: there they are never predicted."""


@dataclass(frozen=True, eq=False)
class Scores:
    """A network whose m outputs are compared; row 0 of its output weights is zero.

    unseen : (m, k), the side of each unit's hyperplane, ±1, on which no point of the class is: its
        output is unknown there. 0 where there is none. loose : classes whose scale is independent
        of that of the others. error : how far hidden weights may be off; infinite before all
        weights are fitted together. rounding : relative rounding of the outputs.
    """

    network: Network
    unseen: Index
    loose: Index = field(default_factory=lambda: np.arange(0))
    error: float = np.inf
    rounding: float = 0.0

    def __call__(self, X: Array) -> Array:
        """Outputs (n, m), NEVER where they are unknown."""
        side = np.sign(self.network.preactivations(X))
        unknown = ((side[:, None, :] == self.unseen) & (self.unseen != 0)).any(axis=2)
        return np.where(unknown, NEVER, self.network(X))

    def normal(self, x: Array, classes: tuple[int, int]) -> Array | None:
        """Unit normal, towards the first class, of the boundary at x between two classes."""
        net, (one, other) = self.network, classes
        if max(classes) >= net.n_outputs:
            return None
        active = net.preactivations(x[None])[0] > 0
        G = (active * (net.U[one] - net.U[other])) @ net.V + net.W[one] - net.W[other]
        size = float(np.linalg.norm(G))
        return np.asarray(G / size) if size else None

    @property
    def open_weights(self) -> Mask:
        """(m, k): output weights that no point depends on."""
        return np.asarray(self.unseen != 0)

    @property
    def known(self) -> Mask:
        """(m,): classes whose outputs are known."""
        return np.asarray(self.network.c > NEVER)


def solve_output_layer(
    points: BoundaryPoints,
    V: Array,
    b: Array,
    inside: Inside,
    m: int,
    tolerance: float,
    *,
    skip: bool,
    biased: bool,
) -> Scores | None:
    """The network with these hyperplanes, from points between classes and inputs inside of them;
    None if they do not determine one. With `skip`, its linear part may be anything, and not only
    what units leave there."""
    X, pairs = points.X, points.pairs
    order = np.argsort(-np.bincount(pairs.ravel(), minlength=m), kind="stable")
    sizes = range(m, 1, -1) if m > 2 else (2,)
    for count in sizes:  # all classes, or else those with most points
        some = np.sort(order[:count])
        rows, kept = np.isin(pairs, some).all(axis=1), np.isin(inside.classes, some)
        among = np.searchsorted(some, pairs[rows])
        of = Inside(inside.X[kept], np.searchsorted(some, inside.classes[kept]))
        task = _Task(X[rows], among, V, b, of, count, tolerance, biased)
        found = _solve(task, skip=skip)
        if found is None:
            continue
        net = found.network
        if count < m and not net.skip and net.n_units == len(V):
            # These classes show the sides of units, with which others need fewer points.
            every = output_weights(points, net.V, net.b, inside, m, tolerance, biased=biased)
            found = every or _spread(found, some, m)
        elif count < m:
            found = _spread(found, some, m)
        return found
    return None


def output_weights(
    points: BoundaryPoints,
    V: Array,
    b: Array,
    inside: Inside,
    m: int,
    tolerance: float,
    *,
    biased: bool,
) -> Scores | None:
    """The same where it is known that units are active where Vx + b > 0, and without a linear part:
    that takes fewer points."""
    task = _Task(points.X, points.pairs, V, b, inside, m, tolerance, biased)
    return _output_weights(task, V, b)


def _spread(found: Scores, some: Index, m: int) -> Scores:
    """The same among m classes, the others of which are unknown."""
    net, k = found.network, found.network.n_units
    U, c, W = np.zeros((m, k)), np.full(m, NEVER), np.zeros((m, net.n_inputs))
    unseen = np.zeros((m, k), np.intp)
    U[some], c[some], W[some], unseen[some] = net.U, net.c, net.W, found.unseen
    return Scores(Network(net.V, U, net.b, c, W=W), unseen, some[found.loose])


@dataclass(frozen=True, eq=False)
class _Task:
    """Points X between classes `pairs`, hyperplanes, and the rest as in `solve_output_layer`."""

    X: Array
    pairs: Index
    V: Array
    b: Array
    inside: Inside
    m: int
    tolerance: float
    biased: bool

    def one(self, X: Array) -> Array:
        return np.ones((len(X), int(self.biased)))

    def split(self, K: Array) -> tuple[Array, Array]:
        """Of rows of [h, 1], h and the constant, which is zero without biases."""
        return (K[:, :-1], K[:, -1]) if self.biased else (K, np.zeros(len(K)))


def _solve(task: _Task, *, skip: bool) -> Scores | None:
    V, b, (k, d) = task.V, task.b, task.V.shape
    whole = skip or k >= d or np.linalg.cond(V) > min(DEPENDENT, 1 / task.tolerance)

    def features(X: Array) -> Array:
        Z = X @ V.T
        return np.column_stack([np.abs(Z + b), X if whole else Z, task.one(X)])

    Z = task.X @ V.T + b
    found = solve_blocks(
        *(features, task.X, task.pairs, [Z > 0, Z < 0], task.inside, task.m, task.tolerance)
    )
    if found is None:
        return None
    both = found.usable[:, :k]
    bends, (slopes, c) = found.K[:, :k], task.split(found.K[:, k:])
    seen = np.abs(bends - bends[0]).max(axis=0) > task.tolerance * np.abs(bends).max()
    if whole and not seen.all() and seen.any():  # false hyperplanes, of no output weight
        without = _solve(replace(task, V=V[seen], b=b[seen]), skip=skip)
        return None if without is None else _with_idle(without, V, b, seen)
    if whole:
        turned = 2 * (bends - bends[0]), slopes - slopes[0] - (bends - bends[0]) @ V
        sides = orient(V, b, turned[0][1:], turned[1][1:])
        if np.abs(sides.affine).max() > NOTHING * np.abs(bends).max():
            c = c - bends @ b
            net = Network(V, turned[0], b, c - c[0], W=turned[1])
            positive = classes_where(Z > 0, task.pairs, task.m)
            return Scores(net, np.where(both, 0, np.where(positive, -1, 1)), found.loose)
        return _output_weights(task, sides.V, sides.b)
    side = _sides(bends, slopes, both)
    if np.abs(np.abs(side) - 1)[seen].max(initial=0.0) > SIDE:
        return None
    side = np.where(seen, side, 1.0)  # false hyperplanes, of no output weight, have no side
    return _output_weights(task, V * np.sign(side)[:, None], b * np.sign(side))


def _with_idle(found: Scores, V: Array, b: Array, seen: Mask) -> Scores | None:
    """The same with the hyperplanes that were left out; None if some of the others were split."""
    net = found.network
    if net.n_units != seen.sum():
        return None
    m, k = net.n_outputs, len(V)
    V, b, U, unseen = V.copy(), b.copy(), np.zeros((m, k)), np.zeros((m, k), np.intp)
    V[seen], b[seen], U[:, seen], unseen[:, seen] = net.V, net.b, net.U, found.unseen
    return replace(found, network=Network(V, U, b, net.c, W=net.W), unseen=unseen)


def _sides(bends: Array, slopes: Array, both: Mask) -> Array:
    """σ (k,), from the classes for which |z| and z can be told apart: of each, K is relative."""
    count = np.maximum(both.sum(axis=0), 1)
    off = np.where(both, bends - (bends * both).sum(axis=0) / count, 0.0)
    return np.asarray((off * slopes).sum(axis=0) / np.maximum((off**2).sum(axis=0), 1e-300))


def _output_weights(task: _Task, V: Array, b: Array) -> Scores | None:
    def features(X: Array) -> Array:
        return np.column_stack([np.maximum(X @ V.T + b, 0), task.one(X)])

    active = task.X @ V.T + b > 0
    found: Solved | None = solve_blocks(
        *(features, task.X, task.pairs, [active], task.inside, task.m, task.tolerance)
    )
    if found is None:
        return None
    K = found.K - found.K[0]
    U, c = task.split(K / np.abs(K).max())
    return Scores(Network(V, U, b, c), (~found.usable[:, : len(V)]).astype(np.intp), found.loose)
