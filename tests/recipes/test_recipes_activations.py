"""Recipes for activations other than the ReLU: what they recover, and what they must refuse."""

from __future__ import annotations

import numpy as np
import pytest
from support.findings import codes
from support.planting import LAWS, Law, Planted, gaussian, plant
from support.recipe_trials import noisy, right

from unrelu import InputError, Network, Recovery, match, recover
from unrelu.activations import Activation, ExpSquare, Power, Rectified, resolve
from unrelu.fitting.candidate import Unsuitable
from unrelu.recipes.exact_step import check_moments
from unrelu.search.methods import RECIPES

OTHERS = ("power(0.5)", "power(2)", "power(3)", "expm1")


def planted(
    activation: str | Activation,
    k: int,
    m: int,
    n: int,
    seed: int,
    *,
    orthonormal: bool = False,
    law: Law = gaussian,
    bias: float = 0.0,
) -> Planted:
    """d = 5."""
    net = plant(5, k, m, 2, seed=seed, bias=bias).truth
    rng = np.random.default_rng([seed, 3])
    V = np.linalg.qr(rng.standard_normal((5, k)))[0].T if orthonormal else net.V
    truth = Network(V, net.U, net.b, net.c, activation)
    X = law(rng, n, 5)
    return Planted(X, np.asarray(truth(X)), truth)


def run(
    method: str, problem: Planted, n_units: int | None, *, noise: str = "none", seed: int = 0
) -> Recovery:
    return recover(
        problem.X,
        problem.Y,
        n_units,
        activation=problem.truth.activation,
        bias=False,
        method=method,
        noise=noise,
        rng=seed,
        throw=False,
    )


def refusal(method: str, problem: Planted, n_units: int | None, *, noise: str = "none") -> str:
    result = run(method, problem, n_units, noise=noise)
    assert result.status == "failed", str(result)
    assert result.code == "method-does-not-apply"
    return result.explanation


@pytest.mark.parametrize(
    ("method", "activation"),
    [
        *(("tensor", activation) for activation in OTHERS),
        ("tensor-3", "power(2)"),
        ("projection-signs", "power(0.5)"),
    ],
)
def test_within_their_assumptions(method: str, activation: str) -> None:
    problems = [planted(activation, 3, 3, 1600, seed) for seed in range(5)]
    found = [right(run(method, problem, 3), problem) for problem in problems]
    assert sum(found) >= 4


@pytest.mark.parametrize("activation", OTHERS)
def test_orthonormal_hidden_weights(activation: str) -> None:
    problems = [planted(activation, 2, 3, 3200, seed, orthonormal=True) for seed in range(5)]
    found = [right(run("ica", problem, None), problem) for problem in problems]
    assert sum(found) >= 4
    skew = planted(activation, 3, 4, 3200, 0)
    assert "not orthonormal" in refusal("ica", skew, 3)


def test_functions_of_ones_own_and_biases_that_are_not_there() -> None:
    own = Rectified(np.tanh, np.arctanh)
    for seed in range(3):
        problem = planted(own, 3, 3, 3200, seed)
        assert right(run("tensor", problem, 3, seed=seed), problem)
    problem = planted("power(2)", 3, 3, 3200, 0)
    result = recover(problem.X, problem.Y, 3, activation="power(2)", method="tensor", rng=0)
    assert right(result, problem)


def test_inputs_of_any_mean_and_covariance() -> None:
    problem = planted("power(2)", 3, 3, 5000, 0, law=LAWS["correlated"])
    shifted = problem.X + 0.1
    moved = Planted(shifted, np.asarray(problem.truth(shifted)), problem.truth)
    for one in (problem, moved):
        assert right(run("tensor", one, 3), one)
        assert right(run("tensor-3", one, 3), one)


def test_the_order_must_show_something() -> None:
    """z² is half even, z²/2, and half odd: nothing of it is in the fourth order."""
    problem = planted("power(2)", 3, 3, 3200, 0)
    assert "h_4 of 'power(2)' is zero" in refusal("tensor-4", problem, 3)


