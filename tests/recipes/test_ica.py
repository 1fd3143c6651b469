"""The recipe `ica`: orthonormal hidden weights, Gaussian inputs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import LAWS, Planted, conditioned, orthonormal, plant
from support.recipe_trials import noisy, recovered, refusal, refused

Array = NDArray[np.float64]


@pytest.mark.parametrize(
    ("d", "k", "m", "n"), [(10, 5, 5, 2000), (10, 5, 8, 2000), (20, 10, 10, 5000)]
)
def test_within_its_assumptions(d: int, k: int, m: int, n: int) -> None:
    problems = [plant(d, k, m, n, seed=s, V=orthonormal(d, k, s)) for s in range(5)]
    assert recovered("ica", problems) >= 4


def test_units_in_inputs_of_any_size() -> None:
    problem = plant(8, 4, 4, 2000, seed=1, V=3.0 * orthonormal(8, 4, 1))
    scaled = Planted(1e3 * problem.X, 1e3 * problem.Y, problem.truth)
    assert recovered("ica", [scaled]) == 1
    assert recovered("ica", [scaled], bias=True) == 1


@pytest.mark.study
def test_hidden_weights_must_be_orthonormal() -> None:
    for seed in range(5):
        problem = plant(10, 5, 5, 2000, seed=seed, V=conditioned(10, 5, 10.0, seed))
        reported = refusal("ica", problem)
        assert "not orthonormal" in reported or "needs orthonormal" in reported


def test_hidden_weights_that_are_nearly_orthonormal_are_told_apart() -> None:
    V = orthonormal(10, 5, 0)
    V[1] = np.cos(0.3) * V[1] + np.sin(0.3) * V[0]
    result = refused("ica", plant(10, 5, 5, 5000, seed=0, V=V))
    assert "the cosine between two of them is 0.3" in result.explanation
    assert result.certificate.code == "unique"  # of the network that it was led to


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (plant(10, 5, 3, 2000, seed=0, V=orthonormal(10, 5, 0)), "rank 3 for 5 units"),
        (
            plant(10, 5, 5, 2000, seed=0, V=orthonormal(10, 5, 0), law=LAWS["correlated"]),
            "identity",
        ),
        (plant(3, 5, 5, 2000, seed=0), "5 units for 3 inputs"),
        (
            noisy(plant(10, 5, 8, 2000, seed=0, V=orthonormal(10, 5, 0)), 0.1, 0),
            "rank 8 for 5 units",
        ),
    ],
)
def test_what_fails_is_reported(problem: Planted, why: str) -> None:
    assert why in refusal("ica", problem, problem.truth.n_units)


def test_biases_are_not_its_business() -> None:
    problem = plant(10, 5, 8, 2000, seed=0, V=orthonormal(10, 5, 0), bias=0.5)
    assert "biases" in refusal("ica", problem)
    assert "biases" in refusal("ica", problem, 5)
