"""Fits with a weight for every label: derivatives, tails, and the fixed point of reweighting."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.noise_kinds import Squares
from support.planting import plant

from unrelu import Network, match
from unrelu.fitting.weighted import State, WeightedNetwork, reweighted
from unrelu.noise.independent import FREEDOMS, StudentT, heavy_tails, log_likelihoods
from unrelu.noise.kind import LossAt
from unrelu.noise.poisson import Proportional
from unrelu.numerics.arrays import unit_rows
from unrelu.numerics.whitening import whiten, with_constant
from unrelu.samples import Samples

Array = NDArray[np.float64]
ONE = np.ones((1, 1))
EPS = float(np.finfo(np.float64).eps)


def model(
    seed: int, *, bias: bool = True, m: int = 2, linear: bool = False
) -> tuple[WeightedNetwork, Array]:
    """Random weights, and a point that is no minimum."""
    rng = np.random.default_rng(seed)
    planted = plant(3, 2, m, 60, seed=seed, bias=0.5)
    Z = whiten(with_constant(planted.X) if bias else planted.X).features
    weights = rng.exponential(size=planted.Y.shape)
    network = WeightedNetwork(Z, planted.Y, Squares(weights), 2, bias, linear=linear)
    nuisance = Z.shape[1] if linear else int(bias)
    return network, rng.standard_normal(2 * Z.shape[1] + 2 * m + nuisance * m)


def by_differences(network: WeightedNetwork, state: State) -> Array:
    """−½ of the gradient of the cost; exact for what is quadratic between kinks, but for the
    rounding of a difference."""
    found, step = np.zeros_like(state.point), 1e-6
    for entry in range(len(found)):
        costs = []
        for side in (1, -1):
            point = state.point.copy()
            point[entry] += side * step
            costs.append(network.evaluate(point).cost)
        found[entry] = (costs[1] - costs[0]) / (4 * step)
    return found


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("m", [1, 3])
def test_descent_is_the_gradient(m: int, bias: bool, linear: bool) -> None:
    network, point = model(1, bias=bias, m=m, linear=linear)
    state = network.evaluate(point)
    expected, found = by_differences(network, state), network.descent(state)
    tolerance = 1e3 * EPS * state.cost / 1e-6
    assert np.abs(found - expected).max() <= tolerance
    assert np.abs(1.001 * found - expected).max() > tolerance  # the canary


@pytest.mark.parametrize("linear", [False, True])
def test_normal_is_the_gauss_newton_matrix(linear: bool) -> None:
    """Columns JᵀWJ e, with J by differences of the residual, which is affine in each entry."""
    network, point = model(2, linear=linear)
    state = network.evaluate(point)
    step = 1e-6
    J = np.empty((network.labels.size, len(point)))
    for entry in range(len(point)):
        moved = point.copy()
        moved[entry] += step
        J[:, entry] = (network.evaluate(moved).predicted - state.predicted).ravel() / step
    matrix = J.T @ (state.weights.ravel()[:, None] * J)
    found = np.column_stack([network.normal(state, e) for e in np.eye(len(point))])
    assert np.abs(found - matrix).max() <= 1e-6 * np.abs(matrix).max()
    assert np.abs(found - found.T).max() <= 1e3 * EPS * np.abs(found).max()
    diagonal = network.scale(state) ** 2
    k = 2 * network.features.shape[1]
    assert np.abs(diagonal[k:] / np.diag(matrix)[k:] - 1).max() <= 1e-5


def test_scale_of_an_output_in_other_units() -> None:
    """Labels in units 10⁹ times larger have weights 10¹⁸ times smaller, and still a say."""
    network, point = model(3)
    scale = network.scale(network.evaluate(point))
    weights = network.loss.weights(network.labels, network.labels) * [1.0, 1e-18]
    labels = network.labels * [1.0, 1e9]
    other = WeightedNetwork(network.features, labels, Squares(weights), 2, True)
    moved = point.copy()
    _, U, c = other.parts(moved)
    U *= [1.0, 1e9]
    c *= [1.0, 1e9]
    again = other.scale(other.evaluate(moved))
    _, by_u, by_c = other.parts(again / scale)
    assert np.abs(by_u * [1.0, 1e9] - 1).max() <= 1e-6
    assert np.abs(by_c * [1.0, 1e9] - 1).max() <= 1e-6


def test_retract_keeps_the_function() -> None:
    network, point = model(4)
    before = network.evaluate(network.retract(point, np.zeros_like(point)))
    A, _, _ = network.parts(before.point)
    assert np.abs(np.linalg.norm(A, axis=1) - 1).max() <= 4 * EPS
    assert np.abs(before.predicted - network.evaluate(point).predicted).max() <= 1e3 * EPS


@pytest.mark.parametrize("freedom", [1.0, 2.0, 5.0, 64.0])
def test_tails(freedom: float) -> None:
    """The right degrees of freedom of those weighed, or a neighbour where they are alike; scales
    to five standard errors. (The information of a scale is 2ν/(ν + 3) a sample.)"""
    n, scales = 4000, np.array([1e-6, 1.0, 1e3])
    rng = np.random.default_rng(0)
    draws = rng.standard_t(freedom, (n, 3)) if freedom < 64 else rng.standard_normal((n, 3))
    tails = heavy_tails(draws * scales, np.full(3, 1e-12))
    where = FREEDOMS.index(freedom)
    allowed = FREEDOMS[max(0, where - (freedom > 2)) : where + 1 + (freedom > 2)]
    assert tails.freedom in allowed
    if tails.freedom == freedom:
        error = np.sqrt((freedom + 3) / (2 * freedom * n))
        assert np.abs(tails.scale / scales - 1).max() <= 5 * error


def test_slopes_are_the_second_derivative() -> None:
    tails = StudentT(3.0, np.array([0.5]), ONE)
    residual = np.linspace(-3.0, 3.0, 7)[:, None]
    step = 1e-5
    none = np.zeros_like(residual)
    score = [tails.weights(r, none) * r for r in (residual + step, residual - step)]
    assert np.abs(tails.slopes(residual, none) - (score[0] - score[1]) / (2 * step)).max() <= 1e-6
    ends = residual[:1] + step, residual[:1] - step
    likelihood = [log_likelihoods(r, tails.freedom, tails.scale).sum() for r in ends]
    expected = (likelihood[1] - likelihood[0]) / (2 * step)
    assert abs((tails.weights(residual[:1], none[:1]) * residual[:1]).item() - expected) <= 1e-6
    costs = [tails.cost(r, none[:1]) for r in ends]
    assert costs[0] - costs[1] == pytest.approx(-2 * (likelihood[0] - likelihood[1]), rel=1e-6)


def left_to_go(net: Network, X: Array, Y: Array, weights: Array) -> float:
    """Square of the step to the minimum for these weights, in standard errors, about."""
    Z = whiten(with_constant(X))
    A = Z.to_features(np.column_stack([net.V, net.b]))
    norms = np.linalg.norm(A, axis=1, keepdims=True)
    network = WeightedNetwork(Z.features, Y, Squares(weights), net.n_units, True)
    point = np.concatenate([unit_rows(A).ravel(), (net.U.T * norms).ravel(), net.c])
    state = network.evaluate(point)
    gradient = network.descent(state) / network.scale(state)
    return float(np.vdot(gradient, gradient)) * Y.size / state.cost


def test_reweighted_is_a_fixed_point() -> None:
    planted = plant(4, 2, 2, 600, seed=5, bias=0.5)
    rng = np.random.default_rng(0)
    Y = planted.Y + 0.1 * rng.standard_t(2, planted.Y.shape)
    tails, samples = StudentT(2.0, np.full(2, 0.1), ONE), Samples.of(planted.X, Y)
    net = reweighted(planted.truth, samples, lambda *_: tails, True)
    assert left_to_go(net, planted.X, Y, tails.weights(Y, net(planted.X))) <= 0.05
    # The canary: the truth is some standard errors away from it, one for each unknown.
    away = left_to_go(planted.truth, planted.X, Y, tails.weights(Y, planted.Y))
    assert away > 1.0
    assert tails.cost(Y, net(planted.X)) < tails.cost(Y, planted.Y)
    again = reweighted(net, samples, lambda *_: tails, True)
    assert match(again, net).max_error <= 1e-3


def test_without_noise_nothing_moves() -> None:
    planted = plant(4, 2, 2, 200, seed=6, bias=0.5)
    fixed = Squares(np.ones_like(planted.Y)), StudentT(1.0, np.ones(2), ONE)
    at_residuals: tuple[LossAt, ...] = StudentT.of, *[lambda *_, loss=loss: loss for loss in fixed]
    for loss_at in at_residuals:
        net = reweighted(planted.truth, Samples.of(planted.X, planted.Y), loss_at, True)
        assert match(net, planted.truth).max_error <= 1e4 * EPS


def test_counts_weigh_by_their_mean() -> None:
    Y = np.array([[1.0, 0.0], [3.0, 0.0]])
    predicted = np.array([[4.0, 1.0], [-1.0, 0.0]])
    samples = Samples(np.zeros((2, 1)), Y, EPS)
    weights = Proportional.of(samples, predicted).weights(Y, predicted)
    # 1/mean, at least a twentieth of the usual one, times a dispersion for each output.
    assert np.allclose(weights / weights[0], [[1.0, 1.0], [40.0, 10.0]])


def test_maximum_likelihood_does_not_mind_gross_errors() -> None:
    planted = plant(4, 2, 2, 600, seed=7, bias=0.5)
    rng = np.random.default_rng(0)
    noise = 0.05 * rng.standard_normal(planted.Y.shape)
    gross = rng.random(planted.Y.shape) < 0.05
    clean = reweighted(planted.truth, Samples.of(planted.X, planted.Y + noise), StudentT.of, True)
    samples = Samples.of(planted.X, np.where(gross, 100.0, planted.Y + noise))
    net = reweighted(planted.truth, samples, StudentT.of, True)
    assert StudentT.of(samples, net(planted.X)).freedom <= 2.0
    assert match(net, planted.truth).max_error <= 2 * match(clean, planted.truth).max_error
