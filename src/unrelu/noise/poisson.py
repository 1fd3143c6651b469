"""Counts: noise whose variance is proportional to the mean.

Least squares with the inverse of that variance as weights; for true Poisson counts that is the
maximum of their likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, nbdtrik, pdtrik

from unrelu.errors import InputError
from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.noise.kind import Criterion, FirstFit, Loss, NoiseKind
from unrelu.numerics.arrays import Array, divisors
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples

EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)

LEAST = 0.05
"""Share of the mean label that the variance of a count is that of, at least, so that no sample has
all the weight: predictions may be near or below zero."""

LOOKED_AT = 20_000
"""Rows that decide whether labels are counts."""

DISPERSED = 10.0
"""Variances to a mean label, of what no affine function explains, up to which whole numbers are
taken for counts: those of neurons or photons stay below 3 or so, gross errors go beyond."""

SIGNIFICANT = 6.0
"""Standard errors by which the noise of labels that are no counts must grow with the mean to be
called Poisson-like."""

LARGEST = 2.0**53
"""From here on, all numbers in double precision are whole."""

PLAIN_COUNTS = 1.05
"""Variance of counts to their mean up to which they are drawn as Poisson's."""


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
    def of(cls, samples: Samples, predicted: Array) -> Proportional:
        """With dispersions as large as residuals say. An output of zeros is as good as the
        largest."""
        Y, weights = np.asarray(samples.Y, np.float64), samples.root**2
        usual = Y.mean(axis=0)
        least = LEAST * np.where(usual > 0, usual, usual.max() or 1.0)
        dispersion = (weights * (Y - predicted) ** 2 / np.maximum(predicted, least)).mean(axis=0)
        rounding = EPS**1.5 * np.abs(usual)  # three quarters of the digits, squared, to a label
        dispersion = np.where(dispersion > 0, np.maximum(dispersion, rounding), 1.0)
        return cls(weights, least, dispersion)

    def weights(self, Y: Array, predicted: Array) -> Array:  # noqa: ARG002
        return np.asarray(self.samples / (self.dispersion * np.maximum(predicted, self.least)))

    def scores(self, Y: Array, predicted: Array) -> Array:
        return self.weights(Y, predicted) * (Y - predicted)

    def shared(self, predicted: Array) -> Array | None:  # noqa: ARG002
        return None

    def cost(self, Y: Array, predicted: Array) -> float:
        """2 ∫ (Y − t) / max(t, least) dt, from the prediction to the label."""
        least = np.where(self.least > 0, self.least, 1.0)
        start, end = np.maximum(Y, least), np.maximum(predicted, least)
        above = (end - start) - Y * np.log1p((end - start) / start)  # of what is near, all digits
        apart = above + _below(Y, Y, least) - _below(Y, predicted, least)
        return float(2 * (self.samples * np.maximum(apart, 0.0) / self.dispersion).sum())

    def standardised(self, Y: Array, predicted: Array) -> Array:
        return np.asarray((Y - predicted) * np.sqrt(self.weights(Y, predicted)))


def _below(Y: Array, end: Array, least: Array) -> Array:
    """∫ (Y − t) / least dt, from `least` to the end, if that is below."""
    below = np.minimum(end, least) - least
    return np.asarray(below * (Y - least - below / 2) / least)


def are_counts(samples: Samples, bias: bool) -> bool:
    """Whether labels are whole numbers, none negative, and no more dispersed than counts are."""
    few = samples.take(samples.spread(LOOKED_AT))
    if few.Y.min() < 0 or (few.Y % 1).any():
        return False
    design = with_constant(few.X, bias)
    rest = few.Y - design @ np.linalg.lstsq(design, few.Y)[0]
    return bool((rest.var(axis=0) <= DISPERSED * few.Y.mean(axis=0)).all())


def _recognised(fit: FirstFit) -> str | None:
    counts = fit.suspected == POISSON.name
    if counts and not fit.net.n_units:
        return "the labels are counts"
    if not fit.net.n_units or not (_likelier if counts else _grows)(fit.net, fit.samples):
        return None
    return "the labels are counts, and " * counts + GROWS


GROWS = "the labels' variance grows in proportion to their mean"


def _likelier(net: Network, samples: Samples) -> bool:
    """Are counts likelier with a variance proportional to their mean than with a constant one?
    Of normal likelihoods; at the best dispersion only the logarithms of the variances differ. An
    output without noise, such as one of zeros, does not count."""
    Y, predicted = np.asarray(samples.Y, np.float64), net(samples.X)
    weights = Proportional.of(samples, predicted).weights(Y, predicted)
    growing = -np.log(weights / samples.root**2).mean(axis=0)
    size = (samples.left(predicted) ** 2).mean(axis=0)
    noisy = size > samples.resolution() ** 2
    return bool(growing[noisy].sum() < np.log(size[noisy]).sum())


def _grows(net: Network, samples: Samples) -> bool:
    """Is the noise of labels that are never negative proportional to their mean? In the
    regression of r² on the prediction the slope must be plain, and the constant small beside the
    mean of r²."""
    if np.asarray(samples.Y).min() < 0:
        return False
    mean = net(samples.X)
    square = samples.left(mean) ** 2
    centred = mean - mean.mean(axis=0)
    spread = (centred**2).sum(axis=0) + TINY
    slope = (centred * square).sum(axis=0) / spread
    rest = square - square.mean(axis=0) - slope * centred
    error = np.sqrt((centred**2 * rest**2).sum(axis=0)) / spread
    constant = square.mean(axis=0) - slope * mean.mean(axis=0)
    plain = slope > SIGNIFICANT * error
    proportional = np.abs(constant) < 0.5 * square.mean(axis=0)
    return bool(plain.any() and (proportional | ~plain).all())


