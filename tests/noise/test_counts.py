"""Counts: their weights, the errors that hold for them, and whether `noise="auto"` knows them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.noise_kinds import Squares

from unrelu import Network, Status, match, recover
from unrelu.activations import RELU
from unrelu.fitting.fittings import Reweighted
from unrelu.fitting.selection import Effort
from unrelu.fitting.weighted import reweighted
from unrelu.fitting.width import choose
from unrelu.inference.assessment import assess
from unrelu.noise import kinds
from unrelu.noise.found import Noise
from unrelu.noise.poisson import POISSON, Proportional
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.samples import Samples
from unrelu.search.agreement import best_from_afar
from unrelu.search.noisy import suspects_gross_errors

Array = NDArray[np.float64]
ONE = np.ones((1, 1))


def rates(level: float, seed: int, d: int = 6, k: int = 2, m: int = 3) -> Network:
    """Positive outputs of about `level`, a quarter of it there without any unit."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((d, k)))[0].T
    U = rng.uniform(0.5, 2.0, (m, k))
    share = level / (0.4 * U.sum(axis=1, keepdims=True))
    return Network(V, 0.75 * share * U, -0.1 * np.ones(k), 0.25 * level * np.ones(m)).canonical()


def weights_of(counts: Array, mean: Array) -> Array:
    samples = Samples(np.zeros((len(counts), 1)), counts, 2.0**-52)
    return Proportional.of(samples, mean).weights(counts, mean)


def log_likelihood(counts: Array, mean: Array) -> float:
    """Poisson, up to a constant."""
    return float((counts * np.log(np.maximum(mean, 1e-12)) - mean).sum())


def test_the_reweighted_fit_is_the_most_likely_one() -> None:
    truth, rng = rates(2.0, 0), np.random.default_rng(0)
    X = rng.standard_normal((3000, 6))
    Y = rng.poisson(truth(X)).astype(np.float64)
    samples = Samples.of(X, Y)
    plain = reweighted(truth, samples, lambda *_: Squares(np.ones_like(Y)), True)
    fit = reweighted(plain, samples, Proportional.of, True)
    best = log_likelihood(Y, fit(X))
    assert best > log_likelihood(Y, truth(X))
    assert best > log_likelihood(Y, plain(X))
    for seed in range(20):  # a quarter of a standard error away, in any direction
        step = 0.005 * np.random.default_rng(seed).standard_normal(fit.V.shape)
        assert best > log_likelihood(Y, Network(fit.V + step, fit.U, fit.b, fit.c)(X))


def test_the_loss_of_counts_is_their_likelihood() -> None:
    rng = np.random.default_rng(2)
    mean = rng.uniform(1.0, 4.0, (200, 2))
    Y = rng.poisson(mean).astype(np.float64)
    other = mean * rng.uniform(0.8, 1.2, mean.shape)
    loss = Proportional(ONE, np.full(2, 0.1), np.ones(2))
    apart = loss.cost(Y, other) - loss.cost(Y, mean)
    likelier = log_likelihood(Y, mean) - log_likelihood(Y, other)
    assert apart == pytest.approx(2 * likelier, rel=1e-12)
    assert loss.cost(Y, np.maximum(Y, 1e-300)) == pytest.approx(0, abs=1e-9)
    # Also below the least variance, the weights are those of its derivative.
    low = rng.uniform(-0.5, 0.3, mean.shape)
    step = 1e-6
    slope = (loss.cost(Y, low + step) - loss.cost(Y, low - step)) / (2 * step)
    assert slope == pytest.approx(float(-2 * (loss.weights(Y, low) * (Y - low)).sum()), rel=1e-6)


