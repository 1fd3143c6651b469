"""The recipe `symmetric`: inputs of a symmetric law, not Gaussian."""

from __future__ import annotations

import numpy as np
import pytest
from support.planting import LAWS, Planted, conditioned, plant
from support.recipe_trials import noisy, recovered, refusal

from unrelu import assess, match, recover


@pytest.mark.parametrize("law", LAWS)
def test_within_its_assumptions(law: str) -> None:
    problems = [plant(10, 5, 5, 10000, seed=seed, law=LAWS[law]) for seed in range(5)]
    assert recovered("symmetric", problems) >= 4


def test_few_samples_and_more_outputs_than_units() -> None:
    problems = [plant(10, 3, 6, 2000, seed=seed, law=LAWS["uniform"]) for seed in range(5)]
    assert recovered("symmetric", problems) >= 4
    assert recovered("symmetric", problems[:1], bias=True) == 1


def test_a_mixture_with_a_gaussian() -> None:
    """The law of the corollary: signs, and a share of Gaussian inputs of random covariance."""
    problems = []
    for seed in range(5):
        rng = np.random.default_rng(seed + 500)
        X = LAWS["signs"](rng, 10000, 8)
        drawn = rng.random(10000) < 0.2
        X[drawn] = rng.standard_normal((drawn.sum(), 8)) @ rng.standard_normal((8, 8)).T
        truth = plant(8, 4, 4, 10, seed=seed, V=conditioned(8, 4, 3.0, seed)).truth
        problems.append(Planted(X, np.asarray(truth(X)), truth))
    assert recovered("symmetric", problems) >= 4


def test_inputs_must_be_symmetric() -> None:
    problem = plant(10, 4, 4, 5000, seed=0, law=LAWS["uniform"])
    shifted = problem.X + 0.2
    skewed = np.random.default_rng(1).exponential(size=(5000, 10)) - 1
    for X in (shifted, skewed):
        reported = refusal("symmetric", Planted(X, np.asarray(problem.truth(X)), problem.truth))
        assert "the inputs are not symmetric" in reported


def test_distinguishing_matrices_must_be_independent() -> None:
    """Multiples of the unit vectors: their five squares e eᵀ cannot span ten matrices."""
    rng = np.random.default_rng(0)
    X = np.zeros((5000, 5))
    X[np.arange(5000), rng.integers(5, size=5000)] = rng.standard_normal(5000)
    truth = plant(5, 5, 5, 10, seed=0).truth
    reported = refusal("symmetric", Planted(X, np.asarray(truth(X)), truth))
    assert "distinguishing matrices" in reported


def test_what_fails_is_reported() -> None:
    law = LAWS["uniform"]
    assert "rank 3 for 5 units" in refusal("symmetric", plant(10, 5, 3, 5000, seed=0, law=law), 5)
    assert "biases" in refusal("symmetric", plant(10, 3, 5, 5000, seed=0, law=law, bias=0.5), 3)
    loud = noisy(plant(10, 3, 5, 5000, seed=0, law=law), 0.1, 0)
    assert "labels without noise" in refusal("symmetric", loud, 3)
    few = noisy(plant(10, 5, 3, 5000, seed=0, law=law), 0.1, 0)
    assert "5 units for 10 inputs and 3" in refusal("symmetric", few, 5, noise="gaussian")


def sphere(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    Z = rng.standard_normal((n, d))
    return np.asarray(Z / np.linalg.norm(Z, axis=1, keepdims=True))


@pytest.mark.parametrize("law", ["signs", "student", "sphere"])
def test_noisy_labels(law: str) -> None:
    """The last step is that of least squares, and is as exact: twice its standard errors."""
    good = 0
    for seed in range(5):
        planted = plant(6, 2, 6, 3000, seed=seed, law={**LAWS, "sphere": sphere}[law])
        problem = noisy(planted, 0.5, seed)
        result = recover(
            problem.X,
            problem.Y,
            2,
            bias=False,
            method="symmetric",
            noise="gaussian",
            rng=seed,
            throw=False,
        )
        assert result.status in ("estimated", "failed")
        best = assess(problem.truth, problem.X, problem.Y, biased=False)
        expected = np.sqrt(np.mean([unit.angle_error**2 for unit in best.units]))
        net = result.network
        assert net is not None
        if result.status == "estimated" and net.n_units == 2:
            error = match(net, problem.truth).hidden
            good += bool(np.sqrt((error**2).mean()) <= 2 * expected)
    assert good >= 4


def test_moments_that_are_too_far_off_are_refused() -> None:
    """One step from there would lead anywhere."""
    problem = noisy(plant(20, 5, 5, 1000, seed=0, law=LAWS["uniform"]), 0.5, 0)
    reported = refusal("symmetric", problem, 5, noise="gaussian")
    assert "not precise enough" in reported or "distinguishing matrices" in reported
