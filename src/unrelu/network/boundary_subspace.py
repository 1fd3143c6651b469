"""How far points between classes leave the weights of a network of many inputs open, where most of
them were looked for from a subspace.

In the subspace, of r of the d inputs, the points are equations for the weights of a network of r
inputs: their errors come from one factor. Points beside it come in groups of one pair of classes
and one sign pattern, with steps P (q, d) out of the subspace. There

    P (Σ_j a_j dv_j) = error − (what errors of the other weights do),    a_j = s_j δ_j / g,

so that a group whose steps span all other directions determines Σ_j a_j dv_j there, and as many
groups as units, with independent rows a, all dv_j. That is linear, and less than all equations
together say: random errors, sent through it, bound what weights may be off by.

Cost: the factor, of O(n p²) for p weights of the network of r inputs, and O(k (d − r)²).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.network.decision_boundary import BoundaryPoints, Distances, Factor
from unrelu.network.network import Network
from unrelu.numerics.arrays import Array, Index

DRAWS = 64
"""Random errors: sizes are known to a tenth."""

BESIDE = 1e-9
"""Share of its size by which a point is beside the subspace."""

ORTHOGONAL = 1e-6
"""Largest cosine of steps that are orthogonal."""

DEPENDENT = 1e-8
"""Least singular value of the rows of groups, relative to the largest."""


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Random errors (…, q) of the weights of the network in the subspace; the rows of outputs for
    the first class are zero."""

    V: Array
    b: Array
    U: Array
    c: Array
    W: Array

    @classmethod
    def of(cls, net: Network, factor: Factor, biased: bool, rng: np.random.Generator) -> _Drawn:
        """As errors of deviation one make them; what no point depends on stays as it is."""
        (k, r), m = net.V.shape, net.n_outputs
        x = np.zeros((len(factor.seen), DRAWS))
        noise = rng.standard_normal((len(factor.R), DRAWS))
        x[factor.seen] = solve_triangular(factor.R, noise) / factor.scale[:, None]
        cut = k * (r + biased)
        hidden, outputs = x[:cut].reshape(k, r + biased, -1), x[cut:].reshape(m - 1, -1, DRAWS)
        outputs = np.concatenate([np.zeros_like(outputs[:1]), outputs])
        none = np.zeros((max(k, m), DRAWS))
        return cls(
            hidden[:, :r],
            hidden[:, r] if biased else none[:k],
            outputs[:, :k],
            outputs[:, k] if biased else none[:m],
            outputs[:, k + biased :] if net.skip else np.zeros((m, r, DRAWS)),
        )

    def distances(self, state: Distances, X: Array, rows: Index) -> Array:
        """(n, q): by how much they move points of one group, of coordinates X (n, r)."""
        one, other = state.points.pairs[rows[0]]
        a, g = state.slopes[rows[0]], state.steepness[rows, None]
        along = np.tensordot(a, self.V, 1) + (self.W[one] - self.W[other]) / g[0]
        outer = state.features[rows] @ (self.U[one] - self.U[other])
        return np.asarray(X @ along + a @ self.b + outer + (self.c[one] - self.c[other]) / g)


def hidden_errors(
    net: Network, points: BoundaryPoints, basis: Array, biased: bool
) -> tuple[Array, float]:
    """Standard deviations of the rows (v, b) of hidden weights (k,), and the largest of output
    weights, for points whose errors have the deviations given; infinite where these points leave
    them open. basis (r, d): orthonormal rows, which span the subspace."""
    rng = np.random.default_rng(0)  # a certificate is a function of its samples
    k, (r, d) = net.n_units, basis.shape
    unknown = np.full(k, np.inf), np.inf
    Y = points.X @ basis.T
    steps = Y @ basis
    np.subtract(points.X, steps, out=steps)
    beside = _lengths(steps) > BESIDE * _lengths(points.X)
    narrow = Network(net.V @ basis.T, net.U, net.b, net.c, W=net.W @ basis.T)
    inside = BoundaryPoints(Y, points.pairs, points.errors).take(~beside)
    factor = Factor.of(Distances.of(narrow, inside), biased)
    if factor is None or not factor.regular:
        return unknown
    drawn = _Drawn.of(narrow, factor, biased, rng)
    state = Distances.of(net, points)
    rows, parts = [], []
    for group in _groups(net, state, np.flatnonzero(beside), d - r):
        lengths = _lengths(steps[group])
        directions = steps[group] / lengths[:, None]
        if not _orthonormal(directions, rng):
            continue
        errors = points.errors[group, None] * rng.standard_normal((len(group), DRAWS))
        moved = errors - drawn.distances(state, Y[group], group)
        parts.append(directions.T @ (moved / lengths[:, None]))
        rows.append(_row(net, state, int(group[0])))
    if not rows:
        return unknown
    A = np.array(rows)
    sizes = np.linalg.svd(A, compute_uv=False)
    if len(A) < A.shape[1] or sizes[-1] < DEPENDENT * sizes[0]:
        return unknown
    rest = np.tensordot(np.linalg.pinv(A), np.array(parts), 1)
    error = factor.errors()
    cut = k * (r + biased)
    within = (error[:cut].reshape(k, -1) ** 2).sum(axis=1)
    hidden = np.sqrt(within + (rest[:k] ** 2).sum(axis=1).mean(axis=1))
    linear = np.sqrt((rest[k:] ** 2).mean(axis=2))
    outputs = np.concatenate([error[cut:][factor.seen[cut:]], linear.ravel()])
    return hidden, float(outputs.max(initial=0.0))


def _lengths(X: Array) -> Array:
    """(n,): of rows, without a copy."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", X, X)))


def _row(net: Network, state: Distances, point: int) -> Array:
    """a, with the rows of a linear part."""
    if not net.skip:
        return np.asarray(state.slopes[point])
    one, other = state.points.pairs[point]
    linear = np.zeros(net.n_outputs)
    linear[one], linear[other] = 1, -1
    return np.concatenate([state.slopes[point], linear[1:] / state.steepness[point]])


def _groups(net: Network, state: Distances, among: Index, size: int) -> Iterator[Index]:
    """Points of one pair of classes and one sign pattern, where there are that many."""
    points = state.points
    among = among[np.isfinite(state.distances[among])]
    keys = np.column_stack([points.pairs, net.preactivations(points.X) > 0])[among]
    _, number, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    number = number.ravel()
    for group in np.flatnonzero(count >= size):
        yield among[number == group][:size]


def _orthonormal(directions: Array, rng: np.random.Generator) -> bool:
    """Whether rows of length one are, seen from a random vector: there is no need for all of their
    products."""
    z = rng.standard_normal(len(directions))
    off = directions @ (directions.T @ z) - z
    return bool(np.linalg.norm(off) < ORTHOGONAL * np.linalg.norm(z))