def test_counts_in_other_units_weigh_the_same() -> None:
    rng = np.random.default_rng(1)
    mean = rng.uniform(0.5, 4.0, (500, 3))
    Y, units = rng.poisson(mean).astype(np.float64), np.array([1.0, 0.01, 300.0])
    weights = weights_of(Y, mean)
    again = weights_of(units * Y, units * mean) * units**2
    assert np.abs(again / weights - 1).max() < 100 * np.finfo(np.float64).eps
    # True Poisson counts have dispersion one, known to √(2/n + 1/(n mean)).
    assert np.abs(weights * mean - 1).max() < 5 * np.sqrt(4 / 500)


def test_intervals_hold_for_over_dispersed_counts_that_come_together() -> None:
    """All cells share a gain that changes from sample to sample: variances beyond the mean, and
    correlated. Errors that take counts for independent have to fail here."""
    truth, forms = rates(3.0, 2), ("sandwich", "homoscedastic")
    inside: dict[str, list[float]] = {form: [] for form in forms}
    for seed in range(25):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((1500, 6))
        gain = rng.gamma(3.0, 1 / 3, (1500, 1))
        Y = rng.poisson(gain * truth(X)).astype(np.float64)
        samples = Samples.of(X, Y)
        net = reweighted(truth, samples, Proportional.of, True)
        order = match(net, truth).permutation
        fit = kinds.criterion(Noise("poisson", "", np.eye(3)), samples, net(X))
        assert fit.form == "sandwich"
        for form in forms:
            low, high = assess(net, X, Y, biased=True, form=form, weights=fit.weights).intervals()
            inside[form] += (
                ((low.U[:, order] <= truth.U) & (high.U[:, order] >= truth.U)).ravel().tolist()
            )
    # 25 seeds of 6 intervals each; those of one seed are far from independent: count it as one.
    tolerance = 3 * np.sqrt(0.95 * 0.05 / 25)
    assert abs(np.mean(inside["sandwich"]) - 0.95) < tolerance
    assert np.mean(inside["homoscedastic"]) < np.mean(inside["sandwich"])


@pytest.mark.parametrize(
    ("level", "n"),
    [
        pytest.param(0.2, 6000, marks=pytest.mark.study),
        (1.0, 1500),
        pytest.param(20.0, 800, marks=pytest.mark.study),
    ],
)
def test_auto_knows_counts(level: float, n: int) -> None:
    """Also rare ones, most of which are zero."""
    truth, rng = rates(level, 3), np.random.default_rng(3)
    X = rng.standard_normal((n, 6))
    Y = rng.poisson(truth(X))
    assert not suspects_gross_errors(Samples.of(X, Y), True)
    result = recover(X, Y, rng=0)
    assert result.status == Status.ESTIMATED
    assert result.noise is not None
    assert result.noise.kind == "poisson"
    assert "counts" in result.noise.reason
    assert result.network is not None
    assert result.network.n_units == 2
    assert result.uncertainty is not None
    assert result.uncertainty.form == "sandwich"
    assert match(result.network, truth).hidden.max() < 5 * result.certificate.weight_errors.max()


@pytest.mark.parametrize("positive", [False, True])
def test_noise_of_one_size_is_not_taken_for_that_of_counts(positive: bool) -> None:
    truth, rng = rates(5.0, 4), np.random.default_rng(4)
    X = rng.standard_normal((2000, 6))
    Y = truth(X) + 0.5 * rng.standard_normal((2000, 3))
    if positive:  # never below zero, and in whole numbers
        Y = np.round(10 * Y + 20)
        assert Y.min() >= 0
    result = recover(X, Y, rng=0)
    assert result.noise is not None
    assert result.noise.kind == "gaussian"


