"""Counts whose fitted law does not hold: other variances, and parts that no unit explains."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu import Network, Recovery, recover, verify
from unrelu.checks.alike import ALIKE, alike_p
from unrelu.checks.dispersion import dispersion
from unrelu.samples import Samples

Array = NDArray[np.float64]

NET = Network([[0.6, 0.8, 0.0]], [[4.0]], [0.2], [2.0])


def inputs(seed: int, n: int = 600) -> tuple[Array, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)), rng


def dispersed(mean: Array, ratio: float, rng: np.random.Generator) -> Array:
    """Whole numbers of variance `ratio` times the mean: negative binomial, Poisson or binomial."""
    if ratio == 1:
        return rng.poisson(mean).astype(np.float64)
    if ratio < 1:
        tries = np.ceil(mean / (1 - ratio)).astype(int)
        return rng.binomial(tries, mean / tries).astype(np.float64)
    p = 1 / ratio
    return rng.negative_binomial(mean * p / (1 - p), p).astype(np.float64)


def told(X: Array, Y: Array) -> Recovery:
    return recover(X, Y, n_units=1, noise="poisson", rng=0, throw=False)


@pytest.mark.parametrize(
    ("ratio", "code"),
    [(1.0, None), (1.5, "overdispersed"), (4.0, "overdispersed"), (0.5, "underdispersed")],
)
def test_a_variance_that_is_not_the_mean_is_said(ratio: float, code: str | None) -> None:
    X, rng = inputs(2)
    Y = dispersed(NET(X), ratio, rng)
    result = told(X, Y)
    assert [finding.code for finding in result.findings] == ["noise", *[code] * (code is not None)]
    assert result.status == "estimated"
    assert result.network is not None
    again = verify(result.network, X, Y, noise="poisson")
    assert [finding.code for finding in again.findings][1:] == [code] * (code is not None)


@pytest.mark.parametrize("rate", [0.02, 1.0, 50.0])
def test_the_score_of_the_dispersion_holds_for_any_rate(rate: float) -> None:
    """At one standard error it would be exceeded in 32 of 100 draws, at four in none."""
    X, rng = inputs(0, 2000)
    net = Network(NET.V, rate * NET.U, NET.b, rate * NET.c)
    for _ in range(20):
        Y = rng.poisson(net(X)).astype(np.float64)
        assert dispersion(net, Samples.of(X, Y), 0) is None
    found = dispersion(net, Samples.of(X, 3 * Y), 0)
    assert found is not None
    assert found.code == "overdispersed"


def test_numbers_that_are_no_whole_ones_may_have_any_dispersion() -> None:
    X, rng = inputs(0)
    assert dispersion(NET, Samples.of(X, rng.poisson(NET(X)) * 0.3), 0) is None


@pytest.mark.parametrize("seed", range(2))
def test_a_bump_that_no_unit_explains_is_a_misfit(seed: int) -> None:
    X, rng = inputs(seed, 1500)
    bump = 4 * np.exp(-2 * ((X - 0.3) ** 2).sum(axis=1, keepdims=True))
    result = told(X, rng.poisson(NET(X) + bump).astype(np.float64))
    assert result.code in ("misfit", "depends-on-inputs", "more-units")
    assert result.status != "estimated"


def test_what_is_alike_by_chance_is_uniform() -> None:
    X, rng = inputs(3, 300)
    root = 1 / np.sqrt(NET(X))

    def left(extra: float) -> Array:
        mean = NET(X) + extra * np.exp(-2 * (X**2).sum(axis=1, keepdims=True))
        return np.asarray(root * (rng.poisson(mean) - NET(X)))

    def p(extra: float) -> float:
        return alike_p(NET, X, root, left(extra), [left(0.0) for _ in range(100)])

    plain = [p(0.0) for _ in range(20)]
    assert min(plain) > ALIKE
    assert 0.3 < np.mean(plain) < 0.7  # three standard errors of 20 uniform values are 0.19
    assert p(8.0) < ALIKE


def test_means_slightly_below_zero_are_no_misfit() -> None:
    """Where the unit is silent the fitted mean is −0.0002, and no label is 1."""
    rng = np.random.default_rng(3)
    X, v = rng.standard_normal((800, 3)), rng.standard_normal(3)
    mean = np.maximum(X @ v, 0)
    rng.poisson(mean)
    seen = (rng.random(800) < -np.expm1(-mean)).astype(float)
    result = recover(X, seen, 1, noise="bernoulli", rng=0, throw=False)
    assert result.code != "misfit"
