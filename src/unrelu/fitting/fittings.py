"""A kind of noise, as a way to fit networks to labels: what `width` weighs numbers of units by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Protocol

import numpy as np

from unrelu.activations import Activation
from unrelu.fitting.affine_term import affine
from unrelu.fitting.problem import Problem, resolution
from unrelu.fitting.rounded_relu import RoundedReLU
from unrelu.fitting.selection import Effort, settle
from unrelu.fitting.smoothing import ROUNDNESS, errors_of, followed
from unrelu.fitting.weighted import importance, refitted, reweighted, robust
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.gaussian import noise_covariance, whitener
from unrelu.noise.losses import HeavyTails, Proportional, StudentT, counted, counting, heavy_tails
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples

FINE = 1e-7
"""As `selection.SETTLED`, for a fit that is followed to its minimum: what is left to gain moves no
weight by a thousandth of its standard error."""

MOST_STEPS = 500

TAME = 6.0
"""Fourth moment of residuals over the square of the second, 3 for normal ones, up to which they
have no long tails."""

PLAIN_COUNTS = 1.05
"""Variance of counts to their mean up to which they are drawn as Poisson's."""


TINY = float(np.finfo(np.float64).tiny)


class Fitting(Protocol):
    """A kind of noise: how networks are fitted to samples with it."""

    @property
    def samples(self) -> Samples: ...

    def fit(self, net: Network) -> Network:
        """The best network near one with as many units."""

    def polished(self, net: Network) -> Network:
        """The minimum near a network of ReLUs that does not depend on how one came there."""

    def standardised(self, net: Network) -> Array:
        """Residuals (n, m) of the same law for all samples, if the network is right."""

    def tame(self, net: Network) -> bool:
        """Whether the best unit of a thorough search explains hardly more of the noise than that of
        a quick one: not of noise with long tails, unless the likelihood knows them."""

    def drawn(self, net: Network, rng: np.random.Generator) -> Array | None:
        """Residuals as the law of the labels would leave them, where it is known."""

    def without_units(self) -> Network:
        """The best network without any."""

    def left(self, net: Network) -> Array:
        """√w (Y − net(X)), (n, m), in the labels' units."""

    def importance(self, net: Network) -> Array:
        """(k,): how much is lost without each unit, roughly."""

    def without(self, net: Network, unit: int) -> Network:
        """Less one unit, ready to be fitted again: the outputs of the others make up for it."""

    def gain(self, smaller: Network, larger: Network) -> float:
        """How much better the larger network fits, in noise variances."""


class LeastSquares:
    """Noise of finite variance, in the metric in which what `net` leaves is white."""

    def __init__(
        self, net: Network, samples: Samples, *, bias: bool, skip: bool, effort: Effort
    ) -> None:
        self.samples, self.bias, self.skip, self.effort = samples, bias, skip, effort
        centred, self.centre = about_mean(samples, bias)
        least = resolution(samples)
        left = samples.left(net(samples.X))
        self.covariance = noise_covariance(left, net, bias, least)
        self.metric = whitener(self.covariance)
        rows = np.arange(samples.n)
        self.problem = Problem(centred, rows, bias, self.metric, skip, net.activation)

    def fit(self, net: Network, share: float = FINE) -> Network:
        if not net.n_units:
            return self.without_units()
        problem = self.problem
        points = problem.points(net.V, net.b)
        fit = settle(problem, problem.strict, points, self.effort, steps=MOST_STEPS, share=share)
        return moved(problem.network(*problem.hyperplanes(fit.point)), self.centre)

    def polished(self, net: Network) -> Network:
        """The minimum near the network that does not depend on how one came there."""
        problem, errors = self.problem, errors_of(self.importance(net))
        fit = followed(problem, problem.points(net.V, net.b), errors, self.effort)
        return moved(problem.network(*problem.hyperplanes(fit.point)), self.centre)

    def left(self, net: Network) -> Array:
        return self.samples.left(net(self.samples.X))

    def standardised(self, net: Network) -> Array:
        return np.asarray(self.left(net) @ self.metric)

    def tame(self, net: Network) -> bool:
        return _tame(self.standardised(net))

    def drawn(self, net: Network, rng: np.random.Generator) -> Array | None:  # noqa: ARG002
        return None

    def without_units(self) -> Network:
        return without_units(self.samples, self.bias, self.skip, self.problem.activation)

    def importance(self, net: Network) -> Array:
        weights = self.samples.root**2 / np.diag(self.covariance) * np.ones((self.samples.n, 1))
        return importance(
            net, np.asarray(self.samples.X, np.float64), weights, self.bias, self.skip
        )

    def without(self, net: Network, unit: int) -> Network:
        return net.without(unit)  # `fit` starts from hidden weights alone

    def gain(self, smaller: Network, larger: Network) -> float:
        before, after = (float((self.standardised(net) ** 2).sum()) for net in (smaller, larger))
        entries = self.samples.Y.size
        used = unknowns_of(larger, biases=self.bias, skip=self.skip)
        return (before - after) * max(1, entries - used) / (after or np.finfo(np.float64).tiny)


class _Reweighted(ABC):
    """Noise whose loss gives weights to the labels."""

    def __init__(self, samples: Samples, *, bias: bool, skip: bool, activation: Activation) -> None:
        self.samples, self.bias, self.skip, self.activation = samples, bias, skip, activation
        self.X, self.Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)

    @abstractmethod
    def fit(self, net: Network) -> Network: ...

    @abstractmethod
    def weights(self, net: Network) -> Array: ...

    def left(self, net: Network) -> Array:
        return self.samples.left(net(self.X))

    def importance(self, net: Network) -> Array:
        return importance(net, self.X, self.weights(net), self.bias, self.skip)

    def without(self, net: Network, unit: int) -> Network:
        weights = self.weights(net)  # of the larger: without the unit, predictions may be anywhere
        return refitted(net.without(unit), self.X, self.Y, weights, self.bias, self.skip)

    def without_units(self) -> Network:
        return self.fit(without_units(self.samples, self.bias, self.skip, self.activation))


