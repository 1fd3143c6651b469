"""A prior of hidden weights: directions that are smooth.

Hidden weights v of a unit are taken to be drawn from N(0, s² K), of a scale s that is not known.
With the likeliest scale, that is a law of their direction alone (the angular central Gaussian;
Tyler 1987),

    −2 log p(v) = log|K| + d log(vᵀK⁻¹v / vᵀv),

of which the uniform law is the case K = I. So output weights are as free as without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.whitening import Whitened


@dataclass(frozen=True, eq=False)
class Prior:
    """The law of directions with a covariance K (d, d), which is positive definite."""

    covariance: Array

    @cached_property
    def precision(self) -> Array:
        inverse = np.linalg.inv(self.covariance)
        return np.asarray((inverse + inverse.T) / 2)

    @cached_property
    def log_determinant(self) -> float:
        return float(np.linalg.slogdet(self.covariance)[1])

    def cost(self, V: Array) -> float:
        """−2 log p of rows (k, d), but for what all such laws have in common."""
        q, s = ((V @ self.precision) * V).sum(axis=1), (V * V).sum(axis=1)
        return float((self.log_determinant + len(self.covariance) * np.log(q / s)).sum())

    def of_features(self, white: Whitened, d: int) -> RowPrior:
        """The same of rows of coefficients of white features, `d` of whose columns are inputs."""
        rows = white.to_rows(np.eye(white.factor.shape[0]))[:, :d]
        least = -d * float(np.log(np.linalg.eigvalsh(self.covariance)[-1]))
        return RowPrior(rows, self.precision, least)


@dataclass(frozen=True, eq=False)
class RowPrior:
    """−2 log p of rows a (k, D), less the least it can be; hidden weights are a B, B (D, d)."""

    B: Array
    precision: Array
    least: float

    def _parts(self, A: Array) -> tuple[Array, Array, Array, Array]:
        """V, V K⁻¹, vᵀK⁻¹v and vᵀv."""
        V = A @ self.B
        W = V @ self.precision
        return V, W, (V * W).sum(axis=1, keepdims=True), (V * V).sum(axis=1, keepdims=True)

    def cost(self, A: Array) -> float:
        _, _, q, s = self._parts(A)
        return float((self.B.shape[1] * np.log(q / s) - self.least).sum())

    def slopes(self, A: Array) -> Array:
        """Half the derivatives of the cost by A."""
        V, W, q, s = self._parts(A)
        return np.asarray(self.B.shape[1] * (W / q - V / s) @ self.B.T)

    def curved(self, A: Array, step: Array) -> Array:
        """Half the second derivatives, without what makes them less, times a step of A."""
        V, _, q, s = self._parts(A)

        def across(change: Array) -> Array:
            return np.asarray(change - V * (V * change).sum(axis=1, keepdims=True) / s)

        moved = across(across(step @ self.B) @ self.precision) / q
        return np.asarray(self.B.shape[1] * moved @ self.B.T)

    def hessian(self, a: Array) -> Array:
        """(D, D): half the second derivatives of the cost by one row a (D,)."""
        _, w, q, s = (part[0] for part in self._parts(a[None]))
        v = a @ self.B
        own = self.precision / q - 2 * np.outer(w, w) / q**2
        own += (2 * np.outer(v, v) / s - np.eye(len(v))) / s
        return np.asarray(self.B.shape[1] * self.B @ own @ self.B.T)

    def diagonal(self, A: Array) -> Array:
        """(k, D), about the diagonal of that."""
        own = ((self.B @ self.precision) * self.B).sum(axis=1)
        return np.asarray(self.B.shape[1] * own / self._parts(A)[2])
