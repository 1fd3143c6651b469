"""recover(method="one-sparse"): units read off samples on which they are alone; nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import Planted, orthonormal, plant, uniform

from unrelu import Network, Recovery, Status, match, recover
from unrelu.recipes.one_sparse import parallel_labels

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
SEEDS = range(5)


def recovered(result: Recovery, truth: Network) -> bool:
    """Exact, by this method, and every weight within ten of the certificate's own estimates."""
    if result.status != Status.EXACT or result.network is None:
        return False
    bound = float(result.certificate.weight_errors.max()) + 16 * EPS
    assert bound <= 1e-11
    error = match(result.network, truth)
    return error.hidden.max() <= bound and error.max_error <= 100 * bound


def one_sparse(problem: Planted, *, bias: bool = False, n_units: int | None = None) -> Recovery:
    result = recover(
        problem.X, problem.Y, n_units, bias=bias, method="one-sparse", rng=0, throw=False
    )
    assert result.stats["method"] == "one-sparse"
    # What is called exact is the truth, whatever was planted.
    assert result.status != Status.EXACT or recovered(result, problem.truth)
    return result


def with_output_weights(problem: Planted, U: Array) -> Planted:
    truth = Network(problem.truth.V, U, problem.truth.b, problem.truth.c)
    return Planted(problem.X, truth(problem.X), truth)


def opposite(problem: Planted, scale: float = -1.3) -> Planted:
    """The second column of U a multiple of the first."""
    U = problem.truth.U.copy()
    U[:, 1] = scale * U[:, 0]
    return with_output_weights(problem, U)


@pytest.mark.parametrize(
    ("d", "k", "m", "n"), [(5, 3, 2, 400), (8, 3, 2, 2000), (8, 4, 3, 4000), (5, 2, 5, 100)]
)
def test_inside(d: int, k: int, m: int, n: int) -> None:
    found = [plant(d, k, m, n, seed=seed) for seed in SEEDS]
    assert sum(one_sparse(problem).status == Status.EXACT for problem in found) >= 4


def test_orthonormal_rows_take_a_few_times_two_to_the_k() -> None:
    d, k = 6, 5
    found = [plant(d, k, 2, 5 * 2**k * d, seed=seed, V=orthonormal(d, k, seed)) for seed in SEEDS]
    assert sum(one_sparse(problem).status == Status.EXACT for problem in found) >= 4


@pytest.mark.parametrize(("d", "k", "m", "n"), [(5, 3, 2, 600), (4, 2, 1, 200), (8, 3, 2, 2000)])
def test_columns_u_and_minus_u(d: int, k: int, m: int, n: int) -> None:
    found = [opposite(plant(d, k, m, n, seed=seed)) for seed in SEEDS]
    assert sum(one_sparse(problem).status == Status.EXACT for problem in found) >= 4


def test_biases_of_units_and_outputs() -> None:
    found = [plant(5, 3, 2, 1000, seed=seed, bias=0.3) for seed in SEEDS]
    assert sum(one_sparse(problem, bias=True).status == Status.EXACT for problem in found) >= 4
    found = [plant(5, 3, 2, 1000, seed=seed) for seed in SEEDS]
    assert sum(one_sparse(problem, bias=True).status == Status.EXACT for problem in found) >= 4


def test_the_law_of_the_inputs_does_not_matter() -> None:
    found = [plant(5, 3, 2, 600, seed=seed, law=uniform) for seed in SEEDS]
    assert sum(one_sparse(problem).status == Status.EXACT for problem in found) >= 4


def test_it_is_the_same_answer_for_other_orders_and_units() -> None:
    problem = plant(5, 3, 2, 400, seed=1)
    first = one_sparse(problem).network
    order = np.random.default_rng(0).permutation(400)
    other = one_sparse(replace(problem, X=problem.X[order], Y=problem.Y[order])).network
    scaled = with_output_weights(problem, problem.truth.U * 1e6)
    larger = one_sparse(scaled).network
    assert first is not None
    assert other is not None
    assert larger is not None
    assert match(first, other).max_error <= 1e-12
    assert match(larger, scaled.truth).hidden.max() <= 1e-12


def test_outputs_in_different_units_and_single_precision() -> None:
    problem = plant(5, 3, 2, 400, seed=1)
    units = np.array([1.0, 1e14])
    scaled = one_sparse(with_output_weights(problem, problem.truth.U * units[:, None])).network
    assert scaled is not None
    assert (
        match(scaled, Network(problem.truth.V, units[:, None] * problem.truth.U)).hidden.max()
        <= 1e-12
    )
    coarse = np.asarray(problem.Y, np.float32)
    result = recover(problem.X, coarse, bias=False, method="one-sparse", rng=0, throw=False)
    assert result.status == Status.EXACT
    assert result.network is not None
    assert match(result.network, problem.truth).hidden.max() <= 1e-5


