"""recover() on noisy labels: as good as the standard errors say, and honest where it cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import noisy_labels, plant

from unrelu import InputError, Network, Recovery, RecoveryError, Status, match, recover
from unrelu.fitting.weighted import reweighted
from unrelu.noise.gaussian import TAILED
from unrelu.noise.independent import StudentT, heavy_tails
from unrelu.samples import Samples

Array = NDArray[np.float64]

WITHIN = 3.0
"""Errors of the hidden weights of a unit over the root mean square of their standard errors:
√d times less than that many of them in every direction. One time in a hundred at d = 2, k = 1;
seeds are fixed."""

PARTS = ("V", "U", "b", "c")


def spread(Y: Array) -> Array:
    return np.asarray(Y.std(axis=0))


def estimate(X: Any, Y: Any, n_units: int | None = None, **options: Any) -> Recovery:
    return recover(X, Y, n_units, rng=0, throw=False, **options)


def assert_estimated(result: Recovery, truth: Network) -> Network:
    """The right number of units, each as near to the truth as its standard errors say."""
    assert result.status == Status.ESTIMATED, str(result)
    assert result.network is not None
    assert result.stderr is not None
    assert result.noise is not None
    error = match(result.network, truth)
    assert not len(error.missing)
    assert not len(error.extra)
    rows = error.permutation
    expected = np.linalg.norm(result.stderr.V[rows], axis=1)
    assert (expected > 0).all()
    assert (error.hidden <= WITHIN * expected).all(), (error.hidden / expected, str(result))
    return result.network


def assert_same(one: Network, other: Network, tolerance: float) -> None:
    assert one.n_units == other.n_units
    assert match(one, other).max_error <= tolerance


# The truth comes back, to the standard errors.


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("bias", [0.0, 0.5])
@pytest.mark.parametrize(("m", "n"), [(1, 1500), (2, 800), (5, 500)])
def test_gaussian_noise(m: int, n: int, bias: float, given: bool) -> None:
    problem = plant(4, 3, m, n, seed=2, bias=bias)
    Y = noisy_labels(problem, 0.1)
    result = estimate(problem.X, Y, 3 if given else None, bias=bias > 0)
    assert_estimated(result, problem.truth)
    assert result.noise is not None
    assert result.noise.kind == "gaussian"
    # Variances of n residuals are known to √(2/n); p of n m entries went into the fit.
    ratio = np.diag(result.noise.covariance) / (0.1 * spread(problem.Y)) ** 2
    assert np.abs(ratio - 1).max() <= 5 * np.sqrt(2 / n)


def test_canary() -> None:
    problem = plant(4, 3, 2, 800, seed=2)
    result = estimate(problem.X, noisy_labels(problem, 0.1), bias=False)
    assert_estimated(result, problem.truth)
    assert result.stderr is not None
    V = problem.truth.V.copy()
    V[0] += 4 * WITHIN * np.linalg.norm(result.stderr.V, axis=1).max() * np.eye(4)[0]
    fewer = Network(problem.truth.V[:2], problem.truth.U[:, :2])
    for wrong in (Network(V, problem.truth.U), fewer):
        with pytest.raises(AssertionError):
            assert_estimated(result, wrong)
    assert result.network is not None
    with pytest.raises(AssertionError):
        assert_same(result.network, Network(V, problem.truth.U), 1e-3)


def test_a_single_unit() -> None:
    problem = plant(3, 1, 1, 400, seed=1, bias=0.5)
    assert_estimated(estimate(problem.X, noisy_labels(problem, 0.3)), problem.truth)


def test_tiny_noise() -> None:
    """Too large to be rounding, and estimated at its size."""
    problem = plant(4, 2, 2, 500, seed=3, bias=0.5)
    result = estimate(problem.X, noisy_labels(problem, 1e-9))
    assert_estimated(result, problem.truth)
    assert result.noise is not None
    ratio = np.sqrt(np.diag(result.noise.covariance)) / spread(problem.Y) / 1e-9
    assert np.abs(ratio - 1).max() <= 5 / np.sqrt(2 * 500)


def test_correlated_outputs() -> None:
    """Two outputs share nearly all of their noise: their difference is known far better, and the
    fit knows it."""
    problem = plant(4, 2, 3, 600, seed=4, bias=0.5)
    rng = np.random.default_rng(0)
    common, own = rng.standard_normal((600, 1)), rng.standard_normal((600, 3))
    Y = problem.Y + common * [1.0, 1.0, 0.0] + 0.05 * own
    result = estimate(problem.X, Y)
    assert_estimated(result, problem.truth)
    assert result.noise is not None
    covariance = result.noise.covariance
    assert covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]) > 0.98
    alone = estimate(problem.X, Y[:, :1], 2)
    assert result.stderr is not None
    assert alone.stderr is not None
    assert np.median(result.stderr.V) < 0.3 * np.median(alone.stderr.V)


# Which noise it is.


def test_poisson_counts() -> None:
    rng = np.random.default_rng(0)
    truth = Network([[1.0, 0.0, 0.0], [0.0, 0.8, 0.6]], [[6.0, 4.0], [2.0, 9.0]], c=[3.0, 1.0])
    X = rng.standard_normal((2000, 3))
    Y = rng.poisson(truth(X))
    for noise in ("auto", "poisson"):
        result = estimate(X, Y, noise=noise)
        assert_estimated(result, truth)
        assert result.noise is not None
        assert result.noise.kind == "poisson"
        assert (result.noise.reason != "") == (noise == "auto")


@pytest.mark.parametrize("freedom", [1.0, 2.0])
@pytest.mark.study
def test_heavy_tails(freedom: float) -> None:
    """As near as the fit that starts at the truth."""
    problem = plant(4, 2, 2, 500, seed=5, bias=0.5)
    noise = np.random.default_rng(0).standard_t(freedom, problem.Y.shape)
    Y = problem.Y + 0.2 * noise
    samples = Samples.of(problem.X, Y)
    started = reweighted(problem.truth, samples, StudentT.of, True)
    tails = StudentT.of(samples, started(problem.X))
    for kind in ("auto", "independent"):
        result = estimate(problem.X, Y, noise=kind)
        net = assert_estimated(result, problem.truth)
        assert result.noise is not None
        assert result.noise.kind == "independent"
        assert result.noise.freedom == tails.freedom == freedom
        assert result.stderr is not None
        # Stopped where a step is worth little of a standard error, from either side.
        largest = np.linalg.norm(result.stderr.V, axis=1).max()
        assert match(net, started).hidden.max() <= 0.3 * largest


@pytest.mark.parametrize(
    "shape", [(4, 3, 4, 300), (6, 4, 1, 400), (5, 3, 2, 80)], ids=["ample", "one", "scarce"]
)
def test_noiseless_labels_stay_exact(shape: tuple[int, int, int, int]) -> None:
    d, k, m, n = shape
    problem = plant(d, k, m, n, seed=6, bias=0.5)
    result = estimate(problem.X, problem.Y)
    assert result.status == Status.EXACT, str(result)
    assert result.noise is None
    assert result.uncertainty is None


def test_noise_expected_where_there_is_none() -> None:
    problem = plant(4, 3, 3, 300, seed=7, bias=0.5)
    for noise in ("gaussian", "independent"):
        result = estimate(problem.X, problem.Y, noise=noise)
        assert result.status in (Status.EXACT, Status.ESTIMATED), str(result)
        assert result.network is not None
        assert match(result.network, problem.truth).max_error <= 1e-10


# What must not matter.


def test_scales_of_the_columns() -> None:
    problem = plant(4, 3, 3, 800, seed=8, bias=0.5)
    Y = noisy_labels(problem, 0.1)
    plain = estimate(problem.X, Y, 3)
    net = assert_estimated(plain, problem.truth)
    by_x, by_y = np.array([1e-6, 1.0, 10.0, 1e8]), np.array([1e10, 1e-10, 3.0])
    result = estimate(problem.X * by_x, Y * by_y, 3)
    assert result.status == Status.ESTIMATED
    scaled = result.network
    assert scaled is not None
    back = Network(scaled.V * by_x, scaled.U / by_y[:, None], scaled.b, scaled.c / by_y)
    assert plain.stderr is not None
    assert_same(back, net, 0.3 * float(np.median(plain.stderr.V)))


def test_order_of_the_rows_and_type() -> None:
    problem = plant(4, 2, 2, 500, seed=9, bias=0.5)
    Y = noisy_labels(problem, 0.1)
    plain = estimate(problem.X, Y)
    net = assert_estimated(plain, problem.truth)
    order = np.random.default_rng(1).permutation(500)
    turned = estimate(problem.X[order], Y[order])
    coarse = estimate(problem.X.astype(np.float32), Y.astype(np.float32))
    for other in (turned, coarse):
        assert other.network is not None
        assert plain.stderr is not None
        assert_same(net, other.network, 0.3 * float(np.median(plain.stderr.V)))


def test_the_same_seed_gives_the_same_bits() -> None:
    problem = plant(4, 2, 2, 150, seed=10, bias=0.5)
    Y = problem.Y + np.random.default_rng(0).standard_t(2, problem.Y.shape)
    nets = [estimate(problem.X, Y).network for _ in range(2)]
    for part in PARTS:
        first, second = (getattr(net, part) for net in nets)
        assert first.tobytes() == second.tobytes()


# What cannot be estimated.


@pytest.mark.parametrize("noise", ["auto", "gaussian", "independent"])
def test_permuted_labels(noise: str) -> None:
    problem = plant(5, 3, 2, 300, seed=11, bias=0.5)
    Y = np.random.default_rng(0).permutation(problem.Y)
    result = estimate(problem.X, Y, noise=noise)
    assert (result.status, result.code) == (Status.ESTIMATED, "no-unit")
    assert result.network is not None
    assert result.network.n_units == 0
    assert result.stderr is not None
    # Of a mean, and of the middle that a robust fit takes.
    usual = Y.std(axis=0, ddof=1) / np.sqrt(len(Y))
    assert np.all(result.stderr.c > 0.5 * usual)
    assert np.all(result.stderr.c < 1.01 * usual)


@pytest.mark.parametrize("given", [pytest.param(None, marks=pytest.mark.study), 4])
def test_three_layers_are_not_two(given: int | None) -> None:
    """Never exact, nor an estimate."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 4))
    hidden = np.maximum(X @ rng.standard_normal((4, 4)), 0) @ rng.standard_normal((4, 4))
    Y = np.maximum(hidden - 0.5, 0) @ rng.standard_normal((4, 2))
    result = estimate(X, Y, given)
    assert result.status != Status.EXACT
    assert result.status != Status.ESTIMATED


