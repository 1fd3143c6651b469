"""The number of units of noisy labels: tests at a known rate, and what must not pass for noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.neural_network import MLPRegressor
from support.planting import plant

from unrelu import Network, Recovery, from_sklearn, match, recover
from unrelu.activations import RELU
from unrelu.checks.misfit import MISFIT, misfit
from unrelu.fitting import one_more
from unrelu.fitting.fittings import LeastSquares, Reweighted
from unrelu.fitting.one_unit import best_unit
from unrelu.fitting.selection import Effort
from unrelu.fitting.width import without_least
from unrelu.noise.poisson import POISSON
from unrelu.numerics.order import block_length
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]


def asked(X: Array, Y: Array, **options: object) -> Recovery:
    return recover(X, Y, rng=0, throw=False, **options)  # type: ignore[arg-type]


LAWS = {
    "counts": lambda rng, n: rng.poisson(0.2, n).astype(float),
    "gaussian": lambda rng, n: rng.standard_normal(n),
    "t3": lambda rng, n: rng.standard_t(3, n),
    "exponential": lambda rng, n: rng.exponential(size=n),
}


@pytest.mark.parametrize("law", LAWS)
def test_labels_that_depend_on_nothing_have_no_unit(law: str) -> None:
    for seed in range(2):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((600, 5))
        result = asked(X, LAWS[law](rng, 600))
        assert result.network is not None
        assert (result.network.n_units, result.code) == (0, "no-unit")
        assert result.noise is not None
        (width,) = result.noise.widths
        assert width.gain <= width.edge


def test_every_width_before_the_last_passes() -> None:
    problem = plant(6, 3, 1, 1200, seed=3, bias=0.4)
    noise = 0.02 * np.random.default_rng(3).standard_normal(problem.Y.shape)
    result = asked(problem.X, problem.Y + noise)
    assert result.status == "estimated"
    assert result.noise is not None
    *before, last = result.noise.widths
    assert last.units == 4
    assert last.gain <= last.edge
    assert all(width.gain > width.edge for width in before)


def test_a_step_is_taken_away_one_side_after_the_other() -> None:
    """Two nearly parallel units with large, opposite weights make a step; of counts, what is left
    of one alone would weigh as nothing."""
    rng = np.random.default_rng(0)
    X, v = rng.standard_normal((4000, 6)), np.eye(6)
    counts = rng.poisson(0.3 + np.maximum(X[:, 0], 0)).astype(float)[:, None]
    V = np.vstack([v[0], v[1], v[1] + 1e-4 * v[2]])
    wide = Network(V, [[1.0, 500.0, -500.0]], [0.0, 0.1, 0.1], [0.3])
    fitting = Reweighted(
        POISSON, Samples(X, counts, 2.0**-52), bias=True, skip=False, activation=RELU
    )
    smaller = without_least(without_least(wide, fitting), fitting)
    assert abs(smaller.V[0, 0]) > 0.99 * np.linalg.norm(smaller.V)
    assert fitting.gain(fitting.without_units(), smaller) > 1000


def test_as_many_units_as_few_labels_allow_are_not_endless() -> None:
    """The test asks for a pair of kinks after the first, which is more than 21 labels allow."""
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(0, 10, 21))
    y = 4.3 - np.clip(x - 3.5, 0, 3) + 0.15 * rng.standard_normal(21)
    result = asked(x[:, None], y)
    assert result.network is not None
    assert (result.network.n_units, result.code) == (2, "noise")


def test_repeated_inputs_are_no_more_samples() -> None:
    """Forty labels that depend on nothing, ten times each with little noise."""
    rng = np.random.default_rng(1)
    X = np.repeat(rng.standard_normal((40, 3)), 10, axis=0)
    common = np.repeat(rng.standard_normal(40), 10)  # the same for all repeats
    result = asked(X, common + 0.1 * rng.standard_normal(400), noise="gaussian")
    assert result.status != "estimated"


@pytest.mark.parametrize("n", [60, 200])
def test_four_values_show_a_kink(n: int) -> None:
    """Sorted or not: what a straight line lacks is no dependence of neighbours."""
    rng = np.random.default_rng(0)
    x, noise = rng.integers(0, 4, n).astype(float), 0.2 * rng.standard_normal(n)
    for inputs in (x, np.sort(x)):
        result = asked(inputs[:, None], np.maximum(inputs - 1.5, 0) + noise)
        assert result.network is not None
        assert (result.status, result.network.n_units) == ("estimated", 1)
    assert asked(x[:, None], noise).code == "no-unit"


def test_a_series_along_four_values_has_no_unit() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(400)
        for i in range(1, 400):
            noise[i] += 0.95 * noise[i - 1]
        result = asked(np.repeat(np.arange(4.0), 100)[:, None], noise)
        assert result.status != "estimated" or result.code == "no-unit"


def test_a_series_is_no_broken_line() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(200)
        for i in range(1, 200):
            noise[i] += 0.7 * noise[i - 1]
        t = np.arange(200.0)
        assert block_length(noise[:, None]) > 4
        result = asked(t[:, None], 0.1 * t + noise, skip=True)
        assert result.status != "estimated"


FUNCTIONS = {
    "product": lambda X: X[:, 0] * X[:, 1],
    "sine": lambda X: np.sin(2 * X[:, 0]) * X[:, 1] + np.tanh(X[:, 2]),
    "saturating": lambda X: np.tanh(np.maximum(X[:, :2] - 0.2, 0).sum(axis=1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_another_function_is_no_noise(name: str) -> None:
    X = np.random.default_rng(0).standard_normal((500, 4))
    assert asked(X, FUNCTIONS[name](X)).status != "estimated"


def test_misfit_sees_another_function_and_not_noise() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 8))
    net = Network([[1.0, 1.0, 0, 0, 0, 0, 0, 0]], [[1.0]])
    noise = rng.standard_normal((1000, 1)) * (0.1 + np.abs(X[:, :1]))  # of unequal size
    assert abs(misfit(net, X, noise)) < MISFIT
    assert misfit(net, X, noise + np.cos(3 * X[:, :2].sum(axis=1, keepdims=True))) > MISFIT


def test_one_unit_too_few_given() -> None:
    problem = plant(5, 2, 1, 800, seed=5, bias=0.3)
    noise = 0.1 * np.random.default_rng(5).standard_normal(problem.Y.shape)
    result = asked(problem.X, problem.Y + noise, n_units=1, noise="gaussian")
    assert result.status in ("failed", "undetermined")
    assert result.network is not None
    assert result.network.n_units == 1


@pytest.mark.parametrize(
    "noise", ["gaussian", pytest.param("poisson", marks=pytest.mark.study), "independent"]
)
def test_the_estimate_does_not_depend_on_the_seed(noise: str) -> None:
    """By a hundredth of a standard error."""
    rng = np.random.default_rng(2)
    truth = Network(rng.standard_normal((2, 4)), [[1.5, 2.0]], [0.2, -0.3], [1.0])
    X = rng.standard_normal((1000, 4))
    law: dict[str, Callable[[], Array]] = {
        "gaussian": lambda: truth(X) + 0.3 * rng.standard_normal((1000, 1)),
        "poisson": lambda: rng.poisson(truth(X)).astype(float),
        "independent": lambda: truth(X) + 0.2 * rng.standard_t(2, (1000, 1)),
    }
    Y = law[noise]()
    one, other = (recover(X, Y, noise=noise, rng=seed, throw=False) for seed in (1, 2))
    assert one.network is not None
    assert other.network is not None
    assert one.stderr is not None
    for part in ("V", "U", "b", "c"):
        apart = np.abs(getattr(one.network, part) - getattr(other.network, part))
        assert (apart <= 0.01 * getattr(one.stderr, part)).all()


def test_the_search_finds_a_planted_unit() -> None:
    """In one of three sets of residuals, and its direction; a pair along one input."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((500, 4)), np.ones(500)])
    white = whiten(X)
    row = np.array([1.0, -1.0, 0.5, 0.0, 0.2])
    residuals = rng.standard_normal((3, 500, 2))
    residuals[1] += 2 * np.maximum(X @ row, 0)[:, None]
    base = np.full((500, 1), 500**-0.5)
    best = best_unit(white.features, base, residuals, rng)
    assert best.drops[0].argmax() == 1
    found = white.to_rows(best.rows[0][1])[0]
    assert found @ row > 0.95 * np.linalg.norm(found) * np.linalg.norm(row)

    x = np.linspace(0, 10, 80)
    line = whiten(np.column_stack([x, np.ones(80)])).features
    step = -np.clip(x - 3.5, 0, 3) + 0.1 * rng.standard_normal(80)
    base = np.linalg.qr(line)[0]
    pair = best_unit(line, base, step[None, :, None], rng)
    assert len(pair.drops) == 2
    assert pair.drops[1, 0] > 3 * pair.drops[0, 0]


