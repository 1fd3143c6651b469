"""Noise of any law that does not depend on the inputs (BJW Theorem 6): heavy tails, outliers.

For the search by least squares, labels far from an affine fit are clipped, then those far from the
first network found (Huber's pseudo-values), so that their variance is finite; at the end comes
maximum likelihood under Student's t, on the labels as they are. For any noise independent of X
that is a consistent finish: the weights see residuals only, and those of the truth do not know X
(up to c).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, ndtri, stdtrit

from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.noise.kind import Criterion, FirstFit, Loss, NoiseKind
from unrelu.numerics.arrays import Array, divisors
from unrelu.numerics.spread import by_chance, robust_spread, telling
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples

FREEDOMS = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 16.0, 64.0)
"""Degrees of freedom weighed; beyond the last, t is normal for any purpose."""

MOST_ROUNDS, SETTLED = 50, 1e-9
"""Rounds for a scale, which end when one changes it by no more than such a share."""

HEAVY = 5.0
"""Degrees of freedom of Student's t up to which tails are called heavy. Least squares then wastes
a quarter of the samples or more: its efficiency is 1 − 6/(ν(ν + 1))."""

FEW = 30
"""The least number of labels from which tails are estimated."""

LOOKED_AT = 20_000
"""Rows that decide."""

REACH = 4.0
"""Standard deviations (of the middle half of the residuals) at which labels are clipped."""


@dataclass(frozen=True, eq=False)
class StudentT:
    """The likelihood of Student's t: degrees of freedom, the scale (m,) of each output's noise, and
    roots (n, 1) of the weights of samples, which residuals are multiplied by."""

    freedom: float
    scale: Array
    root: Array

    @classmethod
    def of(cls, samples: Samples, predicted: Array) -> StudentT:
        """The distribution that fits what predictions leave best."""
        Y = np.asarray(samples.Y, np.float64)
        tails = heavy_tails(samples.left(predicted), samples.resolution(), Y)
        return replace(tails, root=samples.root)

    def weights(self, Y: Array, predicted: Array) -> Array:
        """Those of which the maximum of the likelihood is the fixed point."""
        square = self.root**2 * (Y - predicted) ** 2
        return np.asarray(self.root**2 * (self.freedom + 1) / (self._level + square))

    def scores(self, Y: Array, predicted: Array) -> Array:
        return self.weights(Y, predicted) * (Y - predicted)

    def shared(self, predicted: Array) -> Array | None:  # noqa: ARG002
        return None

    def slopes(self, Y: Array, predicted: Array) -> Array:
        """Second derivative of −log likelihood in the residual: what information there is."""
        square, level = self.root**2 * (Y - predicted) ** 2, self._level
        return np.asarray(
            self.root**2 * (self.freedom + 1) * (level - square) / (level + square) ** 2
        )

    def cost(self, Y: Array, predicted: Array) -> float:
        """Its scales are those of the noise, so that losses of other scales may be compared."""
        square = (self.root * (Y - predicted) / self.scale) ** 2
        return float((self.freedom + 1) * np.log1p(square / self.freedom).sum())

    def standardised(self, Y: Array, predicted: Array) -> Array:
        """Scores of the likelihood, as residuals: large errors count for little."""
        scores = self.scores(Y, predicted) / self.root
        return np.asarray(scores / divisors(np.sqrt((scores**2).mean(axis=0))))

    @property
    def _level(self) -> Array:
        return np.asarray(self.freedom * self.scale**2)


def heavy_tails(residual: Array, least: Array, labels: Array | None = None) -> StudentT:
    """The t distribution, one for all outputs but for their scales, that fits residuals (n, m)
    best: for each of FREEDOMS the scale by maximum likelihood, then the best of them. Where the
    labels are given, residuals of those at a limit may not count (`numerics.spread`).

    A scale is the fixed point of σ² ← Σ w r² / Σ w, w = (ν + 1)/(ν + r²/σ²), from the scale for the
    ν before. (EM divides by the number of residuals, which is the mean of w at the fixed point, and
    takes several times as many rounds: Kent, Tyler and Vardi 1994.)

    Scales are `least` (m,) at least; an output without larger residuals, such as a constant one,
    does not count for the tails."""
    if labels is None:  # all different
        labels = np.arange(float(residual.size)).reshape(residual.shape)
    informative, start = telling(residual, labels), robust_spread(residual, labels)
    square = residual**2
    noisy = np.abs(residual).max(axis=0) > least

    def fitted(freedom: float, scale: Array) -> Array:
        for _ in range(MOST_ROUNDS):
            weights = informative / (freedom + square / scale**2)
            before = scale
            mean_square = np.einsum("ij,ij->j", weights, square) / weights.sum(axis=0)
            scale = np.maximum(np.sqrt(mean_square), least)
            if (np.abs(scale - before) <= SETTLED * scale).all():
                break
        return scale

    def likelihood(fit: StudentT) -> float:
        each = log_likelihoods(residual[:, noisy], fit.freedom, fit.scale[noisy])
        return float(each[informative[:, noisy]].sum())

    fits, scale = [], np.maximum(start, least)
    for freedom in FREEDOMS:
        scale = fitted(freedom, scale)
        fits.append(StudentT(freedom, scale, np.ones((1, 1))))
    return max(fits, key=likelihood)


def log_likelihoods(residual: Array, freedom: float, scale: Array) -> Array:
    """(n, m), of each residual under Student's t; normal where the freedom is infinite."""
    if np.isinf(freedom):
        return np.asarray(-0.5 * ((residual / scale) ** 2 + np.log(2 * np.pi)) - np.log(scale))
    front = gammaln(0.5 * (freedom + 1)) - gammaln(0.5 * freedom) - 0.5 * np.log(np.pi * freedom)
    body = -0.5 * (freedom + 1) * np.log1p((residual / scale) ** 2 / freedom)
    return np.asarray(front + body - np.log(scale))


