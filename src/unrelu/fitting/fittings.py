"""How networks are fitted to samples with a kind of noise, and compared by their fits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cached_property

import numpy as np

from unrelu.activations import Activation
from unrelu.fitting.affine_term import affine
from unrelu.fitting.ensemble import Ensemble
from unrelu.fitting.prior import Prior
from unrelu.fitting.problem import Problem, centred_labels, shifted
from unrelu.fitting.rounded_relu import RoundedReLU
from unrelu.fitting.selection import Effort, revise, settle
from unrelu.fitting.smoothing import FROM_AFAR, FROM_CLUSTERS, ROUNDNESS, errors_of, followed
from unrelu.fitting.variable_projection import Fit
from unrelu.fitting.weighted import importance, refitted, reweighted
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.gaussian import noise_covariance, whitener
from unrelu.noise.kind import Loss, LossAt, NoiseKind
from unrelu.numerics.arrays import Array, divisors, unit_rows
from unrelu.samples import Samples

FINE = 1e-7
"""As `selection.SETTLED`, for a fit that is followed to its minimum: what is left to gain moves no
weight by a thousandth of its standard error."""

MOST_STEPS = 500

ROBUST_ROUNDS = 2
"""Descents with heavy tails, each with the scales that the one before has left. Scales that shrink
on the way would hold the fit where it happens to be."""

LIGHT = 6.0
"""Fourth moment of residuals over the square of the second, 3 for normal ones, up to which they
have no long tails."""


class Fitting(ABC):
    """A kind of noise in samples: how networks are fitted to them."""

    def __init__(self, samples: Samples, bias: bool, skip: bool, activation: Activation) -> None:
        self.samples, self.bias, self.skip, self.activation = samples, bias, skip, activation
        self.X, self.Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)

    @abstractmethod
    def fit(self, net: Network, *, rough: bool = False) -> Network:
        """The best network near one with as many units; `rough`: where that is slow, up to a noise
        variance or so, which is small beside what a unit is tested for."""

    @abstractmethod
    def revised(self, net: Network, rng: np.random.Generator, effort: Effort) -> Network:
        """A better one of as many units, where units can be moved within the noise to one."""

    @abstractmethod
    def polished(self, net: Network) -> Network:
        """The minimum near a network of ReLUs that does not depend on the start."""

    @abstractmethod
    def from_afar(self, n_units: int, rng: np.random.Generator) -> Network | None:
        """The network of ReLUs that random hyperplanes lead to as kinks become less and less
        round; None for other activations, and for noise of which that is not known to help. Cost:
        some six fits."""

    @abstractmethod
    def standardised(self, net: Network) -> Array:
        """Residuals (n, m) of the same law for all samples, if the network is right."""

    @abstractmethod
    def drawn(self, net: Network, rng: np.random.Generator) -> Array | None:
        """Such residuals as the law of the labels would leave them, where it is known."""

    @abstractmethod
    def held(self, net: Network) -> Fitting:
        """The fitting with the scales of the noise held at those that a network leaves."""

    @abstractmethod
    def redrawn(
        self, net: Network, rng: np.random.Generator, doubt: Array | None = None
    ) -> Fitting | None:
        """The fitting to labels that are drawn from that law, about the network's outputs, whose
        standard errors are in `doubt` (n, m), if these matter."""

    @abstractmethod
    def weights(self, net: Network) -> Array:
        """(n, m) of the labels, about the predictions of the network."""

    @abstractmethod
    def scores(self, net: Network) -> Array:
        """(n, m): half the derivatives of the fit by the predictions, at those of the network."""

    @abstractmethod
    def without(self, net: Network, unit: int) -> Network:
        """Less one unit, ready to be fitted again: the outputs of the others make up for it."""

    @abstractmethod
    def gain(self, smaller: Network, larger: Network) -> float:
        """How much better the larger network fits, in noise variances."""

    def left(self, net: Network) -> Array:
        """√w (Y − net(X)), (n, m), in the labels' units."""
        return self.samples.left(net(self.X))

    def importance(self, net: Network) -> Array:
        """(k,): how much is lost without each unit, roughly."""
        return importance(net, self.X, self.weights(net), self.bias, self.skip)

    def light_tailed(self, net: Network) -> bool:
        """Whether residuals have no long tails: then the best unit of a thorough search explains
        hardly more of the noise than that of a quick one."""
        residual = self.standardised(net)
        square = (residual**2).mean(axis=0)
        return bool(((residual**4).mean(axis=0) <= LIGHT * square**2).all())

    def without_units(self) -> Network:
        """The best network without any."""
        return self.fit(without_units(self.samples, self.bias, self.skip, self.activation))


