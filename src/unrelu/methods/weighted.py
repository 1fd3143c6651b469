"""Least squares with a weight for every label, and what is made of it: a robust finish for heavy
tails, and weights that fall with the mean for counts.

With weights that differ between the outputs of one sample the output weights can no longer be
eliminated for all outputs at once, so V, b, U and c move together:

    min Σ_iq w_iq (Y_iq − f(z_i Aᵀ) u_q − q_i·c_q)²,

with q_i = 1 for an output bias, q_i = z_i for a linear term (which holds the constant, where there
is one), or nothing. The weights are brought up to date between the steps (iteratively reweighted
least squares). A start that has every unit is needed: `noisy` gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from unrelu.activations import RELU, Activation, ReLU, chord, steep
from unrelu.methods.kinks import unit_rows
from unrelu.methods.problem import power_of_two, with_constant
from unrelu.methods.rounded_relu import RoundedReLU
from unrelu.network import Network
from unrelu.numerics.levenberg import minimise
from unrelu.numerics.spread import robust_spread, telling
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]

Weigh = Callable[[Array, Array], Array]
"""Weights (n, m) for labels (n, m) and the predictions of a network for them."""

MOST_ROUNDS = 60
"""Rounds of reweighting; for the heaviest tails some 30 are enough."""

SETTLED = 1e-3
"""A round that changes the predictions by less than this share of a standard error, in the mean
over the samples, is the last."""


@dataclass(frozen=True, eq=False)
class State:
    """The model at one point: (A, Uᵀ, C) in one vector, slopes f' (for the ReLU marks of what is
    active), hidden values, residual."""

    point: Array
    slopes: Array | NDArray[np.bool_]
    hidden: Array
    residual: Array
    cost: float


class WeightedNetwork:
    """The protocol of numerics.levenberg.Model, for white features Z (n, D) and `units` units.
    `linear`: a linear term takes the place of the constant."""

    def __init__(
        self,
        features: Array,
        labels: Array,
        weights: Array,
        units: int,
        constant: bool,
        activation: Activation = RELU,
        linear: bool = False,
    ) -> None:
        self.features, self.labels, self.weights = features, labels, weights
        self.units = units
        self.nuisance = features if linear else np.ones((len(features), int(constant)))
        self.activation, self._steep = activation, steep(activation)

    def parts(self, point: Array) -> tuple[Array, Array, Array]:
        """A (k, D), Uᵀ (k, m) and C (q, m), as views."""
        k, dimension, m = self.units, self.features.shape[1], self.labels.shape[1]
        rest = k * dimension + k * m
        A, U = point[: k * dimension], point[k * dimension : rest]
        return A.reshape(k, dimension), U.reshape(k, m), point[rest:].reshape(-1, m)

    def evaluate(self, point: Array) -> State:
        A, U, C = self.parts(point)
        hidden = self.features @ A.T
        slopes: Array | NDArray[np.bool_] = hidden > 0
        if isinstance(self.activation, ReLU):
            hidden *= slopes
        else:
            heights, hidden = hidden, self.activation(hidden)
            if not np.isfinite(np.linalg.norm(hidden)):
                return State(point, slopes, hidden, self.labels, np.inf)
        residual = self.labels - hidden @ U - self.nuisance @ C
        cost = float(np.vdot(residual * self.weights, residual))
        if not isinstance(self.activation, ReLU):
            slopes = self._slopes(heights, residual)
        return State(point, slopes, hidden, residual, cost)

    def _slopes(self, heights: Array, residual: Array) -> Array:
        """As in `kinks`: of chords, as long as heights are uncertain, where f' is infinite."""
        if not self._steep:
            return self.activation.slope(heights)
        left = float(np.linalg.norm(residual) / np.linalg.norm(self.labels))
        share = self.units * (self.features.shape[1] + self.labels.shape[1]) / self.labels.size
        return chord(self.activation, heights, min(left * np.sqrt(share), 0.1))

    def descent(self, state: State) -> Array:
        return self._pull(state, self.weights * state.residual)

    def normal(self, state: State, step: Array) -> Array:
        dA, dU, dC = self.parts(step)
        _, U, _ = self.parts(state.point)
        change = ((self.features @ dA.T) * state.slopes) @ U + state.hidden @ dU
        change += self.nuisance @ dC
        return self._pull(state, self.weights * change)

    def _pull(self, state: State, change: Array) -> Array:
        _, U, _ = self.parts(state.point)
        rows = ((change @ U.T) * state.slopes).T @ self.features
        rest = [state.hidden.T @ change, self.nuisance.T @ change]
        return np.concatenate([part.ravel() for part in (rows, *rest)])

    def scale(self, state: State) -> Array:
        """√diag JᵀWJ; features are white, so all entries of a row of A have the same. Idle units
        get a small floor: of the other units', and, for each output has a size of its own, of
        what a white feature would have there."""
        _, U, _ = self.parts(state.point)
        squares = state.slopes if state.slopes.dtype == bool else state.slopes**2
        rows = ((self.weights @ (U**2).T) * squares).sum(axis=0)
        rows = np.maximum(rows, 1e-6 * rows.max(initial=0.0))
        total = self.weights.sum(axis=0)
        outputs = np.maximum((state.hidden**2).T @ self.weights, 1e-6 * total)
        rows = np.repeat(rows, self.features.shape[1])
        nuisance = (self.nuisance**2).T @ self.weights
        diagonal = np.concatenate([rows, outputs.ravel(), nuisance.ravel()])
        return np.asarray(np.sqrt(diagonal + np.finfo(np.float64).tiny))

    def retract(self, point: Array, step: Array) -> Array:
        moved = point + step
        degree = self.activation.degree
        if degree is None:  # lengths are part of the function
            return moved
        A, U, _ = self.parts(moved)
        norms = np.linalg.norm(A, axis=1, keepdims=True)
        norms = np.where(norms > 0, norms, 1.0)
        A /= norms
        U *= norms**degree
        return moved


