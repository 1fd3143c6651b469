"""Labels that say whether anything was counted: the network is that of the counts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from unrelu import InputError, Network, Status, match, recover, verify
from unrelu.noise.bernoulli import BERNOULLI, Seen, standing
from unrelu.noise.found import Noise
from unrelu.samples import Samples

Array = NDArray[np.float64]

N, D = 4000, 4


def cell(seed: int, n: int = N) -> tuple[Network, Array, Array]:
    """Two subunits, about one count to a sample, and whether there was one."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((D, 2)))[0].T
    truth = Network(V, np.array([[1.2, 1.0]]), c=[0.1])
    X = rng.standard_normal((n, D))
    return truth.canonical(), X, (rng.poisson(truth(X)) > 0).astype(np.float64)


def log_likelihood(Y: Array, mean: Array) -> float:
    p = 1 - np.exp(-mean)
    return float((Y * np.log(p) + (1 - Y) * np.log(1 - p)).sum())


def test_the_loss_is_the_likelihood() -> None:
    rng = np.random.default_rng(0)
    mean = rng.uniform(0.2, 3.0, (300, 2))
    Y = (rng.poisson(mean) > 0).astype(np.float64)
    loss = Seen.of(Samples.of(np.arange(300.0)[:, None], Y), mean)
    assert loss.cost(Y, mean) == pytest.approx(-2 * log_likelihood(Y, mean))
    step = 1e-6
    for at in (mean, mean - 3.0):  # where means are, and below the least
        slope = (loss.cost(Y, at + step) - loss.cost(Y, at - step)) / (2 * step)
        scores = float(loss.scores(Y, at).sum())
        assert slope == pytest.approx(-2 * scores, rel=1e-6)
        assert slope != pytest.approx(-2.1 * scores, rel=1e-6)  # canary


def test_weights_are_the_information_and_standing_labels_have_the_mean() -> None:
    mean = np.repeat([[0.3], [1.0], [2.5]], 40_000, axis=0)
    rng = np.random.default_rng(1)
    Y = (rng.poisson(mean) > 0).astype(np.float64)
    samples = Samples.of(rng.standard_normal((len(mean), 1)), Y)
    loss, stands = Seen.of(samples, mean), np.asarray(standing(samples, mean).Y)
    for part in np.split(np.arange(len(mean)), 3):
        squares = loss.scores(Y, mean)[part] ** 2
        error = squares.std() / np.sqrt(len(part))
        assert abs(squares.mean() - loss.weights(Y, mean)[part].mean()) < 5 * error
        spread = stands[part].std() / np.sqrt(len(part))
        assert abs(stands[part].mean() - mean[part].mean()) < 5 * spread
        assert abs(Y[part].mean() - mean[part].mean()) > 5 * spread or mean[part[0]] < 0.5
        assert abs(loss.standardised(Y, mean)[part].std() - 1) < 0.05


def test_the_network_of_the_counts_is_found() -> None:
    truth, X, Y = cell(0)
    result = recover(X, Y, 2, noise="bernoulli", rng=0)
    assert result.status == Status.ESTIMATED
    assert result.network is not None
    assert result.uncertainty is not None
    assert verify(truth, X, Y, noise="bernoulli").status == Status.ESTIMATED
    assert result.certificate.recheck(X, Y).status == Status.ESTIMATED
    order = match(result.network, truth).permutation
    low, high = result.uncertainty.intervals()
    rows = (low.V[order] <= truth.V) & (high.V[order] >= truth.V)
    columns = (low.U[:, order] <= truth.U) & (high.U[:, order] >= truth.U)
    covered = np.append(rows, columns)
    assert covered.sum() >= binom.ppf(1e-3, covered.size, 0.9)


@pytest.mark.study
def test_the_number_of_units_is_found_and_none_where_there_is_none() -> None:
    truth, X, Y = cell(3)
    found = recover(X, Y, noise="bernoulli", rng=0)
    assert found.status == Status.ESTIMATED
    assert found.network is not None
    assert found.network.n_units == truth.n_units
    coins = (np.random.default_rng(4).random(len(X)) < 0.3).astype(np.float64)
    nothing = recover(X, coins, noise="bernoulli", rng=0)
    assert nothing.network is not None
    assert nothing.network.n_units == 0
    # The mean count, and not the share of the labels.
    assert nothing.network.c[0] == pytest.approx(-np.log1p(-coins.mean()), rel=1e-3)


def test_networks_of_other_cells_are_no_estimates() -> None:
    truth, X, Y = cell(5)
    other = Network(truth.V[:, ::-1], truth.U, truth.b, truth.c)
    assert verify(other, X, Y, noise="bernoulli").status == Status.FAILED


def test_labels_other_than_0_and_1_are_refused() -> None:
    _, X, Y = cell(0, 200)
    for labels in (2 * Y, Y - 1, np.ones(200), np.zeros(200)):
        with pytest.raises(InputError, match="'bernoulli'"):
            recover(X, labels, noise="bernoulli")


def test_intervals_hold_new_labels() -> None:
    mean = np.array([[0.001], [0.5], [20.0]])
    assert BERNOULLI.interval is not None
    low, high = BERNOULLI.interval(Noise("bernoulli", "", np.eye(1)), mean, 0 * mean, 0.95)
    assert low[:, 0].tolist() == [0.0, 0.0, 1.0]
    assert high[:, 0].tolist() == [0.0, 1.0, 1.0]
