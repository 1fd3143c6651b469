"""Losses of labels about predictions, by the law of the noise.

Each is twice the negative log likelihood, less what it is at the best prediction. Its derivative by
a prediction μ is −2 w (Y − μ), with the weights w that it gives to the labels at μ, and its second
derivative about 2w: so Gauss–Newton steps of least squares with these weights descend in it
(iteratively reweighted least squares; for Poisson counts, Fisher's scoring).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import gammaln, xlogy

from unrelu.numerics.arrays import Array
from unrelu.numerics.spread import robust_spread, telling

EPS = float(np.finfo(np.float64).eps)

LEAST = 0.05
"""Share of the mean label that the variance of a count is that of, at least, so that no sample has
all the weight: predictions may be near or below zero."""


class Loss(Protocol):
    """Of labels (n, m) about predictions (n, m)."""

    def weights(self, Y: Array, predicted: Array) -> Array: ...

    def cost(self, Y: Array, predicted: Array) -> float: ...


LossAt = Callable[[Array, Array], Loss]
"""The loss whose scales are those of what labels leave about predictions."""


@dataclass(frozen=True, eq=False)
class Squares:
    """Of normal noise, with a weight (n, m) for each label."""

    fixed: Array

    def weights(self, Y: Array, predicted: Array) -> Array:  # noqa: ARG002
        return self.fixed

    def cost(self, Y: Array, predicted: Array) -> float:
        residual = Y - predicted
        return float(np.vdot(residual * self.fixed, residual))


@dataclass(frozen=True, eq=False)
class Proportional:
    """Of labels whose variance is `dispersion` (m,) times their mean, or times `least` (m,) where
    that is more: the quasi-likelihood of that variance, above `least` the likelihood of Poisson
    counts. `samples` (n, 1): weights of the samples.

    A dispersion is one for Poisson counts, another for counts in other units, or more or less
    regular ones.
    """

    samples: Array
    least: Array
    dispersion: Array

    @classmethod
    def of(cls, Y: Array, predicted: Array, samples: Array | float = 1.0) -> Proportional:
        """With dispersions as large as residuals say. An output of zeros is as good as the
        largest."""
        samples = np.asarray(samples, np.float64).reshape(-1, 1)
        usual = Y.mean(axis=0)
        least = LEAST * np.where(usual > 0, usual, usual.max())
        dispersion = (samples * (Y - predicted) ** 2 / np.maximum(predicted, least)).mean(axis=0)
        rounding = EPS**1.5 * np.abs(usual)  # three quarters of the digits, squared, to a label
        dispersion = np.where(dispersion > 0, np.maximum(dispersion, rounding), 1.0)
        return cls(samples, least, dispersion)

    def weights(self, Y: Array, predicted: Array) -> Array:  # noqa: ARG002
        return np.asarray(self.samples / (self.dispersion * np.maximum(predicted, self.least)))

    def cost(self, Y: Array, predicted: Array) -> float:
        """2 ∫ (Y − t) / max(t, least) dt, from the prediction to the label."""
        apart = self._integral(Y, Y) - self._integral(Y, predicted)
        above = np.minimum(Y, predicted) >= np.where(self.least > 0, self.least, 1.0)
        share = (predicted - Y) / np.where(above, Y, 1.0)  # so that little is left of rounding
        near = Y * (share - np.log1p(np.where(above, share, 0.0)))
        apart = np.maximum(np.where(above, near, apart), 0.0)
        return float(2 * (self.samples * apart / self.dispersion).sum())

    def _integral(self, Y: Array, end: Array) -> Array:
        """∫ (Y − t) / max(t, least) dt, from `least` to the end."""
        least = np.where(self.least > 0, self.least, 1.0)
        above, below = np.maximum(end, least), np.minimum(end, least) - least
        logarithms = xlogy(Y, above / least) - (above - least)
        return np.asarray(logarithms + below * (Y - least - below / 2) / least)


def counted(Y: Array, predicted: Array, weights: Array | float = 1.0) -> Array:
    """Weights (n, m) of labels whose variance is proportional to their mean; `weights` (n, 1) of
    the samples multiply."""
    return Proportional.of(Y, predicted, weights).weights(Y, predicted)


def counting(root: Array) -> LossAt:
    """`Proportional` for samples with weights, of which these are the roots."""
    return lambda Y, predicted: Proportional.of(Y, predicted, root**2)


@dataclass(frozen=True, eq=False)
class HeavyTails:
    """Student's t: degrees of freedom and the scale (m,) of each output's noise."""

    freedom: float
    scale: Array

    def weights(self, residual: Array) -> Array:
        """Those of which the maximum of the likelihood is the fixed point."""
        return np.asarray((self.freedom + 1) / (self.freedom * self.scale**2 + residual**2))

    def losing(self, root: Array) -> LossAt:
        """The loss of samples whose weights have these roots (n, 1); the scales stay."""
        return lambda _, __: StudentT(self, root)

    def slopes(self, residual: Array) -> Array:
        """Second derivative of −log likelihood in the residual: what information there is."""
        square, level = residual**2, self.freedom * self.scale**2
        return np.asarray((self.freedom + 1) * (level - square) / (level + square) ** 2)

    def log_likelihood(self, residual: Array) -> float:
        return float(self.log_likelihoods(residual).sum())

    def log_likelihoods(self, residual: Array) -> Array:
        """(n, m), of each residual."""
        freedom = self.freedom
        front = gammaln(0.5 * (freedom + 1)) - gammaln(0.5 * freedom)
        front -= 0.5 * np.log(np.pi * freedom)
        body = -0.5 * (freedom + 1) * np.log1p((residual / self.scale) ** 2 / freedom)
        return np.asarray(front + body - np.log(self.scale))


FREEDOMS = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 16.0, 64.0)
"""Degrees of freedom weighed; beyond the last, t is normal for any purpose."""


def heavy_tails(residual: Array, least: Array, labels: Array | None = None) -> HeavyTails:
    """The t distribution, one for all outputs but for their scales, that fits residuals (n, m)
    best: for each of FREEDOMS the scale by maximum likelihood (EM), then the best of them. Where
    the labels are given, residuals of those at a limit may not count (`numerics.spread`).

    Scales are `least` (m,) at least; an output without larger residuals, such as a constant one,
    has no say in the tails."""
    if labels is None:  # all different
        labels = np.arange(float(residual.size)).reshape(residual.shape)
    marks, start = telling(residual, labels), robust_spread(residual, labels)
    share = marks.mean(axis=0)
    fits = []
    for freedom in FREEDOMS:
        scale = np.maximum(start, least)
        for _ in range(50):
            weights = marks * (freedom + 1) / (freedom + (residual / scale) ** 2)
            scale = np.maximum(np.sqrt((weights * residual**2).mean(axis=0) / share), least)
        fits.append(HeavyTails(freedom, scale))
    noisy = np.abs(residual).max(axis=0) > least

    def likelihood(fit: HeavyTails) -> float:
        each = HeavyTails(fit.freedom, fit.scale[noisy]).log_likelihoods(residual[:, noisy])
        return float(each[marks[:, noisy]].sum())

    return max(fits, key=likelihood)


@dataclass(frozen=True, eq=False)
class StudentT:
    """Of noise with these tails; `root` (n, 1) of the weights of the samples."""

    tails: HeavyTails
    root: Array

    def weights(self, Y: Array, predicted: Array) -> Array:
        return np.asarray(self.root**2 * self.tails.weights(self.root * (Y - predicted)))

    def cost(self, Y: Array, predicted: Array) -> float:
        square = (self.root * (Y - predicted) / self.tails.scale) ** 2
        return float((self.tails.freedom + 1) * np.log1p(square / self.tails.freedom).sum())
