"""Noisy labels and inputs of any law and covariance; directions along which inputs hardly vary."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.findings import codes
from support.planting import LAWS, Law, Planted, plant
from support.recipe_trials import noisy

from unrelu import Network, Recovery, Status, match, recover
from unrelu.inference.flat_directions import note, without_flat_directions
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]
D, K, M, N = 6, 3, 3, 800


def turned(rng: np.random.Generator, sizes: Array, n: int) -> Array:
    """Gaussian of these standard deviations in directions of their own, not centred."""
    turn = np.linalg.qr(rng.standard_normal((len(sizes), len(sizes))))[0]
    return np.asarray((rng.standard_normal((n, len(sizes))) + 0.5) * sizes @ turn)


def planted(X: Array, seed: int, *, white: bool, bias: bool = False) -> Planted:
    """Weights that are Gaussian in white coordinates, or in the inputs' own."""
    rng = np.random.default_rng([seed, 1])
    V = rng.standard_normal((K, X.shape[1]))
    V = whiten(X).to_rows(V) if white else V
    heights = (X @ V.T).std(axis=0)
    U = rng.standard_normal((M, K)) / heights
    truth = Network(V, U, 0.3 * heights * bias * rng.standard_normal(K)).canonical()
    return Planted(X, truth(X), truth)


def white_error(net: Network, problem: Planted) -> float:
    """Largest distance of unit rows in coordinates in which the inputs are white."""
    white = whiten(problem.X)
    nets = [Network(white.to_features(one.V), one.U) for one in (net, problem.truth)]
    return float(match(*nets).hidden.max())


def covers(result: Recovery, truth: Network) -> float:
    """Share of the weights within their 95% intervals; in order of the truth."""
    assert result.uncertainty is not None
    order = match(result.uncertainty.network, truth).permutation
    low, high = result.uncertainty.intervals(0.95)
    V = (low.V[order] <= truth.V) & (high.V[order] >= truth.V)
    U = (low.U[:, order] <= truth.U) & (high.U[:, order] >= truth.U)
    return float(np.concatenate([V.ravel(), U.ravel()]).mean())


@pytest.mark.parametrize("kappa", [1e4, 1e12])
@pytest.mark.parametrize("bias", [False, True])
def test_covariances_of_any_condition(kappa: float, bias: bool) -> None:
    """Labels do not depend on the coordinates of the inputs, and white errors neither."""
    for seed in range(2):
        X = turned(np.random.default_rng(seed), np.geomspace(1.0, kappa**-0.5, D), N)
        problem = planted(X, seed, white=True, bias=bias)
        loud = noisy(problem, 0.1, seed)
        result = recover(loud.X, loud.Y, bias=bias, noise="gaussian", rng=seed, throw=False)
        net = result.network
        assert net is not None
        assert net.n_units == K
        # Five standard errors of D unknowns from N / 2 samples, noise of a tenth.
        assert white_error(net, problem) < 5 * 0.1 * np.sqrt(2 * D / N) * 2
        assert covers(result, problem.truth) > 0.8


@pytest.mark.parametrize("law", ["uniform", "signs", "student"])
def test_symmetric_inputs(law: str) -> None:
    laws: dict[str, Law] = LAWS
    for seed in range(2):
        problem = plant(D, K, M, N, seed=seed, law=laws[law])
        loud = noisy(problem, 0.1, seed)
        result = recover(loud.X, loud.Y, bias=False, noise="gaussian", rng=seed)
        assert result.status == Status.ESTIMATED
        assert covers(result, problem.truth.canonical()) > 0.8


@pytest.mark.parametrize("variance", [1e-6, 1e-10, 1e-14])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.study
def test_a_direction_that_is_nearly_unseen(variance: float, bias: bool) -> None:
    """What labels tell is known as well as without it, what they do not tell is said."""
    sizes = np.ones(D)
    sizes[-1] = variance**0.5
    for seed in range(2):
        X = turned(np.random.default_rng(seed), sizes, N)
        problem = planted(X, seed, white=False, bias=bias)
        loud = noisy(problem, 0.1, seed)
        result = recover(loud.X, loud.Y, K, bias=bias, noise="gaussian", rng=seed, throw=False)
        net = result.network
        assert net is not None
        assert white_error(net, problem) < 5 * 0.1 * np.sqrt(2 * D / N) * 2
        assert result.status == Status.UNDETERMINED
        assert "flat-directions" in codes(result)
        assert covers(result, problem.truth) > 0.9
        assert result.uncertainty is not None
        assert min(unit.angle_error for unit in result.uncertainty.units) > 1
        assert not any("one more step" in note for note in result.uncertainty.notes)
        given = result.uncertainty.predict(X[:50], level=0.999)
        inside = (given.low <= problem.truth(X[:50])) & (problem.truth(X[:50]) <= given.high)
        assert inside.mean() > 0.9


