"""Networks of many inputs: found in a random subspace, then continued into all inputs.

Asked in a subspace of r of the d inputs, a network is one of r inputs, with the same units and the
same output layer. With r as large as the number of units, their preactivations take all values in
the subspace, so it shows whatever all inputs show. What is left are the coordinates of the hidden
weights in the other d − r directions.

Let y be a point of the boundary between classes A and B in the subspace, with sides s_j and the
difference G = Σ_j s_j δ_j v_j of slopes, δ = U_A − U_B, and n = G/‖G‖ in the subspace. Along a
direction e orthogonal to it, the boundary passes through y + r (e + c n), and so

    Σ_j s_j δ_j (v_j·e) = −(F_A − F_B)(y) / r − c ‖G‖.

As many such places as units, with independent rows (s_j δ_j), give all v_j·e by one small system,
the same for all e. Where there is a linear part, its rows are further unknowns.

Questions: those in the subspace, and k (d − r) slopes of some 50.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import qr

from unrelu.extraction.hard_labels.asking import Asking, run, together
from unrelu.extraction.hard_labels.hyperplanes import Hyperplane
from unrelu.extraction.hard_labels.normals import Lost, slopes
from unrelu.extraction.hard_labels.output_layer import Scores
from unrelu.extraction.hard_labels.state import State
from unrelu.network import Network
from unrelu.network.decision_boundary import Distances
from unrelu.numerics.arrays import Array, Index

log = logging.getLogger(__name__)

ROOTS, LARGEST = 1.7, 0.75
"""Dimensions of the subspace, in square roots of d, and the largest share of d. The fewer, the
fewer questions lead nowhere; with fewer than units, it may not show all of them."""

ARM = 0.25
"""Length of arms into other directions, as a share of where the nearest hyperplane or class is
expected: in a single direction, weights are shorter than in all r of them by √r."""

LEANING = 4.0
"""Slopes that are looked for at first, in the same units."""

INDEPENDENT = 1e-6
"""Least size of a row, relative to the first, once those before are projected off."""

AT_ONCE = 1 << 21
"""Numbers in the inputs of one batch."""


@dataclass(frozen=True, eq=False)
class Places:
    """Points Y (n, r) of boundaries between `pairs`, the rows (n, q) of their equations, slopes G
    (n, r), the differences of outputs there (n,), and how far the nearest hyperplane or other class
    is (n,)."""

    Y: Array
    pairs: Index
    rows: Array
    G: Array
    gaps: Array
    room: Array

    def take(self, rows: Index) -> Places:
        return Places(*(part[rows] for part in vars(self).values()))


def dimensions(d: int) -> int | None:
    """Of the subspace; None where inputs are too few for one."""
    r = int(np.ceil(ROOTS * np.sqrt(d))) + 4
    return r if r <= LARGEST * d else None


def continued(state: State, sub: State, basis: Array) -> Scores | None:
    """The network in all inputs, and its hyperplanes, from the one that was found in the subspace
    of the first rows of the orthonormal `basis` (d, d); None where some unit cannot be continued.
    """
    assert sub.scores is not None, "only after a search in the subspace"
    r = sub.n_inputs
    places = _chosen(_places(sub))
    if places is None:
        return None
    state.classes.queries.stage = "other directions"
    count, d = len(places.Y), len(basis)
    sides = np.zeros((count, d - r))
    batch = max(1, AT_ONCE // ((d - r) * d))
    for start in range(0, count, batch):
        some = range(start, min(start + batch, count))
        try:
            found = run(together([_along(state, places, i, basis) for i in some]), state.classes)
        except Lost:
            return None
        sides[list(some)] = found
    rest = np.asarray(np.linalg.lstsq(places.rows, sides)[0])
    scores = _widened(sub.scores, rest, basis)
    net, roughly = scores.network, state.planes.limits.same
    state.planes.rows = [
        Hyperplane(v, float(b), roughly) for v, b in zip(net.V, net.b, strict=True)
    ]
    return scores


def _places(sub: State) -> Places:
    """All points that were found in the subspace."""
    assert sub.scores is not None, "as above"
    net, points = sub.scores.network, sub.points()
    state, (A, B) = Distances.of(net, points), points.pairs.T
    active = net.preactivations(points.X) > 0
    G = (active * (net.U[A] - net.U[B])) @ net.V + net.W[A] - net.W[B]
    # Where all units are off, both outputs may be equal all around.
    kept = np.flatnonzero(np.isfinite(state.distances) & G.any(axis=1))
    X, A, B, G, active = points.X[kept], A[kept], B[kept], G[kept], active[kept]
    Z, F, rows = net.preactivations(X), net(X), active * (net.U[A] - net.U[B])
    room = (np.abs(Z) / np.linalg.norm(net.V, axis=1)).min(axis=1)
    for other in range(net.n_outputs):
        slope = (active * (net.U[A] - net.U[other])) @ net.V + net.W[A] - net.W[other]
        far = (F[np.arange(len(A)), A] - F[:, other]) / np.maximum(
            np.linalg.norm(slope, axis=1), 1e-300
        )
        room = np.where((other == A) | (other == B), room, np.minimum(room, np.maximum(far, 0)))
    if net.skip:
        one_hot = np.eye(net.n_outputs)[:, 1:]
        rows = np.hstack([rows, one_hot[A] - one_hot[B]])
    gaps = F[np.arange(len(A)), A] - F[np.arange(len(A)), B]
    return Places(X, points.pairs[kept], rows, G, gaps, room)


def _chosen(places: Places) -> Places | None:
    """As many as there are unknowns, whose equations determine them best: greedily, each the one
    that those before say least of."""
    steepness = np.linalg.norm(places.G, axis=1)
    size = np.abs(places.Y).max(axis=1)
    weights = np.minimum(places.room, size) / (steepness * size)
    triangle, order = qr((places.rows * weights[:, None]).T, mode="r", pivoting=True)
    q = places.rows.shape[1]
    if len(order) < q:
        return None
    pivots = np.abs(np.diag(triangle))
    log.info("%d places, the least independent %.1e", q, pivots[q - 1] / pivots[0])
    if pivots[q - 1] < INDEPENDENT * pivots[0]:
        return None
    return places.take(order[:q])


def _along(state: State, places: Places, i: int, basis: Array) -> Asking[Array]:
    """Σ_j s_j δ_j (v_j·e) for all other directions e."""
    r = places.Y.shape[1]
    first, second = places.pairs[i].tolist()
    steepness = float(np.linalg.norm(places.G[i]))
    arm = ARM * np.sqrt(r) * min(places.room[i], np.abs(places.Y[i]).max())
    base, normal = places.Y[i] @ basis[:r], places.G[i] / steepness @ basis[:r]
    c, lengths, _ = yield from slopes(
        *(state.found, base, normal, basis[r:], arm, (first, second)),
        *(state.finest, False),
        steep=LEANING / np.sqrt(r),
    )
    return np.asarray(-places.gaps[i] / lengths - c * steepness)


def _widened(scores: Scores, rest: Array, basis: Array) -> Scores:
    """The network with these coordinates (q, d − r) in the other directions."""
    net = scores.network
    (k, r), m = net.V.shape, net.n_outputs
    V = np.hstack([net.V, rest[:k]]) @ basis
    W = np.zeros((m, len(basis)))
    if net.skip:
        W[1:] = rest[k:] @ basis[r:]
        W += net.W @ basis[:r]
    length = np.linalg.norm(V, axis=1)
    U = net.U * length
    size = np.abs(U).max()
    widened = Network(V / length[:, None], U / size, net.b / length, net.c / size, W=W / size)
    return replace(scores, network=widened)
