"""Networks from class labels alone: found to the stated error, or said to be open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.labelled import (
    Oracle,
    argmax_of,
    as_labels_show,
    homogeneous,
    in_single_precision,
    labelled,
    sign_of,
)

import unrelu
from unrelu import Network, Recovery
from unrelu.evidence.boundary_labels import BoundaryLabels
from unrelu.network.decision_boundary import BoundaryPoints, Distances, gauge_equations, moved
from unrelu.numerics.arrays import Array

BUDGET = 200_000


def extracted(
    oracle: Oracle, d: int, rng: int, *, budget: int = BUDGET, journal: Path | None = None
) -> Recovery:
    return unrelu.extract(oracle, d, budget=budget, rng=rng, journal=journal, throw=False)


def error_and_bound(result: Recovery, truth: Network) -> tuple[float, float]:
    """The largest error of a weight, and what the certificate states."""
    evidence = result.certificate.evidence
    assert isinstance(evidence, BoundaryLabels)
    assert result.network is not None
    error = unrelu.match(result.network, as_labels_show(truth)).max_error
    return error, float(max(evidence.weight_errors.max(), evidence.output_error))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sign_of_one_output(seed: int) -> None:
    truth = labelled(10, 4, 1, seed)
    result = extracted(sign_of(truth), 10, rng=seed)
    assert (result.status, result.code) == ("exact", "boundary-exact")
    assert "fresh-answers" in [finding.code for finding in result.findings]
    error, bound = error_and_bound(result, truth)
    assert error <= bound < 1e-8


@pytest.mark.parametrize("seed", [3, 7])
def test_argmax_of_three_outputs(seed: int) -> None:
    truth = labelled(8, 5, 3, seed)
    result = extracted(argmax_of(truth), 8, rng=seed)
    assert result.status == "exact"
    error, bound = error_and_bound(result, truth)
    assert error <= bound < 1e-8
    assert "not-shown-by-labels" in [finding.code for finding in result.findings]


def test_a_unit_that_the_boundary_never_meets_is_open() -> None:
    truth = labelled(10, 4, 1, 0)
    result = extracted(sign_of(truth), 10, rng=0)
    assert (result.status, result.code) == ("undetermined", "unit-not-met")
    assert result.network is not None
    X = np.random.default_rng(0).standard_normal((2000, 10))
    assert (np.sign(result.network(X)) == np.sign(truth(X))).all()


def test_a_unit_that_is_active_all_along_several_boundaries_is_open() -> None:
    truth = labelled(8, 4, 3, 3)
    result = extracted(argmax_of(truth), 8, rng=3)
    assert (result.status, result.code) == ("undetermined", "unit-not-met")


def test_a_class_that_borders_a_single_other_one_has_an_open_scale() -> None:
    truth = labelled(8, 4, 3, 7)
    result = extracted(argmax_of(truth), 8, rng=7)
    assert (result.status, result.code) == ("undetermined", "scale-open")
    evidence, net = result.certificate.evidence, result.network
    assert isinstance(evidence, BoundaryLabels)
    assert evidence.loose.tolist() in ([0], [2])  # 1 borders both
    assert net is not None
    assert unrelu.match(net, as_labels_show(truth)).hidden.max() < 1e-8
    X = np.random.default_rng(0).standard_normal((2000, 8))
    assert (argmax_of(truth)(X) == net(X).argmax(axis=1)).all()


@pytest.mark.parametrize("told", [pytest.param(True, marks=pytest.mark.study), False])
@pytest.mark.parametrize(("m", "seed"), [(1, 4), (3, 1)])
def test_without_biases(m: int, seed: int, told: bool) -> None:
    truth = homogeneous(5, 3, m, seed)
    oracle = sign_of(truth) if m == 1 else argmax_of(truth)
    result = unrelu.extract(oracle, 5, bias=not told, budget=BUDGET, rng=2, throw=False)
    assert (result.status, result.code) == ("exact", "boundary-exact")
    net = result.network
    assert net is not None
    assert not net.b.any()
    assert not net.c.any()
    shown = as_labels_show(truth)
    if m == 3:  # one class never wins: the difference of the others
        assert net.n_outputs == 1
        U = truth.canonical().U
        shown = as_labels_show(Network(shown.V, (U[1:] - U[:1])[[1]]))
    evidence = result.certificate.evidence
    assert isinstance(evidence, BoundaryLabels)
    error = unrelu.match(net, shown).max_error
    assert error <= max(evidence.weight_errors.max(), evidence.output_error) < 1e-8


def test_without_output_biases() -> None:
    """Where all units are off, both outputs are equal: a boundary of its own."""
    truth = labelled(6, 4, 1, 3)
    truth = Network(truth.V, truth.U, truth.b)
    result = extracted(sign_of(truth), 6, rng=0)
    assert (result.status, result.code) == ("exact", "boundary-exact")
    error, bound = error_and_bound(result, truth)
    assert error <= bound < 1e-8
    assert result.network is not None
    assert not result.network.c.any()
    assert result.network.b.all()


def test_another_function_where_all_units_are_off_is_not_exact() -> None:
    truth = homogeneous(5, 3, 1, 4)

    def oracle(X: Array) -> Array:
        off = (truth.preactivations(X) < 0).all(axis=1)
        return np.where(off & (X[:, 0] > 0), 1.0, sign_of(truth)(X))

    result = unrelu.extract(oracle, 5, bias=False, budget=20_000, rng=4, throw=False)
    assert result.status != "exact"


def test_a_class_that_never_wins_is_not_made_up() -> None:
    truth = labelled(8, 5, 3, 1)
    result = extracted(argmax_of(truth), 8, rng=1)
    evidence = result.certificate.evidence
    assert isinstance(evidence, BoundaryLabels)
    X = np.random.default_rng(0).standard_normal((2000, 8))
    assert len(np.unique(argmax_of(truth)(X))) == len(evidence.classes) == 2
    assert result.network is not None
    assert result.network.n_outputs == 1


def test_the_comparison_sees_a_small_change() -> None:
    truth = labelled(8, 5, 3, 3)
    result = extracted(argmax_of(truth), 8, rng=3)
    V = truth.V.copy()
    V[0, 0] += 1e-7
    error, bound = error_and_bound(result, Network(V, truth.U, truth.b, truth.c))
    assert error > bound


def test_same_seed_same_bits_and_nothing_twice() -> None:
    truth = labelled(6, 3, 1, 1)
    asked: list[Array] = []

    def oracle(X: Array) -> Array:
        asked.append(X)
        return sign_of(truth)(X)

    one = extracted(oracle, 6, rng=3)
    queries = np.vstack(asked)
    assert len(np.unique(queries, axis=0)) == len(queries) == one.stats["queries"]
    other = extracted(oracle, 6, rng=3)
    assert one.network == other.network


def test_a_journal_resumes(tmp_path: Path) -> None:
    truth = labelled(3, 2, 1, 3)
    whole = extracted(sign_of(truth), 3, rng=3)
    left = 1200

    class Killed(Exception):
        pass

    def oracle(X: Array) -> Array:
        nonlocal left
        left -= len(X)
        if left < 0:
            raise Killed
        return sign_of(truth)(X)

    journal = tmp_path / "journal"
    with pytest.raises(Killed):
        extracted(oracle, 3, rng=3, journal=journal)
    left = 10**9
    resumed = extracted(oracle, 3, rng=3, journal=journal)
    assert resumed.network == whole.network
    assert resumed.stats["queries"] == whole.stats["queries"]
    assert int(resumed.stats["new_queries"]) < int(whole.stats["queries"]) - 800


def test_a_spent_budget_is_said() -> None:
    truth = labelled(6, 3, 1, 1)
    for budget in (100, 1000, 3000):
        result = extracted(sign_of(truth), 6, 0, budget=budget)
        assert int(result.stats["queries"]) <= budget
        assert not result.status.certain
        assert "budget-spent" in [finding.code for finding in result.findings]


def test_a_result_is_saved_and_rechecked(tmp_path: Path) -> None:
    truth = labelled(6, 3, 3, 0)
    result = extracted(argmax_of(truth), 6, rng=0)
    result.save(tmp_path / "result.npz")
    assert unrelu.load_result(tmp_path / "result.npz") == result
    X = np.random.default_rng(1).standard_normal((500, 6))
    again = result.certificate.recheck(X, argmax_of(truth)(X))
    assert again.code == "boundary-open"  # labels alone, without points between them
    wrong = result.certificate.recheck(X, argmax_of(labelled(6, 3, 3, 1))(X))
    assert (wrong.status, wrong.code) == ("failed", "labels-contradict")


def test_derivatives_of_distances() -> None:
    rng = np.random.default_rng(0)
    net = labelled(5, 4, 3, 0)
    net = Network(net.V, net.U - net.U[0], net.b, net.c - net.c[0])
    pairs = np.array([[0, 1], [2, 1], [0, 2]] * 10)
    X = rng.standard_normal((30, 5))
    state = Distances.of(net, BoundaryPoints(X, pairs, np.ones(30)))
    for _ in range(5):  # onto the boundary, where the derivative is that of the distance
        gradient = state.slopes @ net.V
        X = X - 0.8 * np.clip(state.distances, -1, 1)[:, None] * gradient
        state = Distances.of(net, BoundaryPoints(X, pairs, np.ones(30)))
    near = np.abs(state.distances) < 1e-2
    J = state.jacobian(True)
    step = np.asarray(1e-6 * rng.standard_normal(J.shape[1]))
    other = Distances.of(moved(net, step, True), BoundaryPoints(X, pairs, np.ones(30)))
    change = other.distances - state.distances
    assert near.sum() > 10
    assert np.abs(change - J @ step)[near].max() < 0.05 * np.abs(change)[near].max()


def test_gauges_change_no_distance() -> None:
    net = labelled(5, 4, 3, 0)
    net = Network(net.V, net.U - net.U[0], net.b, net.c - net.c[0])
    E = gauge_equations(net, True)
    X = np.random.default_rng(0).standard_normal((30, 5))
    pairs = np.array([[0, 1], [2, 1], [0, 2]] * 10)
    J = Distances.of(net, BoundaryPoints(X, pairs, np.ones(30))).jacobian(True)
    assert np.linalg.matrix_rank(E) == len(E) == 5
    hidden = np.column_stack([net.V, net.b]).ravel()
    for j in range(4):  # a longer unit with smaller output weights
        step = np.zeros(J.shape[1])
        step[6 * j : 6 * j + 6] = hidden[6 * j : 6 * j + 6]
        step[24 + j] = -net.U[1, j]
        step[29 + j] = -net.U[2, j]
        assert np.abs(J @ step).max() < 1e-12 * np.abs(J).max()


# Models that are not what they seem.


def test_noisy_labels_are_refused() -> None:
    truth, noise = labelled(6, 4, 1, 1), np.random.default_rng(0)

    def oracle(X: Array) -> Array:
        return sign_of(truth)(X) * np.where(noise.random(len(X)) < 0.05, -1.0, 1.0)

    result = extracted(oracle, 6, rng=0)
    assert (result.status, result.code) == ("failed", "noisy-labels")


def test_single_precision_is_an_estimate() -> None:
    truth, oracle = in_single_precision(labelled(8, 5, 3, 3))
    result = extracted(oracle, 8, rng=3)
    assert (result.status, result.code) == ("estimated", "boundary-estimated")
    evidence = result.certificate.evidence
    assert isinstance(evidence, BoundaryLabels)
    assert 1e-9 < evidence.noise < 1e-6
    error, bound = error_and_bound(result, truth)
    assert error <= bound < 1e-4


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_false_is_said_of_single_precision(seed: int) -> None:
    truth, oracle = in_single_precision(labelled(6, 4, 3, seed))
    result = extracted(oracle, 6, rng=seed, budget=30_000)
    assert result.status != "exact"
    assert result.code not in ("no-hyperplanes", "no-output-layer")
    net = result.certificate.network
    if result.status == "estimated" and net.V.shape == truth.V.shape and net.n_outputs == 3:
        error, bound = error_and_bound(result, truth)
        assert error <= bound


def test_one_column_for_each_class() -> None:
    truth = labelled(8, 5, 3, 3)
    plain = extracted(argmax_of(truth), 8, rng=3)
    columns = extracted(lambda X: np.eye(3)[argmax_of(truth)(X).astype(int)], 8, rng=3)
    assert columns.status == plain.status == "exact"
    evidence = columns.certificate.evidence
    assert isinstance(evidence, BoundaryLabels)
    assert (evidence.classes == np.eye(3)).all()
    assert columns.network == plain.network


def test_ties_within_rounding_are_no_boundaries_of_their_own() -> None:
    truth = labelled(8, 5, 3, 3)

    def oracle(X: Array) -> Array:
        return np.asarray(np.round(truth(X), 12).argmax(axis=1), np.float64)

    result = extracted(oracle, 8, rng=3)
    assert result.status == "estimated"
    assert result.network is not None
    X = np.random.default_rng(0).standard_normal((2000, 8))
    assert (argmax_of(truth)(X) == result.network(X).argmax(axis=1)).all()


def test_units_that_face_each_other_are_open() -> None:
    one = labelled(6, 4, 1, 0)
    V, b = np.vstack([one.V, -one.V[:1]]), np.append(one.b, -one.b[0])
    truth = Network(V, np.hstack([one.U, [[0.7]]]), b, one.c)
    result = extracted(sign_of(truth), 6, rng=0)
    assert result.status != "exact"


@pytest.mark.study
def test_other_functions_are_never_exact() -> None:
    rng = np.random.default_rng(0)
    V, U, b = rng.standard_normal((5, 6)), rng.standard_normal((3, 5)), rng.standard_normal(5)
    deeper = rng.standard_normal((4, 5))
    last = rng.standard_normal((2, 4))

    def three_layers(X: Array) -> Array:
        hidden = np.maximum(np.maximum(X @ V.T + b, 0) @ deeper.T - 0.3, 0)
        return np.asarray((hidden @ last.T).argmax(axis=1), np.float64)

    def smooth(X: Array) -> Array:
        return np.asarray((np.tanh(X @ V.T + b) @ U.T).argmax(axis=1), np.float64)

    def linear(X: Array) -> Array:
        return np.asarray(X[:, :3].argmax(axis=1), np.float64)

    for oracle in (three_layers, smooth, linear):
        assert not extracted(oracle, 6, rng=0, budget=20_000).status.certain


def test_recheck_leaves_open_what_its_points_do_not_meet() -> None:
    """Points of the boundary where a unit is off say nothing of it, in the right network and in one
    with another unit in its place."""
    truth = labelled(10, 4, 1, 1)
    result = extracted(sign_of(truth), 10, rng=1)
    assert result.status == "exact"
    net, rng = result.network, np.random.default_rng(0)
    assert net is not None
    unit = 2
    V = net.V.copy()
    V[unit] += 0.2 * rng.standard_normal(10)
    other = Network(V, net.U, net.b, net.c)
    ends = np.array([_enclosing(truth, rng) for _ in range(400)])
    off = [(each.preactivations(ends.reshape(-1, 10))[:, unit] < 0) for each in (net, other)]
    where_off = np.logical_and(*off).reshape(-1, 2).all(axis=1)
    assert where_off.sum() > 100
    more = rng.standard_normal((2000, 10))
    for points, status in ((ends[where_off], "undetermined"), (ends, "exact")):
        X = np.vstack([points.reshape(-1, 10), more])
        again = result.certificate.recheck(X, sign_of(truth)(X))
        assert again.status == status
        assert np.isinf(again.weight_errors[unit]) == (status == "undetermined")
    X = ends[where_off].reshape(-1, 10)
    wrong = replace(result.certificate, network=other).recheck(X, sign_of(truth)(X))
    assert wrong.status == "undetermined"


def _enclosing(net: Network, rng: np.random.Generator) -> Array:
    """Two inputs on both sides of the boundary, very close to each other."""
    while True:
        ends = rng.standard_normal((2, net.n_inputs))
        labels = sign_of(net)(ends)
        if labels[0] == labels[1]:
            continue
        for _ in range(40):  # then rounding does not decide on which side they are
            middle = ends.mean(axis=0)
            ends[int(sign_of(net)(middle[None])[0] == labels[1])] = middle
        return ends


def test_another_number_of_units_than_was_asked_for() -> None:
    truth = labelled(10, 4, 1, 1)
    options = {"budget": BUDGET, "rng": 1, "throw": False}
    result = unrelu.extract(sign_of(truth), 10, n_units=3, **options)  # type: ignore[arg-type]
    assert (result.status, result.code) == ("failed", "more-units")
