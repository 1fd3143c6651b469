"""The spike-triggered ensemble: what its moments and clusters show of units."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import Network
from unrelu.activations import RELU
from unrelu.fitting.ensemble import Ensemble
from unrelu.fitting.fittings import Reweighted
from unrelu.noise.poisson import POISSON
from unrelu.samples import Samples


def counted(seed: int, outputs: list[float], baseline: float = 0.0) -> tuple[Network, Samples]:
    """Counts of one cell with orthogonal units, of about one in a sample."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((8, len(outputs))))[0].T
    X = rng.standard_normal((4000, 8)) @ np.diag(np.linspace(0.5, 3.0, 8)) + 1.0
    white = (X - 1.0) / np.linspace(0.5, 3.0, 8)
    truth = Network(V, [outputs], None, [baseline])
    counts = rng.poisson(np.maximum(truth(white), 0.0)).astype(np.float64)
    rows = V / np.linspace(0.5, 3.0, 8)
    return Network(rows, truth.U, -rows @ np.ones(8), truth.c), Samples.of(X, counts)


@pytest.mark.parametrize("seed", range(2))
def test_moments_show_how_many_units_add_and_whether_one_takes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _, samples = counted(seed, [1.2, 1.2])
    ensemble = Ensemble.of(samples, True, rng)
    assert (ensemble.excited, ensemble.suppressed) == (2, False)
    _, samples = counted(seed, [1.2, -1.2], 3.0)
    assert Ensemble.of(samples, True, rng).suppressed
    nothing = Samples.of(samples.X, rng.poisson(1.0, (samples.n, 1)).astype(np.float64))
    ensemble = Ensemble.of(nothing, True, rng)
    assert (ensemble.excited, ensemble.suppressed) == (0, False)


def test_clusters_are_where_a_fit_from_the_truth_ends() -> None:
    truth, samples = counted(0, [1.2, 1.2])
    fitting = Reweighted(POISSON, samples, bias=True, skip=False, activation=RELU)
    best = fitting.fit(truth)
    rng = np.random.default_rng(0)
    clusters = Ensemble.of(samples, True, rng).network(samples, 2, rng)
    assert np.abs(np.average(clusters(samples.X)) / samples.Y.mean() - 1) < 0.05
    found = fitting.from_afar(2, rng)
    assert found is not None
    assert fitting.gain(found, best) < 1.0
    assert fitting.gain(clusters, best) > 1.0  # a start, and no more


def test_weights_count_as_often_as_labels() -> None:
    _, samples = counted(1, [1.0, 2.0])
    rng = np.random.default_rng(0)
    twice = Samples.of(np.tile(samples.X, (2, 1)), np.tile(samples.Y, (2, 1)))
    weighed = Samples(samples.X, samples.Y, samples.eps, weights=np.full(samples.n, 2.0))
    one, other = (Ensemble.of(each, True, rng) for each in (twice, weighed))
    assert one.spread == pytest.approx(other.spread, rel=1e-9)
    assert one.counts.sum() == pytest.approx(other.counts.sum())