def test_more_units_than_there_are() -> None:
    """What the surplus units fit is noise: they are known less well than any that is there."""
    problem = plant(4, 2, 2, 300, seed=12, bias=0.5)
    result = estimate(problem.X, noisy_labels(problem, 0.1), 4)
    assert result.status in (Status.ESTIMATED, Status.UNDETERMINED)
    assert result.network is not None
    known = match(result.network, problem.truth)
    assert not len(known.missing)
    if result.uncertainty is not None and result.status == Status.ESTIMATED:
        surplus = known.extra
        angles = np.array([unit.angle_error for unit in result.uncertainty.units])
        assert angles[surplus].min() > angles[known.permutation].max()


@pytest.mark.study
def test_fewer_units_than_there_are() -> None:
    problem = plant(4, 4, 3, 400, seed=13, bias=0.5)
    Y = noisy_labels(problem, 0.02)
    for noise in ("auto", "gaussian"):
        result = estimate(problem.X, Y, 2, noise=noise)
        assert (result.status, result.code) == ("failed", "depends-on-inputs")


def test_too_few_samples() -> None:
    problem = plant(5, 3, 1, 20, seed=14, bias=0.5)
    Y = noisy_labels(problem, 0.1)
    for noise in ("auto", "gaussian", "independent"):
        with pytest.raises(RecoveryError) as caught:
            recover(problem.X, Y, 3, noise=noise, rng=0)
        result = caught.value.result
        assert (result.status, result.code) == ("undetermined", "few-labels")


