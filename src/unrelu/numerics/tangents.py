"""Directions orthogonal to given vectors, in orthonormal coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.numerics.arrays import Array, unit_rows


@dataclass(frozen=True, eq=False)
class Tangents:
    """For each of k vectors n_j in D dimensions an orthonormal basis T_j (D, D − 1) of what is
    orthogonal to it.

    `mirrors` (k, D) are the w of Householder reflections I − 2wwᵀ that take e_1 to ±n_j: their
    other columns are T_j, and a product with T_j costs a rank-one update.
    """

    mirrors: Array

    @classmethod
    def of(cls, normals: Array) -> Tangents:
        """Of the rows of `normals` (k, D), of any length; of a row of zeros, as of e_1."""
        mirrors = unit_rows(normals)
        mirrors[:, 0] += np.where(mirrors[:, 0] >= 0, 1.0, -1.0)
        return cls(unit_rows(mirrors))

    def bases(self) -> Array:
        """T_j, (k, D, D − 1).

        >>> Tangents.of(np.array([[0.0, 2.0]])).bases()[0].T.round(12) + 0.0
        array([[-1.,  0.]])
        """
        eye = np.eye(self.mirrors.shape[1])[:, 1:]
        return np.asarray(eye - 2 * self.mirrors[:, :, None] * self.mirrors[:, None, 1:])

    def coordinates(self, rows: Array) -> Array:
        """T_jᵀ r_j for rows (..., k, D), (..., k, D − 1)."""
        reach = 2 * (rows * self.mirrors).sum(axis=-1, keepdims=True)
        return np.asarray((rows - reach * self.mirrors)[..., 1:])

    def rows(self, coordinates: Array) -> Array:
        """T_j α_j for coordinates (..., k, D − 1), (..., k, D)."""
        reach = 2 * (coordinates * self.mirrors[:, 1:]).sum(axis=-1, keepdims=True)
        found = -reach * self.mirrors
        found[..., 1:] += coordinates
        return np.asarray(found)

    def features(self, Z: Array) -> Array:
        """T_jᵀ z_i for all rows of Z (n, D) and all j, (n, k, D − 1)."""
        reach = 2 * (Z @ self.mirrors.T)
        return np.asarray(Z[:, None, 1:] - reach[:, :, None] * self.mirrors[:, 1:])
