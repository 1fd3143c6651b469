"""Skip connections: a linear term that is recovered too, and sides of units that are then open."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from support.findings import codes
from support.judging import judge
from support.planting import Array, Planted, gaussian, plant, signs

from unrelu import (
    FileError,
    InputError,
    InputTypeError,
    Network,
    RectifiedNetworkRegressor,
    Status,
    activations,
    assess,
    hardness,
    load,
    match,
    recover,
    save,
    to_sklearn,
    verify,
)
from unrelu.cli import main

EPS = float(np.finfo(np.float64).eps)


def turned(net: Network, units: list[int]) -> Network:
    """The same function, these units on the other side: u f(z) = u f(−z) + u z."""
    signs = np.ones(net.n_units)
    signs[units] = -1.0
    W, c = net.W + net.U[:, units] @ net.V[units], net.c + net.U[:, units] @ net.b[units]
    return Network(net.V * signs[:, None], net.U, net.b * signs, c, W=W)


def size(net: Network, X: Array) -> float:
    """Of the terms that a label is the sum of."""
    hidden = np.abs(X) @ np.abs(net.V.T) + np.abs(net.b)
    terms = hidden @ np.abs(net.U.T) + np.abs(X) @ np.abs(net.W.T) + np.abs(net.c)
    return float(terms.max())


# The value.


def test_labels_are_those_of_the_formula() -> None:
    net = Network([[1.0, -2.0]], [[3.0]], b=[0.5], c=[7.0], W=[[10.0, 100.0]])
    assert net(np.array([[1.0, 0.0], [2.0, 2.0]])).tolist() == [[4.5 + 10 + 7], [220.0 + 7]]
    assert net.skip
    assert "skip connection" in repr(net)
    assert not net.W.flags.writeable
    plain = Network([[1.0, -2.0]], [[3.0]])
    assert plain.W.shape == (1, 2)
    assert not plain.skip
    again = pickle.loads(pickle.dumps(net))
    assert (again.W == net.W).all()


@pytest.mark.parametrize(
    ("W", "reported"),
    [
        ([[1.0, 2.0]], r"W: got shape \(1, 2\), expected \(2, 3\)"),
        ([1.0, 2.0, 3.0], "W: got 1 axes, expected 2"),
        (np.full((2, 3), np.nan), "W: got values that are not finite"),
    ],
)
def test_other_shapes_and_values_are_refused(W: Any, reported: str) -> None:
    with pytest.raises(InputError, match=reported):
        Network(np.ones((1, 3)), np.ones((2, 1)), W=W)


@given(seed=st.integers(0, 10_000), k=st.integers(1, 5), d=st.integers(1, 4))
@settings(deadline=None)
def test_canonical_form_is_the_same_for_all_sides(seed: int, k: int, d: int) -> None:
    problem = plant(d, k, 2, 30, seed=seed, bias=1.0, skip=1)
    truth, rng = problem.truth, np.random.default_rng(seed)
    other = turned(truth, np.flatnonzero(rng.integers(0, 2, k)).tolist())
    bar = 64 * EPS * size(truth, problem.X)
    assert np.abs(other(problem.X) - problem.Y).max() <= bar
    first, second = truth.canonical(), other.canonical()
    assert first.n_units == second.n_units <= k
    for name in "VUbcW":
        assert np.abs(getattr(first, name) - getattr(second, name)).max(initial=0.0) <= bar
    assert np.abs(first(problem.X) - problem.Y).max() <= bar
    again = first.canonical()
    assert np.abs(again.W - first.W).max() <= bar
    assert match(other, truth).max_error <= 64 * EPS * (size(truth, problem.X) + 1)


@given(seed=st.integers(0, 10_000), k=st.integers(0, 4), d=st.integers(1, 4))
@settings(deadline=None)
def test_rational_forms_are_exact(seed: int, k: int, d: int) -> None:
    """Over ℚ: sides, the canonical form, that without a skip connection, and the floats of each."""
    rng = np.random.default_rng(seed)

    def whole(*shape: int) -> Any:
        return rng.integers(-2, 3, shape).astype(object)

    net = Network(whole(k, d), whole(2, k), whole(k), whole(2), W=whole(2, d))
    X = rng.integers(-3, 4, (20, d))
    labels = net(X)
    canonical = net.canonical()
    assert (canonical(X) == labels).all()
    assert (canonical.canonical().W == canonical.W).all()
    rows = [*zip(canonical.V.tolist(), canonical.b.tolist(), strict=True)]
    opposite = [([-v for v in row], -b) for row, b in rows]
    assert not net.skip or not any(pair in rows for pair in opposite)
    floats = net.rounded()
    assert floats.canonical().n_units == canonical.n_units
    plain = net.without_skip()
    assert not plain.skip
    assert (plain(X) == labels).all()
    assert plain.n_units == k + 2 * np.linalg.matrix_rank(net.W.astype(float))
    assert np.abs(floats.without_skip()(X.astype(float)) - labels.astype(float)).max() < 1e-11


def test_opposite_units_merge_into_one_and_a_skip_connection() -> None:
    pair = Network([[1.0, 0.0], [-1.0, 0.0]], [[3.0, 2.0]], W=[[0.0, 1.0]])
    canonical = pair.canonical()
    assert canonical.U.tolist() == [[5.0]]
    assert canonical.W.tolist() == [[-2.0, 1.0]]
    # Without W they stay, unless they are asked to.
    plain = Network([[1.0, 0.0], [-1.0, 0.0]], [[3.0, 2.0]])
    assert plain.canonical().n_units == 2
    assert plain.canonical(skip=True).n_units == 1
    assert match(plain, pair).skip == pytest.approx(1 / 5)
    # And two that cancel are linear: u f(z) − u f(−z) = u z.
    linear = Network([[1.0, 0.0], [-1.0, 0.0]], [[2.0, -2.0]], W=[[0.0, 1.0]]).canonical()
    assert linear.n_units == 0
    assert linear.W.tolist() == [[2.0, 1.0]]


def test_networks_are_matched_up_to_turning_and_no_further() -> None:
    truth = plant(4, 3, 2, 10, seed=0, bias=1.0, skip=2).truth
    for units in itertools.chain.from_iterable(itertools.combinations(range(3), r) for r in (1, 3)):
        assert match(turned(truth, list(units)), truth).max_error <= 64 * EPS
    # Without a skip connection sides do count.
    plain = Network(truth.V, truth.U, truth.b, truth.c)
    assert match(Network(-truth.V, truth.U, -truth.b, truth.c), plain).max_error > 0.1
    # Canaries: another W, another c, another side without what makes up for it.
    W, c = truth.W.copy(), truth.c.copy()
    W[1, 2] += 1e-3
    c[0] += 1e-3
    wrong = [
        Network(truth.V, truth.U, truth.b, truth.c, W=W),
        Network(truth.V, truth.U, truth.b, c, W=truth.W),
        Network(-truth.V, truth.U, -truth.b, truth.c, W=truth.W),
        plain,
    ]
    assert all(match(other, truth).max_error > 1e-4 for other in wrong)
    assert "skip connection" in str(match(wrong[0], truth))


# Recovery.

SIZES = [(10, 5, 5, 110), (8, 5, 2, 200), (8, 3, 1, 200), (3, 5, 2, 200), (1, 2, 1, 80)]


def recovered(X: Array, Y: Array, **options: Any) -> Network:
    net = recover(X, Y, skip=True, rng=0, **options).network
    assert net is not None
    return net


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rank", [0, 1, 9])
@pytest.mark.parametrize("shape", SIZES)
def test_a_skip_connection_is_recovered(
    shape: tuple[int, int, int, int], rank: int, bias: bool
) -> None:
    d, k, m, n = shape
    if d == 1 and not bias:
        pytest.skip("two directions, and two unknowns: nothing is left over")
    problem = plant(d, k, m, n, seed=4, bias=0.3 * bias, skip=min(rank, m, d))
    result = recover(problem.X, problem.Y, bias=bias, skip=True, noise="none", rng=0)
    assert result.status == Status.EXACT
    assert result.network is not None
    found = match(result.network, problem.truth)
    # What rounding of the labels may do to unit rows, by the certificate, and to what is linear.
    bar = 100 * max(float(result.certificate.weight_errors.max(initial=0.0)), EPS)
    scale = size(problem.truth, problem.X) / np.linalg.norm(problem.truth.U, axis=0).max()
    assert found.max_error <= bar * max(scale, 1.0)
    assert result.network.skip == (rank > 0)
    reported = result.explanation
    assert "but for the side on which each unit is active" in reported
    assert ("no skip connection is needed" in reported) == (rank == 0)
    assert result.certificate.recheck(problem.X, problem.Y).status == Status.EXACT
    spoilt = problem.Y.copy()
    spoilt[0] += 1e-6
    assert result.certificate.recheck(problem.X, spoilt).status == Status.FAILED


def test_the_answer_is_one_of_the_turned_ones_whichever_made_the_labels() -> None:
    problem = plant(6, 3, 2, 200, seed=1, bias=0.5, skip=2)
    found = [
        recovered(problem.X, turned(problem.truth, units)(problem.X))
        for units in ([], [0], [0, 1, 2])
    ]
    for net in found[1:]:
        assert np.abs(net.V - found[0].V).max() <= 1e-12
        assert np.abs(net.W - found[0].W).max() <= 1e-12


def test_labels_that_are_linear_have_no_units() -> None:
    problem = plant(4, 1, 2, 40, seed=0, bias=1.0, skip=2)
    X, Y = problem.X, problem.X @ problem.truth.W.T + problem.truth.c
    result = recover(X, Y, skip=True, rng=0)
    assert result.status == Status.EXACT
    assert result.network is not None
    assert result.network.n_units == 0
    assert np.abs(result.network.W - problem.truth.W).max() <= 1e-14
    # A hyperplane that hardly any sample lies beyond is looked for all the same.
    X = np.vstack([X, gaussian(np.random.default_rng(1), 20_000, 4)])
    far = Network([[1.0, 0.0, 0.0, 0.0]], [[1.0], [2.0]], [-2.5], W=problem.truth.W)
    assert recovered(X, far(X)).n_units == 1


def test_row_space_and_hyperplanes_find_the_same() -> None:
    problem = plant(8, 4, 4, 120, seed=2, bias=0.5, skip=4)
    found = [
        recovered(problem.X, problem.Y, method=method) for method in ("row-space", "hyperplanes")
    ]
    assert match(found[0], found[1]).max_error <= 1e-12


def test_without_the_option_labels_with_a_skip_connection_are_never_exact() -> None:
    for seed in range(4):
        problem = plant(5, 2, 2, 120, seed=seed, bias=0.5, skip=2)
        result = recover(problem.X, problem.Y, noise="none", rng=0, throw=False)
        assert not result.status.certain


# The certificate.


def undetermined(problem: Planted) -> bool:
    """A certificate that must not be certain, in floats nor over ℚ; it has to see the labels
    explained."""
    certificate = verify(problem.truth, problem.X, problem.Y)
    assert certificate.residual_in_roundings <= 1
    return certificate.status == Status.UNDETERMINED


def with_truth(problem: Planted, **weights: Array) -> Planted:
    net = problem.truth
    given = {"V": net.V, "U": net.U, "b": net.b, "c": net.c, "W": net.W} | weights
    truth = Network(given["V"], given["U"], given["b"], given["c"], W=given["W"])
    return Planted(problem.X, truth(problem.X), truth)


def always_on(problem: Planted) -> Planted:
    b = problem.truth.b.copy()
    b[0] = 50.0
    return with_truth(problem, b=b)


def never_on(problem: Planted) -> Planted:
    b = problem.truth.b.copy()
    b[0] = -50.0
    return with_truth(problem, b=b)


def too_few(problem: Planted) -> Planted:
    """D k + … unknowns without W, but not with."""
    X = problem.X[:14]
    return Planted(X, problem.truth(X), problem.truth)


def on_a_line(problem: Planted) -> Planted:
    """The last input is a combination of the others: there W may be anything."""
    X = problem.X.copy()
    X[:, -1] = X[:, 0] - X[:, 1]
    return Planted(X, problem.truth(X), problem.truth)


def in_a_gap(problem: Planted) -> Planted:
    """Two parallel units with no sample between their edges."""
    V, b = problem.truth.V.copy(), problem.truth.b.copy()
    V[1], b[0], b[1] = V[0], 0.05, -0.05
    kept = np.abs(problem.X @ V[0]) > 0.2
    return with_truth(replace(problem, X=problem.X[kept]), V=V, b=b)


def alike(problem: Planted) -> Planted:
    """Two units that no sample lies between: the same pattern, and different weights."""
    V, b = problem.truth.V.copy(), problem.truth.b.copy()
    V[1] = V[0] + 1e-3 * V[1]
    b[1] = b[0]
    Z = problem.X @ V[:2].T + b[:2]
    kept = (Z[:, 0] > 0) == (Z[:, 1] > 0)
    return with_truth(replace(problem, X=problem.X[kept]), V=V, b=b)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "spoil", [always_on, never_on, too_few, on_a_line, in_a_gap, alike], ids=lambda f: f.__name__
)
def test_what_samples_do_not_determine_is_not_called_exact(
    spoil: Callable[[Planted], Planted], seed: int
) -> None:
    problem = plant(4, 3, 2, 120, seed=seed, bias=0.5, skip=2)
    assert not undetermined(problem)  # the canary
    assert undetermined(spoil(problem))


def test_a_pair_that_one_unit_and_a_skip_connection_replace_is_not_the_only_network() -> None:
    """Without W there is an opposite pair; with W competing, one unit does as well."""
    from unrelu.samples import Samples

    rng = np.random.default_rng(0)
    V = rng.standard_normal((3, 4))
    V[1] = -V[0]
    net = Network(V, rng.standard_normal((3, 3)))
    X = gaussian(rng, 200, 4)
    samples = Samples.of(X, net(X))
    assert judge(net, samples, False).status == Status.EXACT
    competing = judge(net, samples, False, skip=True)
    assert competing.status == Status.UNDETERMINED
    assert recovered(X, net(X), bias=False).n_units == 2


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_the_corners_of_a_cube_are_too_few(seed: int) -> None:
    """All of the 2⁴ samples there are, for 2 units: other networks explain them as well."""
    rng = np.random.default_rng(seed)
    X = np.array([*itertools.product([-1.0, 1.0], repeat=4)])
    truth = Network(rng.integers(-2, 3, (2, 4)), rng.integers(1, 3, (1, 2)), W=[[1.0, 2, 0, 1]])
    result = recover(X, truth(X), skip=True, noise="none", rng=0, throw=False)
    assert result.status != Status.EXACT
    few = signs(rng, 12, 6)
    problem = plant(6, 1, 1, 12, seed=seed, skip=1)
    assert verify(problem.truth, few, problem.truth(few)).status != Status.EXACT


def test_a_proof_over_the_rationals() -> None:
    rng = np.random.default_rng(0)

    def whole(*shape: int) -> Any:
        return rng.integers(-99, 100, shape).astype(object)

    for k, m in ((2, 2), (3, 1), (0, 2)):
        net = Network(whole(k, 3), whole(m, k), whole(k), whole(m), W=whole(m, 3))
        X = rng.integers(-1000, 1001, (200, 3))
        proved = verify(net, X, net(X), exact=True)
        assert proved.status == Status.PROVED
        assert proved.recheck(X, net(X)).status == Status.PROVED
        Y = net(X)
        Y[7, 0] += Fraction(1, 10**30)
        broken = verify(net, X, Y, exact=True)
        assert broken.status == Status.FAILED
        assert broken.proof is not None
        assert broken.proof.broken.tolist() == [7]
        dependent = X.copy()
        dependent[:, 2] = X[:, 0] + X[:, 1]
        open_ = verify(net, dependent, net(dependent), exact=True)
        assert open_.status == Status.UNDETERMINED


# Noise.


def test_noisy_labels_give_standard_errors_of_the_skip_connection_too() -> None:
    """At two in three errors within one standard error, and none beyond five, of 60 or so."""
    problem = plant(5, 2, 2, 3000, seed=0, bias=0.5, skip=2)
    Y = problem.Y + 0.1 * np.random.default_rng(0).standard_normal(problem.Y.shape)
    result = recover(problem.X, Y, skip=True, rng=0)
    assert result.status == Status.ESTIMATED
    assert result.stderr is not None
    assert result.network is not None
    net, error, truth = result.network, result.stderr, problem.truth.canonical()
    order = match(net, problem.truth).permutation
    off = [
        ((net.V[order] - truth.V) / error.V[order]).ravel(),
        ((net.U[:, order] - truth.U) / error.U[:, order]).ravel(),
        ((net.W - truth.W) / error.W).ravel(),
        ((net.c - truth.c) / error.c).ravel(),
    ]
    scores = np.abs(np.concatenate(off))
    assert scores.max() < 5
    assert (scores < 1).mean() > 0.5
    assert 0.3 < np.sqrt((off[2] ** 2).mean()) < 2
    assert result.uncertainty is not None
    low, high = result.uncertainty.intervals()
    assert ((low.W < truth.W) & (truth.W < high.W)).mean() > 0.75
    assert np.shape(result.uncertainty.to_dict()["stderr"]["W"]) == (2, 5)  # type: ignore[index]
    predicted = result.uncertainty.predict(problem.X[:500])
    inside = np.abs(problem.Y[:500] - predicted.mean) < 4 * predicted.stderr
    assert inside.mean() > 0.99
    with pytest.raises(InputError, match="skip: got False"):
        assess(net, problem.X, Y, biased=True)


def test_standard_errors_are_those_of_linear_regression_where_the_unit_is_known() -> None:
    """One input: f(x), x and 1 are the columns of a regression, of which C⁻¹ is the covariance."""
    x = np.linspace(-2, 2, 41)[:, None]
    rng = np.random.default_rng(0)
    Y = np.maximum(x, 0) + 0.5 * x + 0.01 * rng.standard_normal(x.shape)
    columns = np.hstack([np.maximum(x, 0), x])
    u, w = np.linalg.lstsq(columns, Y)[0][:, 0]
    net = Network([[1.0]], [[u]], W=[[w]])
    found = assess(net, x, Y, biased=False, skip=True).stderr
    left = Y - columns @ [[u], [w]]
    covariance = np.linalg.inv(columns.T @ columns) * float((left**2).sum()) / (len(x) - 2)
    assert found.U[0, 0] == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-10)
    assert found.W[0, 0] == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-10)


def test_errors_are_calibrated_where_noise_leaves_sides_open() -> None:
    """The simulated fits have a skip connection of their own: with none they would be far off."""
    problem = plant(3, 2, 2, 300, seed=1, bias=0.5, skip=2)
    rng = np.random.default_rng(1)
    Y = problem.Y + 0.4 * rng.standard_normal(problem.Y.shape)
    net = recover(problem.X, Y, 2, skip=True, noise="gaussian", rng=0, throw=False).network
    assert net is not None
    found = assess(net, problem.X, Y, biased=True, skip=True)
    plain = assess(net, problem.X, Y, biased=True, skip=True, simulate=False)
    assert plain.factors is None
    assert found.factors is not None
    factors = np.append(found.factors.units(), found.factors.constant)
    assert (factors >= 1).all()
    assert 1 < factors.max() < 10
    assert np.allclose(found.stderr.W, found.factors.constant * plain.stderr.W, rtol=1e-9)
    assert np.allclose(found.stderr.U, found.factors.columns * plain.stderr.U, rtol=1e-9)


# Noise of other kinds.


def broken_line(rng: np.random.Generator, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """One input, slopes 1 and 3, the break at 4."""
    x = rng.uniform(0, 10, n)
    return x[:, None], 1 + x + 2 * np.maximum(x - 4, 0)


@pytest.mark.parametrize("stated", [None, 1])
def test_a_broken_line_with_outliers(stated: int | None) -> None:
    rng = np.random.default_rng(21)
    X, y = broken_line(rng)
    y = y + 0.3 * rng.standard_normal(len(y))
    off = rng.random(len(y)) < 0.1
    y[off] += rng.normal(0, 20, off.sum())
    found = recover(X, y, stated, skip=True, noise="independent", rng=0)
    assert found.network is not None
    assert found.status == "estimated"
    assert found.network.n_units == 1
    assert found.stderr is not None
    assert found.stderr.b[0] < 0.1  # least squares has 0.6
    assert abs(-found.network.b[0] / found.network.V[0, 0] - 4) <= 4 * found.stderr.b[0]
    assert abs(found.network.W[0, 0] - 1) <= 4 * found.stderr.W[0, 0]


def test_a_broken_line_of_counts() -> None:
    rng = np.random.default_rng(3)
    X, mean = broken_line(rng)
    found = recover(X, rng.poisson(mean), skip=True, noise="poisson", rng=0)
    assert found.network is not None
    assert found.status == "estimated"
    assert found.noise is not None
    assert (found.noise.kind, found.network.n_units) == ("poisson", 1)
    assert found.stderr is not None
    assert abs(-found.network.b[0] / found.network.V[0, 0] - 4) <= 4 * found.stderr.b[0]


# Where a skip connection would do, and was not asked for.


@pytest.mark.parametrize("stated", [None, 1])
def test_a_skip_connection_is_what_a_broken_line_wants(stated: int | None) -> None:
    """Two opposite units, of which nothing is known where hardly a sample lies between their
    breakpoints; with one unit, a bad fit."""
    rng = np.random.default_rng(2)
    X = np.arange(365.0)[:, None]
    y = 10 + 0.05 * X[:, 0] - 0.12 * np.maximum(X[:, 0] - 150, 0) + 0.8 * rng.standard_normal(365)
    found = recover(X, y, stated, rng=0, throw=False)
    assert found.code == "skip-would-do" or (stated, found.status) == (None, "estimated")
    assert "skip-would-do" in codes(found)
    assert recover(X, y, stated, skip=True, rng=0).status == "estimated"


def test_units_that_need_none_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    X = gaussian(rng, 600, 3)
    y = np.maximum(X, 0) @ [1.0, 2.0, -2.0] + 0.2 * rng.standard_normal(600)
    found = recover(X, y, rng=0)
    assert found.code == "noise"
    assert "skip-would-do" not in codes(found)


# What is refused, and files and commands.

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"activation": "power(2)"}, r"activation: got 'power\(2\)' with skip=True"),
    ({"activation": "unknown"}, "activation: got 'unknown' with skip=True"),
    ({"method": "facets"}, "method: got 'facets' with skip=True, expected one of 'auto', 'row"),
    ({"method": "ica"}, "method: got 'ica' with skip=True"),
    ({"noise": "sparse"}, "noise: got 'sparse' with skip=True, expected one of 'auto', 'none'"),
    ({"exact": True}, "exact: got True with skip=True"),
]


@pytest.mark.parametrize(
    ("options", "reported"), REFUSED, ids=[reported[:24] for _, reported in REFUSED]
)
def test_what_is_not_done_is_refused(options: dict[str, Any], reported: str) -> None:
    X = gaussian(np.random.default_rng(0), 50, 2)
    with pytest.raises(InputError, match=reported):
        recover(X, np.abs(X), skip=True, **options)


def test_a_skip_connection_is_never_left_out() -> None:
    """Whatever has no room for W says so."""
    net = plant(2, 2, 1, 3, seed=0, skip=1).truth
    with pytest.raises(InputError, match="skip connection, expected one without"):
        to_sklearn(net)
    with pytest.raises(InputError, match="skip connection with activation 'power"):
        Network(net.V, net.U, activation=activations.Power(2), W=net.W)
    with pytest.raises(InputError, match="units of others do not turn"):
        Network(net.V, net.U, activation=activations.Power(2)).canonical(skip=True)
    instance = hardness.encode(hardness.Formula(2, [[1, 2]]))
    wide = Network(np.ones((2, instance.X.shape[1])), [[1, 1]], W=np.ones((1, instance.X.shape[1])))
    with pytest.raises(InputError, match="skip connection"):
        hardness.decode(wide, instance)
    with pytest.raises(InputTypeError, match="skip: got an int"):
        recover(np.eye(4)[:, :2], np.eye(4), skip=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors", ".pt", ".h5", ".keras"])
def test_other_files_have_no_room(tmp_path: Path, suffix: str) -> None:
    net = plant(2, 2, 1, 3, seed=0, skip=1).truth
    path = tmp_path / f"net{suffix}"
    with pytest.raises(FileError, match=r"skip connection, which only \.npz keeps"):
        save(net, path)
    assert not path.exists()
    if suffix == ".pt":
        save(net.without_skip(), path)
        X = gaussian(np.random.default_rng(0), 20, 2)
        assert np.abs(load(path)(X) - net(X)).max() <= 64 * EPS * size(net, X)


def test_npz_keeps_it_and_other_files_are_as_they_were(tmp_path: Path) -> None:
    net = plant(3, 2, 2, 3, seed=0, bias=1.0, skip=2).truth
    third = Network(np.array([[Fraction(1, 3)]]), [[1]], W=np.array([[Fraction(1, 7)]]))
    for kept, version in ((net, 3), (third, 4)):
        save(kept, tmp_path / "net.npz")
        with np.load(tmp_path / "net.npz") as arrays:
            assert arrays["version"] == version
        assert (load(tmp_path / "net.npz").W == kept.W).all()
    plain = Network(net.V, net.U, net.b, net.c)
    save(plain, tmp_path / "plain.npz")
    with np.load(tmp_path / "plain.npz") as arrays:
        assert "W" not in arrays
        assert arrays["version"] == 1
    assert not load(tmp_path / "plain.npz").skip
    np.savez(tmp_path / "theirs.npz", V=net.V, U=net.U, W=net.W)
    assert (load(tmp_path / "theirs.npz").W == net.W).all()


def test_commands_and_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    problem = plant(4, 2, 2, 150, seed=0, bias=0.5, skip=2)
    save(problem.truth, "net.npz")

    def run(*words: str, code: int = 0) -> str:
        answer = CliRunner().invoke(main, words)
        assert answer.exit_code == code, answer.output
        return answer.output

    run("sample", "net.npz", "-n", "150", "-o", "samples.npz", "--seed", "0")
    run("recover", "samples.npz", "--skip", "-o", "found.npz", "--seed", "0", "--report", "a.html")
    assert match(load("found.npz"), problem.truth).max_error <= 1e-12
    assert "turned round" in run("match", "found.npz", "net.npz")
    assert "but for the side on which" in run("verify", "net.npz", "samples.npz", "--json")
    run("report", "net.npz", "samples.npz", "-o", "b.html")
    for page in ("a.html", "b.html"):
        shown = Path(page).read_text(encoding="utf-8")
        assert "The skip connection, drawn" in shown
        assert "up to the side on which each unit is active" in shown
    assert "--skip: got" in run("recover", "samples.npz", "--skip", "-o", "net.onnx", code=2)
    run("sample", "net.npz", "-n", "60", "-o", "exact.npz", "--seed", "0", "--exact")
    assert "proved" in run("verify", "net.npz", "exact.npz", "--exact")


def test_the_estimator() -> None:
    problem = plant(4, 2, 2, 150, seed=0, bias=0.5, skip=2)
    model = RectifiedNetworkRegressor(skip=True, random_state=0).fit(problem.X, problem.Y)
    bar = 1000 * EPS * size(problem.truth, problem.X)
    assert np.abs(model.predict(problem.X) - problem.Y).max() <= bar
    assert not hasattr(model, "coefs_")
    assert not hasattr(model, "intercepts_")
    doubled = np.hstack([problem.X, problem.X[:, :1]])
    with pytest.warns(match="combination of others"):
        model.fit(doubled, problem.Y)
    assert np.abs(model.predict(doubled) - problem.Y).max() <= bar
