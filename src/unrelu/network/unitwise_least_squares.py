"""One unit at a time, compared with labels of its own.

The model is labels = f(Z Aᵀ) Uᵀ (+ constant), f smooth but for its kink, U of full column rank.
With P = U⁺ᵀ, column p_j of P makes labels of unit j alone,

    labels p_j = f(Z a_j) + (the constant's),

and to first order, errors in all weights included,

    residual p_j = f'(Z a_j)∘Z δa_j + H t_j,    H = [F 1], t_j free.

So each δa_j is a least-squares problem with D + k + 1 unknowns, and what it leaves undetermined is
what the labels leave undetermined: if all k matrices [f'_j∘Z H] have full column rank, so has the
Jacobian of all weights. Rows have weights, for labels may be known unequally well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import svd

from unrelu.network.jacobian import Jacobian
from unrelu.numerics.arrays import Array, Mask, unit_columns
from unrelu.numerics.deadline import check_deadline


@dataclass(frozen=True, eq=False)
class UnitwiseFit:
    """For each of the k units: `steps` (k, D) to the least-squares optimum; `spreads` (k, D, D):
    own labels with independent errors of weighted size 1 move a_j by spread·g, g ~ N(0, I),
    infinite where something is undetermined; `leverages` (n, k): of each sample on the unknowns."""

    steps: Array
    spreads: Array
    leverages: Array

    @property
    def determined(self) -> Mask:
        return np.asarray(np.isfinite(self.spreads).all(axis=(1, 2)))


def unitwise_least_squares(J: Jacobian, own: Array, weights: Array) -> UnitwiseFit:
    """`J`: of the labels by the weights, with H = [F 1] or F; with tangents, the length of a_j is
    no unknown. `own` (n, k): the residual's own labels; `weights` (n,) of the samples.
    O(k n (D + k)²)."""
    (n, D), k = J.Z.shape, J.shape[0]
    steps, spreads, leverages = np.zeros((k, D)), np.full((k, D, D), np.inf), np.ones((n, k))
    J, own = J.weighted(weights), own * weights[:, None]
    basis, independent = _range(J.outer)
    if n < D or not n:
        return UnitwiseFit(steps, spreads, leverages)
    outer = (basis**2).sum(axis=1)
    directions = J.tangents.bases() if J.tangents else np.tile(np.eye(D), (k, 1, 1))
    for j in np.flatnonzero(independent[:k]):
        check_deadline()
        columns = J.of_unit(j).features()[:, 0]
        if not columns.shape[1]:
            spreads[j], leverages[:, j] = 0.0, outer
            continue
        sizes = np.linalg.norm(columns, axis=0)
        if not (np.isfinite(sizes).all() and sizes.all()):
            continue
        columns /= sizes
        for _ in range(2):
            columns -= basis @ (basis.T @ columns)
        left, values, right = svd(columns, full_matrices=False, check_finite=False)
        if not values.min() > 100 * max(n, D + k) * np.finfo(np.float64).eps:
            continue
        solver = directions[j] / sizes @ (right.T / values)
        steps[j] = solver @ (left.T @ own[:, j])
        spreads[j] = 0.0
        spreads[j, :, : solver.shape[1]] = solver
        leverages[:, j] = outer + (left**2).sum(axis=1)
    return UnitwiseFit(steps, spreads, leverages)


def _range(H: Array) -> tuple[Array, Mask]:
    """An orthonormal basis of the columns, and which of them are no part of a dependence."""
    left, values, right = svd(unit_columns(H), full_matrices=False, check_finite=False)
    kept = values > 100 * max(H.shape) * np.finfo(np.float64).eps * values.max(initial=0.0)
    lost = np.abs(right[~kept]).max(axis=0, initial=0.0) > np.sqrt(np.finfo(np.float64).eps)
    if len(right) < H.shape[1]:  # fewer samples than columns
        lost[:] = True
    return left[:, kept], ~lost
