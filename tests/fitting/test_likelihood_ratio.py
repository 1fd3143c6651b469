"""Rare counts: one unit more, by the likelihoods of fits to labels and to copies of them."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import Network, recover
from unrelu.activations import RELU
from unrelu.fitting import likelihood_ratio, one_more
from unrelu.fitting.fittings import Reweighted
from unrelu.noise.poisson import POISSON
from unrelu.samples import Samples


def counted(seed: int, n: int, k: int, rate: float, d: int = 6) -> tuple[Network, Samples]:
    """Orthogonal units that are silent half of the time, and counts that are nearly all zero."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((d, k)))[0].T
    truth = Network(V, np.full((1, k), rate / (0.4 * k)))
    X = rng.standard_normal((n, d))
    return truth, Samples.of(X, rng.poisson(truth(X)).astype(np.float64))


def fitting_to(samples: Samples) -> Reweighted:
    return Reweighted(POISSON, samples, bias=True, skip=False, activation=RELU)


def begun(samples: Samples, net: Network) -> one_more.Test:
    return one_more.Test.of(fitting_to(samples), net, alpha=0.01, rng=np.random.default_rng(0))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.study)])
def test_a_neuron_of_few_spikes_is_found(seed: int) -> None:
    """Some fifty of them: residuals show no unit."""
    _, samples = counted(seed, 600, 1, 0.08)
    result = recover(samples.X, samples.Y, noise="poisson", rng=seed, throw=False)
    assert result.code == "noise"
    assert result.network is not None
    assert result.network.n_units == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_missing_unit_is_asked_for_and_no_other(seed: int) -> None:
    truth, samples = counted(seed, 4000, 2, 0.2)
    fitting = fitting_to(samples)
    full = fitting.fit(truth)
    one = fitting.fit(full.without(1))
    for net, more in ((one, 1), (full, 0)):
        test = begun(samples, net)
        assert likelihood_ratio.is_asked(test, net)
        found = likelihood_ratio.tested(test, net, closely=False)
        assert found.more == more
        assert (found.gain > found.edge) == bool(more)


def test_scales_are_those_of_the_labels() -> None:
    """Where nothing is expected and nothing is seen, labels are less dispersed than copies: each
    with its own scale, the ratios would not be comparable."""
    truth, samples = counted(0, 600, 1, 0.5)
    fitting = fitting_to(samples)
    copy = fitting.held(truth).redrawn(truth, np.random.default_rng(0))
    assert copy is not None
    held = copy.loss_at(copy.samples, truth(samples.X))
    assert held.weights(copy.Y, truth(samples.X)) == pytest.approx(
        fitting.weights(truth), rel=1e-15
    )
    own = fitting_to(copy.samples).weights(truth)
    assert np.abs(own / fitting.weights(truth) - 1).max() > 0.05


def test_residuals_without_long_tails_need_no_fits() -> None:
    truth, samples = counted(0, 600, 1, 20.0)
    net = fitting_to(samples).fit(Network(truth.V, truth.U, truth.b, [5.0]))
    assert not likelihood_ratio.is_asked(begun(samples, net), net)


@pytest.mark.parametrize(
    ("ratio", "more", "open_"),
    [(50.0, 1, False), (38.0, 0, True), (30.0, 0, False), (10.0, 0, False)],
)
def test_a_unit_that_noise_hardly_ever_shows_is_left_open(
    monkeypatch: pytest.MonkeyPatch, ratio: float, more: int, open_: bool
) -> None:
    """Of ten copies a twentieth is beyond 34 and a hundredth beyond 42, by Gumbel's law."""
    truth, samples = counted(0, 600, 1, 0.1)
    test, found = begun(samples, truth), likelihood_ratio._Wider(ratio, np.zeros((1, 7)))
    monkeypatch.setattr(likelihood_ratio, "_one_more", lambda *_: found)
    drawn = iter([16, 20, 39, 22, 18, 24, 21, 26, 17, 19, *[25] * 30])
    monkeypatch.setattr(likelihood_ratio, "_in_copy", lambda *_: float(next(drawn)))
    shown = likelihood_ratio.tested(test, truth, closely=True)
    assert (shown.more, shown.open) == (more, open_)
