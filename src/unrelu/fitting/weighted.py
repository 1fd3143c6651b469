"""Networks fitted to any noise: least squares with a weight for every label.

With weights that differ between the outputs of one sample the output weights can no longer be
eliminated for all outputs at once, so V, b, U and c move together:

    min Σ_iq ℓ(Y_iq, f(z_i Aᵀ) u_q + q_i·c_q),

with q_i = 1 for an output bias, q_i = z_i for a linear term (which holds the constant, where there
is one), or nothing, and ℓ the loss of a kind of noise, whose weights are those of the steps. A
start that has every unit is needed: the search by least squares gives it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.prior import Prior, RowPrior
from unrelu.fitting.rounded_relu import RoundedReLU
from unrelu.fitting.variable_projection import chord_slopes
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.noise.kind import Loss, LossAt
from unrelu.numerics.arrays import Array, divisors, unit_rows
from unrelu.numerics.levenberg import minimise
from unrelu.numerics.whitening import power_of_two, whiten, with_constant
from unrelu.samples import Samples

MOST_ROUNDS, MOST_STEPS = 10, 100
"""Rounds of descents, of so many steps, with the scales of the noise brought up to date."""

SETTLED = 1e-3
"""A descent ends when its last steps, and the rounds end when a round, change the predictions by
less than this share of a standard error, in the mean over the samples."""

ROUGH = 0.03
"""The same for a rough fit: over p unknowns, a thousandth of p noise variances."""

LAST = 5
"""Steps that must gain nothing to be the last: of a few the damping may be the fault."""


@dataclass(frozen=True, eq=False)
class State:
    """The model at one point: (A, Uᵀ, C) in one vector, the Jacobian of the predictions, these, and
    the weights and scores of labels there, as in `Loss`."""

    point: Array
    jacobian: Jacobian
    predicted: Array
    weights: Array
    scores: Array
    shared: Array | None
    cost: float

    def curved(self, change: Array) -> Array:
        """Half the second derivatives of the loss times a change (n, m) of the predictions."""
        s = self.shared
        if s is None:
            return self.weights * change
        common = (s * change).sum(axis=1, keepdims=True)
        return np.asarray((self.weights + s**2) * change - s * common)


class WeightedNetwork:
    """The protocol of numerics.levenberg.Model, for white features Z (n, D) and `units` units.
    `linear`: a linear term takes the place of the constant."""

    def __init__(
        self,
        features: Array,
        labels: Array,
        loss: Loss,
        units: int,
        constant: bool,
        activation: Activation = RELU,
        linear: bool = False,
        prior: RowPrior | None = None,
    ) -> None:
        self.features, self.labels, self.loss, self.prior = features, labels, loss, prior
        self.units = units
        self.nuisance = features if linear else np.ones((len(features), int(constant)))
        self.activation, self._steep = activation, activation.steep

    def parts(self, point: Array) -> tuple[Array, Array, Array]:
        """A (k, D), Uᵀ (k, m) and C (q, m), as views."""
        k, dimension, m = self.units, self.features.shape[1], self.labels.shape[1]
        rest = k * dimension + k * m
        A, U = point[: k * dimension], point[k * dimension : rest]
        return A.reshape(k, dimension), U.reshape(k, m), point[rest:].reshape(-1, m)

    def evaluate(self, point: Array) -> State:
        A, U, C = self.parts(point)
        heights = self.features @ A.T
        hidden, slopes = self.activation.values_and_slopes(heights)
        if not np.isfinite(np.linalg.norm(hidden)):
            nothing = np.zeros_like(self.labels)
            J = Jacobian(self.features, slopes, U.T)
            return State(point, J, nothing, nothing, nothing, None, np.inf)
        H = np.column_stack([hidden, self.nuisance])
        predicted = H @ np.vstack([U, C])
        cost = self.loss.cost(self.labels, predicted)
        if self.prior is not None:
            cost += self.prior.cost(A)
        if self._steep:
            residual = self.labels - predicted
            left = float(np.linalg.norm(residual) / np.linalg.norm(self.labels))
            m = self.labels.shape[1]
            slopes = chord_slopes(self.activation, self.features, heights, m, left)
        weights = self.loss.weights(self.labels, predicted)
        scores, shared = self.loss.scores(self.labels, predicted), self.loss.shared(predicted)
        J = Jacobian(self.features, slopes, U.T, H)
        return State(point, J, predicted, weights, scores, shared, cost)

    def descent(self, state: State) -> Array:
        downhill = self._pull(state, state.scores)
        if self.prior is not None:
            self._rows(downhill)[...] -= self.prior.slopes(self._rows(state.point))
        return downhill

    def normal(self, state: State, step: Array) -> Array:
        dA, dU, dC = self.parts(step)
        change = state.jacobian.product(dA, np.vstack([dU, dC]).T)
        image = self._pull(state, state.curved(change))
        if self.prior is not None:
            self._rows(image)[...] += self.prior.curved(self._rows(state.point), dA)
        return image

    def _rows(self, point: Array) -> Array:
        return self.parts(point)[0]

    def _pull(self, state: State, change: Array) -> Array:
        rows, W = state.jacobian.transposed(change)
        return np.concatenate([rows.ravel(), W.T.ravel()])

    def gram(self, state: State) -> None:
        """By products alone."""

    def scale(self, state: State) -> Array:
        """√diag JᵀWJ; features are white, so all entries of a row of A have the same. Idle units
        get a small floor: of the other units', and, for each output has a size of its own, of
        what a white feature would have there."""
        slopes, U, k = state.jacobian.slopes, state.jacobian.U, self.units
        squares = slopes if slopes.dtype == bool else slopes**2
        rows = ((state.weights @ U**2) * squares).sum(axis=0)
        rows = np.maximum(rows, 1e-6 * rows.max(initial=0.0))
        total = state.weights.sum(axis=0)
        outputs = (state.jacobian.outer**2).T @ state.weights
        outputs[:k] = np.maximum(outputs[:k], 1e-6 * total)
        rows = np.repeat(rows, self.features.shape[1])
        if self.prior is not None:
            rows += self.prior.diagonal(self._rows(state.point)).ravel()
        diagonal = np.append(rows, outputs)
        return np.asarray(np.sqrt(diagonal + np.finfo(np.float64).tiny))

    def retract(self, point: Array, step: Array) -> Array:
        moved = point + step
        degree = self.activation.degree
        if degree is None:  # lengths are part of the function
            return moved
        A, U, _ = self.parts(moved)
        norms = divisors(np.linalg.norm(A, axis=1, keepdims=True))
        A /= norms
        U *= norms**degree
        return moved


def reweighted(
    net: Network,
    samples: Samples,
    loss_at: LossAt,
    bias: bool,
    skip: bool = False,
    rounded: RoundedReLU | None = None,
    *,
    rough: bool = False,
    prior: Prior | None = None,
) -> Network:
    """From `net`, the minimum of the loss, and its scales from what that leaves.

    `skip`: with a linear term; `rounded`: with round kinks; `rough`: to `ROUGH` instead of
    `SETTLED`; `prior`: of hidden weights, which is added. Cost: some dozen steps of a dozen
    products O(n k (D + m)).
    """
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    white = whiten(with_constant(X, bias))
    rows = np.column_stack([net.V, net.b]) if bias else net.V
    A, U = white.to_features(rows), net.U.T
    degree = net.activation.degree
    if degree is not None:
        A, U = unit_rows(A), U * np.linalg.norm(A, axis=1, keepdims=True) ** degree
    C = net.c[None] if bias else np.zeros((0, len(net.c)))
    if skip:
        C = white.to_features(np.column_stack([net.W, net.c]) if bias else net.W).T
    point = np.concatenate([A.ravel(), U.ravel(), C.ravel()])
    activation = rounded or net.activation
    rows_prior = None if prior is None else prior.of_features(white, X.shape[1])
    predicted, share = net(X), (ROUGH if rough else SETTLED) ** 2 * len(point) / Y.size

    def enough(norms: list[float]) -> bool:
        # Over all samples, the squared standard errors of the predictions add up to p variances.
        if norms[-1] ** 2 <= share * Y.size:  # of labels that are separated it goes to zero
            return True
        return len(norms) > LAST and norms[-1 - LAST] ** 2 <= (1 + share) * norms[-1] ** 2

    for _ in range(1 if rounded else MOST_ROUNDS):  # round kinks are passed on the way
        loss = loss_at(samples, predicted)
        model = WeightedNetwork(
            *(white.features, Y, loss, net.n_units, bias, activation), linear=skip, prior=rows_prior
        )
        state = model.evaluate(point)
        size = float(np.sqrt(state.cost)) or 1.0
        state, _ = minimise(model, state, size=size, steps=MOST_STEPS, enough=enough)
        point, before = state.point, predicted
        predicted = state.predicted
        moved = float(np.vdot((predicted - before) * state.weights, predicted - before))
        if moved <= share * state.cost:
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
    return with_constant(hidden, bias)
