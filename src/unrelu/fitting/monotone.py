"""A monotone curve between a network and the mean of counts.

g(t) = start + Σ_j s_j H_j(t), where H_j is the integral of the hat function of knot j from the
first knot on: slopes s_j at the knots, none negative, are joined by straight lines, so g is smooth
and never falls. Beyond the outer knots it goes straight on. The likeliest slopes are those of
non-negative least squares, with weights that are brought up to date (Lawson and Hanson 1974; the
curves are the I-splines of Ramsay 1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from unrelu.noise.poisson import LEAST, Proportional
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples

QUANTILES = 0.0, 0.3, 0.6, 0.85, 0.97, 1.0
"""Of the values that a curve is fitted over, where its knots are."""

ROUNDS = 12
"""Weights are brought up to date so many times."""

RIDGE = 1e-10
"""Of the information about slopes, so that knots without samples between them do no harm."""


@dataclass(frozen=True, eq=False)
class Monotone:
    """g with knots (q,), rising, slopes (q,) there, and its value at the first knot."""

    knots: Array
    slopes: Array
    start: float

    @classmethod
    def fitted(cls, values: Array, counts: Array, weights: Array) -> Monotone:
        """The likeliest one for counts (n,) at values (n,), of samples with weights (n,)."""
        knots = np.unique(np.quantile(values, QUANTILES))
        usual = float(np.average(counts, weights=weights))
        if len(knots) < 2:
            return cls(np.array([knots[0], knots[0] + 1.0]), np.zeros(2), usual)
        B = basis(knots, values)
        mean = np.full(len(values), usual or 1.0)
        for _ in range(ROUNDS):
            w = weights / np.maximum(mean, LEAST * (usual or 1.0))
            gram, along = (B.T * w) @ B, B.T @ (w * counts)
            gram[np.diag_indices(len(gram))] += RIDGE * gram.diagonal().max()
            factor = np.linalg.cholesky(gram)
            found = nnls(factor.T, np.linalg.solve(factor, along))[0]
            mean = B @ found
        return cls(knots, found[1:], float(found[0]))

    def __call__(self, values: Array) -> Array:
        return np.asarray(basis(self.knots, values) @ np.append(self.start, self.slopes))

    def slope(self, values: Array) -> Array:
        return np.interp(values, self.knots, self.slopes)


def basis(knots: Array, values: Array) -> Array:
    """Ones and H_j at values (n,), (n, 1 + q)."""
    inside = np.clip(values, knots[0], knots[-1])
    widths = np.diff(knots)
    columns = np.zeros((len(values), len(knots)))
    for j, width in enumerate(widths):  # a hat falls over one interval, and the next one's rises
        share = np.clip((inside - knots[j]) / width, 0.0, 1.0)
        columns[:, j] += width * (share - share**2 / 2)
        columns[:, j + 1] += width * share**2 / 2
    columns[:, 0] += np.minimum(values - knots[0], 0.0)
    columns[:, -1] += np.maximum(values - knots[-1], 0.0)
    return np.column_stack([np.ones(len(values)), columns])


@dataclass(frozen=True, eq=False)
class Behind:
    """The loss (`noise.kind.Loss`) of counts of one output whose mean is a curve of predictions."""

    curve: Monotone
    counts: Proportional

    @classmethod
    def of(cls, samples: Samples, predicted: Array) -> Behind:
        """With the curve that suits the predictions best."""
        weights = np.broadcast_to(samples.root**2, (samples.n, 1))[:, 0]
        labels = np.asarray(samples.Y, np.float64)[:, 0]
        curve = Monotone.fitted(predicted[:, 0], labels, weights)
        return cls(curve, Proportional.of(samples, curve(predicted[:, 0])[:, None]))

    def mean(self, predicted: Array) -> Array:
        return self.curve(predicted[:, 0])[:, None]

    def _slope(self, predicted: Array) -> Array:
        return self.curve.slope(predicted[:, 0])[:, None]

    def weights(self, Y: Array, predicted: Array) -> Array:
        weights = self.counts.weights(Y, self.mean(predicted))
        return np.asarray(weights * self._slope(predicted) ** 2)

    def scores(self, Y: Array, predicted: Array) -> Array:
        scores = self.counts.scores(Y, self.mean(predicted))
        return np.asarray(scores * self._slope(predicted))

    def shared(self, predicted: Array) -> Array | None:  # noqa: ARG002
        return None

    def cost(self, Y: Array, predicted: Array) -> float:
        return self.counts.cost(Y, self.mean(predicted))

    def standardised(self, Y: Array, predicted: Array) -> Array:
        return self.counts.standardised(Y, self.mean(predicted))