def _criterion(samples: Samples, predicted: Array, noise: Noise) -> Criterion:  # noqa: ARG001
    """Spikes of neighbouring cells come together, and their variance need not be quite proportional
    to the mean: the sandwich holds all the same."""
    Y = np.asarray(samples.Y, np.float64)
    return Criterion("sandwich", weights=Proportional.of(samples, predicted).weights(Y, predicted))


def _drawn(
    samples: Samples, predicted: Array, rng: np.random.Generator, doubt: Array | None = None
) -> tuple[Array, Array] | None:
    """Counts of the fitted means and dispersions: Poisson's, or, more dispersed, those of
    Poisson's with a mean that varies as the gamma distribution. Means are those that labels
    are weighed by, or no further than in doubt: where the fit is zero, as it may be next to where
    the truth is, a single count weighs most of all."""
    Y = np.asarray(samples.Y, np.float64)
    whole = (Y >= 0).all() and not (Y % 1).any() and Y.max(initial=0.0) < LARGEST
    if not whole or samples.weights is not None:
        return None
    loss = Proportional.of(samples, predicted)
    mean = np.maximum(predicted, loss.least) * Y.any(axis=0)
    dispersion = (((Y - mean) ** 2).sum(axis=0) + TINY) / (mean.sum(axis=0) + TINY)
    if doubt is not None:
        mean = np.maximum(predicted, np.minimum(loss.least, doubt)) * Y.any(axis=0)
    extra = np.maximum(dispersion - 1, 0.0) * (dispersion > PLAIN_COUNTS)
    shape = np.where(extra > 0, mean / divisors(extra), 1.0)
    varied = rng.gamma(np.maximum(shape, 1e-12)) * divisors(extra)
    return rng.poisson(np.where(extra > 0, varied, mean)).astype(np.float64), mean


def _likelihood(samples: Samples, predicted: Array, noise: Noise) -> tuple[float, int]:  # noqa: ARG001
    """Poisson's of plain counts. Of others the extended quasi-likelihood, in which a label y has
    the variance φ max(y, least) about a prediction that is right (Nelder and Pregibon 1987)."""
    Y, loss = np.asarray(samples.Y, np.float64), Proportional.of(samples, predicted)
    mean = np.maximum(predicted, loss.least)
    whole = not (Y % 1).any() and (Y >= 0).all() and samples.weights is None
    if whole and (loss.dispersion <= PLAIN_COUNTS).all():
        each = Y * np.log(divisors(mean)) - mean - gammaln(Y + 1)
        return float(each.sum()), 0
    variance = loss.dispersion * np.maximum(Y, divisors(loss.least)) / loss.samples
    return float(-0.5 * (np.log(2 * np.pi * variance).sum() + loss.cost(Y, predicted))), samples.m


def _described(noise: Noise, loss: Loss) -> Noise:
    """With the variance of all labels about their means over the mean of all labels. The loss's own
    dispersions are weights: they count samples whose mean is about zero as if it were `least`."""
    assert isinstance(loss, Proportional), "the loss of this kind"
    usual = loss.least / LEAST
    return replace(noise, dispersion=tuple((np.diag(noise.covariance) / usual).tolist()))


def _at_scale(samples: Samples, predicted: Array, unknowns: int) -> Loss:
    """With dispersions in which the unknowns do not count as labels."""
    loss, entries = Proportional.of(samples, predicted), samples.n * samples.m
    more = entries / max(entries - unknowns, 0.1 * entries)
    return replace(loss, dispersion=more * loss.dispersion)


def _interval(noise: Noise, mean: Array, stderr: Array, level: float) -> tuple[Array, Array]:
    """Of counts of this mean whose variance is the dispersion times the mean, and that of the
    prediction: those of Poisson's law or, more dispersed, of a negative binomial one. Means are not
    below zero: a prediction that is may be off by its error."""
    mean = np.maximum(mean, np.maximum(stderr, TINY))
    variance = np.asarray(noise.dispersion) * mean + stderr**2
    more = variance > PLAIN_COUNTS * mean
    p = np.where(more, mean / variance, 0.5)
    size = np.where(more, mean * p / (1 - p), 1.0)
    ends = [
        np.maximum(0.0, np.ceil(np.where(more, nbdtrik(tail, size, p), pdtrik(tail, mean))))
        for tail in (0.5 - level / 2, 0.5 + level / 2)
    ]
    return ends[0], ends[1]


def _check(samples: Samples) -> None:
    """The variance of a label cannot be proportional to a mean below zero."""
    mean = samples.mean_label()
    low = int(mean.argmin())
    if mean[low] < 0:
        raise InputError(
            f"noise: got 'poisson' for labels of mean {mean[low]:.3g} in output "
            f"{samples.names.output(low)}, expected means from zero on: the variance is to be "
            "proportional to them"
        )


POISSON = NoiseKind(
    "poisson",
    "noise whose variance is proportional to the mean, as that of counts",
    criterion=_criterion,
    likelihood=_likelihood,
    interval=_interval,
    described=_described,
    loss=Proportional.of,
    suspected=are_counts,
    recognised=_recognised,
    at_scale=_at_scale,
    integer=True,
    counts=True,
    drawn=_drawn,
    check=_check,
)