def test_a_category_is_no_kink() -> None:
    """Four levels as columns of zeros and ones, all but one of them, and one kink."""
    rng = np.random.default_rng(1)
    level, x = rng.integers(0, 4, 600), rng.uniform(0, 10, 600)
    y = np.array([0, 1, 2, -1.0])[level] + 1.5 * np.maximum(x - 5, 0)
    y += 0.2 * rng.standard_normal(600)
    result = asked(np.column_stack([x, np.eye(4)[level, 1:]]), y, skip=True)
    assert result.network is not None
    assert (result.status, result.network.n_units) == ("estimated", 1)


@pytest.mark.parametrize("seed", [0, 43, 75, 244])
def test_a_kink_beside_a_column_of_two_values_is_one_unit(seed: int) -> None:
    """A search may cut it into two, one for each value, of which neither is near the whole."""
    rng = np.random.default_rng(0)
    x, two = rng.uniform(20, 70, 500), (rng.random(500) > 0.7).astype(float)
    y = 0.1 * np.maximum(x - 40, 0) + 0.5 * two + 0.1 * rng.standard_normal(500)
    result = recover(np.column_stack([x, two]), y, skip=True, rng=seed, throw=False)
    assert result.network is not None
    assert (result.status, result.network.n_units) == ("estimated", 1)


