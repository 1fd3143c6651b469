"""All weights of a network at once, by least squares with their normal matrix.

Descents that only multiply by the Jacobian need many products where units are alike: of hundreds
of units in a few inputs, some nearly are. Where weights are few, the normal matrix JᵀJ of all p of
them is made from moments of the features (`network.jacobian.Moments`) and factored, and
Levenberg–Marquardt steps converge in a few rounds however ill-conditioned it is.

Cost of a step: O(n (k D)² + p³).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from unrelu.network import Network
from unrelu.network.jacobian import Jacobian, Moments
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.deadline import check_deadline

MOST_WEIGHTS = 5000
"""A step then takes some ten seconds."""

MOST_STEPS = 40
ENOUGH = 1e-2
"""Relative gain of a step below which there is none left worth while."""

BLOCK = 1 << 23
"""Entries of the features at a time."""

SINGULAR = 1e-13
"""Share of the diagonal that is added where two units are nearly the same."""

LEAST, MOST = 1e-13, 1e2
"""Damping, relative to the diagonal: lengths of rows are no unknowns, so there is always some."""


def weights_of(net: Network, *, affine: bool = False) -> int:
    """How many numbers are fitted."""
    k, d, m = net.n_units, net.n_inputs, net.n_outputs
    return k * (d + 1) + m * (k + 1 + d * affine)


def from_planes(
    V: Array, b: Array, X: Array, Y: Array, *, bias: bool, affine: bool = False
) -> Network:
    """The network with hyperplanes V (k, d), b (k,) and the output weights, and what is affine
    besides, of least squares."""
    k = len(b)
    columns = [np.maximum(X @ V.T + b, 0.0), *[np.ones((len(X), 1))] * bias, *[X] * affine]
    found = np.linalg.lstsq(np.hstack(columns), Y)[0].T
    c = found[:, k] if bias else np.zeros(len(found))
    return Network(V, found[:, :k], b, c, W=found[:, k + bias :] if affine else None)


def fitted(
    net: Network,
    X: Array,
    Y: Array,
    *,
    bias: bool,
    affine: bool = False,
    goal: float = 0.0,
    steps: int = MOST_STEPS,
) -> Network:
    """The network of least squares next to one, for answers Y (n, m) at X (n, d); or one that
    leaves no more than `goal` of their squares, or what comes of so many steps. With `affine`, it
    has a skip connection."""
    cost, damping = _cost(net, X, Y), 1e-4
    for _ in range(steps):
        if cost <= goal:
            break
        check_deadline()
        before = cost
        gram, descent = _normal(net, X, Y, bias, affine)
        scale = np.sqrt(np.maximum(np.diag(gram), np.trace(gram) * 1e-18))
        gram /= np.outer(scale, scale)
        while damping < MOST:
            try:
                factor = cho_factor(gram + damping * np.eye(len(gram)), check_finite=False)
            except LinAlgError:
                damping *= 10
                continue
            step = cho_solve(factor, descent / scale, check_finite=False) / scale
            if not step @ descent > ENOUGH * cost:  # what is left to gain, to first order
                return net
            trial = _moved(net, step, bias, affine)
            after = _cost(trial, X, Y)
            if after < cost:
                net, cost, damping = trial, after, max(damping / 30, LEAST)
                break
            damping *= 10
        if not cost < (1 - ENOUGH) * before:
            break
    return net


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The fits next to one with an affine part, to first order: JᵀJ, scaled to a diagonal of one by
    `scale` (p,), as `factor`. The length of a row (v_j, b_j) is no unknown: a multiple of its
    projection is added to JᵀJ, which holds it and changes nothing else."""

    net: Network
    bias: bool
    factor: tuple[Array, bool]
    scale: Array

    @classmethod
    def of(cls, net: Network, X: Array, Y: Array, *, bias: bool) -> Neighbourhood:
        gram, _ = _normal(net, X, Y, bias, True)
        rows = np.column_stack([net.V, net.b])[:, : net.n_inputs + bias]
        for j, row in enumerate(rows / np.linalg.norm(rows, axis=1, keepdims=True)):
            own = slice(j * len(row), (j + 1) * len(row))
            gram[own, own] += np.trace(gram[own, own]) * np.outer(row, row)
        scale = np.sqrt(np.maximum(np.diag(gram), np.trace(gram) * 1e-18))
        gram /= np.outer(scale, scale)
        gram[np.diag_indices(len(gram))] += SINGULAR
        return cls(net, bias, cho_factor(gram, check_finite=False), scale)

    def _outer(self, units: Index) -> Index:
        """(m, units): the numbers of their output weights among the unknowns."""
        k, d, m = self.net.n_units, self.net.n_inputs, self.net.n_outputs
        each = k + self.bias + d
        return np.asarray(k * (d + self.bias) + np.arange(m)[:, None] * each + units)

    def _covariance(self, unknowns: Index) -> Array:
        """The columns of (JᵀJ)⁻¹ that belong to some unknowns, all scaled."""
        chosen = np.zeros((len(self.scale), len(unknowns)))
        chosen[unknowns, np.arange(len(unknowns))] = 1.0
        return np.asarray(cho_solve(self.factor, chosen, check_finite=False))

    def costs_without(self) -> Array:
        """(k,): by how much the sum of squares grows if a unit is left out and all other weights
        are fitted again: uⱼᵀ Cⱼⱼ⁻¹ uⱼ, with the block of C = (JᵀJ)⁻¹ for its output weights."""
        k, m = self.net.n_units, self.net.n_outputs
        outer = self._outer(np.arange(k))
        found = self._covariance(outer.ravel())[outer.ravel()].reshape(m, k, m, k)
        blocks = found[:, np.arange(k), :, np.arange(k)]
        u = (self.net.U * self.scale[outer]).T
        return np.asarray((u * np.linalg.solve(blocks, u[..., None])[..., 0]).sum(axis=1))

    def without(self, units: Index) -> Network:
        """The fit without some units: their output weights u become zero, all unknowns change by
        −C_u (C_uu)⁻¹ u."""
        outer = self._outer(units).ravel()
        columns = self._covariance(outer)
        u = self.net.U[:, units].ravel() * self.scale[outer]
        step = -columns @ np.linalg.lstsq(columns[outer], u)[0] / self.scale
        moved = _moved(self.net, step, self.bias, True)
        kept = np.delete(np.arange(self.net.n_units), units)
        return replace(moved, V=moved.V[kept], U=moved.U[:, kept], b=moved.b[kept])