def test_without_any_error() -> None:
    rng = np.random.default_rng(0)
    V, U = rng.integers(-5, 6, (3, 4)), rng.integers(-5, 6, (2, 3))
    X = rng.integers(-50, 51, (400, 4))
    Y = np.maximum(X @ V.T, 0) @ U.T
    result = recover(X, Y, bias=False, method="one-sparse", exact=True, rng=0)
    assert result.status == Status.PROVED


def test_canary() -> None:
    problem = plant(5, 3, 2, 400, seed=1)
    result = one_sparse(problem)
    assert recovered(result, problem.truth)
    V = problem.truth.V.copy()
    V[0, 0] += 1e-9
    assert not recovered(result, Network(V, problem.truth.U))
    assert not recovered(result, Network(V[:2], problem.truth.U[:, :2]))


def refusal(result: Recovery) -> str:
    assert (result.status, result.code) == ("failed", "method-does-not-apply"), str(result)
    return result.explanation


def test_too_few_samples_alone() -> None:
    """With a unit alone on fewer than d samples it says so, and about how many would do."""
    problem = plant(10, 6, 2, 400, seed=0)
    reported = refusal(one_sparse(problem))
    assert re.search(r"groups of parallel labels with fewer than 10 samples: \d+ ", reported)
    assert "more samples would do" in reported


def test_a_unit_never_alone() -> None:
    """The third unit is on only where the first is: no group of labels is its own."""
    V = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    U = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    truth = Network(V, U, [0.0, 0.0, -0.5])
    X = np.random.default_rng(0).standard_normal((500, 2))
    reported = refusal(one_sparse(Planted(X, truth(X), truth), bias=True))
    assert "alone on enough samples: 2; on 500 samples there are no other two" in reported


def test_columns_that_are_positive_multiples() -> None:
    reported = refusal(one_sparse(opposite(plant(5, 3, 2, 2000, seed=0), scale=1.3)))
    assert "positive multiples of each other" in reported
    reported = refusal(one_sparse(plant(4, 3, 1, 2000, seed=0)))
    assert "positive multiples of each other" in reported


def test_noise() -> None:
    problem = plant(5, 3, 2, 1000, seed=0)
    rng = np.random.default_rng(1)
    noisy = replace(problem, Y=problem.Y + 1e-6 * rng.standard_normal(problem.Y.shape))
    assert "the labels are not exact" in refusal(one_sparse(noisy))
    with pytest.raises(ValueError, match="'one-sparse' is for labels with 'none'"):
        recover(problem.X, problem.Y, method="one-sparse", noise="gaussian")


def test_more_units_asked_for_than_there_are() -> None:
    reported = refusal(one_sparse(plant(5, 3, 2, 600, seed=0), n_units=4))
    assert "alone on enough samples: 3 of 4" in reported


def test_never_exact_and_wrong() -> None:
    """Small integers, where labels are parallel by chance: exact or refused."""
    exact = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        V = rng.integers(-1, 2, (3, 3)) + 3.0 * np.eye(3)
        truth = Network(V, rng.integers(-2, 3, (2, 3)).astype(np.float64))
        X = rng.integers(-3, 4, (40 + 20 * seed, 3)).astype(np.float64)
        result = recover(X, truth(X), bias=False, method="one-sparse", rng=0, throw=False)
        if result.status != Status.EXACT:
            assert (result.status, result.code) == ("failed", "method-does-not-apply")
            continue
        assert result.network is not None
        fresh = rng.standard_normal((200, 3))
        assert np.abs(result.network(fresh) - truth(fresh)).max() <= 1e-9
        exact += 1
    assert 0 < exact < len(SEEDS)


def test_groups_are_those_planted() -> None:
    problem = plant(4, 3, 2, 500, seed=2)
    active = problem.X @ problem.truth.V.T > 0
    alone = [int((active.sum(axis=1) == 1)[active[:, j]].sum()) for j in range(3)]
    lines, sizes = parallel_labels(problem.X, problem.Y, EPS)
    assert sorted(sizes[sizes > 1].tolist()) == sorted(alone)
    assert sorted(len(line.lengths) for line in lines) == sorted(alone)
    off = problem.Y * (1 + 1e-4 * np.random.default_rng(0).standard_normal(problem.Y.shape))
    assert (parallel_labels(problem.X, off, EPS)[1] == 1).all()