def fitting_of(
    kind: NoiseKind, net: Network, samples: Samples, bias: bool, skip: bool, effort: Effort
) -> Fitting:
    """The fitting to samples with noise of a kind: by its loss or, where it has none, by the
    squares of what `net` leaves, made white."""
    if kind.loss is None:
        return LeastSquares(net, samples, bias=bias, skip=skip, effort=effort)
    return Reweighted(kind, samples, bias=bias, skip=skip, activation=net.activation)


class LeastSquares(Fitting):
    """Noise of finite variance, in the metric in which what `net` leaves is white."""

    def __init__(
        self, net: Network, samples: Samples, *, bias: bool, skip: bool, effort: Effort
    ) -> None:
        super().__init__(samples, bias, skip, net.activation)
        self.effort = effort
        centred, self.centre = centred_labels(samples, bias)
        self.covariance = noise_covariance(self.left(net), net, bias, samples.resolution())
        self.metric = whitener(self.covariance)
        rows = np.arange(samples.n)
        self.problem = Problem(centred, rows, bias, self.metric, skip, net.activation)

    def fit(self, net: Network, *, rough: bool = False) -> Network:  # noqa: ARG002
        if not net.n_units:
            return without_units(self.samples, self.bias, self.skip, self.activation)
        model, points = self.problem.strict, self.problem.points(net.V, net.b)
        fit = settle(self.problem, model, points, self.effort, steps=MOST_STEPS, share=FINE)
        return self._network(fit)

    def revised(self, net: Network, rng: np.random.Generator, effort: Effort) -> Network:
        start = self.problem.strict.start(self.problem.points(net.V, net.b))
        return self._network(revise(self.problem, start, net.n_units, rng, effort))

    def polished(self, net: Network) -> Network:
        errors = errors_of(self.importance(net))
        roundness = [share * errors for share in ROUNDNESS]
        points = self.problem.points(net.V, net.b)
        return self._network(followed(self.problem, points, roundness, self.effort))

    def from_afar(self, n_units: int, rng: np.random.Generator) -> Network | None:
        if not self.activation.piecewise_linear:
            return None
        points = unit_rows(rng.standard_normal((n_units, self.problem.strict.features.shape[1])))
        roundness = [np.full(n_units, each) for each in FROM_AFAR]
        found = self._network(followed(self.problem, points, roundness, self.effort))
        return self.fit(found)

    def _network(self, fit: Fit) -> Network:
        return shifted(self.problem.network(*self.problem.hyperplanes(fit.point)), self.centre)

    def standardised(self, net: Network) -> Array:
        return np.asarray(self.left(net) @ self.metric)

    def drawn(self, net: Network, rng: np.random.Generator) -> None:  # noqa: ARG002
        return None

    def held(self, net: Network) -> LeastSquares:  # noqa: ARG002
        return self

    def redrawn(self, *_: object) -> None:
        return None

    def weights(self, net: Network) -> Array:  # noqa: ARG002
        return self.samples.root**2 / np.diag(self.covariance) * np.ones((self.samples.n, 1))

    def scores(self, net: Network) -> Array:
        return np.asarray(self.weights(net) * (self.Y - net(self.X)))

    def without(self, net: Network, unit: int) -> Network:
        return net.without(unit)  # `fit` starts from hidden weights alone

    def gain(self, smaller: Network, larger: Network) -> float:
        before, after = (float((self.standardised(net) ** 2).sum()) for net in (smaller, larger))
        entries = self.samples.Y.size
        used = unknowns_of(larger, biases=self.bias, skip=self.skip)
        return (before - after) * max(1, entries - used) / (after or np.finfo(np.float64).tiny)