def _cost(net: Network, X: Array, Y: Array) -> float:
    return float(((net(X) - Y) ** 2).sum())


def _normal(net: Network, X: Array, Y: Array, bias: bool, affine: bool) -> tuple[Array, Array]:
    """JᵀJ and Jᵀr for the residuals r."""
    moments: Moments | None = None
    descent = np.zeros(0)
    rows = max(1, BLOCK // max(1, net.n_units * (X.shape[1] + 1)))
    for start in range(0, len(X), rows):
        x, y = X[start : start + rows], Y[start : start + rows]
        ones = np.ones((len(x), int(bias)))
        heights = net.preactivations(x)
        outer = np.hstack([np.maximum(heights, 0.0), ones, *[x] * affine])
        J = Jacobian(np.hstack([x, ones]), (heights > 0) * 1.0, net.U, outer)
        parts = J.transposed(y - net(x))
        own = np.concatenate([part.ravel() for part in parts])
        if moments is None:
            moments, descent = J.moments(), own
        else:
            moments += J.moments()
            descent = descent + own
    assert moments is not None, "there are answers"
    return moments.gram(net.U), descent


def _moved(net: Network, step: Array, bias: bool, affine: bool) -> Network:
    """The network with changed weights, its rows of unit length."""
    (k, d), m = net.V.shape, net.n_outputs
    rows = step[: k * (d + bias)].reshape(k, d + bias)
    outer = step[k * (d + bias) :].reshape(m, k + bias + d * affine)
    V, U = net.V + rows[:, :d], net.U + outer[:, :k]
    b, c = (net.b + rows[:, d], net.c + outer[:, k]) if bias else (net.b, net.c)
    W = net.W + outer[:, k + bias :] if affine else net.W
    lengths = np.linalg.norm(V, axis=1)
    return Network(V / lengths[:, None], U * lengths, b / lengths, c, net.activation, W)
