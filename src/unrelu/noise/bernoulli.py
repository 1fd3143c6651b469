"""Counts of which no more is told than whether there was one: 0 or 1.

If a cell fires as a Poisson process of the mean F that a network has in a frame's time bin, and the
label says whether there was a spike at all, the label is 1 with probability p = 1 − exp(−F). So
the network is that of the counts, in their units, and what is fitted is the likelihood of the
labels. (In the terms of generalised linear models: the complementary log-log link, with log F in
its place as the network has it.) Where F is small p is about F, and labels are counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.errors import InputError
from unrelu.noise.found import Noise
from unrelu.noise.kind import Criterion, NoiseKind
from unrelu.noise.poisson import LEAST
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples

LARGEST = 7.0
"""Mean count from which on one in a thousand frames has none, and labels tell no mean any more: no
standing label is further off than that would make it."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The likelihood of labels that say whether anything was counted, about predictions of the mean
    count: above `least` (m,), and below with the curvature that it has there, since predictions may
    be zero or less. `samples` (n, 1): weights of the samples."""

    samples: Array
    least: Array

    @classmethod
    def of(cls, samples: Samples, predicted: Array) -> Seen:  # noqa: ARG003
        weights = samples.root**2
        share = np.average(np.asarray(samples.Y, np.float64), axis=0, weights=samples.weights)
        usual = -np.log1p(-np.minimum(share, 1 - np.exp(-LARGEST)))
        return cls(weights, LEAST * np.where(usual > 0, usual, 1.0))

    def _above(self, predicted: Array) -> Array:
        return np.maximum(predicted, self.least)

    def weights(self, Y: Array, predicted: Array) -> Array:  # noqa: ARG002
        """(1 − p) / p: the information of a label about its mean."""
        return np.asarray(self.samples / np.expm1(self._above(predicted)))

    def scores(self, Y: Array, predicted: Array) -> Array:
        return np.asarray(self.samples * self._scores(Y, predicted))

    def _scores(self, Y: Array, predicted: Array) -> Array:
        """y / p − 1, and linear below `least`."""
        mean = self._above(predicted)
        below = np.minimum(predicted - mean, 0.0)
        return np.asarray(Y / -np.expm1(-mean) - 1 - below / np.expm1(mean))

    def shared(self, predicted: Array) -> Array | None:  # noqa: ARG002
        return None

    def cost(self, Y: Array, predicted: Array) -> float:
        mean = self._above(predicted)
        below = np.minimum(predicted - mean, 0.0)
        each = np.where(Y > 0, -np.log(-np.expm1(-mean)), mean)
        slope = Y / -np.expm1(-mean) - 1
        each = each - below * slope + below**2 / (2 * np.expm1(mean))
        return float(2 * (self.samples * each).sum())

    def standardised(self, Y: Array, predicted: Array) -> Array:
        """(y − p) / √(p (1 − p))."""
        root = np.sqrt(self.samples * np.expm1(self._above(predicted)))
        return np.asarray(self._scores(Y, predicted) * root)

    def standing(self, Y: Array, predicted: Array) -> Array:
        """Labels of mean F in the place of 0 and 1: F + (y − p) / (1 − p)."""
        change = self._scores(Y, predicted) * np.expm1(np.minimum(self._above(predicted), LARGEST))
        return np.asarray(predicted + change)


def standing(samples: Samples, predicted: Array) -> Samples:
    """Samples whose labels have the mean F, and what that leaves of them."""
    Y = Seen.of(samples, predicted).standing(np.asarray(samples.Y, np.float64), predicted)
    return replace(samples, Y=Y)


def _criterion(samples: Samples, predicted: Array, noise: Noise) -> Criterion:  # noqa: ARG001
    """Of standing labels: neighbouring cells fire together, so errors are those of the sandwich."""
    Y = np.asarray(samples.Y, np.float64)
    return Criterion("sandwich", weights=Seen.of(samples, predicted).weights(Y, predicted))


def _drawn(
    samples: Samples, predicted: Array, rng: np.random.Generator, doubt: Array | None = None
) -> tuple[Array, Array] | None:
    """About means as those of counts are drawn about (`noise.poisson`)."""
    if samples.weights is not None:
        return None
    Y, least = np.asarray(samples.Y, np.float64), Seen.of(samples, predicted).least
    floor = least if doubt is None else np.minimum(least, doubt)
    mean = np.maximum(predicted, floor) * Y.any(axis=0)
    return (rng.random(mean.shape) < -np.expm1(-mean)).astype(np.float64), mean


def _likelihood(samples: Samples, predicted: Array, noise: Noise) -> tuple[float, int]:  # noqa: ARG001
    loss = Seen.of(samples, predicted)
    return -0.5 * loss.cost(np.asarray(samples.Y, np.float64), np.maximum(predicted, loss.least)), 0


def _interval(noise: Noise, mean: Array, stderr: Array, level: float) -> tuple[Array, Array]:  # noqa: ARG001
    """From 0 to 1, unless one of them is rarer than the level allows."""
    none = np.exp(-np.maximum(mean, 0.0))
    ends = [(none < tail).astype(np.float64) for tail in (0.5 - level / 2, 0.5 + level / 2)]
    return ends[0], ends[1]


def _check(samples: Samples) -> None:
    Y = np.asarray(samples.Y)
    if not np.isin(Y, (0, 1)).all():
        odd = Y[~np.isin(Y, (0, 1))][0]
        raise InputError(
            f"noise: got 'bernoulli' for labels such as {odd:.3g}, expected 0 and 1: whether "
            "anything was counted; noise='poisson' is for the counts themselves"
        )
    if not Y.any(axis=0).all() or Y.all(axis=0).any():
        raise InputError(
            "noise: got 'bernoulli' for an output of one label only, expected 0 and 1: leave it out"
        )


BERNOULLI = NoiseKind(
    "bernoulli",
    "labels 0 and 1, whether anything was counted: 1 with probability 1 - exp(-value)",
    criterion=_criterion,
    loss=Seen.of,
    likelihood=_likelihood,
    interval=_interval,
    at_scale=lambda samples, predicted, _unknowns: Seen.of(samples, predicted),
    integer=True,
    counts=True,
    drawn=_drawn,
    left=lambda samples, predicted: standing(samples, predicted).left(predicted),
    standing=standing,
    mean=lambda predicted: -np.expm1(-np.maximum(predicted, 0.0)),
    check=_check,
)