def long_tailed(samples: Samples, net: Network, bias: bool) -> bool:
    """Whether what the network leaves has heavy tails. Not where labels come to one value, zero
    say, by chance: about a mean that is not constant, that noise depends on the inputs, and a
    robust fit would be one of something else than the mean. Nor of a few labels, some of which
    may lie on a line by chance."""
    few = samples.take(samples.spread(LOOKED_AT))
    fitted = net(few.X)
    if few.n * few.m < FEW or StudentT.of(few, fitted).freedom > HEAVY:
        return False
    return not (by_chance(fitted, few.Y) and by_chance(robust_affine(few, bias), few.Y))


def freedom_about_affine(samples: Samples, bias: bool) -> float:
    """Degrees of freedom of Student's t that suit the labels less an affine function."""
    few = samples.take(samples.spread(LOOKED_AT))
    return StudentT.of(few, robust_affine(few, bias)).freedom


def clipped(samples: Samples, fitted: Array) -> Samples:
    """Labels within REACH robust standard deviations of what has been fitted to them (n, m), so
    that gross errors do not weigh in least squares."""
    Y = np.asarray(samples.Y, np.float64)
    width = REACH * robust_spread(samples.left(fitted), Y) / samples.root
    return replace(samples, Y=np.clip(Y, fitted - width, fitted + width))


def robust_affine(samples: Samples, bias: bool) -> Array:
    """Affine predictions (n, m), fitted to labels clipped about their median, then about the
    fit."""
    X, root = np.asarray(samples.X, np.float64), samples.root
    design = with_constant(X, bias)
    fitted = np.median(np.asarray(samples.Y, np.float64), axis=0) * np.ones((samples.n, 1))
    for _ in range(2):
        labels = clipped(samples, fitted).Y
        fitted = np.asarray(design @ np.linalg.lstsq(root * design, root * labels)[0])
    return fitted


def _recognised(fit: FirstFit) -> str | None:
    return "its tails are heavy" if fit.heavy else None


def _criterion(samples: Samples, predicted: Array, noise: Noise) -> Criterion:
    Y = np.asarray(samples.Y, np.float64)
    tails = StudentT(noise.freedom, np.sqrt(np.diag(noise.covariance)), samples.root)
    scores = tails.scores(Y, predicted)
    return Criterion(weights=tails.slopes(Y, predicted), scores=scores)


def _likelihood(samples: Samples, predicted: Array, noise: Noise) -> tuple[float, int]:
    """A scale for each output, and degrees of freedom for all."""
    scale = np.sqrt(np.diag(noise.covariance))
    each = log_likelihoods(samples.left(predicted), noise.freedom, scale)
    return float(each.sum() + samples.m * np.log(samples.root).sum()), samples.m + 1


def _interval(noise: Noise, mean: Array, stderr: Array, level: float) -> tuple[Array, Array]:
    """Of Student's t about the prediction; the error of that is added as if both were normal."""
    reach = float(stdtrit(noise.freedom, 0.5 + level / 2)) * np.sqrt(np.diag(noise.covariance))
    error = float(ndtri(0.5 + level / 2)) * stderr
    width = np.sqrt(reach**2 + error**2)
    return mean - width, mean + width


def _described(noise: Noise, loss: Loss) -> Noise:
    assert isinstance(loss, StudentT), "the loss of this kind"
    return replace(noise, covariance=np.diag(loss.scale**2), freedom=loss.freedom)


INDEPENDENT = NoiseKind(
    "independent",
    "anything that does not depend on the inputs: heavy tails, outliers",
    criterion=_criterion,
    likelihood=_likelihood,
    interval=_interval,
    loss=StudentT.of,
    recognised=_recognised,
    robust=True,
    described=_described,
)
