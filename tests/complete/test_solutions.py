"""Complete answers: planted networks, planted impossibility, and all 2^n patterns on small data."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from support.every_pattern import every_pattern, exists_with_outputs
from support.small_cases import FAMILIES, case

from unrelu import Network, Refutation, Solutions, solutions
from unrelu.complete import by_rank
from unrelu.errors import InputError, InputTypeError
from unrelu.samples import ExactSamples

Integers = NDArray[np.int64]


def same(one: Network, other: Network) -> bool:
    """In canonical form, weight for weight."""
    one, other = one.canonical(), other.canonical()
    return all(
        a.shape == b.shape and bool((a == b).all())
        for a, b in ((one.V, other.V), (one.U, other.U), (one.b, other.b), (one.c, other.c))
    )


def rational(
    V: Integers, U: Integers, b: Integers | None = None, c: Integers | None = None
) -> Network:
    given = (None if w is None else w.astype(object) for w in (V, U, b, c))
    V_, U_, b_, c_ = given
    assert V_ is not None
    assert U_ is not None
    return Network(V_, U_, b_, c_)


def plant(rng: np.random.Generator, n: int, d: int, k: int, m: int) -> tuple[Integers, Network]:
    """Generic: integers up to 9, output weights of rank k."""
    while True:
        V, U = rng.integers(-9, 10, (k, d)), rng.integers(-9, 10, (m, k))
        if np.linalg.matrix_rank(U) == k:
            return rng.integers(-9, 10, (n, d)), rational(V, U)


def test_the_comparison_sees_a_slightly_wrong_network() -> None:
    _, net = plant(np.random.default_rng(0), 4, 3, 2, 2)
    V = net.V.copy()
    V[0, 0] += Fraction(1, 10**30)
    assert same(net, Network(3 * net.V, net.U / 3))
    assert not same(net, Network(V, net.U))


@pytest.mark.parametrize(("n", "d", "k", "m"), [(14, 3, 2, 2), (14, 3, 3, 4), (40, 4, 5, 5)])
def test_planted_networks_are_found_and_the_only_ones(n: int, d: int, k: int, m: int) -> None:
    for seed in range(4):
        X, net = plant(np.random.default_rng(seed), n, d, k, m)
        found = solutions(X, net(X), k, count=True, rng=0)
        assert found.count == found.values_count == 1
        assert found.complete
        assert same(found.networks[0], net)
        (first,) = solutions(X, net(X), k, rng=1).networks
        assert same(first, net)


@pytest.mark.parametrize(("n", "d", "k"), [(14, 3, 2), (14, 3, 3), (40, 4, 5)])
def test_labels_moved_within_their_rank_are_refuted(n: int, d: int, k: int) -> None:
    for seed in range(4):
        X, net = plant(np.random.default_rng(seed), n, d, k, k)
        Y = net(X)
        Y[0] += np.arange(1, k + 1)
        none = solutions(X, Y, k)
        assert none.refutation is not None
        assert none.refutation.kind == "row space"
        assert none.refutation.recheck(X, Y)
        assert not none.refutation.recheck(X, net(X))
        assert none.count == 0
        assert none.complete
        assert none.decided


def agrees(found: Solutions, X: ArrayLike, Y: ArrayLike, k: int, bias: bool) -> bool:
    truth = every_pattern(ExactSamples.of(X, Y, few=True), k, bias)
    if truth.exists != bool(found.networks) or found.decided is False:
        return False
    if found.refutation is not None and not found.refutation.recheck(X, Y):
        return False
    return (found.values_count, found.count) == (truth.values_count, truth.count)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=150)
def test_small_samples_against_all_patterns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k, n, d = (int(rng.integers(1, 4)), int(rng.integers(2, 7)), int(rng.integers(1, 4)))
    family, bias = str(rng.choice(FAMILIES)), bool(rng.integers(2))
    problem = case(rng, family, n=n, k=min(k, n - bias), d=d, bias=bias)
    X, Y, k = problem.samples.X, problem.samples.Y, problem.n_units
    found = solutions(X, Y, k, bias=bias, count=True, rng=seed)
    assert agrees(found, X, Y, k, bias)
    for net in found.networks:
        assert (net(X) == Y).all()
        assert net.n_units == k
    assert len({str((net.V, net.b)) for net in found.networks}) == len(found.networks)


Table = list[list[int]]

SEVERAL: list[tuple[Table, Table, int, bool, int, float]] = [
    # One input, biases: six networks with other values, each the only one with them.
    (
        [[2], [-2], [0], [1], [0]],
        [[-4, -11], [-4, -4], [-5, -7], [-5, -9], [-5, -7]],
        *(2, True, 6, 6),
    ),
    (
        [[1, 2, -2], [2, -1, 2], [1, 0, 2], [2, -1, 1]],
        [[0, 1], [8, 10], [5, 6], [6, 8]],
        *(2, False, 3, 3),
    ),
    # A unit that too few samples see.
    (
        [[2, -3], [-2, 0], [4, -2], [-1, 3], [-1, -1]],
        [[0, -8, 5], [0, -2, -1], [0, -10, 7], [10, -2, 9], [0, -2, -1]],
        *(2, True, 3, math.inf),
    ),
]


@pytest.mark.parametrize(("X", "Y", "k", "bias", "values_count", "count"), SEVERAL)
def test_several_networks(
    X: Table, Y: Table, k: int, bias: bool, values_count: int, count: float
) -> None:
    found = solutions(X, Y, k, bias=bias, count=True)
    assert (found.values_count, found.count) == (values_count, count)
    assert agrees(found, np.array(X), np.array(Y), k, bias)
    assert len(found.networks) == values_count
    assert found.complete == (count == values_count)
    assert ("infinitely many" in found.reason) == (count == math.inf)


def test_more_networks_than_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y, k, bias, _, _ = SEVERAL[0]
    monkeypatch.setattr(by_rank, "LISTED", 4)
    found = solutions(X, Y, k, bias=bias, count=True)
    assert (len(found.networks), found.count) == (4, 6)
    assert not found.complete
    assert "6 networks with 2 units, of which 4 are listed" in found.reason


def test_the_brute_force_sees_a_wrong_count() -> None:
    X, Y, k, bias, _, _ = SEVERAL[1]
    found = solutions(X, Y, k, bias=bias)  # not counted
    assert not agrees(found, np.array(X), np.array(Y), k, bias)


def test_units_that_are_no_extreme_rays() -> None:
    """Both units active on all but one sample, the same: P w ≥ 0 has two extreme rays, each 0 on
    further samples, and the units lie between them."""
    X = np.array([[1, 1], [1, 2], [2, 1], [3, 1], [1, 3], [-1, -1], [1, 0], [0, 1]])
    net = rational(np.array([[2, 1], [1, 2]]), np.array([[1, 2], [1, 1]]))
    Y = net(X)
    assert (
        np.asarray(net.preactivations(X.astype(object)) > 0) == (X.sum(axis=1) > 0)[:, None]
    ).all()
    found = solutions(X, Y, 2, count=True)
    # So do all positive combinations of the two, as long as they are active there.
    assert found.count == math.inf
    assert (found.networks[0](X) == Y).all()


def test_a_unit_inside_the_cone_among_others_outside() -> None:
    """Unit 0 is inactive on one sample only, where unit 1 and unit 2 are as well: with k = 3, its
    inactive rows have rank 0 < 2, so that it is no extreme ray of P w ≥ 0."""
    rng = np.random.default_rng(1)
    X = np.vstack([rng.integers(1, 9, (12, 3)), [[-5, -6, -7]], rng.integers(-3, 9, (4, 3))])
    V = np.array([[9, 8, 7], [5, -4, 1], [-3, 6, -2]])
    net = rational(V, np.array([[1, 2, 3], [2, -1, 1], [1, 1, -1]]))
    F = np.maximum(X @ V.T, 0)
    assert np.linalg.matrix_rank(F[F[:, 0] == 0][:, 1:]) < 2
    found = solutions(X, net(X), 3, count=True)
    assert found.count == 1
    assert same(found.networks[0], net)


def test_rows_that_are_zero_or_repeated_or_multiples() -> None:
    X, net = plant(np.random.default_rng(3), 20, 3, 3, 3)
    X = np.vstack([X, 0 * X[:2], X[:5], 3 * X[5:9]])
    found = solutions(X, net(X), 3, count=True)
    assert found.count == 1
    assert same(found.networks[0], net)
    Y = net(X)
    Y[20] += 1  # the label of x = 0
    none = solutions(X, Y, 3).refutation
    assert none is not None
    assert none.recheck(X, Y)
    Y = net(X)
    Y[22] += 1  # unlike the first sample's, the same input
    none = solutions(X, Y, 3).refutation
    assert none is not None
    assert none.recheck(X, Y)


def test_hidden_weights_that_too_few_active_samples_leave_open() -> None:
    X = np.array([[1, 0], [2, 0], [-1, 0], [0, -1], [-3, -1]])
    net = rational(np.array([[1, 0]]), np.array([[1]]))
    found = solutions(X, net(X), 1, count=True)
    assert (found.values_count, found.count) == (1, math.inf)
    assert not found.complete
    assert "too few active samples" in found.reason


def test_a_unit_active_everywhere_trades_with_the_output_bias() -> None:
    X = np.arange(6)[:, None]
    found = solutions(X, 2 * X + 1, 1, bias=True, count=True)
    assert found.count == found.values_count == math.inf
    assert not found.complete


def test_more_rank_than_units() -> None:
    X, net = plant(np.random.default_rng(5), 20, 3, 3, 3)
    none = solutions(X, net(X), 2)
    assert none.refutation is not None
    assert none.refutation.kind == "rank"
    assert none.refutation.recheck(X, net(X))


def test_less_rank_than_units() -> None:
    X, net = plant(np.random.default_rng(5), 20, 3, 2, 2)
    fewer = solutions(X, net(X), 3, count=True)
    assert same(fewer.networks[0], net)
    assert fewer.count is None
    assert "idle" in fewer.reason
    V = np.vstack([net.V, [[1, 2, 3]]]).astype(object)
    Y = Network(V, np.hstack([net.U, [[1], [5]]]))(X)
    open_ = solutions(X, Y, 3)
    assert not open_.decided
    assert "rank is 2" in open_.reason
    assert solutions(X, Y, 3, U=np.hstack([net.U, [[1], [5]]])).networks


@pytest.mark.parametrize("bias", [False, True])
def test_no_unit_at_all(bias: bool) -> None:
    X = np.arange(8).reshape(4, 2)
    found = solutions(X, np.full((4, 2), 3 * bias), 2, bias=bias, count=True)
    assert found.networks[0].n_units == 0
    assert found.count is None


def test_samples_that_say_nothing() -> None:
    X, none = np.zeros((3, 2), dtype=int), np.zeros((3, 1), dtype=int)
    found = solutions(X, none, 2, U=[[1, 1]])
    assert (found.networks[0](X) == none).all()
    refuted = solutions(X, none + 1, 2, U=[[1, 1]]).refutation
    assert refuted is not None
    assert refuted.recheck(X, none + 1)
    assert solutions(X, none + 1, 2, U=[[1, 1]], bias=True).networks


def test_data_are_taken_at_their_word() -> None:
    """0.1 is not a tenth, and 0.1 + 0.1 + 0.1 in floating point not three times that."""
    inputs = [Fraction(1, 3), Fraction(2, 3), Fraction(-1), Fraction(-1, 7)]
    labels = [Fraction(1, 10), Fraction(1, 5), Fraction(0), Fraction(0)]
    (net,) = solutions(np.array(inputs)[:, None], np.array(labels), 1).networks
    assert net.U[0, 0] * net.V[0, 0] == Fraction(3, 10)
    X, Y = [[1.0], [3.0], [-1.0]], [[0.1], [0.1 + 0.1 + 0.1], [0.0]]
    none = solutions(X, Y, 1).refutation
    assert none is not None
    assert none.recheck(X, Y)


@given(seed=st.integers(0, 10**6), bias=st.booleans(), free=st.booleans())
@settings(max_examples=40, deadline=None)
def test_given_outputs_against_all_patterns(seed: int, bias: bool, free: bool) -> None:
    rng = np.random.default_rng(seed)
    d, m = int(rng.integers(1, 3)), 1 if free else int(rng.integers(1, 3))
    n = int(rng.integers(d + 1, 5))
    X, V, b = rng.integers(-2, 3, (n, d)), rng.integers(-2, 3, (2, d)), rng.integers(-2, 3, 2)
    U = rng.integers(-1, 2, (m, 2))
    Y = np.maximum(X @ V.T + bias * b, 0) @ U.T + bias * rng.integers(-1, 2, m)
    Y[rng.integers(n)] += rng.integers(-1, 2, m)
    found = solutions(X, Y, 2, bias=bias, U=None if free else U, rng=seed)
    weights = [[[1, 1]], [[1, -1]], [[-1, -1]]] if free else [U.tolist()]
    assert found.decided
    exists = any(exists_with_outputs(X, Y, np.array(w), bias) for w in weights)
    assert bool(found.networks) == exists
    if found.refutation is not None:
        assert found.refutation.recheck(X, Y)
        assert Refutation.from_dict(found.refutation.to_dict()) == found.refutation


def test_outputs_given_and_planted() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, V = rng.integers(-9, 10, (12, 2)), rng.integers(-9, 10, (3, 2))
        Y = np.maximum(X @ V.T, 0).sum(axis=1)
        (net,) = solutions(X, Y, 3, U=[[1, 1, 1]]).networks
        assert (net(X)[:, 0] == Y).all()
        assert (solutions(X, Y, 3).networks[0](X)[:, 0] == Y).all()


def test_too_little_time() -> None:
    X, net = plant(np.random.default_rng(0), 40, 4, 5, 5)
    found = solutions(X, net(X), 5, time_limit=0.0)
    assert not found.decided
    assert not found.complete
    assert found.count is None
    assert "0 of 5 units are known: the time was up" in found.reason
    given = solutions(X, net(X), 5, U=net.U, time_limit=0.0)
    assert "the time was up" in given.reason
    assert solutions(X, net(X)[:, :1], 5, time_limit=0.0).reason.startswith("undecided")


def test_no_time_limit() -> None:
    X, net = plant(np.random.default_rng(0), 14, 3, 3, 3)
    found = solutions(X, net(X), 3, time_limit=None)
    assert (found.networks[0](X) == net(X)).all()


def test_the_same_seed_gives_the_same_answer() -> None:
    X, net = plant(np.random.default_rng(0), 14, 3, 3, 3)
    Y = net(X)
    Y[0] += 1
    one, other = (solutions(X, Y, 3, rng=7) for _ in range(2))
    assert one.refutation == other.refutation
    assert one.refutation is not None
    assert one.stats["nodes"] == other.stats["nodes"]


def test_wrong_use() -> None:
    X, Y = np.array([[1], [2], [-1]]), np.array([[1], [2], [0]])
    with pytest.raises(InputError, match="n_units"):
        solutions(X, Y, 0)
    with pytest.raises(InputError, match="method"):
        solutions(X, Y, 1, method="guess")
    with pytest.raises(InputError, match=r"U: got shape \(2, 1\)"):
        solutions(X, Y, 1, U=[[1], [1]])
    with pytest.raises(InputError, match="finite"):
        solutions(X, np.array([1.0, 2.0, np.nan]), 1)
    with pytest.raises(InputError, match="no rows"):
        solutions(X[:0], Y[:0], 1)
    wrong: list[tuple[str, object, type[Exception]]] = [
        ("n_units", 1.5, InputTypeError),
        ("n_units", True, InputTypeError),
        ("bias", "no", InputTypeError),
        ("count", 1, InputTypeError),
        ("time_limit", "1", InputTypeError),
        ("time_limit", math.nan, InputError),
        ("most_nodes", -1, InputError),
        ("rng", -1, InputError),
        ("rng", "x", InputTypeError),
    ]
    for name, value, error in wrong:
        options: dict[str, Any] = {"n_units": 1, name: value}
        with pytest.raises(error, match=f"{name}: got"):
            solutions(X, Y, **options)


def test_a_wrong_refutation_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is returned has been rechecked, whoever found it."""
    X, Y = np.array([[-2], [-1], [1], [3]]), np.array([[0], [0], [2], [5]])
    assert solutions(X, Y, 1).refutation is not None
    tampered = Refutation("rank", 1, False, columns=(0, 0))
    monkeypatch.setattr(by_rank, "by_row_space", lambda *_: tampered)
    with pytest.raises(AssertionError, match="refutation"):
        solutions(X, Y, 1)


def test_seconds_and_nodes() -> None:
    X, net = plant(np.random.default_rng(0), 14, 3, 2, 2)
    for method in ("facets", "enumeration"):
        stats = solutions(X[:8], net(X[:8]), 2, method=method).stats
        assert 0 < stats["seconds_rational"] <= stats["seconds"]
