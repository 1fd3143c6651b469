"""Other activations than the ReLU by least squares: noisy labels, few outputs, standard errors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.noise_kinds import Squares
from support.planting import noisy_labels, plant

import unrelu
from unrelu import Network, Status
from unrelu.activations import (
    Activation,
    Expm1,
    Power,
    Rectified,
    ReLU,
    chord,
    has_kink,
    steep,
)
from unrelu.checks.shape import shape_p
from unrelu.checks.unexplained import unexplained
from unrelu.fitting.problem import Problem
from unrelu.fitting.selection import Effort, settle
from unrelu.fitting.variable_projection import Separable
from unrelu.fitting.weighted import WeightedNetwork
from unrelu.inference import fisher
from unrelu.inference.arguments import heights_known, model_of, white_features
from unrelu.report.appraisal import appraise
from unrelu.samples import Samples

Array = NDArray[np.float64]

TANH = Rectified(np.tanh, np.arctanh)
ALL: list[Activation] = [Power(0.5), Power(2), Power(3), Expm1(), TANH]
SMOOTH: list[Activation] = [Power(2), Power(3), Expm1(), TANH]


def name(f: Activation) -> str:
    return "tanh" if f == TANH else f.name


def noisy_samples(
    f: Activation, k: int, m: int, n: int, seed: int, *, bias: bool = False, share: float = 0.05
) -> tuple[Array, Array, Network]:
    """Eight inputs, and noise of `share` of each output's size."""
    made = plant(8, k, m, n, seed=seed, bias=0.5 * bias, activation=f)
    return made.X, noisy_labels(made, share, seed=[seed, 1]), made.truth


def fitted_from(truth: Network, X: Array, Y: Array, bias: bool) -> Network:
    """Least squares started at the truth."""
    samples, f = Samples.of(X, Y), truth.activation
    metric = np.diag(1 / (Y - truth(X)).std(axis=0))
    problem = Problem(samples, np.arange(len(X)), bias, metric, activation=f)
    start = problem.points(truth.V, truth.b)
    fit = settle(problem, problem.strict, start, Effort(), share=1e-3)
    return problem.network(*problem.hyperplanes(fit.point))


def squares(net: Network, truth: Network, X: Array, Y: Array) -> float:
    """In units of the noise variance of each output."""
    return float((((Y - net(X)) / (Y - truth(X)).std(axis=0)) ** 2).sum())


# The fit


@pytest.mark.parametrize("f", SMOOTH, ids=name)
def test_the_model_descends_along_its_gradient(f: Activation) -> None:
    """−½ of the change of the cost along a step is the product with `descent`; Kaufman's Jacobian
    has the exact gradient. Central differences of h leave h² of it."""
    rng = np.random.default_rng(0)
    Z, Y = rng.standard_normal((60, 4)), rng.standard_normal((60, 2))
    model = Separable(Z, Y, np.ones((60, 1)), f)
    fit = model.evaluate(model.scaled(rng.standard_normal((2, 4))))
    downhill = model.descent(fit)
    h = 1e-5 if not has_kink(f) else 1e-7
    for _ in range(3):
        step = rng.standard_normal((2, 4))
        up, down = (model.evaluate(model.scaled(fit.point + s * h * step)) for s in (1, -1))
        change = -(up.cost - down.cost) / (4 * h)
        expected = float((downhill * step).sum())
        size = float(np.linalg.norm(downhill) * np.linalg.norm(step))
        assert abs(change - expected) < 1e-5 * size
        assert abs(change - 1.001 * expected) > 1e-5 * size or abs(expected) < 0.02 * size


def test_what_overflows_has_infinite_cost() -> None:
    Z = np.array([[1.0], [-1.0], [2.0]])
    model = Separable(Z, Z, np.zeros((3, 0)), Expm1())
    for size in (400.0, 1e4):
        assert model.evaluate(np.array([[size]])).cost == np.inf
        assert np.isfinite(model.start(np.array([[size]])).cost)
    assert np.isfinite(model.evaluate(np.array([[100.0]])).cost)
    kept = model.start(np.array([[1.0], [1e4]])).point
    assert kept[0] == 1.0
    assert 0 < kept[1] < 400


