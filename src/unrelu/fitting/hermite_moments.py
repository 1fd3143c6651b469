"""Hermite moments of labels: those of units that are known, by formula, plus those of the rest.

For white Gaussian z and labels y = Σ_j u_j f(v_j·z + β_j) with unit rows v_j,

    E[y He_r(z)] = Σ_j h_r(β_j) u_j v_j⊗…⊗v_j,    h_r(β) = E f(g + β) He_r(g).

Only the rest, taken by averaging over samples, makes the sum uncertain: with the network found
taken off the labels, moments are as uncertain as what it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.activations import Activation, hermite
from unrelu.numerics.arrays import Array
from unrelu.numerics.moments import fourth_moments, residualise, second_moments, third_moments


@dataclass(frozen=True, eq=False)
class HermiteMoments:
    """Units V (k, d) with offsets β (k,) and `weights` U (m, k), the `rest` (n, m) of the labels
    regressed on [1, z] and on them; the `slopes` (m, d) and the `second` moments (m, d, d) of
    everything."""

    V: Array
    offsets: Array
    weights: Array
    rest: Array
    slopes: Array
    second: Array
    activation: Activation

    @classmethod
    def of(
        cls, Z: Array, target: Array, V: Array, offsets: Array, activation: Activation
    ) -> HermiteMoments:
        """Of labels `target` (n, m), in white and centred Z (n, d); for no units, plain sample
        moments. O(n (d² m + k²))."""
        F, inner = residualise(Z, activation(Z @ V.T + offsets))
        rest, slopes = residualise(Z, target)
        U = (np.linalg.pinv(F.T @ F, hermitian=True) @ (F.T @ rest)).T
        rest = rest - F @ U.T
        second = second_moments(Z, rest)
        second += (V.T * (U * hermite(activation, 2, offsets))[:, None, :]) @ V
        # residualise took the sample slopes of F away; their expectation is known.
        slopes = slopes - U @ inner + (U * hermite(activation, 1, offsets)) @ V
        return cls(V, offsets, U, rest, slopes, second, activation)

    @property
    def power(self) -> float:
        """Mean square of the rest."""
        return float(np.vdot(self.rest, self.rest)) / self.rest.size

    def of_units(self, order: int) -> Array:
        """u_j h_r(β_j), (m, k): the coefficients of v_j⊗…⊗v_j."""
        return np.asarray(self.weights * hermite(self.activation, order, self.offsets))

    def slices(
        self, order: int, P: Array, basis: Array, rest: Array, output: Array, contractions: Array
    ) -> Array:
        """(s, q, q): order 3 or 4 for the combination `output` (m,) of the outputs, in coordinates
        P = Z basisᵀ (n, q), all modes but two contracted: by unit vectors, or by symmetric
        matrices `contractions` (s, q, q). `rest` (n, m): that of the labels, or what it has beyond
        the second order."""
        v = self.V @ basis.T
        if order == 3:
            averages, forms = third_moments(P, rest @ output, np.eye(len(basis))), v.T
        else:
            averages = fourth_moments(P, rest @ output, contractions)
            forms = np.einsum("sab,ja,jb->sj", contractions, v, v, optimize=True)
        known = (v.T * (output @ self.of_units(order) * forms)[:, None, :]) @ v
        return np.asarray(averages + known)
