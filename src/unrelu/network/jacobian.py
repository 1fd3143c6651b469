"""The Jacobian of the labels of a network by its weights, as an operator.

On features Z (n, D), inputs with or without a column of ones, the labels are

    Y = f(Z Aᵀ) Uᵀ + Q Cᵀ = H Wᵀ,    H = [F Q], W = [U C],

with rows a_j of A (k, D) for the units, U (m, k), and Q what outputs are linear in besides, such as
a column of ones. Where no sample lies on a kink they change by

    dY_io = Σ_j U_oj s_ij z_i·da_j + h_i·dw_o,    s = f'(Z Aᵀ).

The unknowns are the a_j, unit by unit, and then the w_o, output by output: p = k t + m q of them,
with t = D, or t = D − 1 where da_j = T_j α_j for a basis T_j of what is orthogonal to a given
normal. (Where f(a z) = a^c f(z) the length of a_j is no unknown: it may move into U.)

Products cost O(n (k D + m (k + q))), and need no more memory than the heights: J is never formed,
but by `dense`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.numerics.tangents import Tangents

Numbers = NDArray[Any]
"""Floats; or Fractions or residues, where there are no tangents."""


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Features Z (n, D), slopes s (n, k), output weights U (m, k), H (n, q), which has no columns
    where it is left out (output weights are then held fixed), and the tangents of the rows of A, if
    not every direction is one."""

    Z: Numbers
    slopes: Numbers
    U: Numbers
    H: Numbers | None = None
    tangents: Tangents | None = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """k, t, m, q."""
        m, k = self.U.shape
        return k, self.Z.shape[1] - (self.tangents is not None), m, self.outer.shape[1]

    @property
    def outer(self) -> Numbers:
        """H."""
        return self.Z[:, :0] if self.H is None else self.H

    def rows_of(self, coordinates: Numbers) -> Numbers:
        """Changes of the rows, (..., k, D), from their coordinates (..., k, t)."""
        return coordinates if self.tangents is None else self.tangents.rows(coordinates)

    def product(self, rows: Numbers, W: Numbers | None = None) -> Numbers:
        """J times changes of the rows, (k, t), and of the W (m, q), if they change: (n, m)."""
        heights = self.Z @ self.rows_of(rows).T
        heights *= self.slopes
        change: Numbers = heights @ self.U.T
        return change if W is None else np.asarray(change + self.outer @ W.T)

    def transposed(self, labels: Numbers) -> tuple[Numbers, Numbers]:
        """Jᵀ times changes of the labels (n, m): (k, t) for the rows, (m, q) for W."""
        one = self.U.shape[0] == 1  # the same, and faster
        heights = labels * self.U if one else labels @ self.U
        heights *= self.slopes
        rows = heights.T @ self.Z
        rows = rows if self.tangents is None else self.tangents.coordinates(rows)
        return rows, labels.T @ self.outer

    def transposed_each(self, labels: Array) -> Array:
        """The same for each sample, (n, p)."""
        hidden = self.features() * (labels @ self.U)[:, :, None]
        outer = labels[:, :, None] * self.outer[:, None]
        return np.hstack([part.reshape(len(labels), -1) for part in (hidden, outer)])

    def features(self) -> Numbers:
        """Φ (n, k, t): dY_io = Σ_j U_oj φ_ij·α_j + h_i·dw_o."""
        if self.tangents is None:
            return np.asarray(self.Z[:, None] * self.slopes[:, :, None])
        phi = self.tangents.features(self.Z)
        phi *= self.slopes[:, :, None]
        return phi

    def moments(self) -> Moments:
        """O(n (k t + q)²)."""
        k, t, _, _ = self.shape
        phi, H = self.features().reshape(len(self.Z), k * t), self.outer
        return Moments(phi.T @ phi, phi.T @ H, H.T @ H)

    def gram(self, metric: Array | None = None) -> Array:
        """Σ_i J_iᵀ M J_i, see `Moments.gram`."""
        return self.moments().gram(self.U, metric)

    def dense(self, modulus: int | None = None) -> Numbers:
        """(n, m, p); modulo a prime below 2³² for residues in 64 bits."""
        (k, t, m, q), n = self.shape, len(self.Z)
        phi = self.features()
        phi = phi if modulus is None else phi % modulus
        hidden = phi[:, None] * self.U[:, :, None]
        outer = np.eye(m, dtype=self.outer.dtype)[:, :, None] * self.outer[:, None, None]
        J = np.concatenate([hidden.reshape(n, m, k * t), outer.reshape(n, m, m * q)], axis=2)
        return J if modulus is None else J % modulus

    def weighted(self, weights: Array) -> Jacobian:
        """That of the labels times weights (n,) of the samples."""
        outer = self.outer * weights[:, None]
        return replace(self, slopes=self.slopes * weights[:, None], H=outer)

    def take(self, rows: Index | Mask) -> Jacobian:
        """That of the labels of some samples."""
        return replace(self, Z=self.Z[rows], slopes=self.slopes[rows], H=self.outer[rows])

    def of_unit(self, j: int | np.intp) -> Jacobian:
        """That of the labels which unit j alone makes, with output weight 1, and of H: where U has
        full column rank, combinations of the outputs tell the unit's own labels from others."""
        tangents = None if self.tangents is None else Tangents(self.tangents.mirrors[j : j + 1])
        one = np.ones((1, 1), dtype=self.U.dtype)
        return Jacobian(self.Z, self.slopes[:, j : j + 1], one, self.H, tangents)


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the samples: ΦᵀΦ (k t, k t), ΦᵀH (k t, q) and HᵀH (q, q)."""

    hidden: Array
    cross: Array
    outer: Array

    def __iadd__(self, other: Moments) -> Moments:
        for mine, more in zip(vars(self).values(), vars(other).values(), strict=True):
            np.add(mine, more, out=mine)
        return self

    def gram(self, U: Array, metric: Array | None = None) -> Array:
        """Σ_i J_iᵀ M J_i, (p, p), for a symmetric M (m, m), the identity when left out:

            (UᵀMU)_jl ΦᵀΦ_jl for α_j, α_l;  (MU)_oj Φ_jᵀH for α_j, w_o;  M_or HᵀH for w_o, w_r.

        O(p²).
        """
        (m, k), (a, q) = U.shape, self.cross.shape
        metric = np.eye(m) if metric is None else metric
        top = between_units(self.hidden, U.T @ metric @ U)
        side = self.cross.reshape(k, a // max(k, 1), 1, q) * (metric @ U).T[:, None, :, None]
        side = side.reshape(a, m * q)
        bottom = np.asarray(np.kron(metric, self.outer), np.float64)
        return np.block([[top, side], [side.T, bottom]])


def between_units(products: Array, weights: Array) -> Array:
    """Products of features (k t, k t), the block of units j and l times weights_jl, (k, k). With
    weights UᵀU, and features from which the column space of H is projected off, this is the Gram
    matrix of what the hidden weights can do and the output weights cannot."""
    k = len(weights)
    t = len(products) // max(k, 1)
    blocks = products.reshape(k, t, k, t) * weights[:, None, :, None]
    return np.asarray(blocks.reshape(products.shape))