def test_long_tails_of_inputs_and_fast_growth() -> None:
    rng = np.random.default_rng(10)
    V = rng.standard_normal((2, 4)) / 8
    truth = Network(V, rng.standard_normal((2, 2)), activation="exp-square")
    X = rng.standard_t(3, (300, 4))
    Y = truth(X) + 0.01 * rng.standard_normal((300, 2))
    result = unrelu.recover(X, Y, 2, activation="exp-square", bias=False, rng=0, throw=False)
    assert result.status == Status.ESTIMATED
    assert result.network is not None
    assert unrelu.match(result.network, truth).max_error < 0.05


def test_chords() -> None:
    z = np.array([-1.0, -0.05, 0.05, 1.0])
    np.testing.assert_allclose(
        chord(Power(0.5), z, 0.1),
        [0.0, np.sqrt(0.05) / 0.2, np.sqrt(0.15) / 0.2, (np.sqrt(1.1) - np.sqrt(0.9)) / 0.2],
        rtol=1e-12,
    )
    np.testing.assert_allclose(chord(Power(2), z, 0.0)[2:], Power(2).slope(z)[2:], rtol=1e-7)
    assert steep(Power(0.5))
    assert not any(steep(f) for f in SMOOTH)
    assert [has_kink(f) for f in (ReLU(), *ALL)] == [True, True, False, False, True, True]


@pytest.mark.parametrize("bias", [False, True], ids=["plain", "biases"])
@pytest.mark.parametrize("f", ALL, ids=name)
def test_noisy_labels_end_in_the_minimum_next_to_the_truth(f: Activation, bias: bool) -> None:
    m, n = (3, 400) if bias else (2, 600)
    X, Y, truth = noisy_samples(f, 3, m, n, seed=1, bias=bias)
    result = unrelu.recover(X, Y, 3, activation=f, bias=bias, noise="gaussian", rng=0)
    assert result.status == Status.ESTIMATED
    assert result.network is not None
    known = fitted_from(truth, X, Y, bias)
    unknowns = 3 * (8 + m + bias)
    excess = squares(result.network, truth, X, Y) - squares(known, truth, X, Y)
    assert excess < 0.05 * unknowns
    assert squares(truth, truth, X, Y) - squares(known, truth, X, Y) > 0.3 * unknowns  # canary


@pytest.mark.parametrize("f", [Power(2), Expm1()], ids=name)
@pytest.mark.study
def test_the_number_of_units_is_found(f: Activation) -> None:
    X, Y, truth = noisy_samples(f, 3, 2, 800, seed=2)
    result = unrelu.recover(X, Y, activation=f, bias=False, rng=0)
    assert result.status == Status.ESTIMATED
    assert result.network is not None
    assert result.network.n_units == 3
    assert unrelu.match(result.network, truth).max_error < 0.1
    assert result.noise is not None
    widths = {width.units: width for width in result.noise.widths}
    assert widths[3].gain > widths[3].edge
    assert widths[4].gain < widths[4].edge


@pytest.mark.parametrize(
    ("made", "asked"), [(TANH, Power(2)), (Power(2), TANH), (Power(2), Expm1()), (ReLU(), Power(2))]
)
def test_another_activation_is_no_noise(made: Activation, asked: Activation) -> None:
    X, Y, truth = noisy_samples(made, 2, 2, 800, seed=3)
    wrong = fitted_from(Network(truth.V, truth.U, activation=asked), X, Y, False)
    samples = Samples.of(X, Y)
    left = unexplained(wrong, samples, False, False)
    assert left.shape < 1e-6
    assert unrelu.verify(wrong, X, Y, bias=False).status == Status.FAILED
    if made != ReLU():
        right = unexplained(fitted_from(truth, X, Y, False), samples, False, False)
        assert right.shape > 1e-3


def test_noise_of_any_size_has_no_shape() -> None:
    """Noise that grows with the mean, with heavy tails: p-values are uniform or larger."""
    rng, low = np.random.default_rng(0), 0
    X, _, truth = noisy_samples(Power(2), 2, 2, 600, seed=3)
    for _ in range(100):
        noise = rng.standard_t(3, (600, 2)) * (1 + truth(X) ** 2)
        low += shape_p(truth, Samples.of(X, noise), noise) < 0.05
    assert low <= 5 + 4 * np.sqrt(5)


def test_the_estimator_and_predictions() -> None:
    X, Y, truth = noisy_samples(Power(2), 2, 2, 400, seed=4)
    model = unrelu.RectifiedNetworkRegressor(
        n_units=2, activation="power(2)", bias=False, random_state=0
    )
    model.fit(X, Y)
    assert model.result_.status == Status.ESTIMATED
    assert model.result_.uncertainty is not None
    reported = model.result_.uncertainty.predict(X[:100])
    inside = (reported.low <= truth(X[:100])) & (truth(X[:100]) <= reported.high)
    assert 0.8 < inside.mean() <= 1.0
    assert "power(2)" in str(model.result_)


