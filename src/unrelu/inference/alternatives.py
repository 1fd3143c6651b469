"""Functions of the inputs that a fit may lack, to be held against what it leaves of all samples.

hinges     f(g·z − τ), random hyperplanes through samples;
axes       hinges along single coordinates, beside the middle: functions of one input;
shifted    the same along the units' own directions, beside their kinks: another activation;
products   of two coordinates of the inputs: any unit that is missing has some, whatever its
           direction, and so have smooth functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.inference import fisher
from unrelu.numerics.arrays import Array

HINGES, SHIFTED, DIRECTIONS = 64, 32, 21
"""Random hinges, hinges beside those of the units, and coordinates whose products are taken, at
most: of more inputs, those along units, and random ones."""

QUANTILES = (0.25, 0.75)
"""At which there are hinges along single coordinates."""

SHIFTS = (-1.0, -0.3, 0.3, 1.0)
"""Standard deviations of a unit's heights between its kink and those beside it."""


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Hinges along the rows (K, D), less thresholds (K,), and products of the coordinates (r, D),
    all in white coordinates."""

    rows: Array
    thresholds: Array
    frame: Array

    @property
    def count(self) -> int:
        """K."""
        r = len(self.frame)
        return len(self.rows) + r * (r + 1) // 2

    def features(self, Z: Array) -> Array:
        """(rows, hinges + products)."""
        heights = Z @ self.rows.T - self.thresholds
        at = Z @ self.frame.T
        a, b = np.triu_indices(len(self.frame))
        return np.hstack([np.maximum(heights, 0.0), at[:, a] * at[:, b]])

    def matrices(self, sums: Array) -> Array:
        """From sums over the features (..., K, m) those of the products as matrices (..., m, r, r),
        whose eigenvectors are directions."""
        r = len(self.frame)
        a, b = np.triu_indices(r)
        found = np.empty((*sums.shape[:-2], sums.shape[-1], r, r))
        found[..., a, b] = found[..., b, a] = np.swapaxes(sums[..., len(self.rows) :, :], -1, -2)
        return found


def alternatives(model: fisher.Model, Z: Array, *, biased: bool) -> Alternatives:
    """For a fit and some of its samples, white (n, D). A certificate is a function of its samples,
    so the seed is fixed."""
    rng, D = np.random.default_rng(0), Z.shape[1]
    rows = rng.standard_normal((HINGES, D))
    thresholds = (Z[rng.integers(len(Z), size=HINGES)] * rows).sum(axis=1) * biased
    frame = np.eye(D)
    if D > DIRECTIONS:
        mixed = np.vstack([model.A, rng.standard_normal((DIRECTIONS, D))])[:DIRECTIONS]
        frame = np.linalg.qr(mixed.T)[0].T
    if biased:
        beside = model.A[: SHIFTED // len(SHIFTS)]
        sizes = (Z @ beside.T).std(axis=0)
        quantiles = np.quantile(Z @ frame.T, QUANTILES, axis=0).T
        rows = np.vstack(
            [
                rows,
                np.repeat(beside, len(SHIFTS), axis=0),
                np.repeat(frame, len(QUANTILES), axis=0),
            ]
        )
        beside_middle = quantiles.ravel()
        thresholds = np.concatenate([thresholds, np.outer(sizes, SHIFTS).ravel(), beside_middle])
    return Alternatives(rows, thresholds, np.asarray(frame, np.float64))
