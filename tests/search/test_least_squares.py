"""methods/least_squares.py: noise is not explained by units, and the metric loses nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import gaussian, plant, student, uniform

from unrelu import Network, match
from unrelu.fitting.fittings import LeastSquares
from unrelu.fitting.problem import Problem
from unrelu.fitting.selection import Effort, settle, unit_edge
from unrelu.noise.gaussian import noise_covariance, whitener
from unrelu.samples import Samples
from unrelu.search import least_squares

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)

LAWS = {"gaussian": gaussian, "uniform": uniform, "student": student}


def best_gain(X: Array, Y: Array, starts: int, seed: int) -> float:
    """How much the best unit explains of labels with unit variance and no network behind them:
    from random hyperplanes, and from such as cut off a few samples."""
    rng = np.random.default_rng(seed)
    n, m = Y.shape
    problem = Problem(Samples.of(X, Y), np.arange(n), True, np.eye(m))
    model = problem.strict
    lowest = np.inf
    for start in range(starts):
        v = rng.standard_normal((1, X.shape[1]))
        beyond = np.quantile(X @ v[0], rng.uniform(0.9, 0.99) if start % 2 else rng.uniform())
        point = problem.points(v, np.array([-beyond]))
        lowest = min(lowest, settle(problem, model, point, Effort()).cost)
    return float(np.vdot(model.target, model.target)) - lowest


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("law", LAWS)
def test_noise_alone_stays_below_the_edge(law: str, m: int) -> None:
    gains = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = LAWS[law](rng, 200, 3)
        gains.append(best_gain(X, rng.standard_normal((200, m)), 10, seed))
    edge = unit_edge(4, m)
    assert max(gains) < edge
    # And not by far: a linear function alone explains (√m + √D)² / 2 or more, in the mean.
    assert np.mean(gains) > (np.sqrt(m) + 2) ** 2 / 4


def test_a_unit_beyond_the_edge_is_found_and_one_below_is_not() -> None:
    """A unit of size s explains n s² of variance one, s² the variance of it off the others."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 3))
    truth = Network([[1.0, 0, 0], [0, 1.0, 0]], [[4.0, 1.0]], b=[0.3, 0.2])
    weak = np.maximum(X[:, 1] + 0.2, 0)
    design = np.column_stack([X, np.ones(400)])
    curved = weak - design @ np.linalg.lstsq(design, weak)[0]
    noise = rng.standard_normal((400, 1))
    edge = unit_edge(4, 1)
    counts = {}
    for factor in (0.1, 4.0):
        size = np.sqrt(factor * edge / float(curved @ curved))
        Y = Network(truth.V, truth.U * [4.0, size], truth.b)(X) + noise
        net = least_squares.search(
            Samples.of(X, Y), n_units=None, bias=True, rng=rng, effort=Effort()
        )
        counts[factor] = net.n_units
    assert counts == {0.1: 1, 4.0: 2}


def metric_problem(bias: bool) -> tuple[Problem, Network]:
    planted = plant(4, 3, 3, 200, seed=1, bias=0.5 * bias)
    metric = np.random.default_rng(0).standard_normal((3, 3))
    assert np.linalg.cond(metric) < 100
    samples = Samples.of(planted.X * [1e-3, 1.0, 1.0, 1e5], planted.Y)
    truth = planted.truth
    scaled = Network(truth.V / [1e-3, 1.0, 1.0, 1e5], truth.U, truth.b, truth.c)
    return Problem(samples, np.arange(200), bias, metric), scaled


@pytest.mark.parametrize("bias", [False, True])
def test_there_and_back(bias: bool) -> None:
    """points, hyperplanes and network are inverse to each other, whatever the metric."""
    problem, truth = metric_problem(bias)
    points = problem.points(truth.V, truth.b)
    assert np.abs(np.linalg.norm(points, axis=1) - 1).max() <= 4 * EPS
    again = problem.points(*problem.hyperplanes(points))
    assert np.abs(again - points).max() <= 1e4 * EPS
    net = problem.network(*problem.hyperplanes(points))
    assert match(net, truth).max_error <= 1e5 * EPS
    fit = problem.strict.evaluate(points)
    assert problem.strict.relative(fit) <= 10 * problem.floor
    wrong = problem.network(*problem.hyperplanes(points + 1e-6))  # the canary
    assert match(wrong, truth).max_error > 1e-8


