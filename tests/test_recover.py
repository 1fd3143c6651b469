"""recover(): plant a network, recover it, align, and compare with a computed bound."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import LAWS, Planted, conditioned, identifiable_from, plant

from unrelu import Network, Recovery, RecoveryError, Status, match, recover

Array = NDArray[np.float64]
EPS = np.finfo(np.float64).eps


def assert_exact(result: Recovery, problem: Planted) -> None:
    """Exact, every unit there, no weight further off than the certificate says, and the same labels
    on inputs never seen."""
    assert result.status == Status.EXACT, str(result)
    assert result.network is not None
    error = match(result.network, problem.truth)
    bound = result.certificate.weight_errors.max() + 16 * EPS
    assert bound <= 1e-10
    assert error.hidden.max() <= bound
    assert error.max_error <= 100 * bound
    fresh = np.random.default_rng(99).standard_normal((200, problem.truth.n_inputs))
    size = np.abs(problem.truth.U).sum() * np.linalg.norm(fresh, axis=1).max()
    assert np.abs(result.network(fresh) - problem.truth(fresh)).max() <= 10 * bound * size


def test_assert_exact_canary() -> None:
    problem = plant(5, 3, 3, 100, seed=0)
    result = recover(problem.X, problem.Y, rng=0)
    assert_exact(result, problem)
    V = problem.truth.V.copy()
    V[0, 0] += 1e-9
    with pytest.raises(AssertionError):
        assert_exact(result, Planted(problem.X, problem.Y, Network(V, problem.truth.U)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("d", "k", "m", "n"), [(10, 4, 4, 60), (10, 4, 9, 60), (3, 8, 8, 200), (30, 15, 15, 150)]
)
@pytest.mark.parametrize("known", [True, False])
def test_full_rank(d: int, k: int, m: int, n: int, seed: int, known: bool) -> None:
    problem = plant(d, k, m, n, seed=seed)
    result = recover(problem.X, problem.Y, k if known else None, bias=False, rng=seed)
    assert_exact(result, problem)
    assert result.stats["method"] == "row-space"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("d", "k", "m", "n"), [(8, 4, 4, 120), (8, 4, 12, 120), (20, 10, 10, 3000)]
)
def test_full_rank_with_biases(d: int, k: int, m: int, n: int, seed: int) -> None:
    problem = plant(d, k, m, n, seed=seed, bias=0.5)
    assert_exact(recover(problem.X, problem.Y, rng=seed), problem)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("d", "k", "m", "n"),
    [(10, 3, 1, 150), (10, 6, 2, 250), (4, 6, 1, 400), (3, 9, 2, 400), (1, 3, 1, 3000)],
)
def test_few_outputs_and_more_units_than_inputs(d: int, k: int, m: int, n: int, seed: int) -> None:
    problem = plant(d, k, m, n, seed=seed, bias=0.5)
    assert_exact(recover(problem.X, problem.Y, rng=seed, throw=False), problem)


@pytest.mark.parametrize("law", LAWS)
def test_any_law_of_the_inputs(law: str) -> None:
    problem = plant(20, 6, 6, 4 * 26, seed=1, law=LAWS[law])
    assert_exact(recover(problem.X, problem.Y, bias=False, rng=0), problem)


def test_ill_conditioned_and_near_parallel_units() -> None:
    problem = plant(20, 8, 8, 4 * 28, seed=2, V=conditioned(20, 8, 1e3, seed=2))
    assert_exact(recover(problem.X, problem.Y, bias=False, rng=0), problem)
    V = plant(20, 8, 8, 10, seed=3).truth.V.copy()
    V[1] = V[0] + 0.01 * V[1]
    V[1] /= np.linalg.norm(V[1])
    # A sample on either side between the two takes a few hundred: 0.01 / π of them lie there.
    problem = plant(20, 8, 8, 1500, seed=3, V=V)
    assert_exact(recover(problem.X, problem.Y, bias=False, rng=0), problem)


def test_biases_are_zero_when_there_are_none() -> None:
    problem = plant(6, 3, 3, 150, seed=4)
    result = recover(problem.X, problem.Y, rng=0)
    assert result.network is not None
    bound = result.certificate.weight_errors.max()
    assert np.abs(result.network.b).max() <= bound
    assert np.abs(result.network.c).max() <= bound * np.abs(problem.truth.U).sum()


def test_number_of_units_other_than_asked() -> None:
    problem = plant(6, 4, 4, 150, seed=5)
    result = recover(problem.X, problem.Y, 3, rng=0, throw=False)
    assert result.status == Status.FAILED
    assert result.code == "more-units"
    result = recover(problem.X, problem.Y, 6, rng=0, throw=False)
    assert result.status == Status.UNDETERMINED
    assert result.code == "fewer-units"
    assert result.network is not None
    assert match(result.network, problem.truth).max_error <= 1e-12


def test_too_few_samples_say_how_many_more() -> None:
    problem = plant(20, 6, 6, 400, seed=6)
    n_id = identifiable_from(problem.truth, problem.X, bias=False)
    assert n_id is not None
    n = int(0.9 * n_id)
    result = recover(problem.X[:n], problem.Y[:n], bias=False, rng=0, throw=False)
    assert result.status == Status.UNDETERMINED
    more = result.more_samples
    assert more is not None
    assert n + more >= n_id


def test_a_weak_unit_is_named() -> None:
    """One unit is active on fewer samples than it has weights."""
    rng = np.random.default_rng(7)
    truth = plant(8, 3, 3, 10, seed=7, bias=0.1).truth
    b = truth.b.copy()
    X = rng.standard_normal((300, 8))
    b[1] = -np.sort(X @ truth.V[1])[-5]  # active on the four samples above
    weak = Network(truth.V, truth.U, b, truth.c)
    result = recover(X, weak(X), rng=0, throw=False)
    assert result.status == Status.UNDETERMINED
    assert len(result.certificate.weak_units) >= 1
    assert result.more_samples is not None


def test_a_unit_that_never_switches_off() -> None:
    truth = plant(5, 3, 3, 10, seed=8, bias=0.3).truth
    b = truth.b.copy()
    b[0] = 50.0
    always = Network(truth.V, truth.U, b, truth.c)
    X = np.random.default_rng(8).standard_normal((300, 5))
    result = recover(X, always(X), rng=0, throw=False)
    assert (result.status, result.code) == (Status.UNDETERMINED, "always-active")
    assert result.network is not None
    assert np.abs(result.network(X) - always(X)).max() <= 1e-10 * np.abs(always(X)).max()


def _with_opposite_unit(problem: Planted) -> Planted:
    truth = problem.truth
    pair = Network(
        np.vstack([truth.V, -truth.V[:1]]),
        np.hstack([truth.U, [[0.7]]]),
        np.concatenate([truth.b, -truth.b[:1]]),
        truth.c,
    )
    return Planted(problem.X, pair(problem.X), pair)


def test_opposite_units_on_one_hyperplane() -> None:
    """Without biases u f(z) + u' f(−z) is pinned down; with them the two hyperplanes can part by
    less than the distance to the next sample, and c makes up for it."""
    problem = _with_opposite_unit(plant(6, 3, 1, 300, seed=9))
    assert_exact(recover(problem.X, problem.Y, bias=False, rng=0), problem)
    problem = _with_opposite_unit(plant(6, 3, 1, 300, seed=9, bias=0.3))
    result = recover(problem.X, problem.Y, rng=0, throw=False)
    assert result.status == Status.UNDETERMINED
    assert len(result.certificate.weak_units) == 2
    assert result.network is not None
    size = np.abs(problem.Y).max()
    assert np.abs(result.network(problem.X) - problem.Y).max() <= 1e-12 * size


def test_labels_without_any_unit() -> None:
    X = np.random.default_rng(0).standard_normal((50, 3))
    result = recover(X, np.full((50, 2), 4.0))
    assert result.status == Status.EXACT
    assert result.network is not None
    assert result.network.n_units == 0
    assert np.allclose(result.network.c, 4.0, rtol=0, atol=1e-14)


def test_labels_that_are_constant_but_for_rounding() -> None:
    """A large offset drowns what there is: no rank, no unit, and no crash."""
    problem = plant(3, 2, 1, 60, seed=0)
    result = recover(problem.X, problem.Y + 1e16, 2, rng=0, throw=False)
    assert result.status in (Status.FAILED, Status.UNDETERMINED)


@pytest.mark.parametrize("noise", [1e-9, 1e-3, pytest.param(1e-1, marks=pytest.mark.study)])
def test_noise_is_never_called_exact(noise: float) -> None:
    problem = plant(5, 3, 3, 200, seed=10)
    rng = np.random.default_rng(10)
    Y = problem.Y + noise * rng.standard_normal(problem.Y.shape)
    result = recover(problem.X, Y, rng=0, throw=False)
    assert result.status == Status.ESTIMATED
    assert result.certificate.residual >= noise / 10
    assert recover(problem.X, Y, noise="none", rng=0, throw=False).status == Status.FAILED


def test_labels_of_no_network() -> None:
    X = np.random.default_rng(0).standard_normal((200, 4))
    with pytest.raises(RecoveryError, match="failed") as caught:
        recover(X, np.sin(3 * X).sum(axis=1), noise="none", rng=0)
    assert caught.value.result.status == Status.FAILED
    assert pickle.loads(pickle.dumps(caught.value)).result.status == Status.FAILED


def test_same_seed_same_bits_and_generators_are_taken() -> None:
    problem = plant(8, 5, 1, 300, seed=11, bias=0.5)
    one = recover(problem.X, problem.Y, rng=3).network
    two = recover(problem.X, problem.Y, rng=np.random.default_rng(3)).network
    assert one is not None
    assert two is not None
    for name in ("V", "U", "b", "c"):
        assert (getattr(one, name) == getattr(two, name)).all()


def test_the_two_methods_agree() -> None:
    problem = plant(10, 4, 4, 200, seed=12, bias=0.5)
    one = recover(problem.X, problem.Y, method="row-space", rng=0)
    two = recover(problem.X, problem.Y, method="hyperplanes", rng=0)
    assert (one.stats["method"], two.stats["method"]) == ("row-space", "hyperplanes")
    assert_exact(one, problem)
    assert_exact(two, problem)


def test_row_space_alone_says_when_it_does_not_apply() -> None:
    problem = plant(6, 4, 1, 300, seed=13, bias=0.5)
    result = recover(problem.X, problem.Y, method="row-space", rng=0, throw=False)
    assert result.status == Status.FAILED


def test_invariance_to_rows_scale_and_rotation() -> None:
    problem = plant(6, 4, 2, 300, seed=14, bias=0.5)
    truth, rng = problem.truth, np.random.default_rng(14)
    order = rng.permutation(300)
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    stretch = 10.0 ** rng.integers(-3, 4, 6)
    for M in (np.eye(6), turn, np.diag(stretch)):
        X = problem.X[order] @ M
        V = truth.V @ np.linalg.inv(M).T
        moved = Network(V, 1e3 * truth.U, truth.b, 1e3 * truth.c)
        result = recover(X, moved(X), rng=0, throw=False)
        assert result.status == Status.EXACT
        assert result.network is not None
        assert match(result.network, moved).max_error <= 1e-9


def test_one_dimensional_labels_float32_and_integers() -> None:
    problem = plant(5, 3, 1, 200, seed=15, bias=0.5)
    assert_exact(recover(problem.X, problem.Y[:, 0], rng=0), problem)
    X, Y = problem.X.astype(np.float32), problem.Y.astype(np.float32)
    result = recover(X, Y, rng=0, throw=False)
    assert result.network is not None
    eps = float(np.finfo(np.float32).eps)
    assert match(result.network, problem.truth).hidden.max() <= 1000 * eps
    grid: NDArray[Any] = np.random.default_rng(0).integers(-5, 6, (400, 3))
    net = Network([[1, 2, 0], [0, 1, -3]], [[1, 0], [0, 2]], b=[0.5, -0.25])
    assert_exact(recover(grid, net(grid), rng=0), Planted(grid, net(grid), net))


def test_memory_mapped_samples(tmp_path: Path) -> None:
    problem = plant(5, 3, 3, 500, seed=16)
    for name, array in (("X", problem.X), ("Y", problem.Y)):
        np.save(tmp_path / f"{name}.npy", array)
    X, Y = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("X", "Y"))
    mapped, plain = recover(X, Y, rng=0), recover(problem.X, problem.Y, rng=0)
    assert_exact(mapped, problem)
    assert mapped.network is not None
    assert plain.network is not None
    assert (mapped.network.V == plain.network.V).all()


def test_a_result_reads_well() -> None:
    problem = plant(5, 3, 3, 100, seed=17)
    result = recover(problem.X, problem.Y, rng=0)
    text = str(result)
    for words in ("exact: every sample", "5 inputs, 3 units", "row-space", "seconds"):
        assert words in text
    assert "<table" in result._repr_html_()
    again = result.certificate.recheck(problem.X, problem.Y)
    assert again.status == Status.EXACT
    assert again.n_fresh == 100


@pytest.mark.parametrize("n", [50, 200, 3000])
def test_constant_labels_are_a_constant(n: int) -> None:
    """A mean of many equal labels is one of them, without any rounding."""
    rng = np.random.default_rng(n)
    X, Y = rng.standard_normal((n, 2)), np.tile(rng.standard_normal(2), (n, 1))
    result = recover(X, Y, rng=0)
    assert result.status == Status.EXACT
    assert result.network is not None
    assert result.network.n_units == 0