@pytest.mark.parametrize("method", ["tensor", "projection-signs"])
def test_what_fails_is_reported(method: str) -> None:
    uniform = planted("power(2)", 3, 3, 5000, 0, law=LAWS["uniform"])
    assert "the inputs are not Gaussian" in refusal(method, uniform, 3)
    few = planted("power(2)", 3, 2, 3200, 0)
    assert "as many outputs as units" in refusal(method, few, 3)
    biased = planted("power(2)", 3, 4, 3200, 0, bias=0.5)
    assert "biases" in refusal(method, biased, 3)
    assert "more units, biases, or noise" in refusal(method, planted("expm1", 4, 4, 3200, 0), 3)
    loud = noisy(planted("expm1", 3, 3, 3200, 0), 0.1, 0)
    assert "the scale of z" in refusal(method, loud, 3, noise="gaussian")
    assert "no unit" in refusal(method, loud, 3)


def test_another_activation_made_the_labels() -> None:
    made = planted("power(3)", 3, 3, 3200, 0)
    for name in ("power(2)", "power(2.9)", "expm1"):
        truth = Network(made.truth.V, made.truth.U, activation=name)
        for method in ("tensor", "ica", "projection-signs"):
            result = run(method, Planted(made.X, made.Y, truth), 3)
            assert result.status == "failed"


def test_labels_without_a_variance() -> None:
    with pytest.raises(Unsuitable, match="have no variance"):
        check_moments(ExpSquare())
    for activation in (Power(0.5), Power(5), resolve("expm1")):
        check_moments(activation)
    problem = planted("power(2)", 3, 3, 1000, 0)
    far = Planted(
        problem.X, problem.Y, Network(problem.truth.V, problem.truth.U, activation="exp-square")
    )
    assert "have no variance" in refusal("ica", far, 3)


@pytest.mark.parametrize(
    ("method", "activation"),
    [("tensor", "power(2)"), ("tensor-3", "power(3)"), ("projection-signs", "power(0.5)")],
)
def test_noisy_labels(method: str, activation: str) -> None:
    good = 0
    for seed in range(5):
        problem = noisy(planted(activation, 2, 3, 3200, seed), 0.2, seed)
        result = run(method, problem, 2, noise="gaussian", seed=seed)
        if result.status == "estimated":
            assert result.network is not None
            assert "recipes-own" in codes(result)
            good += bool(match(result.network, problem.truth).hidden.max() < 0.1)
    assert good >= 4


def test_one_output_and_the_third_order() -> None:
    """The paper's Algorithm 5 as printed: z² has a third Hermite coefficient."""
    good = 0
    for seed in range(5):
        clean = planted("power(2)", 2, 1, 6400, seed)
        U = np.where(clean.truth.U < 0, -1.0, 1.0) * [1.0, 0.7]
        truth = Network(clean.truth.V, U, activation="power(2)")
        problem = noisy(Planted(clean.X, np.asarray(truth(clean.X)), truth), 0.2, seed)
        result = run("tensor", problem, 2, noise="gaussian", seed=seed)
        assert result.stats.get("order", 3) == 3
        if result.status == "estimated":
            assert result.network is not None
            good += bool(match(result.network, truth).hidden.max() < 0.2)
    assert good >= 4


def test_a_unit_that_noise_hides_is_no_estimate() -> None:
    clean = planted("power(2)", 3, 3, 3200, 0)
    truth = Network(clean.truth.V, clean.truth.U * [1, 1, 1e-3], activation="power(2)")
    problem = noisy(Planted(clean.X, np.asarray(truth(clean.X)), truth), 0.3, 0)
    assert "More samples" in refusal("tensor", problem, 3, noise="gaussian")


@pytest.mark.parametrize("method", [recipe.name for recipe in RECIPES if recipe.relu_only])
def test_recipes_for_the_relu_say_why(method: str) -> None:
    problem = planted("power(2)", 2, 3, 200, 0)
    why = next(recipe.relu_only for recipe in RECIPES if recipe.name == method)
    with pytest.raises(InputError, match="expected 'relu'") as caught:
        run(method, problem, 2)
    assert why in str(caught.value)