@pytest.mark.study
def test_a_given_number_of_units_is_no_hindrance() -> None:
    """Logged answers of a trained network, rounded to three decimals: from the network of the exact
    search, which is a wrong one, the told number alone leads nowhere."""
    X, y = load_diabetes(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = (y - y.mean()) / y.std()
    model = MLPRegressor(hidden_layer_sizes=(8,), max_iter=3000, random_state=0, alpha=1e-3).fit(
        X, y
    )
    for given in (None, 8):
        result = asked(X, np.round(model.predict(X), 3), n_units=given)
        assert result.status == "estimated"
        assert result.network is not None
        assert match(result.network, from_sklearn(model)).hidden.max() < 0.1


def test_the_edge_of_quick_tests_is_beyond_that_of_many_copies() -> None:
    """Extrapolated from twenty; and a unit that is missing is beyond it, where none is, nothing."""
    problem = plant(5, 3, 1, 1000, seed=0, bias=0.4)
    noise = 0.1 * np.random.default_rng(1).standard_normal(problem.Y.shape)
    samples = Samples.of(problem.X, problem.Y + noise)
    few = problem.truth.without(int(np.argmax(np.linalg.norm(problem.truth.U, axis=0))))
    for start, more in ((problem.truth, 0), (few, 1)):
        fitting = LeastSquares(start, samples, bias=True, skip=False, effort=Effort())
        net = fitting.fit(start)
        test = one_more.Test.of(fitting, net, alpha=0.01, rng=np.random.default_rng(0), quick=True)
        left = test.residuals_of(net)
        found = test(left)
        many = max(np.quantile(kind.first(200)[0], 0.99) for kind in left.kinds)
        assert found.more == more
        assert 0.9 < found.edge / many < 2.5
