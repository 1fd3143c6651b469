"""The output layer, from points of the boundary and the hyperplanes of all units.

At a point x between classes A and B, K_A·h(x) = K_B·h(x) for h(x) = [|Vx + b|, x, 1]: as f(z) =
(|z| + z)/2, |z| leaves it open on which side a unit is active. With enough points, K is the only
solution but for its scale and for what is common to all classes: a null vector. A unit that is
active where z σ > 0 adds u_c/2 to the entry of |z| of class c, and σ u_c/2 to that of z: so it
shows its side σ = ±1. A second null vector, of [f(Vx + b), 1], has the output weights.

Where z has one sign at all points of a class, |z| and z are the same for it, and only other classes
show the side; where a unit is off at all points of a class, its output weight there is open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.fitting.orientation import orient
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, Mask, unit_rows

NOTHING = 1e-3
"""Ratio of the least two singular values of a null vector, and of what is nothing to what is."""

APART = 10.0
"""Tolerances above which the second least singular value is not nothing."""

SIDE = 0.1
"""How far from ±1 the side of a unit may come out."""

NEVER = -1e30
"""Output bias of classes whose output weights are unknown: they are never predicted."""

SURPLUS = 8
"""Points beyond the unknowns, without which nothing is a null vector."""


@dataclass(frozen=True, eq=False)
class Scores:
    """A network whose m outputs are compared; row 0 of its output weights is zero. `gap`: the
    second smallest singular value of the output layer's equations, relative to the largest.
    `open_weights` (m, k + 1): which output weights and biases no point depends on."""

    network: Network
    gap: float
    open_weights: Mask


def difference(pairs: Index, rows: Array, m: int) -> Array:
    """(n, m, f): the row under the first class, and its negative under the second."""
    n, f = rows.shape
    A = np.zeros((n, m, f))
    each = np.arange(n)
    A[each, pairs[:, 0]] += rows
    A[each, pairs[:, 1]] -= rows
    return A


def null_vector(
    H: Array, pairs: Index, usable: Mask, tolerance: float
) -> tuple[Array, float] | None:
    """K (m, f) with (K_A − K_B)·h = 0 for all rows h of H (n, f) and pairs (A, B), and the gap, as
    in `Scores`. Entries that are not `usable` (m, f) are zero, and the first usable one of each
    column is: the others are relative to it. None if there is no such K, or more than one."""
    m, f = usable.shape
    columns = usable.copy()
    columns[usable.argmax(axis=0), np.arange(f)] = False
    if len(pairs) < columns.sum() - 1 + SURPLUS:
        return None
    A = difference(pairs, unit_rows(H), m)[:, columns]
    scale = np.linalg.norm(A, axis=0)
    if not scale.all():
        return None
    _, sizes, right = np.linalg.svd(np.linalg.qr(A / scale, mode="r"))
    sizes = sizes / sizes[0]
    alone = sizes[-1] <= NOTHING * sizes[-2] or sizes[-2] > APART * tolerance
    if sizes[-1] > tolerance or not alone:
        return None
    K = np.zeros((m, f))
    K[columns] = right[-1] / scale
    return K / np.abs(K).max(), float(sizes[-2])


def _classes_where(marked: Mask, pairs: Index, m: int) -> Mask:
    """(m, k): whether any point of the class is marked, for each unit; marked: (n, k)."""
    rows = np.zeros((m, marked.shape[1]), np.bool_)
    for side in pairs.T:
        np.logical_or.at(rows, side, marked)
    return rows


def solve_output_layer(
    X: Array, pairs: Index, V: Array, b: Array, m: int, tolerance: float, *, skip: bool
) -> Scores | None:
    """The network with these hyperplanes, from points X (n, d) between classes `pairs`; None if
    they do not determine one. With `skip`, its linear part may be anything, and not only what
    units leave there."""
    order = np.argsort(-np.bincount(pairs.ravel(), minlength=m), kind="stable")
    sizes = range(m, 1, -1) if m > 2 else (2,)
    for count in sizes:  # all classes, or else those with most points
        some = np.sort(order[:count])
        rows = np.isin(pairs, some).all(axis=1)
        among = np.searchsorted(some, pairs[rows])
        found = _solve(X[rows], among, V, b, count, tolerance, skip=skip)
        if found is not None:
            return found if count == m else _spread(found, some, m)
    return None


def _spread(found: Scores, some: Index, m: int) -> Scores:
    """The same among m classes, the others of which are unknown."""
    net, k = found.network, found.network.n_units
    U, c, W = np.zeros((m, k)), np.full(m, NEVER), np.zeros((m, net.n_inputs))
    left = np.ones((m, k + 1), np.bool_)
    U[some], c[some], W[some], left[some] = net.U, net.c, net.W, found.open_weights
    return Scores(Network(net.V, U, net.b, c, W=W), found.gap, left)


def _solve(
    X: Array, pairs: Index, V: Array, b: Array, m: int, tolerance: float, *, skip: bool
) -> Scores | None:
    k, d = V.shape
    whole = skip or k >= d
    Z = X @ V.T + b
    linear = X if whole else Z - b
    H = np.column_stack([np.abs(Z), linear, np.ones(len(X))])
    both = _classes_where(Z > 0, pairs, m) & _classes_where(Z < 0, pairs, m)
    usable = np.column_stack([both, np.ones((m, linear.shape[1] + 1), np.bool_)])
    found = null_vector(H, pairs, usable, tolerance)
    if found is None:
        return None
    K, gap = found
    bends, slopes = K[:, :k], K[:, k:-1]
    if whole:
        sides = orient(
            V, b, 2 * (bends - bends[0])[1:], (slopes - slopes[0] - (bends - bends[0]) @ V)[1:]
        )
        if np.abs(sides.affine).max() > NOTHING * np.abs(bends).max():
            W, U = slopes - bends @ V, 2 * bends
            c = K[:, -1] - bends @ b
            net = Network(V, U - U[0], b, c - c[0], W=W - W[0])
            return Scores(net, gap, np.zeros((m, k + 1), np.bool_))
        V, b = sides.V, sides.b
    else:
        side = _sides(bends, slopes, both)
        seen = np.abs(bends - bends[0]).max(axis=0) > tolerance * np.abs(bends).max()
        if np.abs(np.abs(side) - 1)[seen].max(initial=0.0) > SIDE:
            return None
        side = np.where(seen, side, 1.0)  # false hyperplanes, of no output weight, have no side
        V, b = V * np.sign(side)[:, None], b * np.sign(side)
    return _output_weights(X, pairs, V, b, m, tolerance)


def _sides(bends: Array, slopes: Array, both: Mask) -> Array:
    """σ (k,), from the classes for which |z| and z can be told apart: of each, K is relative."""
    count = np.maximum(both.sum(axis=0), 1)
    off = np.where(both, bends - (bends * both).sum(axis=0) / count, 0.0)
    return np.asarray((off * slopes).sum(axis=0) / np.maximum((off**2).sum(axis=0), 1e-300))


def _output_weights(
    X: Array, pairs: Index, V: Array, b: Array, m: int, tolerance: float
) -> Scores | None:
    Z = X @ V.T + b
    H = np.column_stack([np.maximum(Z, 0), np.ones(len(X))])
    usable = np.column_stack([_classes_where(Z > 0, pairs, m), np.ones(m, np.bool_)])
    found = null_vector(H, pairs, usable, tolerance)
    if found is None:
        return None
    K = found[0] - found[0][0]
    K /= np.abs(K).max()
    return Scores(Network(V, K[:, :-1], b, K[:, -1]), found[1], ~usable)