class Counts(_Reweighted):
    """Noise whose variance is proportional to the mean."""

    def fit(self, net: Network) -> Network:
        loss_at = counting(self.samples.root)
        return reweighted(net, self.X, self.Y, loss_at, self.bias, self.skip)

    def polished(self, net: Network) -> Network:
        loss_at = counting(self.samples.root)
        for share in ROUNDNESS:
            rounded = RoundedReLU(share * errors_of(self.importance(net)))
            net = reweighted(net, self.X, self.Y, loss_at, self.bias, self.skip, rounded)
        return net

    def weights(self, net: Network) -> Array:
        return counted(self.Y, net(self.X), self.samples.root**2)

    def standardised(self, net: Network) -> Array:
        return np.asarray((self.Y - net(self.X)) * np.sqrt(self.weights(net)))

    def tame(self, net: Network) -> bool:
        return _tame(self.standardised(net))

    def drawn(self, net: Network, rng: np.random.Generator) -> Array | None:
        """Counts of the fitted means and dispersions: Poisson's, or, more dispersed, those of
        Poisson's with a mean that varies as the gamma distribution. Means are those that labels
        are weighed by: where the fit says zero, as it does a little beside where the truth does,
        a single count weighs most of all."""
        whole = bool((self.Y >= 0).all() and not (self.Y % 1).any())
        if not whole or self.samples.weights is not None:
            return None
        loss = Proportional.of(self.Y, net(self.X), self.samples.root**2)
        mean = np.maximum(net(self.X), loss.least) * self.Y.any(axis=0)
        dispersion = (((self.Y - mean) ** 2).sum(axis=0) + TINY) / (mean.sum(axis=0) + TINY)
        extra = np.maximum(dispersion - 1, 0.0) * (dispersion > PLAIN_COUNTS)
        shape = np.where(extra > 0, mean / np.where(extra > 0, extra, 1.0), 1.0)
        varied = rng.gamma(np.maximum(shape, 1e-12)) * np.where(extra > 0, extra, 1.0)
        counts = rng.poisson(np.where(extra > 0, varied, mean))
        return np.asarray((counts - mean) * np.sqrt(loss.weights(self.Y, mean)))

    def gain(self, smaller: Network, larger: Network) -> float:
        """Weighed as if the units were not there: where they take the prediction to zero, their
        own weights would call every count there next to impossible without them."""
        weights = self.weights(smaller)
        before, after = (self.Y - net(self.X) for net in (smaller, larger))
        return float(np.vdot(weights, before**2 - after**2))


class Tails(_Reweighted):
    """Noise of any law that does not depend on the inputs, by that of Student's t which is nearest;
    its degrees of freedom and scales are found beside the network."""

    def fit(self, net: Network) -> Network:
        return robust(net, self.samples, self.bias, resolution(self.samples), self.skip)[0]

    def polished(self, net: Network) -> Network:
        loss_at = self.tails(net).losing(self.samples.root)
        for share in ROUNDNESS:
            rounded = RoundedReLU(share * errors_of(self.importance(net)))
            net = reweighted(net, self.X, self.Y, loss_at, self.bias, self.skip, rounded)
        return net

    def tails(self, net: Network) -> HeavyTails:
        return heavy_tails(self.left(net), resolution(self.samples), self.Y)

    def weights(self, net: Network) -> Array:
        return StudentT(self.tails(net), self.samples.root).weights(self.Y, net(self.X))

    def standardised(self, net: Network) -> Array:
        """Scores of the likelihood, as residuals: large errors count for little."""
        left = self.left(net)
        scores = self.tails(net).weights(left) * left
        size = np.sqrt((scores**2).mean(axis=0))
        return np.asarray(scores / np.where(size > 0, size, 1.0))

    def tame(self, net: Network) -> bool:  # noqa: ARG002
        return True

    def drawn(self, net: Network, rng: np.random.Generator) -> Array | None:  # noqa: ARG002
        return None

    def gain(self, smaller: Network, larger: Network) -> float:
        tails = self.tails(larger)
        apart = tails.log_likelihood(self.left(larger)) - tails.log_likelihood(self.left(smaller))
        return 2 * apart


def without_units(samples: Samples, bias: bool, skip: bool, activation: Activation) -> Network:
    """Least squares of the labels on a constant, or on the inputs with it."""
    if skip:
        return affine(samples, bias)
    Y = np.asarray(samples.Y, np.float64)
    c = np.average(Y, axis=0, weights=samples.weights) if bias else None
    nothing = np.zeros((0, samples.d)), np.zeros((samples.m, 0))
    return Network(*nothing, c=c, activation=activation)


def _tame(residual: Array) -> bool:
    square = (residual**2).mean(axis=0)
    return bool(((residual**4).mean(axis=0) <= TAME * square**2).all())


def about_mean(samples: Samples, bias: bool) -> tuple[Samples, Array]:
    """With output biases, labels about their mean, and that mean: of an output far from zero, or
    a constant one, the noise would be lost in the rounding of a product. A copy."""
    centre = samples.Y.mean(axis=0) if bias else np.zeros(samples.m)
    return replace(samples, Y=samples.Y - centre), centre


def moved(net: Network, by: Array) -> Network:
    """With so much more in the output biases."""
    return Network(net.V, net.U, net.b, net.c + by, net.activation, net.W) if by.any() else net
