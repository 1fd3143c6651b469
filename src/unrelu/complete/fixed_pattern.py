"""Output weights and sign pattern given: what is left is linear in V and c, up to its signs.

    Σ_j U_oj s_ij X̄_i·v_j + c_o = Y_io,  s_ij = 1[X̄_i·v_j > 0].

Everything is in units in which nothing is large or small, all of them powers of two, which round
nothing: inputs, outputs, and the columns of U, each at its own scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.network.rounding import Rounding
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.whitening import power_of_two, with_constant
from unrelu.samples import Samples

RIDGE = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True, eq=False)
class Weights:
    """V (k, D) and c (m,) in scaled units. `unique`: no others fit the same pattern as well."""

    V: Array
    c: Array
    unique: bool = True


class Scaled:
    """X (n, D) is X̄, Y (n, m) and U (m, k), in scaled units."""

    def __init__(self, samples: Samples, U: Array, bias: bool) -> None:
        self.bias = bias
        self._eps = samples.eps
        self._given_U = U
        self._inputs, self._outputs = power_of_two(samples.X), power_of_two(samples.Y)
        self._units = power_of_two(U / self._outputs[:, None])
        self.X = with_constant(samples.X / self._inputs, bias)
        self.Y = samples.Y / self._outputs
        self.U = U / self._outputs[:, None] / self._units
        size = np.sqrt((self.Y**2).mean(axis=0))
        self._sizes = np.where(size > 0, size, size.max() or 1.0)  # of zeros, that of others

    def _design(self, active: Mask) -> Array:
        ones = np.ones((len(self.X), int(self.bias)))
        return Jacobian(self.X, active, self.U, ones).dense().reshape(self.Y.size, -1)

    def roughly(self, active: Mask, start: Weights) -> Weights:
        """`fit` by the Gram matrix, which is much quicker, and good to a few digits at least."""
        D, (m, k) = self.X.shape[1], self.U.shape
        design = self._design(active)
        point = np.append(start.V.ravel(), start.c if self.bias else [])
        gram = design.T @ design
        # √ε keeps what rounding adds in directions without equations at √ε too.
        gram[np.diag_indices(len(gram))] += RIDGE * (1.0 + gram.trace())
        point += np.linalg.solve(gram, design.T @ (self.Y.ravel() - design @ point))
        c = point[k * D :] if self.bias else np.zeros(m)
        return Weights(point[: k * D].reshape(k, D), c, unique=False)

    def fit(self, active: Mask, start: Weights, tied: Mask | None = None) -> Weights:
        """The least-squares solution for a pattern (n, k) that is nearest to `start`.

        tied : samples (n, k) that are to be on the kink of a unit."""
        (_, D), (m, k) = self.X.shape, self.U.shape
        design, values = self._design(active), self.Y.ravel()
        if tied is not None and tied.any():
            i, j = np.nonzero(tied)
            kinks = np.zeros((len(i), k, D))
            kinks[np.arange(len(i)), j] = self.X[i]
            rest = np.zeros((len(i), design.shape[1] - k * D))
            design = np.vstack([design, np.hstack([kinks.reshape(len(i), k * D), rest])])
            values = np.append(values, np.zeros(len(i)))
        point = np.append(start.V.ravel(), start.c if self.bias else [])
        for _ in range(2):  # the second takes away what rounding left of the first
            step, _, rank, _ = np.linalg.lstsq(design, values - design @ point)
            point = point + step
        c = point[k * D :] if self.bias else np.zeros(m)
        return Weights(point[: k * D].reshape(k, D), c, unique=rank == len(point))

    def pattern(self, weights: Weights) -> Mask:
        return np.asarray(self.X @ weights.V.T > 0)

    def missed(self, weights: Weights) -> float:
        """Largest residual, as a share of the labels' size."""
        return float((self._residual(weights) / self._sizes).max())

    def explained(self, weights: Weights) -> bool:
        """Whether every label is, to rounding."""
        d = len(self._inputs)
        b = weights.V[:, d] if self.bias else None
        net = Network(weights.V[:, :d], self.U, b, weights.c)
        allowed = Rounding.of(net, self._eps, self._sizes).at(self.X[:, :d])
        return bool((self._residual(weights) <= allowed).all())

    def _residual(self, weights: Weights) -> Array:
        return np.abs(np.maximum(self.X @ weights.V.T, 0.0) @ self.U.T + weights.c - self.Y)

    def network(self, weights: Weights) -> Network:
        """In the units of the samples, with the output weights that were given."""
        d = len(self._inputs)
        V = weights.V / self._units[:, None]
        b = V[:, d] if self.bias else None
        return Network(V[:, :d] / self._inputs, self._given_U, b, weights.c * self._outputs)