def reweighted(
    net: Network,
    X: Array,
    Y: Array,
    weigh: Weigh,
    bias: bool,
    skip: bool = False,
    rounded: RoundedReLU | None = None,
) -> Network:
    """From `net`, the fixed point of: weights from the predictions, weighted fit.

    X (n, d), Y (n, m). Weights must be non-negative; a fixed point is a stationary point of the
    likelihood that they belong to. `skip`: with a linear term; `rounded`: with round
    kinks. Cost: some dozen rounds of a few dozen products O(n k (D + m)).
    """
    white = whiten(with_constant(X) if bias else X)
    rows = np.column_stack([net.V, net.b]) if bias else net.V
    A, U = white.to_features(rows), net.U.T
    degree = net.activation.degree
    if degree is not None:
        A, U = unit_rows(A), U * np.linalg.norm(A, axis=1, keepdims=True) ** degree
    C = net.c[None] if bias else np.zeros((0, len(net.c)))
    if skip:
        C = white.to_features(np.column_stack([net.W, net.c]) if bias else net.W).T
    point = np.concatenate([A.ravel(), U.ravel(), C.ravel()])
    activation: Any = rounded or net.activation
    predicted = net(X)
    for _ in range(MOST_ROUNDS):
        weights = weigh(Y, predicted)
        model = WeightedNetwork(
            white.features, Y, weights, net.n_units, bias, activation, linear=skip
        )
        state = model.evaluate(point)
        size = float(np.sqrt(state.cost)) or 1.0
        state, _ = minimise(model, state, size=size, steps=3, enough=lambda _: False)
        point, before = state.point, predicted
        predicted = Y - state.residual
        moved = float(np.vdot((predicted - before) * weights, predicted - before))
        # Over all samples, the squared standard errors of the predictions add up to p variances.
        if moved <= SETTLED**2 * len(point) * state.cost / Y.size:
            break
    A, U, C = model.parts(point)
    rows, d = white.to_rows(A), X.shape[1]
    linear = white.to_rows(C.T) if skip else np.column_stack([np.zeros((len(C.T), d)), C.T])
    b, c = (rows[:, d], linear[:, d]) if bias else (None, None)
    return Network(rows[:, :d], U.T, b, c, net.activation, linear[:, :d]).canonical(skip=skip)


