"""verify(): a verdict from samples and a network alone, whoever proposes the network."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.planting import gaussian, plant

from unrelu import Network, Status, recover, verify
from unrelu.checks.counting import column_grain, grain, independent_equations
from unrelu.checks.explained import explain
from unrelu.samples import Samples

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
PARTS = ("V", "U", "b", "c")


def changed(net: Network, **parts: Array) -> Network:
    return Network(**({part: getattr(net, part) for part in PARTS} | parts))


def with_unit(net: Network, v: Array, u: Array, b: float) -> Network:
    return Network(np.vstack([net.V, v]), np.column_stack([net.U, u]), np.r_[net.b, b], net.c)


@pytest.mark.parametrize("bias", [0.0, 0.5])
@pytest.mark.parametrize(("d", "k", "m"), [(1, 2, 1), (5, 4, 1), (5, 4, 4), (2, 6, 3), (12, 3, 2)])
def test_the_truth_is_exact_on_ample_data(d: int, k: int, m: int, bias: float) -> None:
    for seed in range(3):
        problem = plant(d, k, m, 500, seed=seed, bias=bias)
        if d == 1 and not bias:  # all kinks at 0: two units at most
            continue
        certificate = verify(problem.truth, problem.X, problem.Y)
        assert certificate.status == Status.EXACT, str(certificate)
        assert certificate.residual_in_roundings <= 1
        assert certificate.n_fresh == certificate.n_samples == 500
        assert len(certificate.weak_units) == 0
        assert certificate.more_samples is None
        assert certificate.weight_errors.shape == (k,)
        assert certificate.weight_errors.max() <= 1e-10


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("part", PARTS)
def test_no_weight_may_be_off(part: str, size: float) -> None:
    problem = plant(4, 3, 2, 300, seed=1, bias=0.5)
    for entry in range(getattr(problem.truth, part).size):
        value = getattr(problem.truth, part).copy()
        value.flat[entry] += size
        certificate = verify(changed(problem.truth, **{part: value}), problem.X, problem.Y)
        assert certificate.status == Status.FAILED
        # The change shows in at least one label, by its own size times an input of size 1.
        assert certificate.residual >= 0.01 * size / np.abs(problem.Y).max()


@given(seed=st.integers(0, 10_000), power=st.floats(-9, -3))
@settings(max_examples=50, deadline=None)
def test_no_direction_of_weights_may_be_off(seed: int, power: float) -> None:
    problem = plant(3, 4, 2, 250, seed=2, bias=0.5)
    rng = np.random.default_rng(seed)
    moved = {
        part: getattr(problem.truth, part)
        + 10**power * rng.standard_normal(getattr(problem.truth, part).shape)
        for part in PARTS
    }
    assert verify(Network(**moved), problem.X, problem.Y).status == Status.FAILED


def test_a_unit_may_not_be_missing() -> None:
    problem = plant(4, 3, 2, 300, seed=3, bias=0.5)
    for unit in range(3):
        kept = [j for j in range(3) if j != unit]
        fewer = Network(
            problem.truth.V[kept], problem.truth.U[:, kept], problem.truth.b[kept], problem.truth.c
        )
        assert verify(fewer, problem.X, problem.Y).status == Status.FAILED


@pytest.mark.parametrize("size", [1e-3, 1e-9, 1e-12, 1e-15, 1e-17, 1e-20, 1e-40])
@pytest.mark.parametrize("b", [0.1, -50.0])
def test_a_unit_may_not_be_made_up(size: float, b: float) -> None:
    """However faint: either the labels show that it is wrong, or nothing shows that it is right."""
    problem = plant(4, 3, 2, 300, seed=4, bias=0.5)
    for scale in (1.0, 1e-6, 1e-25):  # of the labels
        truth = changed(problem.truth, U=problem.truth.U * scale, c=problem.truth.c * scale)
        more = with_unit(truth, np.eye(4)[0], size * scale * np.ones(2), b)
        assert verify(more, problem.X, truth(problem.X)).status != Status.EXACT
        assert verify(truth, problem.X, truth(problem.X)).status == Status.EXACT


def test_splitting_a_unit() -> None:
    """In two equal parts it is the same network; tilted apart by less than the samples resolve,
    the parts have the same sum, and the verdict cannot be exact."""
    problem = plant(4, 3, 2, 300, seed=5, bias=0.5)
    truth = problem.truth
    U = truth.U.copy()
    U[:, 0] *= 0.25
    same = with_unit(changed(truth, U=U), 2.0 * truth.V[0], 1.5 * U[:, 0], 2.0 * truth.b[0])
    certificate = verify(same, problem.X, problem.Y)
    assert certificate.status == Status.EXACT
    assert certificate.network.n_units == 3
    tilt = 1e-9 * np.eye(4)[1]
    U[:, 0] = truth.U[:, 0] / 2
    V = truth.V.copy()
    V[0] += tilt
    apart = with_unit(changed(truth, V=V, U=U), truth.V[0] - tilt, U[:, 0], truth.b[0])
    size = np.abs(problem.X).max() * np.abs(truth.U).sum()
    assert np.abs(apart(problem.X) - problem.Y).max() <= 64 * EPS * size
    certificate = verify(apart, problem.X, problem.Y)
    assert certificate.status == Status.UNDETERMINED
    assert len(certificate.weak_units) >= 2


def test_any_way_to_write_the_network() -> None:
    problem = plant(4, 3, 2, 300, seed=6, bias=0.5)
    truth, order, scale = problem.truth, [2, 0, 1], np.array([0.1, 7.0, 300.0])
    other = Network(
        (truth.V * scale[:, None])[order],
        (truth.U / scale)[:, order],
        (truth.b * scale)[order],
        truth.c,
    )
    one, two = (verify(net, problem.X, problem.Y) for net in (truth, other))
    assert one.status == two.status == Status.EXACT
    assert np.abs(one.network.V - two.network.V).max() <= 4 * EPS


@pytest.mark.parametrize("active", [1, 3, 5])
def test_a_weak_unit_is_named_and_more_samples_mend_it(active: int) -> None:
    """A unit that is active on fewer samples than it has weights; with as many more as are said
    to do, and half as many again, it is not."""
    rng = np.random.default_rng(7)
    truth = plant(5, 3, 2, 10, seed=7, bias=0.1).truth
    X = rng.standard_normal((200, 5))
    heights = np.sort(X @ truth.V[1])
    b = truth.b.copy()
    b[1] = -heights[-active - 1 : len(heights) - active + 1].mean()
    weak = changed(truth, b=b)
    certificate = verify(weak, X, weak(X))
    assert certificate.status == Status.UNDETERMINED
    named = certificate.network.V[certificate.weak_units]
    assert np.abs(named - truth.V[1]).max(axis=1).min() <= 4 * EPS
    assert len(named) == 1
    more = certificate.more_samples
    assert more is not None
    assert more >= 200 * (6 / active - 1)
    X = np.vstack([X, rng.standard_normal((more + more // 2, 5))])
    certificate = verify(weak, X, weak(X))
    assert certificate.status == Status.EXACT, str(certificate)


def test_a_unit_that_is_always_active_is_named() -> None:
    problem = plant(5, 3, 3, 300, seed=8, bias=0.3)
    b = problem.truth.b.copy()
    b[2] = 50.0
    always = changed(problem.truth, b=b)
    certificate = verify(always, problem.X, always(problem.X))
    assert certificate.status == Status.UNDETERMINED
    assert certificate.code == "always-active"
    named = certificate.network.b[certificate.weak_units]
    assert named.tolist() == [50.0]


def test_a_unit_that_is_never_active_is_named() -> None:
    problem = plant(5, 3, 3, 300, seed=8, bias=0.3)
    b = problem.truth.b.copy()
    b[2] = -50.0
    never = changed(problem.truth, b=b)
    certificate = verify(never, problem.X, never(problem.X))
    assert certificate.status == Status.UNDETERMINED
    assert certificate.network.b[certificate.weak_units].tolist() == [-50.0]


@pytest.mark.parametrize("verdict", ["exact", "failed", "undetermined"])
def test_verdicts_do_not_depend_on_order_scale_or_rotation(verdict: str) -> None:
    problem = plant(4, 3, 2, 300, seed=9, bias=0.5)
    X, net = problem.X, problem.truth
    if verdict == "undetermined":
        net = changed(net, b=np.r_[net.b[:-1], 40.0])
    Y = net(X)
    if verdict == "failed":
        net = changed(net, V=net.V + 1e-6 * np.eye(3, 4))
    expected = verify(net, X, Y)
    assert expected.status == verdict
    rng = np.random.default_rng(9)
    order = rng.permutation(len(X))
    shuffled = verify(net, X[order], Y[order])
    assert shuffled.status == verdict
    if verdict == "failed":
        assert order[shuffled.worst_sample] == expected.worst_sample
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    stretch = np.diag(10.0 ** np.array([-5, 4, 0, 2]))
    for M in (turn, 1e-8 * np.eye(4), 1e8 * turn, stretch):
        for y in (1.0, 1e-9, 1e9):
            moved = Network(net.V @ np.linalg.inv(M).T, y * net.U, net.b, y * net.c)
            certificate = verify(moved, X @ M, y * Y)
            assert certificate.status == verdict, (M, y, str(certificate))


def test_recheck_on_other_samples() -> None:
    problem = plant(4, 3, 2, 400, seed=10, bias=0.5)
    certificate = recover(problem.X[:200], problem.Y[:200], rng=0).certificate
    assert certificate.n_samples == 200
    again = certificate.recheck(problem.X[200:], problem.Y[200:])
    assert again.status == Status.EXACT
    assert again.n_fresh == 200
    wrong = certificate.recheck(problem.X[200:], problem.Y[:200])
    assert wrong.status == Status.FAILED
    few = certificate.recheck(problem.X[200:206], problem.Y[200:206])
    assert few.status == Status.UNDETERMINED


@pytest.mark.parametrize("size", [1e-10, 1e-5, 1.0, 1e5])
def test_the_worst_sample_is_the_corrupted_one(size: float) -> None:
    problem = plant(4, 3, 2, 300, seed=11, bias=0.5)
    for row in (0, 150, 299):
        Y = problem.Y.copy()
        Y[row, 1] += size
        certificate = verify(problem.truth, problem.X, Y, noise="none")
        assert certificate.status == Status.FAILED
        assert certificate.worst_sample == row
        maybe = verify(problem.truth, problem.X, Y)
        assert (maybe.code, maybe.findings[0].samples.tolist()) == ("few-samples-off", [row])
        rms = np.sqrt((Y**2).mean())
        assert abs(certificate.residual * rms - size) <= 1e-14 + 1e-4 * size


def test_samples_on_a_kink_are_counted() -> None:
    X = np.random.default_rng(12).integers(-4, 5, (400, 2)).astype(np.float64)
    net = Network([[1, 1], [1, -2]], [[1, 2], [3, -1]], b=[0, 1])
    on = (X[:, 0] + X[:, 1] == 0) | (X[:, 0] - 2 * X[:, 1] + 1 == 0)
    certificate = verify(net, X, net(X))
    assert certificate.status == Status.EXACT
    assert certificate.on_kink == on.sum()
    assert certificate.margin < 1
    off = verify(net, X[~on], net(X[~on]))
    assert off.status == Status.EXACT
    assert off.on_kink == 0
    assert off.margin > 1e6


@pytest.mark.parametrize("size", [3, 12])
def test_units_that_can_change_sides_together(size: int) -> None:
    """Σ u_j v_jᵀ = 0 over some units: two networks, one function. In the larger case the relation
    is the sum of shorter ones that are none: Σ u v over units 0–6 against 7, over 7–12 against
    0 and 13."""
    rng = np.random.default_rng(0)
    if size == 3:
        T = rng.standard_normal((5, 5))
        T[2] = -T[0] - T[1]
        chosen = [0, 1, 2]
    else:
        T = rng.standard_normal((14, 14))
        T[7] = T[:7].sum(axis=0)
        T[13] = T[0] - T[7:13].sum(axis=0)
        chosen = [*range(1, 7), *range(8, 14)]
    lengths, b = np.linalg.norm(T, axis=1), 0.3 * rng.standard_normal(len(T))
    one = Network(T / lengths[:, None], lengths[None], b, [0.5])
    side = np.ones(len(T))
    side[chosen] = -1
    shift = float((lengths[chosen] * b[chosen]).sum())
    two = Network(one.V * side[:, None], one.U, b * side, [0.5 + shift])
    X = rng.standard_normal((3000, T.shape[1]))
    Y = one(X)
    assert np.abs(two(X) - Y).max() <= 1e-12 * np.abs(Y).max()
    for net in (one, two):
        assert verify(net, X, Y).status == Status.UNDETERMINED
    U = one.U.copy()
    U[0, 1] *= 1.1
    apart = changed(one, U=U)  # no longer a relation
    assert verify(apart, X, apart(X)).status == Status.EXACT


def test_opposite_units_stand_for_a_unit_that_is_always_active() -> None:
    """u f(z) + u' f(−z) = (u + u') f(−z) + u z, and with biases u z + const is a unit that is
    active on every sample; without, where the inputs lie in a half-space, two pairs do it. As
    many units on either side, so neither is certain."""
    rng = np.random.default_rng(19)
    X = rng.standard_normal((300, 2))
    z = [0.6, 0.8]
    U = rng.standard_normal((3, 2))
    pair = Network([z, [-0.6, -0.8]], U, [0.9, -0.9])
    shift = 50.0 * U[:, 0]
    other = Network([z, [-0.6, -0.8]], [[u, u + v] for u, v in U], [50.9, -0.9], -shift)
    Y = pair(X)
    assert np.abs(other(X) - Y).max() <= 1e-12 * np.abs(shift).max()
    for net in (pair, other):
        assert verify(net, X, Y).status == Status.UNDETERMINED
    two = np.array([[0.6, -0.8], [-0.8, 0.6]])
    pairs = Network(np.vstack([two, -two]), rng.standard_normal((5, 4)))
    assert verify(pairs, np.abs(X), pairs(np.abs(X))).status == Status.UNDETERMINED
    assert verify(pairs, X, pairs(X)).status == Status.EXACT


def test_lemma_55_pair() -> None:
    """The networks for a and 2a agree where |x₁| > 2a|x₂|, and nowhere else."""
    a, X = 0.3, np.random.default_rng(13).standard_normal((600, 2))
    one, two = (Network([[1, s], [1, -s]], [[0.5, 0.5]]) for s in (a, 2 * a))
    inside = np.abs(X[:, 0]) > 2 * a * np.abs(X[:, 1])
    Y = one(X[inside])
    assert np.abs(Y - two(X[inside])).max() <= 8 * EPS * np.abs(X).max()
    for net in (one, two):
        assert verify(net, X[inside], Y).status == Status.UNDETERMINED
        assert verify(net, X, net(X)).status == Status.EXACT
    assert verify(two, X, one(X)).status == Status.FAILED


@pytest.mark.parametrize("jitter", [0.0, 1e-16, 1e-14])
def test_copies_of_a_sample_are_no_equations(jitter: float) -> None:
    problem = plant(4, 1, 1, 9, seed=14, bias=0.1)
    truth, rng = problem.truth, np.random.default_rng(14)
    few = verify(truth, problem.X, problem.Y)
    assert few.status == Status.UNDETERMINED
    X = np.repeat(problem.X, 50, axis=0)
    X *= 1 + jitter * rng.standard_normal(X.shape)
    many = verify(truth, X, truth(X))
    assert many.equations <= few.equations
    assert many.status == Status.UNDETERMINED
    if not jitter:
        ample = plant(4, 3, 1, 400, seed=15, bias=0.5)
        once = verify(ample.truth, ample.X, ample.Y)
        twice = verify(ample.truth, np.tile(ample.X, (2, 1)), np.tile(ample.Y, (2, 1)))
        assert once.status == twice.status == Status.EXACT
        assert once.equations == twice.equations


@pytest.mark.parametrize("outputs", ["zero", "multiples", "repeated"])
def test_outputs_that_say_nothing_new_are_no_equations(outputs: str) -> None:
    problem = plant(4, 1, 1, 9, seed=14, bias=0.1)
    truth = problem.truth
    weights = {"zero": np.eye(8)[0], "multiples": np.arange(1.0, 9.0), "repeated": np.ones(8)}
    wide = Network(truth.V, truth.U * weights[outputs][:, None], truth.b)
    certificate = verify(wide, problem.X, wide(problem.X))
    assert certificate.status == Status.UNDETERMINED
    assert certificate.equations <= 9


def test_float32_data_is_judged_at_its_own_rounding() -> None:
    problem = plant(4, 3, 2, 300, seed=16, bias=0.5)
    single = float(np.finfo(np.float32).eps)
    X = problem.X.astype(np.float32)
    Y = problem.truth(X).astype(np.float32)
    certificate = verify(problem.truth, X, Y)
    assert certificate.status == Status.EXACT
    assert single / 100 <= certificate.residual <= 10 * single
    assert certificate.weight_errors.max() >= single / 100
    widened = verify(problem.truth, X.astype(np.float64), Y.astype(np.float64))
    assert widened.status == Status.EXACT
    assert certificate.precision == widened.precision == "float32"
    off = changed(problem.truth, c=problem.truth.c + 1e-4)
    assert verify(off, X, Y).status == Status.FAILED


def test_memory_mapped_samples_give_the_same_certificate(tmp_path: Path) -> None:
    problem = plant(4, 3, 2, 300, seed=17, bias=0.5)
    for name, array in (("X", problem.X), ("Y", problem.Y)):
        np.save(tmp_path / f"{name}.npy", array)
    X, Y = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("X", "Y"))
    mapped, plain = verify(problem.truth, X, Y), verify(problem.truth, problem.X, problem.Y)
    assert mapped.to_dict() == plain.to_dict()


def test_a_certificate_as_text_and_as_plain_values() -> None:
    X = gaussian(np.random.default_rng(18), 100, 3)
    net = Network([[1.0, 0.0, 0.0]], [[1.0]])
    certificate = verify(net, X, net(X))
    for words in ("status", "exact", "largest residual", "equations", "hidden weights good to"):
        assert words in str(certificate)
    plain = certificate.to_dict()
    shown = {item.name for item in fields(certificate)} - {"network", "evidence", "values"}
    assert shown | {"status", "code", "explanation", "weight_errors"} <= plain.keys()
    assert plain["status"] == "exact"
    assert isinstance(plain["weight_errors"], list)


@pytest.mark.parametrize("direction", [[1.0], [0.6, 0.8]])
def test_units_that_face_each_other_across_a_gap(direction: list[float]) -> None:
    """Two outputs, and three parallel units with their kinks in one gap: they look like two there.
    Samples from the gap tell."""
    along = np.array(direction)
    truth = Network(
        [along, along, -along],
        [[0.4, -0.3, 0.3], [-1.5, -0.2, 0.1]],
        [0.19, 0.29, -0.37],
        [0.2, 0.5],
    )
    X = np.random.default_rng(0).standard_normal((1500, len(along)))
    outside = X[(X @ along < -0.53) | (X @ along > -0.12)]
    result = recover(outside, truth(outside), rng=0, throw=False)
    assert result.status == Status.UNDETERMINED
    assert result.code == "gap"
    assert verify(truth, X, truth(X)).status == Status.EXACT


def test_a_linear_function_is_no_pair_of_units() -> None:
    """u f(z) − u f(−z) = u z has no kink: with another unit turned round, fewer units may do."""
    truth = Network(
        [[-3.0, 1.0], [-1.0, 1.0], [2.0, 3.0], [1.0, -1.0]], [[0, 6, 4, 0], [-3, 0, -1, -4]]
    )
    X = gaussian(np.random.default_rng(0), 100, 2)
    assert verify(truth, X, truth(X)).status == Status.EXACT
    other = Network([[1.0, 2.0], [1.0, 0.2], [-1.0, -0.2]], [[1.0, 5.0, -5.0]])
    judged = verify(other, X, other(X))
    assert judged.status == Status.UNDETERMINED
    assert judged.code == "linear-pair"


def test_whole_labels_are_met_by_chance_more_often() -> None:
    """A wrong network meets a label that is one of a few numbers more easily than a generic one,
    so that more of them are needed."""
    rng = np.random.default_rng(1)
    net = Network(rng.integers(-3, 4, (2, 3)), rng.integers(1, 4, (2, 2)))
    X = rng.integers(-4, 5, (60, 3)).astype(float)
    coarse = verify(net, X, net(X))
    generic = rng.standard_normal((60, 3))
    fine = verify(net, generic, net(generic))
    assert coarse.surplus_needed > 3 * fine.surplus_needed
    assert column_grain(net(X).ravel()) > 1e-2
    assert np.isclose(column_grain(net(X / 3).ravel()), column_grain(net(X).ravel()))
    assert grain(Samples.of(generic, net(generic)), True) < 1e-12
    assert grain(Samples.of(X, net(X * np.pi)), True) > 1e-6  # coarse inputs, whatever the labels


@pytest.mark.parametrize("shift", [1e-15, 1e-14, 1e-13])
def test_a_hyperplane_through_samples_does_not_know_their_sides(shift: float) -> None:
    """Three samples on the active side give a unit its three unknowns. Where two of them lie on
    the hyperplane but for what rounding did to it, there is only one."""
    rng = np.random.default_rng(0)
    left = np.column_stack([-rng.uniform(0.1, 2, 30), rng.standard_normal(30)])
    X = np.vstack([left, [[shift, 1.0], [shift, -1.0], [1.0, 0.3]]])
    net = Network(
        [[1.0, 1.0], [0.5, -1.0], [1.0, 0.0]],
        np.column_stack([rng.standard_normal((4, 2)), 1e-3 * rng.standard_normal(4)]),
        np.array([1.0, 0.7, 0.0]),
    )
    judged = verify(net, X, net(X))
    assert judged.status == Status.UNDETERMINED
    assert judged.weak_units.tolist() == [2]


def test_pairs_of_opposite_inputs_say_little_more_than_one_of_each() -> None:
    """Without biases the labels at x and −x differ by a linear function of x."""
    rng = np.random.default_rng(0)
    half = rng.standard_normal((50, 4))
    both = Samples.of(np.vstack([half, -3 * half]), np.zeros((100, 2)))
    assert independent_equations(both, 2, False, 1000) == 2 * (50 + 4)
    assert independent_equations(both, 2, True, 1000) == 2 * 100
    assert independent_equations(both.take(np.arange(50)), 2, False, 1000) == 2 * 50


def test_coarse_directions_at_any_scale_are_coarse() -> None:
    """Without biases, labels of a few directions are not finer for being of all sizes."""
    rng = np.random.default_rng(1)
    net = Network(rng.integers(-3, 4, (2, 3)), [[8.0, 6.0]])
    X = rng.integers(-2, 3, (40, 3)) * 10.0 ** rng.integers(0, 10, (40, 1))
    X = X[np.abs(X).max(axis=1) > 0]
    assert grain(Samples.of(X, net(X)), False) > 1e-3
    assert grain(Samples.of(X, net(X)), True) < 1e-3


def test_labels_that_are_hardly_ever_other_than_zero_are_looked_at() -> None:
    """Nothing is known of the size of such an output from a part of the samples: it is that of
    what a label is the sum of."""
    X = gaussian(np.random.default_rng(0), 20_000, 3)
    X[::20, 0] = np.minimum(X[::20, 0], 2.0)  # among them those that the size is read from
    net = Network([[1.0, 0.0, 0.0]], [[100.0]], [-2.9])
    Y = net(X)
    assert 20 < (Y > 0).sum() < 60
    assert verify(net, X, Y).residual_in_roundings <= 1
    assert verify(net, X, 1.1 * Y).status == Status.FAILED


def test_rounding_of_large_weights_is_no_excuse() -> None:
    """A straight line, written with weights of 10^15: their rounding is as large as the noise."""
    rng = np.random.default_rng(0)
    x = np.linspace(0, 10, 30)[:, None]
    y = 1 + x + 0.1 * rng.standard_normal((30, 1))
    steep = Network([[1.0], [-1.0]], [[1e15, -1e15]], [-5.0, 5.0], W=[[1 - 1e15]], c=[1.0 + 5e15])
    honest = Network(np.zeros((0, 1)), np.zeros((1, 0)), W=[[1.0]], c=[1.0])
    for net in (steep, honest):
        explained = explain(net, Samples(x, y, 2.0**-52))
        assert explained.in_roundings > 1
