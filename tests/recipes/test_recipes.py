"""The registry of recipes, how recover() runs them, and the helpers of their tests."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from support.planting import Planted, plant
from support.recipe_trials import recovered, right

from unrelu import InputError, Network, recover
from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.noise.kinds import KINDS, estimated
from unrelu.samples import Samples
from unrelu.search.methods import COMPLETE, METHODS, RECIPES, Method, names

NAMES = [recipe.name for recipe in RECIPES]


def test_right_is_not_fooled() -> None:
    problem = plant(5, 3, 3, 100, seed=0)
    result = recover(problem.X, problem.Y, rng=0)
    assert right(result, problem)
    V = problem.truth.V.copy()
    V[0, 0] += 1e-8
    with pytest.raises(AssertionError, match="another network"):
        right(result, Planted(problem.X, problem.Y, Network(V, problem.truth.U)))
    failed = recover(problem.X, problem.Y**3, noise="none", rng=0, throw=False)
    assert not right(failed, problem)
    assert recovered("row-space", [problem, Planted(problem.X, problem.Y**3, problem.truth)]) == 1


def test_names_are_unique_methods_and_explained() -> None:
    assert len(set(names())) == len(names()) == 1 + len(METHODS)
    doc = recover.__doc__ or ""
    for method in names():
        assert f'"{method.removesuffix("-power")}' in doc, f"recover() says nothing of {method}"


def test_records_are_complete() -> None:
    for recipe in (*RECIPES, *COMPLETE):
        assert recipe.theorem
        assert recipe.assumptions
        assert set(recipe.noise) < set(KINDS)
        find = getattr(recipe.find, "func", recipe.find)
        module = importlib.import_module(find.__module__)
        for word in ("Assumptions", "Where it stops", "Cost"):
            assert word in (module.__doc__ or ""), f"{module.__name__}: {word}"


@pytest.mark.parametrize("method", NAMES)
@pytest.mark.parametrize("noise", estimated())
def test_noise_that_a_recipe_does_not_take_is_wrong_use(method: str, noise: str) -> None:
    problem = plant(3, 2, 2, 100, seed=0)
    if noise in METHODS[method].noise:
        return
    with pytest.raises(InputError, match="method: got"):
        recover(problem.X, problem.Y, 2, method=method, noise=noise)


def test_unknown_names_are_met_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="'tensor-2-power'"):
        recover(np.eye(3), np.eye(3)[:, :1], method="tensors")


def test_a_refusal_carries_its_network() -> None:
    net = Network([[1.0]], [[1.0]])
    error = Unsuitable("no", net)
    assert error.reason == str(error) == "no"
    assert error.network is net


@pytest.mark.parametrize("method", NAMES)
def test_labels_that_are_no_network_are_never_exact(method: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 4))
    for Y in (
        X @ rng.standard_normal((4, 3)),
        np.sin(3 * X[:, :3]),
        rng.standard_normal((1000, 3)),
    ):
        for n_units in (None, 3):
            result = recover(X, Y, n_units, method=method, noise="none", rng=0, throw=False)
            assert result.status != "exact", f"{method}: {result}"


@pytest.mark.parametrize("method", NAMES)
def test_labels_of_zeros_are_the_constant_network(method: str) -> None:
    X = np.random.default_rng(0).standard_normal((100, 3))
    result = recover(X, np.zeros((100, 2)), method=method, rng=0, throw=False)
    assert result.network is not None
    assert result.network.n_units == 0


@pytest.mark.parametrize("method", NAMES)
def test_degenerate_samples_end_in_words(method: str) -> None:
    """As few rows as there may be, repeated and sparse ones, far from the origin, more units asked
    for than there can be: never an exception, never exact with another network."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        truth = plant(4, 2, 3, 1, seed=seed).truth
        X = rng.standard_normal((60, 4))
        for inputs in (
            X[:5],
            np.repeat(X[:15], 4, axis=0),
            X * (rng.random(X.shape) < 0.1),
            X + 1e4,
        ):
            labels = np.asarray(truth(inputs))
            if not labels.any():  # no unit is on, and no unit explains them
                continue
            for n_units in (None, 6):
                try:
                    result = recover(
                        inputs, labels, n_units, bias=False, method=method, rng=0, throw=False
                    )
                except InputError:  # dependent inputs, by chance
                    continue
                right(result, Planted(inputs, labels, truth))


def test_a_recipe_is_left_to_itself_with_exact_samples() -> None:
    """A complete search would find the network; it has not been asked."""
    rng = np.random.default_rng(0)
    X = rng.integers(-9, 10, (40, 3))
    Y = np.maximum(X @ [[1, 2], [0, -1], [3, 1]], 0) @ [[1, 2], [-1, 1]]
    proved = recover(X, Y, 2, bias=False, method="enumeration", exact=True)
    assert proved.status == "proved"
    for method in ("tensor-3", "sparse-noise"):
        result = recover(X, Y, 2, bias=False, method=method, exact=True, rng=0, throw=False)
        assert result.status == "failed"
        assert result.code == "method-does-not-apply"
        assert result.stats["method"] == method


def test_the_enumeration_says_which_assumption_fails() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(-9, 10, (60, 3))
    V, U = rng.integers(-3, 4, (3, 4)), rng.integers(-3, 4, (4, 4))
    Y = np.maximum(X @ V, 0) @ U
    reported = []
    for labels, n_units in ((Y[:, :1], 2), (Y, 4)):
        result = recover(
            X, labels, n_units, bias=False, method="enumeration", exact=True, throw=False
        )
        assert result.status == "failed"
        reported.append(result.explanation)
    assert "the labels have rank 1, less than the 2 units" in reported[0]
    assert "undecided: too large" in reported[1]
    with pytest.raises(InputError, match="expected exact=True"):
        recover(X, Y, 4, method="enumeration")


def test_a_method_is_a_file_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be combined with a toy one, and its errors, follow from its line."""
    problem = plant(4, 2, 3, 200, seed=0)

    def find(samples: Samples, **_: Any) -> Candidate:
        return Candidate(problem.truth, np.arange(samples.n), {"starts": 1})

    toy = Method("toy", "none", "the answer", find, noise=(), relu_only="it knows one answer")
    monkeypatch.setitem(METHODS, "toy", toy)
    result = recover(problem.X, problem.Y, method="toy", bias=False, rng=0)
    assert (result.status, result.stats["method"]) == ("exact", "toy")
    for options in ({"noise": "gaussian"}, {"activation": "power(2)"}, {"skip": True}):
        with pytest.raises(InputError):
            recover(problem.X, problem.Y, method="toy", **options)
    with pytest.raises(InputError, match="'toy'"):
        recover(problem.X, problem.Y, method="toys")