@pytest.mark.parametrize("f", [Power(2), Expm1()], ids=name)
def test_reports_tell_noise_from_a_wrong_network(f: Activation) -> None:
    X, Y, _ = noisy_samples(f, 2, 2, 600, seed=12)
    net = unrelu.recover(X, Y, 2, activation=f, bias=False, rng=0).network
    assert net is not None
    fitted_from = appraise(net, X, Y)
    assert fitted_from.status == Status.ESTIMATED
    assert fitted_from.uncertainty is not None
    V = np.array(net.V)
    V[0, 0] += 0.2
    wrong = appraise(Network(V, net.U, net.b, net.c, f), X, Y)
    assert wrong.status == Status.FAILED
    assert wrong.uncertainty is None


# Few outputs, no noise


@pytest.mark.parametrize("bias", [False, True], ids=["plain", "biases"])
@pytest.mark.parametrize("f", ALL, ids=name)
def test_more_units_than_outputs_are_found_to_rounding(f: Activation, bias: bool) -> None:
    X, Y, truth = noisy_samples(f, 3, 2, 250, seed=5, bias=bias, share=0.0)
    result = unrelu.recover(X, Y, 3, activation=f, bias=bias, noise="none", rng=0, throw=False)
    assert result.status == (Status.EXACT if f != TANH else Status.UNDETERMINED)
    assert result.network is not None
    assert unrelu.match(result.network, truth).max_error < 1e-12


# Standard errors


@pytest.mark.parametrize("f", SMOOTH, ids=name)
def test_information_is_that_of_the_jacobian(f: Activation) -> None:
    """Differences of labels along each unknown, without a gauge where f is not homogeneous."""
    made = plant(4, 2, 2, 50, seed=6, bias=0.3, activation=f)
    white = white_features(Samples.of(made.X, made.Y), True)
    model = model_of(made.truth.canonical(), white, made.truth.canonical().U, True)
    k, t, m, q = model.shape
    assert t == (4 if f.degree is not None else 5)
    tangents, Z = model.tangents(), white.features

    def labels(theta: Array) -> Array:
        A = model.A + np.einsum("jDt,jt->jD", tangents, theta[: k * t].reshape(k, t))
        W = np.column_stack([model.U, np.zeros(m)]) + theta[k * t :].reshape(m, q)
        return np.column_stack([f(Z @ A.T), np.ones(len(Z))]) @ W.T

    step = 1e-6
    eye = step * np.eye(model.unknowns)
    J = np.stack([(labels(e) - labels(-e)).ravel() / (2 * step) for e in eye], axis=1)
    information = fisher.information(model, fisher.moments(model, Z))
    assert np.abs(information - J.T @ J).max() < 1e-6 * np.abs(information).max()
    assert np.abs(1.001 * information - J.T @ J).max() > 1e-6 * np.abs(information).max()
    psi = np.random.default_rng(0).standard_normal((len(Z), m))
    pull = fisher.gradient(model, Z, psi)
    assert np.abs(pull - J.T @ psi.ravel()).max() < 1e-6 * np.abs(pull).max()


@pytest.mark.parametrize("f", ALL, ids=name)
def test_standard_errors_are_those_of_the_fits(f: Activation) -> None:
    """Errors in standard errors, over four problems of 24 weights of V each: their mean square is
    one, give or take four times √(2 / 96); a fifth too large or small would be seen in four
    problems in five. For √z, whose information has no limit, it is within a third."""
    scores = []
    for seed in range(4):
        X, Y, truth = noisy_samples(f, 3, 3, 500, seed=seed)
        fitted = fitted_from(truth, X, Y, False)
        found = unrelu.assess(fitted, X, Y, biased=False, simulate=False)
        order = unrelu.match(found.network, truth).permutation
        off = found.network.V[order] - truth.canonical().V
        scores.append((off / found.stderr.V[order]) ** 2)
    mean = float(np.mean(scores))
    assert abs(mean - 1) < 4 * np.sqrt(2 / 96)


def test_errors_of_directions_leave_lengths_out() -> None:
    X, Y, truth = noisy_samples(Expm1(), 2, 2, 400, seed=7)
    found = unrelu.assess(fitted_from(truth, X, Y, False), X, Y, biased=False)
    for unit, row in zip(found.units, found.stderr.V, strict=True):
        assert 0 < unit.angle_error * np.linalg.norm(truth.V, axis=1).max() < np.linalg.norm(row)


