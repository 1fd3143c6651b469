"""recover(prior=Smooth(...)): estimates with smooth hidden weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import unrelu
from unrelu import InputError, InputTypeError, Network, Recovery, Smooth, Smoothness
from unrelu.inference.posterior import Weighed
from unrelu.noise.poisson import POISSON
from unrelu.samples import Samples
from unrelu.search.smoothed import Fit, Fits, chosen

Array = NDArray[np.float64]
SIZE = 24


def planted(rough: bool, n: int, seed: int, units: int = 2) -> tuple[Array, Network]:
    """Fields along a line of pixels, and white noise."""
    rng = np.random.default_rng(seed)
    at = np.arange(SIZE)
    fields = [np.exp(-((at - centre) ** 2) / 12) for centre in (7, 16)]
    V = rng.standard_normal((2, SIZE)) if rough else np.array(fields)
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    return rng.standard_normal((n, SIZE)), Network(V[:units], [[1.2] * units])


def recovered(
    X: Array, Y: Array, noise: str, smooth: bool = True, n_units: int | None = 2
) -> Recovery:
    prior = Smooth((SIZE,)) if smooth else None
    return unrelu.recover(X, Y, n_units, noise=noise, prior=prior, rng=0, throw=False)


def nearest(net: Network | None, truth: Network) -> float:
    """The smallest correlation of a true field with the one found that is nearest to it."""
    assert net is not None
    V = net.V / np.linalg.norm(net.V, axis=1, keepdims=True)
    return float((V @ truth.V.T).max(axis=0).min())


def weighed(rough: bool, seed: int) -> tuple[Fit, Smoothness, Network, Fit]:
    """The fit of the largest evidence, started at the truth, and the one without smoothness."""
    X, truth = planted(rough, 500, seed)
    Y = np.random.default_rng(seed + 1).poisson(truth(X)).astype(float)
    samples = Samples.of(X, Y)
    assert POISSON.at_scale is not None
    loss, kept = POISSON.at_scale(samples, truth(X), 0), np.arange(SIZE)
    fits = Fits(samples, True, POISSON, loss, Smooth((SIZE,)), kept, 2)
    plain = fits.fit(truth, (0.0,))
    return *chosen(fits, plain.net), truth, plain


def test_the_evidence_chooses_a_length_for_smooth_fields() -> None:
    fit, found, truth, plain = weighed(False, 0)
    assert nearest(fit.net, truth) > nearest(plain.net, truth)
    assert found.used
    assert found.evidence > 10
    assert found.lengths == fit.lengths
    assert 1 <= found.lengths[0] <= 6
    assert found.evidence == max(each.evidence for each in found.weighed)


def test_the_evidence_chooses_none_for_rough_fields() -> None:
    fit, found, _, plain = weighed(True, 2)
    assert not found.used
    assert np.abs(fit.net.V - plain.net.V).max() < 1e-3


def test_it_is_part_of_a_saved_result(tmp_path: Path) -> None:
    X, truth = planted(False, 60, 7)
    result = unrelu.recover(X, truth(X), 2, noise="none", rng=0, throw=False)
    found = Smoothness((4, 6), (1.0, 0.0), 12.5, True, (Weighed((1.0, 0.0), 12.5),))
    result = replace(result, smoothness=found)
    result.save(tmp_path / "result.npz")
    again = unrelu.load_result(tmp_path / "result.npz")
    assert again == result
    assert again.smoothness == found
    assert "1 x 0" in dict(again.rows())["smoothness"]


@pytest.fixture(scope="module")
def short() -> tuple[Recovery, Recovery, Network]:
    """A recording that is short, without the prior and with it."""
    X, truth = planted(False, 250, 0, units=1)
    Y = np.random.default_rng(1).poisson(truth(X)).astype(float)
    plain = recovered(X, Y, "poisson", smooth=False, n_units=1)
    return plain, recovered(X, Y, "poisson", n_units=1), truth


@pytest.mark.study
def test_smooth_fields_are_found_from_fewer_frames(
    short: tuple[Recovery, Recovery, Network],
) -> None:
    plain, smooth, truth = short
    assert nearest(smooth.network, truth) > nearest(plain.network, truth) + 0.01
    assert nearest(smooth.network, truth) > 0.9
    found = smooth.smoothness
    assert found is not None
    assert found.used
    assert found.chosen
    assert found.evidence > 10
    assert found.lengths[0] >= 1
    assert found.lengths[0] <= 6
    assert dict(smooth.rows())["smoothness"] in str(smooth)
    assert smooth.status.value == "estimated"
    assert plain.smoothness is None


@pytest.mark.study
def test_posterior_intervals_cover_and_are_said_to_be_that(
    short: tuple[Recovery, Recovery, Network],
) -> None:
    _, smooth, truth = short
    assert smooth.uncertainty is not None
    assert smooth.network is not None
    order = np.argmax(truth.V @ smooth.network.V.T, axis=1)
    low, high = smooth.uncertainty.intervals()
    inside = (low.V[order] <= truth.V) & (high.V[order] >= truth.V)
    assert inside.mean() > 0.85
    assert any("posterior" in note for note in smooth.uncertainty.notes)


@pytest.mark.study
def test_it_is_saved_with_the_result(
    short: tuple[Recovery, Recovery, Network], tmp_path: Path
) -> None:
    smooth = short[1]
    smooth.save(tmp_path / "result.npz")
    again = unrelu.load_result(tmp_path / "result.npz")
    assert again == smooth
    assert again.smoothness == smooth.smoothness


@pytest.mark.study
def test_two_smooth_fields_are_found_from_fewer_frames() -> None:
    X, truth = planted(False, 500, 0)
    Y = np.random.default_rng(1).poisson(truth(X)).astype(float)
    plain, smooth = recovered(X, Y, "poisson", smooth=False), recovered(X, Y, "poisson")
    assert nearest(smooth.network, truth) > nearest(plain.network, truth) + 0.01
    assert smooth.status.value == "estimated"


@pytest.mark.study
def test_rough_fields_are_those_of_the_fit_without_it() -> None:
    X, truth = planted(True, 600, 2)
    Y = np.random.default_rng(3).poisson(truth(X)).astype(float)
    plain, smooth = recovered(X, Y, "poisson", smooth=False), recovered(X, Y, "poisson")
    assert smooth.smoothness is not None
    assert not smooth.smoothness.used
    assert smooth.network == plain.network
    assert smooth.status == plain.status


@pytest.mark.study
def test_gaussian_noise_and_a_length_that_is_given() -> None:
    X, truth = planted(False, 300, 4)
    Y = truth(X) + 0.8 * np.random.default_rng(5).standard_normal((300, 1))
    given = Smooth((4, SIZE // 4), (0, 2.0))
    plain = unrelu.recover(X, Y, 2, noise="gaussian", rng=0, throw=False)
    smooth = unrelu.recover(X, Y, 2, noise="gaussian", prior=given, rng=0, throw=False)
    assert nearest(smooth.network, truth) > nearest(plain.network, truth)
    assert smooth.smoothness is not None
    assert smooth.smoothness.lengths == (0.0, 2.0)
    assert not smooth.smoothness.chosen


def test_a_prior_is_never_exact() -> None:
    X, truth = planted(False, 400, 5)
    result = recovered(X, truth(X), "gaussian")
    assert result.status.value not in ("exact", "proved")
    assert result.code == "prior-left-out"


@pytest.mark.parametrize(
    "options",
    [
        {"prior": Smooth((5, 5))},
        {"noise": "none"},
        {"noise": "auto"},
        {"noise": "independent"},
        {"skip": True},
        {"activation": "power(2)"},
        {"method": "hyperplanes", "noise": "none"},
    ],
)
def test_what_it_is_not_for(options: dict[str, Any]) -> None:
    X, truth = planted(False, 100, 6)
    given: dict[str, Any] = {"noise": "gaussian", "prior": Smooth((SIZE,))} | options
    with pytest.raises(InputError):
        unrelu.recover(X, truth(X), 2, **given)


def test_another_kind_of_prior() -> None:
    X, truth = planted(False, 100, 6)
    with pytest.raises(InputTypeError):
        unrelu.recover(X, truth(X), 2, noise="gaussian", prior=1)  # type: ignore[arg-type]