def test_units_that_only_explain_noise_go() -> None:
    truth, rng = rates(0.3, 5), np.random.default_rng(5)
    X = rng.standard_normal((3000, 6))
    Y = rng.poisson(truth(X)).astype(np.float64)
    # Active on twenty samples, where it follows the counts of one output.
    row = rng.standard_normal(6)
    row /= np.linalg.norm(row)
    off = -np.sort(X @ row)[-20]
    wide = Network(
        np.vstack([truth.V, row]),
        np.column_stack([truth.U, [-1.0, -1.0, 2.0]]),
        np.append(truth.b, off),
        truth.c,
    )
    model = Reweighted(POISSON, Samples.of(X, Y), bias=True, skip=False, activation=RELU)
    wide = model.fit(wide)
    chosen = choose(wide, model, alpha=0.01, most=9, rng=rng)
    needed, idle = chosen.widths[-2:]
    assert (needed.units, idle.units) == (2, 3)
    assert needed.gain > needed.edge
    assert idle.gain < idle.edge
    assert match(chosen.network, truth).hidden.max() < 0.5


def test_rare_counts_do_not_seem_to_depend_on_the_inputs() -> None:
    truth, rng = rates(0.05, 1), np.random.default_rng(1)
    X = rng.standard_normal((1500, 6))
    noise = rng.poisson(truth(X)).astype(float) - truth(X)
    assert dependence(noise, X, clip=np.inf) < DEPENDENT
    assert dependence(noise, X) > DEPENDENT  # clipped, the noise of a spike is what the rate says
    assert dependence(truth(X) - truth(X).mean(axis=0), X, clip=np.inf) > DEPENDENT


def test_an_output_of_zeros_beside_counts() -> None:
    """A neuron that was never heard does not make the others' noise one of constant size."""
    truth, rng = rates(1.0, 3), np.random.default_rng(3)
    X = rng.standard_normal((1500, 6))
    Y = rng.poisson(truth(X))
    Y[:, -1] = 0
    result = recover(X, Y, rng=0, throw=False)
    assert result.noise is not None
    assert result.noise.kind == "poisson"


@pytest.mark.study
@pytest.mark.parametrize(("seed", "off"), [(3, [0]), pytest.param(4, [], marks=pytest.mark.study)])
def test_counts_that_are_nearly_all_zero(seed: int, off: list[int]) -> None:
    """Nine in ten; the network found is as likely as that which a fit from the truth leads to, and
    of units that are off all the same the errors say so."""
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((3, 12))
    X = rng.standard_normal((6000, 12))
    drive = Network(V / np.linalg.norm(V, axis=1, keepdims=True), np.ones((1, 3)))
    truth = Network(drive.V, 0.1 * drive.U / drive(X).mean())
    Y = rng.poisson(truth(X)).astype(np.float64)
    fitting = Reweighted(POISSON, Samples.of(X, Y), bias=True, skip=False, activation=RELU)
    best = fitting.fit(truth)
    result = recover(X, Y, n_units=3, noise="poisson", rng=0, throw=False)
    assert result.status == (Status.UNDETERMINED if off else Status.ESTIMATED)
    assert result.network is not None
    assert fitting.gain(result.network, best) < 1.0
    aligned = match(result.network, truth)
    assert np.flatnonzero(aligned.hidden > 0.6).tolist() == off
    vague = [finding.units for finding in result.findings if finding.code == "weights-vague"]
    assert [list(units) for units in vague] == [[aligned.permutation[j]] for j in off]
    turned = Network(result.network.V[::-1], result.network.U, result.network.b)
    assert fitting.gain(turned, best) > 1.0


def test_a_network_is_no_further_start_of_its_own() -> None:
    """Else it would agree with itself; here starts from afar end in the network without units."""

    class FromNowhere(Reweighted):
        def from_afar(self, n_units: int, rng: np.random.Generator) -> Network:
            V = rng.standard_normal((n_units, self.samples.d))
            return Network(V, 0 * truth.U, truth.b)

    truth, rng = rates(2.0, 0), np.random.default_rng(0)
    X = rng.standard_normal((500, 6))
    samples = Samples.of(X, rng.poisson(truth(X)).astype(np.float64))
    fitting = FromNowhere(POISSON, samples, bias=True, skip=False, activation=RELU)
    effort = Effort()
    assert best_from_afar(truth, fitting, effort, rng) is truth
    assert all(other is not truth for other in effort.others)
    assert len(effort.others) > 0
