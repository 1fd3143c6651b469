"""Differences of two outputs as equations on the weights.

At an input x the difference of outputs a and b is known: F_a(x) − F_b(x) = t. With δ = U_a − U_b,
z = Vx + b and the slopes s = f'(z), the residual r = F_a − F_b − t changes with the weights by

    dr = Σ_j s_j δ_j (dv_j·x + db_j) + Σ_j f(z_j) (dU_a − dU_b)_j + dc_a − dc_b,

Nothing changes with the scale
of a unit, or with what is added to all outputs: outputs are chosen to sum to zero, and a fit is
made unique by v_j·dv_j + b_j db_j = 0 and Σ_o dU_o = 0, Σ_o dc_o = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.network.network import Network
from unrelu.numerics.arrays import Array, Index, Mask

MOST_STEPS = 12
"""Gauss–Newton steps. From weights that are right to some digits, four reach rounding."""

FLAT = 1e-13
"""Singular values of a system, relative to the largest, that are zero."""


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Inputs X (n, d), pairs of outputs (n, 2), and the differences (n,) of the first and the
    second of these, off by at most `errors` (n,)."""

    X: Array
    pairs: Index
    values: Array
    errors: Array

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Index | Mask) -> Contrasts:
        return Contrasts(self.X[rows], self.pairs[rows], self.values[rows], self.errors[rows])

    def of(self, outputs: Array) -> Array:
        """Differences (n, ...) of outputs (n, m, ...)."""
        each = np.arange(len(self))
        return np.asarray(outputs[each, self.pairs[:, 0]] - outputs[each, self.pairs[:, 1]])

    def residuals(self, net: Network) -> Array:
        return self.of(net(self.X)) - self.values

    def jacobian(self, net: Network, biased: bool) -> Array:
        """(n, p) by the rows (v_j, b_j) and then the rows (U_o, c_o)."""
        Z, n = net.preactivations(self.X), len(self)
        inputs, outer = self.X, np.maximum(Z, 0.0)
        if biased:
            ones = np.ones((n, 1))
            inputs, outer = np.hstack([inputs, ones]), np.hstack([outer, ones])
        active = (Z > 0) * (net.U[self.pairs[:, 0]] - net.U[self.pairs[:, 1]])
        hidden = (active[:, :, None] * inputs[:, None]).reshape(n, -1)
        return np.hstack([hidden, self._of_each(outer, net.n_outputs)])

    def _of_each(self, features: Array, m: int) -> Array:
        """(n, m q): the weights of features (n, q) in each output."""
        system = np.zeros((len(self), m, features.shape[1]))
        each = np.arange(len(self))
        system[each, self.pairs[:, 0]] = features
        system[each, self.pairs[:, 1]] = -features
        return system.reshape(len(self), -1)

    def thinned(self, most: int) -> Contrasts:
        """At most so many, and as many of each pair as of any other, where there are enough."""
        if len(self) <= most:
            return self
        pairs, which = np.unique(np.sort(self.pairs, axis=1), axis=0, return_inverse=True)
        order = np.argsort(which.reshape(-1), kind="stable")
        counts = np.bincount(which.reshape(-1), minlength=len(pairs))
        rank = np.arange(len(self)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.take(np.sort(order[np.argsort(rank, kind="stable")[:most]]))

    def output_weights(
        self, V: Array, b: Array, m: int, *, biased: bool, linear: bool
    ) -> tuple[Array, Array, Array]:
        """U (m, k), W (m, d), which is zero unless `linear`, and c (m,) of least squares, for given
        hyperplanes. They sum to zero over the outputs."""
        hidden = np.maximum(self.X @ V.T + b, 0.0)
        parts = [hidden, self.X * linear, np.full((len(self), 1), float(biased))]
        features = np.hstack(parts) / self.errors[:, None]
        found = _least_squares(self._of_each(features, m), self.values / self.errors)
        weights = found.reshape(m, -1)
        k, d = V.shape
        weights = weights - weights.mean(axis=0)
        return weights[:, :k], weights[:, k : k + d], weights[:, -1]

    def fitted(self, net: Network, biased: bool) -> Network:
        """The network of least squares, by Gauss–Newton steps from one that is about right."""
        best = self._cost(net)
        for _ in range(MOST_STEPS):
            J = self.jacobian(net, biased) / self.errors[:, None]
            step = -_least_squares(J, self.residuals(net) / self.errors)
            trial = moved(net, step, biased)
            cost = self._cost(trial)
            if not cost < best:
                break
            net, best = trial, cost
        return net

    def _cost(self, net: Network) -> float:
        return float(np.linalg.norm(self.residuals(net) / self.errors))


def _least_squares(A: Array, right: Array) -> Array:
    """The shortest solution, with columns scaled to length one."""
    scale = np.linalg.norm(A, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return np.asarray(np.linalg.lstsq(A / scale, right, rcond=FLAT)[0] / scale)


def moved(net: Network, step: Array, biased: bool) -> Network:
    """The network after a step (p,), rows of V and b of unit length, outputs summing to zero."""
    (k, d), m = net.V.shape, net.n_outputs
    cut = k * (d + biased)
    rows = step[:cut].reshape(k, -1)
    outer = step[cut:].reshape(m, -1)
    V, b = net.V + rows[:, :d], net.b + (rows[:, d] if biased else 0.0)
    U, c = net.U + outer[:, :k], net.c + (outer[:, k] if biased else 0.0)
    size = np.linalg.norm(np.column_stack([V, b]), axis=1)
    U = U * size
    return Network(V / size[:, None], U - U.mean(axis=0), b / size, c - c.mean())


def gauge_equations(net: Network, biased: bool) -> Array:
    """(2 k + 1, p) equations that fix the scale of each unit and what is added to all outputs."""
    (k, d), m = net.V.shape, net.n_outputs
    rows = np.column_stack([net.V, net.b]) if biased else net.V
    t, q = d + biased, k + biased
    E = np.zeros((k + q, k * t + m * q))
    for j in range(k):
        E[j, j * t : (j + 1) * t] = rows[j]
    for o in range(m):
        E[k + np.arange(q), k * t + o * q + np.arange(q)] = 1.0
    return E