class Reweighted(Fitting):
    """Noise of a kind that has a loss of its own; `prior`: of hidden weights, for fits that start
    near the best one, of noise that is not robust."""

    def __init__(
        self,
        kind: NoiseKind,
        samples: Samples,
        *,
        bias: bool,
        skip: bool,
        activation: Activation,
        loss_at: LossAt | None = None,
        prior: Prior | None = None,
    ) -> None:
        super().__init__(samples, bias, skip, activation)
        loss_at = loss_at or kind.loss
        assert loss_at is not None, "for kinds that have one"
        self.kind, self.loss_at, self.prior = kind, loss_at, prior

    def left(self, net: Network) -> Array:
        return self.kind.left(self.samples, net(self.X))

    def loss(self, net: Network) -> Loss:
        """With the scales of what the network leaves."""
        return self.loss_at(self.samples, net(self.X))

    def fit(self, net: Network, *, rough: bool = False) -> Network:
        if not self.kind.robust:
            at = (self.samples, self.loss_at, self.bias, self.skip)
            return reweighted(net, *at, rough=rough, prior=self.prior)
        for _ in range(ROBUST_ROUNDS):
            net = self._descended(net, self.loss(net))
        return net

    def _descended(
        self, net: Network, loss: Loss, rounded: RoundedReLU | None = None, *, rough: bool = False
    ) -> Network:
        """The minimum of a loss whose scales stay as they are."""
        at = (self.samples, lambda *_: loss, self.bias, self.skip)
        return reweighted(net, *at, rounded, rough=rough)

    def revised(self, net: Network, rng: np.random.Generator, effort: Effort) -> Network:  # noqa: ARG002
        return net

    def polished(self, net: Network) -> Network:
        loss = self.loss(net)
        for share in ROUNDNESS:  # that of the last ones matters
            rounded = RoundedReLU(share * errors_of(self.importance(net)))
            net = self._descended(net, loss, rounded, rough=share > ROUNDNESS[-2])
        return net

    @cached_property
    def ensemble(self) -> Ensemble | None:
        """Of counts, where networks are looked for in it: not for other activations, nor where a
        linear term is part of the network."""
        if not self.kind.counts or not self.activation.piecewise_linear or self.skip:
            return None
        return Ensemble.of(self.samples, self.bias, np.random.default_rng(0))

    def from_afar(self, n_units: int, rng: np.random.Generator) -> Network | None:
        """From clusters of the spike-triggered ensemble: all units add to the mean at first."""
        if self.ensemble is None:
            return None
        net = self.ensemble.network(self.samples, n_units, rng)
        if not self.bias:
            net = Network(net.V, net.U)
        loss = self.loss(self.without_units())
        for each in FROM_CLUSTERS:
            if net.n_units:
                rounded = RoundedReLU(np.full(net.n_units, each))
                net = self._descended(net, loss, rounded, rough=True)
        return self.fit(net, rough=True)

    def standardised(self, net: Network) -> Array:
        return self.loss(net).standardised(self.Y, net(self.X))

    def light_tailed(self, net: Network) -> bool:
        return self.kind.bounded or super().light_tailed(net)

    def drawn(self, net: Network, rng: np.random.Generator) -> Array | None:
        drawn = self.kind.drawn(self.samples, net(self.X), rng)
        return None if drawn is None else self.loss(net).standardised(*drawn)

    def held(self, net: Network) -> Reweighted:
        loss = self.loss(net)
        return self._another(self.samples, lambda *_: loss)

    def redrawn(
        self, net: Network, rng: np.random.Generator, doubt: Array | None = None
    ) -> Reweighted | None:
        drawn = self.kind.drawn(self.samples, net(self.X), rng, doubt)
        return None if drawn is None else self._another(replace(self.samples, Y=drawn[0]))

    def _another(self, samples: Samples, loss_at: LossAt | None = None) -> Reweighted:
        return Reweighted(
            self.kind,
            samples,
            bias=self.bias,
            skip=self.skip,
            activation=self.activation,
            loss_at=loss_at or self.loss_at,
            prior=self.prior,
        )

    def weights(self, net: Network) -> Array:
        return self.loss(net).weights(self.Y, net(self.X))

    def scores(self, net: Network) -> Array:
        return self.loss(net).scores(self.Y, net(self.X))

    def without(self, net: Network, unit: int) -> Network:
        return self._outputs_again(net.without(unit), net)

    def turned(self, net: Network, unit: int) -> Network:
        """With one unit on its other side, ready to be fitted again."""
        sides = np.where(np.arange(net.n_units) == unit, -1.0, 1.0)
        V, b = net.V * sides[:, None], net.b * sides
        return self._outputs_again(Network(V, net.U, b, net.c, net.activation), net)

    def _outputs_again(self, changed: Network, net: Network) -> Network:
        """The changed network with outputs that are best where `net` is: a step of scoring from
        its predictions, for those of the changed one may be anywhere."""
        weights, predicted = self.weights(net), net(self.X)
        labels = predicted + self.scores(net) / divisors(weights)
        return refitted(changed, self.X, labels, weights, self.bias, self.skip)

    def gain(self, smaller: Network, larger: Network) -> float:
        loss = self.loss(larger)
        gain = loss.cost(self.Y, smaller(self.X)) - loss.cost(self.Y, larger(self.X))
        if self.prior is not None:
            gain += self.prior.cost(smaller.V) - self.prior.cost(larger.V)
        return gain


def without_units(samples: Samples, bias: bool, skip: bool, activation: Activation) -> Network:
    """Least squares of the labels on a constant, or on the inputs with it."""
    if skip:
        return affine(samples, bias)
    Y = np.asarray(samples.Y, np.float64)
    c = np.average(Y, axis=0, weights=samples.weights) if bias else None
    nothing = np.zeros((0, samples.d)), np.zeros((samples.m, 0))
    return Network(*nothing, c=c, activation=activation)
