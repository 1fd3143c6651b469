"""Counts whose mean is a curve of the sum of the units."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import Network, Status, verify
from unrelu.activations import RELU
from unrelu.checks.curved_sum import CURVED, curved
from unrelu.fitting.fittings import Reweighted
from unrelu.noise.poisson import POISSON
from unrelu.samples import Samples


def fitted(seed: int, saturating: bool) -> tuple[Network, Reweighted]:
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((6, 3)))[0].T
    truth = Network(V, np.full((1, 3), 1.5))
    X = rng.standard_normal((4000, 6))
    drive = truth(X)
    mean = 2.0 * np.tanh(drive / 2.0) if saturating else drive
    counts = rng.poisson(mean).astype(np.float64)
    fitting = Reweighted(POISSON, Samples.of(X, counts), bias=True, skip=False, activation=RELU)
    return fitting.fit(truth), fitting


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_is_no_curve_and_one_that_saturates_is(seed: int) -> None:
    for saturating in (False, True):
        net, fitting = fitted(seed, saturating)
        p, along = curved(net, fitting.samples, fitting.weights(net), True)
        assert (p < CURVED) == saturating
        assert along < 0 or not saturating


def test_a_network_of_counts_that_saturate_is_no_estimate() -> None:
    net, fitting = fitted(0, True)
    result = verify(net, fitting.X, fitting.Y, noise="poisson")
    assert result.status == Status.FAILED