def importance(net: Network, X: Array, weights: Array, bias: bool, skip: bool) -> Array:
    """(k,): by how much the weighted squares would grow without each unit, hidden weights held."""
    hidden = _columns(net, X, bias, skip)
    total = np.zeros(net.n_units)
    for u, w in zip(net.U, weights.T, strict=True):
        inverse = np.linalg.pinv((hidden.T * w) @ hidden, hermitian=True)
        spread = np.diag(inverse)[: net.n_units]
        total += u**2 / np.where(spread > 0, spread, np.inf)
    return total


def refitted(net: Network, X: Array, Y: Array, weights: Array, bias: bool, skip: bool) -> Network:
    """The same hidden weights with the outputs of weighted least squares."""
    columns, k = _columns(net, X, bias, skip), net.n_units
    root = np.sqrt(weights)
    outputs = np.array(
        [np.linalg.lstsq(columns * r[:, None], r * y)[0] for r, y in zip(root.T, Y.T, strict=True)]
    )
    c = outputs[:, -1] if bias else None
    W = outputs[:, k : k + net.n_inputs] / power_of_two(X) if skip else None
    return Network(net.V, outputs[:, :k], net.b, c, net.activation, W)


def _columns(net: Network, X: Array, bias: bool, skip: bool) -> Array:
    """What the output weights multiply: hidden values, with `skip` the inputs by a power of two,
    with `bias` ones."""
    hidden = net.activation(net.preactivations(X))
    if skip:
        hidden = np.column_stack([hidden, X / power_of_two(X)])
    return with_constant(hidden) if bias else hidden


def counting(root: Array) -> Weigh:
    """`counted` for samples with weights, of which these are the roots."""
    return lambda Y, predicted: counted(Y, predicted, root**2)


def counted(Y: Array, predicted: Array, weights: Array | float = 1.0) -> Array:
    """Weights for labels whose variance is proportional to their mean: 1/(φ mean), with φ, the
    dispersion of each output, as large as its residuals say: 1 for Poisson counts, another for
    counts in other units, or more or less regular ones.

    With φ = 1 a fit reweighted so is one of maximum Poisson likelihood. Predictions near or below
    zero count as a twentieth of the mean label, so that no sample has all the weight. An output
    of zeros is as good as the largest. `weights` (n, 1) of the samples multiply.
    """
    usual = Y.mean(axis=0)
    usual = np.where(usual > 0, usual, usual.max())
    mean = np.maximum(predicted, 0.05 * usual)
    dispersion = (weights * (Y - predicted) ** 2 / mean).mean(axis=0)
    return np.asarray(weights / (np.where(dispersion > 0, dispersion, 1.0) * mean))


@dataclass(frozen=True, eq=False)
class HeavyTails:
    """Student's t: degrees of freedom and the scale (m,) of each output's noise."""

    freedom: float
    scale: Array

    def weights(self, residual: Array) -> Array:
        """Those of which the maximum of the likelihood is the fixed point."""
        return np.asarray((self.freedom + 1) / (self.freedom * self.scale**2 + residual**2))

    def weighing(self, root: Array) -> Weigh:
        """The weights of labels of samples whose own weights have these roots (n, 1)."""
        return lambda Y, predicted: root**2 * self.weights(root * (Y - predicted))

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


def robust(
    net: Network, samples: Samples, bias: bool, least: Array, skip: bool = False
) -> tuple[Network, HeavyTails]:
    """Maximum likelihood for noise with Student's t distribution, its degrees of freedom and
    scales found beside the network. For any noise independent of X it is a consistent finish:
    the weights see residuals only, and those of the truth do not know X (up to c). `least` (m,)
    are the smallest scales that an output is credited with."""
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    tails = heavy_tails(samples.left(net(X)), least, Y)
    for _ in range(2):
        net = reweighted(net, X, Y, tails.weighing(samples.root), bias, skip)
        tails = heavy_tails(samples.left(net(X)), least, Y)
    return net, tails