# Odd labels.

KINDS = ["auto", "gaussian", "independent", "poisson", "sparse"]


@pytest.mark.parametrize("noise", KINDS)
@pytest.mark.parametrize("value", [0.0, 2.5])
def test_constant_labels_are_a_network_without_units(value: float, noise: str) -> None:
    X = np.random.default_rng(0).standard_normal((100, 3))
    result = estimate(X, np.full((100, 2), value), noise=noise)
    assert result.status == Status.EXACT
    assert result.network is not None
    assert result.network.n_units == 0
    assert result.network.c.tolist() == [value, value]


@pytest.mark.parametrize("noise", KINDS)
def test_labels_that_are_all_the_same_but_one(noise: str) -> None:
    X = np.random.default_rng(0).standard_normal((300, 3))
    Y = np.zeros((300, 2))
    Y[211, 1] = 1.0
    result = estimate(X, Y, noise=noise)
    assert result.status != Status.ESTIMATED


@pytest.mark.parametrize("noise", ["auto", "gaussian", "independent"])
@pytest.mark.parametrize("value", [0.0, 2.5])
def test_a_constant_output_beside_noisy_ones(value: float, noise: str) -> None:
    problem = plant(4, 2, 2, 500, seed=15, bias=0.5)
    Y = np.insert(noisy_labels(problem, 0.1), 1, value, axis=1)
    truth = Network(
        problem.truth.V,
        np.insert(problem.truth.U, 1, 0.0, axis=0),
        problem.truth.b,
        np.insert(problem.truth.c, 1, value),
    )
    net = assert_estimated(estimate(problem.X, Y, noise=noise), truth)
    assert np.abs(net.U[1]).max() <= 1e-10 * np.abs(net.U).max()
    assert abs(net.c[1] - value) <= 1e-10