def test_a_column_in_other_units_that_matters_is_kept() -> None:
    """Inputs that hardly vary in numbers, and hidden weights that make up for it."""
    sizes = np.ones(D)
    sizes[-1] = 1e-4
    X = turned(np.random.default_rng(0), sizes, N)
    natural = planted(X, 0, white=False).truth
    unseen = np.linalg.svd(X - X.mean(axis=0))[2][-1]
    V = natural.V + np.array([[-1.0], [1.0], [1.0]]) / sizes[-1] * unseen
    truth = Network(V, natural.U).canonical()
    problem = Planted(X, truth(X), truth)
    loud = noisy(problem, 0.05, 0)
    result = recover(loud.X, loud.Y, K, bias=False, noise="gaussian", rng=0, throw=False)
    assert result.network is not None
    assert "flat-directions" not in codes(result)
    assert covers(result, problem.truth) > 0.8


def test_nothing_is_moved_where_everything_is_seen() -> None:
    for seed in range(5):
        problem = noisy(plant(D, K, M, N, seed=seed, law=LAWS["correlated"]), 2.0, seed)
        net = problem.truth
        covariance = np.diag(np.var(problem.Y - net(problem.X), axis=0))
        same, units = without_flat_directions(
            net, Samples.of(problem.X, problem.Y), False, covariance
        )
        assert same is net
        assert not len(units)
    assert note(units) == ""
    assert "units 0, 1 there" in note(np.array([0, 1]))


def test_what_is_moved_costs_nothing() -> None:
    """Rows that are all but the unseen direction, as an unhappy estimate has them."""
    sizes = np.ones(D)
    sizes[-1] = 1e-4
    rng = np.random.default_rng(0)
    X = turned(rng, sizes, N)
    problem = planted(X, 0, white=False)
    loud = noisy(problem, 0.1, 0)
    unseen = np.linalg.svd(X - X.mean(axis=0))[2][-1]
    V = problem.truth.V + 10 * rng.standard_normal((K, 1)) * unseen
    net = Network(V, problem.truth.U).canonical()
    noise = 0.1 * problem.Y.std(axis=0)
    samples = Samples.of(loud.X, loud.Y)
    moved, units = without_flat_directions(net, samples, False, np.diag(noise**2))
    assert len(units) == K
    assert np.abs(moved.V @ unseen).max() < 1e-3  # V has the units of the sample
    lost = [float((((loud.Y - one(loud.X)) / noise) ** 2).sum()) for one in (net, moved)]
    assert lost[1] - lost[0] < 20  # noise variances
    assert white_error(moved, problem) < 0.2
    # A network that labels contradict keeps what it has.
    far = Network(problem.truth.V + 1e6 * unseen, problem.truth.U).canonical()
    kept, no_unit = without_flat_directions(far, samples, False, np.diag(noise**2))
    assert kept is far
    assert not len(no_unit)


@pytest.mark.parametrize("method", ["tensor", "projection-signs", "symmetric", "halfspace"])
def test_recipes_whiten_whatever_the_covariance(method: str) -> None:
    for kappa in (1e4, 1e12):
        rng = np.random.default_rng(0)
        turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
        X = rng.standard_normal((6400, 6)) * np.geomspace(1.0, kappa**-0.5, 6) @ turn
        made = planted(X, 1, white=True)
        truth = Network(made.truth.V[:2], made.truth.U[:, :2]).canonical()
        problem = Planted(X, np.asarray(truth(X)), truth)
        loud = noisy(problem, 0.1, 0)
        result = recover(
            loud.X, loud.Y, 2, bias=False, method=method, noise="gaussian", rng=0, throw=False
        )
        assert result.network is not None
        assert result.network.n_units == 2
        assert white_error(result.network, problem) < 0.1


def test_a_recipe_says_what_inputs_hardly_show() -> None:
    sizes = np.ones(6)
    sizes[-1] = 1e-5
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    X = rng.standard_normal((5000, 6)) * sizes @ turn
    problem = planted(X, 0, white=False)
    loud = noisy(problem, 0.1, 0)
    result = recover(
        loud.X, loud.Y, K, bias=False, method="tensor", noise="gaussian", rng=0, throw=False
    )
    assert result.status == Status.ESTIMATED
    assert "flat-directions" in codes(result)
    assert result.network is not None
    assert white_error(result.network, problem) < 0.2
