"""Exact labels of small networks in a few inputs: found whatever the seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

import unrelu
from unrelu import Network
from unrelu.numerics.pieces import pieces_without_noise

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

XOR = Network(
    [[0.576, 0.358], [-0.432, -0.343], [0.295, 0.2946], [0.134, -0.576]],
    [[-0.461, -0.656, -1.233, -0.377]],
    [-0.358, 0.0, -0.295, -0.150],
    [0.16],
)


def near_parallel(seed: int) -> Network:
    net = plant(2, 2, 1, 1, seed=seed, bias=0.5).truth
    V, b = np.repeat(net.V, 2, axis=0), np.repeat(net.b, 2)
    V[1::2] += 0.1 * V[1::2, ::-1] * [1, -1]
    b[1::2] += 0.05
    return Network(V, np.repeat(net.U, 2, axis=1) * [1, 0.6, 1, -0.7], b, net.c)


@pytest.mark.parametrize("seed", [1, 2, 16, 34])
def test_a_trained_network_whatever_the_seed(seed: int) -> None:
    X = np.random.default_rng(5).standard_normal((2000, 2))
    result = unrelu.recover(X, XOR(X), rng=seed)
    assert result.status == "exact"
    assert result.network is not None
    assert unrelu.match(result.network, XOR).max_error < 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_near_parallel_units_are_told_apart(seed: int) -> None:
    truth = near_parallel(seed)
    X = np.random.default_rng(seed).standard_normal((2000, 2))
    if unrelu.verify(truth, X, truth(X)).status != "exact":
        pytest.skip("these samples do not determine the network")
    result = unrelu.recover(X, truth(X), rng=seed)
    assert (result.status, result.certificate.network.n_units) == ("exact", truth.n_units)


@pytest.mark.parametrize("d", [1, 2, 4, 6])
def test_pieces_without_noise(d: int) -> None:
    truth = plant(d, 4, 2, 1, seed=d, bias=0.5).truth
    rng = np.random.default_rng(d)
    X = rng.standard_normal((3000, d))
    Y = truth(X)
    assert pieces_without_noise(X, Y, EPS)
    assert pieces_without_noise(1e6 * X, 1e-9 * Y, EPS)
    assert not pieces_without_noise(X, Y + 1e-9 * rng.standard_normal(Y.shape), EPS)
    assert not pieces_without_noise(X, np.tanh(Y), EPS)
    # Ones and zeros, or zeros and noise, are no straight pieces.
    assert not pieces_without_noise(X, (Y > 0).astype(float), EPS)
    assert not pieces_without_noise(X, np.maximum(Y + rng.standard_normal(Y.shape), 0), EPS)


def test_many_inputs_do_not_tell() -> None:
    X = np.random.default_rng(0).standard_normal((500, 20))
    assert not pieces_without_noise(X, X[:, :1], EPS)
