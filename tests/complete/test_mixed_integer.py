"""The complete search by SCIP: planted networks, labels altered by little, formulas, and all sign
patterns on small data."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from pysat.solvers import Solver
from scipy.sparse import csr_array
from support.every_pattern import exists_with_outputs
from support.lean_installation import hidden
from support.planting import Planted, plant

from unrelu import InputError, MissingExtraError, Network, match, recover, solutions
from unrelu.complete.mixed_integer import Search, search
from unrelu.hardness import Formula, decode, encode
from unrelu.numerics.sos1 import Settle, Sos1
from unrelu.result import RecoveryError
from unrelu.samples import ExactSamples, Samples

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)


def explains(net: Network, X: Array, Y: Array) -> bool:
    """To rounding: sums over inputs and units, each of the size of the largest summand."""
    Z = np.abs(X) @ np.abs(net.V).T + np.abs(net.b)
    size = Z @ np.abs(net.U).T + np.abs(net.c) + np.abs(Y)
    operations = net.n_inputs + net.n_units + 2
    return bool((np.abs(net(X) - Y) <= 8 * operations * EPS * size.max()).all())


def searched(problem: Planted, Y: Array, *, free: bool, seed: int = 0) -> Search:
    truth = problem.truth
    return search(
        Samples.of(problem.X, Y),
        truth.n_units,
        bias=bool(truth.b.any()),
        U=None if free else truth.U,
        rng=np.random.default_rng(seed),
    )


def test_the_comparison_sees_what_scip_would_not() -> None:
    problem = plant(3, 3, 1, 20, seed=0)
    assert explains(problem.truth, problem.X, problem.Y)
    off = problem.Y.copy()
    off[3] += 1e-12
    assert not explains(problem.truth, problem.X, off)


@pytest.mark.parametrize("free", [False, True], ids=["U given", "U free"])
@pytest.mark.parametrize(("k", "bias"), [(3, 0.0), (2, 1.0)], ids=["plain", "biased"])
@pytest.mark.parametrize("seed", range(3))
def test_planted_networks_are_found(free: bool, k: int, bias: float, seed: int) -> None:
    problem = plant(3, k, 1, 20, seed=seed, bias=bias)
    result = searched(problem, problem.Y, free=free)
    assert result.outcome == "found", result.reason
    assert result.network is not None
    assert explains(result.network, problem.X, problem.Y)
    if not free:
        assert np.array_equal(result.network.U, problem.truth.U)


def test_several_outputs_and_more_units_than_rank() -> None:
    problem = plant(3, 4, 2, 20, seed=1)
    result = searched(problem, problem.Y, free=False)
    assert result.network is not None
    assert explains(result.network, problem.X, problem.Y)
    assert match(result.network, problem.truth).max_error < 1e-9


def altered(seed: int, bias: float, by: float) -> tuple[Planted, Array]:
    """Labels of which one is moved, where the others pin the network down without it."""
    while True:
        problem = plant(3, 2, 1, 24, seed=seed, bias=bias)
        active = problem.truth.preactivations(problem.X) > 0
        inputs = np.hstack([problem.X, np.ones((24, 1))]) if bias else problem.X
        design = (active[..., None] * inputs[:, None, :]).reshape(24, -1)
        design = np.hstack([design, np.ones((24, 1))]) if bias else design
        row = int(np.abs(problem.Y).argmax())
        if np.linalg.matrix_rank(np.delete(design, row, axis=0)) == design.shape[1]:
            Y = problem.Y.copy()
            Y[row] += by
            return problem, Y
        seed += 100


@pytest.mark.parametrize("free", [False, True], ids=["U given", "U free"])
@pytest.mark.parametrize("alteration", [0.1, 1e-7], ids=["plain to see", "below SCIP's tolerance"])
def test_altered_labels_are_not_explained(free: bool, alteration: float) -> None:
    for seed, bias in ((0, 0.0), (2, 0.0), (0, 1.0)):
        problem, Y = altered(seed, bias, alteration)
        result = searched(problem, Y, free=free)
        assert result.outcome == "none", (seed, bias, result.reason)
        assert result.network is None
        assert "in floating point; not proved" in result.reason


def whole_numbers(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    X, V = rng.integers(-9, 10, (20, 3)), rng.integers(-9, 10, (3, 3))
    return X, np.maximum(X @ V.T, 0) @ np.array([[1], [2], [-3]])


@pytest.mark.parametrize("seed", range(3))
def test_rational_samples_are_explained_without_any_error(seed: int) -> None:
    X, Y = whole_numbers(seed)
    samples = ExactSamples.of(X, Y.astype(object) / Fraction(7))
    result = search(samples, 3, bias=False, rng=np.random.default_rng(seed))
    assert result.network is not None
    assert result.network.rational
    assert (result.network(samples.X) == samples.Y).all()


def test_what_rounding_hides_is_seen_over_the_rationals() -> None:
    X, Y = whole_numbers(0)
    moved = Y.astype(object) + Fraction(0)
    moved[int(np.argmax(Y))] += Fraction(1, 10**30)
    samples = ExactSamples.of(X, moved)
    U, rng = np.array([[1.0, 2.0, -3.0]]), np.random.default_rng(0)
    assert search(samples.rounded, 3, bias=False, U=U, rng=rng).outcome == "found"
    assert search(samples, 3, bias=False, U=U, time_limit=10.0, rng=rng).outcome != "found"


def test_against_all_sign_patterns() -> None:
    rng = np.random.default_rng(5)
    answers = []
    for _ in range(25):
        bias, m, n = bool(rng.integers(2)), int(rng.integers(1, 3)), int(rng.integers(3, 5))
        X, V = rng.integers(-2, 3, (n, 2)), rng.integers(-2, 3, (2, 2))
        U = rng.integers(-1, 2, (m, 2))
        Y = np.maximum(X @ V.T, 0) @ U.T
        Y[rng.integers(n)] += rng.integers(-1, 2)
        truth = exists_with_outputs(X, Y, U, bias)
        answers.append(truth)
        samples = ExactSamples.of(X, Y)
        for given in (samples, samples.rounded):
            result = search(given, 2, bias=bias, U=U, rng=rng)
            assert result.outcome in ("found" if truth else "none", "undecided"), result.reason
            if result.network is not None:
                assert (np.abs(result.network(given.X) - given.Y) <= 1e-12).all()
        if not truth:
            refuted = solutions(X, Y, 2, U=U, bias=bias, method="mixed-integer").refutation
            assert refuted is not None
            assert refuted.recheck(X, Y)
    assert 5 <= sum(answers) <= 20


def test_the_same_seed_gives_the_same_network() -> None:
    problem = plant(3, 3, 1, 20, seed=4)
    one, two, other = (searched(problem, problem.Y, free=True, seed=seed) for seed in (1, 1, 2))
    assert one.network is not None
    assert two.network is not None
    assert other.network is not None
    assert one.stats["nodes"] == two.stats["nodes"]
    assert np.array_equal(one.network.V, two.network.V)
    assert match(one.network, other.network).max_error < 1e-9


def test_no_time_no_answer() -> None:
    problem = plant(3, 3, 1, 20, seed=0)
    samples = Samples.of(problem.X, problem.Y)
    rng = np.random.default_rng(0)
    result = search(samples, 3, bias=False, time_limit=0.0, rng=rng)
    assert (result.network, result.outcome) == (None, "undecided")
    assert result.reason == "the search was not finished: the time was up"


@pytest.mark.parametrize("U", [[[1, 1, 0]], [[2, 0.5, 1]], [[0.1, 0.3, -0.2]], [[1, -1, 0]]])
def test_output_weights_that_are_equal_parallel_or_zero(U: list[list[float]]) -> None:
    rng = np.random.default_rng(7)
    X = np.repeat(rng.integers(-3, 4, (12, 2)), 2, axis=0).astype(float)
    truth = Network(rng.integers(-3, 4, (3, 2)), U)
    result = search(Samples.of(X, truth(X)), 3, bias=False, U=np.array(U), rng=rng)
    assert result.network is not None, result.reason
    assert explains(result.network, X, truth(X))


def test_labels_of_zeros() -> None:
    X, rng = np.arange(8.0).reshape(4, 2), np.random.default_rng(0)
    for samples in (Samples.of(X, np.zeros(4)), ExactSamples.of(X, np.zeros(4))):
        net = search(samples, 2, bias=False, rng=rng).network
        assert net is not None
        assert np.abs(net.rounded()(X)).max() <= EPS
    assert search(ExactSamples.of(0 * X, np.zeros(4)), 2, bias=False, rng=rng).outcome == "found"
    assert search(ExactSamples.of(0 * X, np.eye(4)[0]), 2, bias=False, rng=rng).outcome == "none"


# ── formulas ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("free", [False, True], ids=["U given", "U free"])
def test_formulas_of_six_variables_and_twelve_clauses(free: bool) -> None:
    rng = np.random.default_rng(11)
    answers = []
    for width in (2, 2, 3, 5):
        variables = [rng.choice(6, width, replace=False) + 1 for _ in range(12)]
        clauses = [tuple((v * rng.choice([-1, 1], width)).tolist()) for v in variables]
        formula = Formula(6, clauses)
        with Solver(bootstrap_with=[list(clause) for clause in clauses]) as solver:
            satisfiable = bool(solver.solve())
        answers.append(satisfiable)
        instance = encode(formula, free)
        result = solutions(instance.X, instance.Y, 2, U=instance.U, method="mixed-integer", rng=0)
        if satisfiable:
            assert formula.satisfied_by(decode(result.networks[0], instance))
        else:
            assert result.refutation is not None
            assert result.refutation.recheck(instance.X, instance.Y)
    assert set(answers) == {True, False}


# ── through the front doors ───────────────────────────────────────────────────────────────────────


def test_recover_proposes_and_the_certificate_judges() -> None:
    problem = plant(4, 4, 1, 40, seed=3)
    result = recover(problem.X, problem.Y, 4, bias=False, method="mixed-integer", rng=0)
    assert result.status == "exact"
    assert result.stats["method"] == "mixed-integer"
    assert result.network is not None
    assert match(result.network, problem.truth).max_error < 1e-12


def test_recover_says_what_scip_says() -> None:
    problem, Y = altered(0, 0.0, 0.1)
    with pytest.raises(RecoveryError, match="SCIP found none, in floating point") as caught:
        recover(problem.X, Y, 2, bias=False, method="mixed-integer", rng=0)
    assert caught.value.result.status == "failed"


def test_solutions_over_the_rationals() -> None:
    X, Y = whole_numbers(1)
    found = solutions(X, Y, 3, method="mixed-integer", rng=0)
    assert (found.networks[0](X) == Y).all()
    with pytest.raises(InputError, match="got 'mixed-integer' for 2 outputs"):
        solutions(X, np.hstack([Y, Y]), 3, method="mixed-integer")


def test_wrong_use() -> None:
    problem = plant(3, 2, 2, 24, seed=0)
    X, Y, rng = problem.X, problem.Y, np.random.default_rng(0)
    with pytest.raises(InputError, match="for 2 outputs, expected one output"):
        recover(X, Y, 2, method="mixed-integer")
    with pytest.raises(InputError, match="n_units: got None"):
        recover(X, Y, method="mixed-integer")
    samples = Samples.of(X, Y)
    with pytest.raises(InputError, match="got None for 2 outputs"):
        search(samples, 2, bias=False, rng=rng)
    with pytest.raises(InputError, match=r"got shape \(2, 3\), expected \(2, 2\)"):
        search(samples, 2, bias=False, U=np.ones((2, 3)), rng=rng)


def test_without_the_extra() -> None:
    problem = plant(3, 2, 1, 24, seed=0)
    with hidden({"pyscipopt"}), pytest.raises(MissingExtraError, match=r"unrelu\[mixed-integer\]"):
        recover(problem.X, problem.Y, 2, method="mixed-integer")


# ── the program itself ────────────────────────────────────────────────────────────────────────────


def program(value: float, settle: Settle) -> Sos1:
    """z₀ − z₁ = 1, z₀ + z₁ = value, one of them 0: only for value 1."""
    equations = csr_array(np.array([[1.0, -1.0], [1.0, 1.0]]))
    nothing = csr_array((0, 2))
    return Sos1(equations, np.array([1.0, value]), np.array([[0, 1]]), nothing, settle, 0)


def test_points_are_the_callers_to_take() -> None:
    seen: list[tuple[list[float], bool]] = []

    def settle(z: Array, whole: bool) -> bool:
        seen.append((np.round(z, 6).tolist(), whole))
        return whole

    assert program(1.0, settle).run(100, np.inf) == "found"
    assert seen[-1] == ([1.0, 0.0], True)
    assert program(2.0, settle).run(100, np.inf) == "none"
    assert program(1.0, lambda _z, _whole: False).run(100, np.inf) == "none"


def test_what_the_caller_raises_comes_out() -> None:
    def settle(z: Array, whole: bool) -> bool:
        raise ZeroDivisionError(f"{z} {whole}")

    with pytest.raises(ZeroDivisionError):
        program(1.0, settle).run(100, np.inf)
