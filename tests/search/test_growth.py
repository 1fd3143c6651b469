"""Noise on samples that a search did not see, against the noise on those it saw."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from unrelu.network import Network
from unrelu.noise.poisson import POISSON
from unrelu.samples import Samples
from unrelu.search.growth import growth
from unrelu.search.unsettled import GROWTH

N, USED = 4000, 3000

SEEDS = 40


def half_silent(seed: int) -> tuple[Network, Samples]:
    """A unit that is silent on half of the samples, whose counts are then all zero."""
    rng = np.random.default_rng(seed)
    truth = Network([[1.0, 0.0]], [[1.0]], [0.0], [0.0])
    X = rng.standard_normal((N, 2))
    return truth, Samples.of(X, rng.poisson(truth(X))).as_they_stand()


def test_counts_of_a_true_network_do_not_grow() -> None:
    grown = sum(growth(*half_silent(seed), USED, True, POISSON) > 1 for seed in range(SEEDS))
    assert grown <= binom.ppf(0.999, SEEDS, 1e-4)  # beyond four standard errors


def test_counts_of_another_network_grow_where_they_come_from_it() -> None:
    truth, samples = half_silent(0)
    Y = np.array(samples.Y)
    Y[USED:] = np.random.default_rng(1).poisson(4 * truth(samples.X[USED:]))
    other = Samples.of(samples.X, Y).as_they_stand()
    assert growth(truth, other, USED, True, POISSON) > GROWTH
    assert growth(truth, samples, USED, True, POISSON) < GROWTH  # canary
