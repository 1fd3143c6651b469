"""Errors of weights that counts show, against the truth: with few counts those of known sides are
too small."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from unrelu.activations import RELU
from unrelu.evidence.evidence import Question
from unrelu.evidence.noisy_labels import fit_to_first_order, noise_of
from unrelu.fitting.fittings import Reweighted
from unrelu.inference.assessment import assess_linearised
from unrelu.inference.notes import UNSURE
from unrelu.inference.simulated_labels import simulated
from unrelu.inference.uncertainty import Uncertainty
from unrelu.network import Network
from unrelu.network.matching import match
from unrelu.noise.poisson import POISSON
from unrelu.samples import Samples

N, D, RATE = 2000, 9, 0.25

CELLS = 6

CHANCE = 1e-3


MANY = 8 * N
"""Samples of which few are next to a kink, though counts there weigh most."""


def cell(seed: int, factor: float = 1.0, n: int = N) -> tuple[Network, Samples]:
    """Two subunits, and counts of them, times the factor."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((D, 2)))[0].T
    truth = Network(V, np.full((1, 2), RATE * np.sqrt(np.pi / 2)))
    X = rng.standard_normal((n, D))
    return truth.canonical(), Samples.of(X, rng.poisson(truth(X)) * factor).as_they_stand()


def errors(seed: int, n: int = N) -> tuple[Network, Uncertainty, Uncertainty]:
    """The truth, and the errors of the fit next to it: by simulated counts, and without."""
    truth, samples = cell(seed, n=n)
    fitting = Reweighted(POISSON, samples, bias=True, skip=False, activation=RELU)
    net = fitting.fit(truth).canonical()
    asked = Question(net, biased=True, used=np.arange(n))
    noise, samples = noise_of(asked, samples, "poisson")
    linear = fit_to_first_order(asked, net, samples, noise, "auto")
    simulation = simulated(linear, samples, POISSON)
    assert simulation is not None
    calibrated = assess_linearised(linear, simulation=simulation)
    return truth, calibrated, assess_linearised(linear, simulate=False)


def hits(truth: Network, found: Uncertainty) -> NDArray[np.bool_]:
    """Whether the 95% interval of each hidden weight has the true one."""
    order = match(found.network, truth).permutation
    low, high = found.intervals()
    return np.asarray((low.V[order] <= truth.V) & (high.V[order] >= truth.V))


def covers(all_hits: NDArray[np.bool_]) -> bool:
    """Whether no fewer are covered than by chance, were the intervals exact."""
    return bool(all_hits.sum() >= binom.ppf(CHANCE, all_hits.size, 0.95))


@pytest.mark.study
def test_errors_by_simulated_counts_cover() -> None:
    found = [errors(seed) for seed in range(CELLS)]
    assert all(calibrated.factors is not None for _, calibrated, _ in found)
    assert covers(np.array([hits(truth, calibrated) for truth, calibrated, _ in found]))
    assert not covers(np.array([hits(truth, plain) for truth, _, plain in found]))  # canary


def test_labels_that_are_no_counts_are_not_drawn() -> None:
    truth, samples = cell(0, factor=0.5)
    asked = Question(truth, biased=True, used=np.arange(N))
    noise, samples = noise_of(asked, samples, "poisson")
    linear = fit_to_first_order(asked, truth, samples, noise, "auto")
    assert simulated(linear, samples, POISSON) is None


@pytest.mark.study
def test_counts_are_simulated_though_few_samples_are_next_to_a_kink() -> None:
    truth, calibrated, plain = errors(0, MANY)
    assert all(unit.near_kink < UNSURE for unit in plain.units)
    assert calibrated.factors is not None
    assert (calibrated.stderr.V > plain.stderr.V).all()
    assert covers(hits(truth, calibrated))
