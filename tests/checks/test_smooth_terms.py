"""Smooth functions under noise leave what smooth terms explain; networks do not."""

from __future__ import annotations

import numpy as np
import pytest

import unrelu
from unrelu.checks.smooth_terms import SMOOTH, smooth_p
from unrelu.fitting.fittings import LeastSquares
from unrelu.fitting.selection import Effort
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples


def fitted_p(net: unrelu.Network, X: Array, Y: Array) -> float:
    samples = Samples.of(X, Y)
    fitting = LeastSquares(net, samples, bias=True, skip=False, effort=Effort())
    best = fitting.fit(net)
    return smooth_p(best, X, fitting.standardised(best), np.ones((len(X), 1)))


def planted(rng: np.random.Generator, d: int, k: int) -> unrelu.Network:
    return unrelu.Network(
        rng.standard_normal((k, d)),
        rng.choice([-1.0, 1.0], (1, k)) * rng.uniform(0.5, 1.5, (1, k)),
        rng.standard_normal(k) / 2,
    )


def noise_of(law: str, X: Array, rng: np.random.Generator) -> Array:
    e = rng.standard_normal((len(X), 1))
    return {
        "normal": e,
        "skewed": rng.exponential(size=e.shape) - 1,
        "heavy": rng.standard_t(3, e.shape),
        "unequal": e * (0.2 + np.abs(X[:, :1])),
    }[law]


@pytest.mark.parametrize("law", ["normal", "skewed", "heavy", "unequal"])
def test_no_term_stands_out_of_noise(law: str) -> None:
    """p-values of 60 networks: at a rate of SMOOTH, three false alarms are met once in 50 times."""
    small = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        d, k, n = int(rng.integers(1, 8)), int(rng.integers(1, 5)), int(rng.integers(150, 800))
        X, net = rng.standard_normal((n, d)), planted(rng, d, k)
        Y = net(X) + 0.2 * net(X).std() * noise_of(law, X, rng)
        small.append(fitted_p(net, X, Y) < SMOOTH)
    assert sum(small) <= 2


@pytest.mark.parametrize("seed", range(4))
def test_a_product_stands_out(seed: int) -> None:
    """Fits of eight units to a product leave waves, which are little beside the noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((1000, 3))
    y = X[:, :1] * X[:, 1:2]
    Y = y + 0.15 * rng.standard_normal(y.shape)
    assert fitted_p(planted(rng, 3, 8), X, Y) < SMOOTH


def test_samples_with_the_same_inputs_are_one() -> None:
    """Labels of a product, but each sample 25 times: what is left is shared by them."""
    rng = np.random.default_rng(0)
    X, net = rng.standard_normal((150, 2)), planted(rng, 2, 2)
    shared = np.repeat(net(X) + 0.2 * rng.standard_normal((150, 1)), 25, axis=0)
    Y = shared + 0.01 * rng.standard_normal(shared.shape)
    assert fitted_p(net, np.repeat(X, 25, axis=0), Y) > SMOOTH