def test_two_identical_outputs() -> None:
    problem = plant(4, 2, 2, 500, seed=16, bias=0.5)
    Y = noisy_labels(problem, 0.1)[:, [0, 1, 0]]
    truth = Network(
        problem.truth.V, problem.truth.U[[0, 1, 0]], problem.truth.b, problem.truth.c[[0, 1, 0]]
    )
    assert_estimated(estimate(problem.X, Y), truth)


def test_labels_far_from_zero() -> None:
    problem = plant(4, 2, 2, 500, seed=17, bias=0.5)
    far = Network(problem.truth.V, problem.truth.U, problem.truth.b, problem.truth.c + 1e8)
    assert_estimated(estimate(problem.X, noisy_labels(problem, 0.1) + 1e8), far)


def test_a_unit_that_a_few_rows_do_not_show() -> None:
    """Active on one sample in a hundred, so most looks at the labels see zeros."""
    X = np.random.default_rng(0).standard_normal((4000, 3))
    truth = Network([[1.0, 0.0, 0.0]], [[2.0]], b=[-2.4])
    result = estimate(X, truth(X))
    assert result.status == Status.EXACT
    assert_same(truth, result.certificate.network, 1e-12)


def test_counts_are_not_negative() -> None:
    problem = plant(3, 2, 2, 200, seed=18, bias=0.5)
    Y = problem.Y - problem.Y.max(axis=0)
    with pytest.raises(InputError, match=r"noise: got 'poisson' for labels of mean -"):
        recover(problem.X, Y, noise="poisson", rng=0)


def test_single_methods_are_for_exact_labels() -> None:
    problem = plant(3, 2, 2, 200, seed=19, bias=0.5)
    Y = noisy_labels(problem, 0.1)
    with pytest.raises(InputError, match="method: got 'hyperplanes' with noise='gaussian'"):
        recover(problem.X, Y, method="hyperplanes", noise="gaussian", rng=0)
    result = estimate(problem.X, Y, method="hyperplanes")
    assert result.status == Status.FAILED
    assert result.stats["method"] == "hyperplanes"