def test_cost_is_that_of_the_metric() -> None:
    problem, truth = metric_problem(bias=False)
    planted = plant(4, 3, 3, 200, seed=1)
    metric = np.random.default_rng(0).standard_normal((3, 3))
    other = Network(truth.V[::-1] + 1e-4, truth.U)
    fit = problem.strict.evaluate(problem.points(other.V, other.b))
    net = problem.network(other.V, other.b)
    residual = planted.Y - net(planted.X * [1e-3, 1.0, 1.0, 1e5])
    cost = float(((residual @ metric) ** 2).sum())
    assert cost > 1e-6
    assert abs(fit.cost - cost) <= 1e-9 * cost


@pytest.mark.parametrize("m", [1, 2, 4])
def test_covariance_and_what_whitens_it(m: int) -> None:
    rng = np.random.default_rng(0)
    n, k, d = 5000, 2, 3
    root = rng.standard_normal((m, m))
    residual = rng.standard_normal((n, m)) @ root.T
    net = Network(rng.standard_normal((k, d)), rng.standard_normal((m, k)))
    covariance = noise_covariance(residual, net, True, np.zeros(m))
    true = root @ root.T
    sizes = np.sqrt(np.diag(true))
    assert np.abs((covariance - true) / np.outer(sizes, sizes)).max() <= 5 / np.sqrt(n)
    freedom = n - (k * (d + m) + m) / m
    assert abs(np.trace(covariance) - (residual**2).sum() / freedom) <= 1e-9 * np.trace(true)
    M = whitener(covariance)
    assert np.abs(M.T @ covariance @ M - np.eye(m)).max() <= 1e3 * EPS * np.linalg.cond(true)


def test_outputs_without_noise_of_their_own() -> None:
    """A constant one has the least that is credited; shared noise leaves a ridge; the scale of
    another output is no matter."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((500, 1))
    residual = np.hstack([noise, noise, np.zeros((500, 1)), 1e-12 * rng.standard_normal((500, 1))])
    least = np.array([1e-9, 1e-9, 1e-9, 1e-21])
    net = Network(np.eye(2), np.ones((4, 2)))
    covariance = noise_covariance(residual, net, True, least)
    assert abs(covariance[2, 2] / 1e-18 - 1) <= 1e-9
    assert abs(covariance[3, 3] / 1e-24 - 1) <= 5 * np.sqrt(2 / 500)
    assert np.isfinite(whitener(covariance)).all()
    few = noise_covariance(residual[:20], net, True, least)
    assert np.array_equal(few, np.diag(np.diag(few)))


def test_resolution() -> None:
    X = np.random.default_rng(0).standard_normal((10, 2))
    Y = np.column_stack([np.full(10, 3.0), np.zeros(10), np.full(10, -1e-9)])
    bar = EPS**0.75
    assert np.allclose(Samples.of(X, Y).resolution(), bar * np.array([3.0, 3.0, 1e-9]), rtol=1e-12)
    assert (Samples.of(X, np.zeros((10, 2))).resolution() > 0).all()


def test_a_fit_from_the_truth_is_a_minimum() -> None:
    """No direction changes the cost by more than a small part of the noise variance."""
    planted = plant(4, 3, 2, 500, seed=2, bias=0.5)
    rng = np.random.default_rng(0)
    Y = planted.Y + 0.1 * rng.standard_normal(planted.Y.shape) @ np.array([[1.0, 0.9], [0.0, 0.4]])
    samples = Samples.of(planted.X, Y)
    model = LeastSquares(planted.truth, samples, bias=True, skip=False, effort=Effort())
    found = model.fit(planted.truth)
    problem = model.problem
    fit = problem.strict.evaluate(problem.points(found.V, found.b))
    # In scaled unknowns the Hessian is about one, so this is the square of the step that is left,
    # in standard errors: all of the unknowns together.
    left = problem.strict.descent(fit) / problem.strict.scale(fit)
    assert float(np.vdot(left, left)) <= 0.01
    moved = problem.strict.evaluate(problem.points(found.V + 0.01, found.b))
    away = problem.strict.descent(moved) / problem.strict.scale(moved)
    assert float(np.vdot(away, away)) > 0.1