def test_heights_of_steep_units_are_settled() -> None:
    """Chords as long as heights are uncertain make them as uncertain as that."""
    made = plant(4, 2, 2, 300, seed=8, activation=Power(0.5))
    net = made.truth.canonical()
    white = white_features(Samples.of(made.X, made.Y), False)
    noise = 0.1 * np.random.default_rng(0).standard_normal(made.Y.shape)
    doubt = heights_known(net, white, net.U, False, noise)
    model = model_of(net, white, net.U, False, height_errors=doubt)
    inverse = fisher.invert(
        model, fisher.information(model, fisher.moments(model, white.features)), 300
    )
    again = [np.trace(inverse.matrix[3 * j : 3 * j + 3, 3 * j : 3 * j + 3]) for j in range(2)]
    np.testing.assert_allclose(np.sqrt(again) * noise.std(), doubt, rtol=0.05)
    assert (heights_known(made.truth, white, net.U, False, 2 * noise) > 1.5 * doubt.min()).all()


def test_a_jump_with_biases_is_left_open() -> None:
    """u e^(z + b): what b gains u loses, until a sample changes sides."""
    jump = Rectified(np.exp, np.log)
    X, Y, _ = noisy_samples(jump, 1, 2, 300, seed=9, bias=True)
    result = unrelu.recover(X, Y, 1, activation=jump, rng=0, noise="gaussian", throw=False)
    assert result.status == Status.UNDETERMINED


# Heavy tails and counts


@pytest.mark.parametrize("f", [ReLU(), *SMOOTH], ids=name)
def test_steps_of_weighted_fits_lead_downhill(f: Activation) -> None:
    """The direction of descent is minus half the gradient of the weighted squares. (That of √z is
    not: chords take the place of its slopes.)"""
    rng = np.random.default_rng(0)
    Z, Y = rng.standard_normal((60, 3)), rng.standard_normal((60, 2))
    model = WeightedNetwork(Z, Y, Squares(rng.uniform(0.5, 2.0, Y.shape)), 2, True, f)
    point = rng.standard_normal(2 * 3 + 2 * 2 + 2)
    downhill = model.descent(model.evaluate(point))
    step = 1e-6
    for number, direction in enumerate(np.eye(len(point))):
        ahead, behind = (model.evaluate(point + side * step * direction) for side in (1, -1))
        slope = (ahead.cost - behind.cost) / (2 * step)
        assert -2 * downhill[number] == pytest.approx(slope, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("f", ALL, ids=name)
def test_heavy_tails(f: Activation) -> None:
    """Of noise without a variance: within a few standard errors, and better than least squares."""
    made = plant(4, 2, 3, 600, seed=3, activation=f)
    noise = np.random.default_rng(3).standard_cauchy(made.Y.shape)
    Y = made.Y + 0.05 * made.Y.std(axis=0) * noise
    errors = {}
    for kind in ("independent", "gaussian"):
        result = unrelu.recover(
            made.X, Y, 2, activation=f, bias=False, noise=kind, rng=0, throw=False
        )
        assert result.network is not None
        errors[kind] = unrelu.match(result.network, made.truth).hidden.max()
        if kind == "independent":
            assert result.status == "estimated"
            assert result.uncertainty is not None
            known = max(unit.angle_error for unit in result.uncertainty.units)
            assert errors[kind] < 6 * known < 0.5
    assert errors["independent"] < errors["gaussian"]


@pytest.mark.parametrize("f", [Power(2), Expm1()], ids=name)
def test_counts(f: Activation) -> None:
    made = plant(4, 2, 2, 1200, seed=1, bias=0.3, activation=f)
    net = made.truth
    truth = Network(net.V, 4 * np.abs(net.U), net.b, 4 * np.abs(net.c), f)
    Y = np.random.default_rng(1).poisson(truth(made.X)).astype(np.float64)
    result = unrelu.recover(made.X, Y, 2, activation=f, noise="poisson", rng=0)
    assert result.status == "estimated"
    assert result.noise is not None
    assert result.noise.kind == "poisson"
    assert result.network is not None
    assert result.uncertainty is not None
    known = max(unit.angle_error for unit in result.uncertainty.units)
    assert unrelu.match(result.network, truth).hidden.max() < 6 * known < 0.5