def test_a_fixed_fit() -> None:
    """Tails by maximum likelihood: an output without noise has no say in them."""
    rng = np.random.default_rng(0)
    residual = np.column_stack([rng.standard_t(2, 4000), np.zeros(4000)])
    tails = heavy_tails(residual, np.full(2, 1e-12))
    assert tails.freedom == 2.0
    assert abs(tails.scale[0] - 1) <= 5 / np.sqrt(4000)
    assert tails.scale[1] == 1e-12


def test_heavy_tails_are_reported_where_gaussian_noise_was_asked_for() -> None:
    problem = plant(4, 2, 2, 600, seed=22, bias=0.5)
    rng = np.random.default_rng(0)
    for freedom, reported in ((2, True), (1000, False)):
        Y = problem.Y + 0.3 * rng.standard_t(freedom, problem.Y.shape)
        result = estimate(problem.X, Y, 2, noise="gaussian")
        assert (TAILED in result.explanation) == reported


@pytest.mark.study
def test_skewed_noise_is_said_to_be() -> None:
    """Student's t takes it for symmetric: the output biases are off by more than their errors."""
    rng = np.random.default_rng(0)
    for bias in (0.5, 0.0):
        problem = plant(4, 2, 3, 300, seed=1, bias=bias)
        skewed = rng.exponential(size=problem.Y.shape) - 1
        symmetric = rng.standard_t(2, problem.Y.shape)
        for noise, size in ((skewed, 0.4), (symmetric, 0.2)):
            Y = problem.Y + size * noise
            result = estimate(problem.X, Y, noise="independent", bias=bias > 0)
            assert result.uncertainty is not None
            assert result.network is not None
            assert result.network.n_units == 2
            reported = [
                note for note in result.uncertainty.notes if note.startswith("noise is skewed")
            ]
            assert len(reported) == (noise is skewed)


def test_noise_that_outputs_share_does_not_make_units_doubtful() -> None:
    """The errors of output weights are then of less dimensions than there are outputs."""
    problem = plant(3, 2, 2, 500, seed=1, bias=0.5)
    Y = noisy_labels(problem, 0.2)
    for more in (np.zeros((500, 1)), Y[:, :1]):
        result = estimate(problem.X, np.column_stack([Y, more]))
        assert result.uncertainty is not None
        assert max(unit.p_value for unit in result.uncertainty.units) < 1e-16
        assert not any("not significantly" in note for note in result.uncertainty.notes)


@pytest.mark.parametrize("seed", range(16))
def test_the_units_weighed_are_those_found(seed: int) -> None:
    """One more unit may gain more than the edge before the others have moved."""
    problem = plant(3, 2, 1, 100, seed=seed, bias=0.5)
    result = estimate(problem.X, noisy_labels(problem, 0.2, seed=seed))
    assert result.noise is not None
    assert result.network is not None
    k = result.network.n_units
    for width in result.noise.widths:
        if width.units in (k, k + 1):
            assert (width.gain > width.edge) == (width.units == k), str(width)


@pytest.mark.parametrize(("own", "seed"), [(0.0, 1000), (0.02, 1000), (0.02, 1002)])
def test_shared_noise(own: float, seed: int) -> None:
    """In its direction it is many times what it is in the mean, and no unit comes of that; in all
    others the labels are nearly, or quite, without noise, and V is known as well as those tell."""
    rng = np.random.default_rng(seed)
    problem = plant(4, 2, 6, 300, seed=seed, bias=0.0)
    shared = 0.2 * rng.standard_normal((300, 1)) @ rng.standard_normal((1, 6))
    Y = problem.Y + shared + own * rng.standard_normal((300, 6))
    result = estimate(problem.X, Y, bias=False)
    assert result.status == Status.ESTIMATED
    assert result.network is not None
    found = match(result.network, problem.truth)
    assert not len(found.missing)
    assert not len(found.extra)
    # d weights of each unit from n (m − 1) labels, a half of them on its active side.
    strength = np.linalg.norm(problem.truth.canonical().U, axis=0).min()
    bound = 5 * max(own, 1e-4) * np.sqrt(4 / 150) / strength
    assert found.hidden.max() < bound
