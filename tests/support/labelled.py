"""Networks that answer in class labels, and the form in which labels show them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from support.planting import Array, plant
from unrelu.network import Network

Oracle = Callable[[Array], Array]


def labelled(d: int, k: int, m: int, seed: int) -> Network:
    """Gaussian weights, hidden biases of deviation 0.5, output biases of deviation 0.3."""
    truth = plant(d, k, m, 1, seed=seed, bias=0.5).truth
    c = 0.3 * np.random.default_rng(seed).standard_normal(m)
    return Network(truth.V, truth.U, truth.b, c)


def homogeneous(d: int, k: int, m: int, seed: int) -> Network:
    """Gaussian weights, no biases."""
    truth = plant(d, k, m, 1, seed=seed, bias=0.0).truth
    return Network(truth.V, truth.U)


def sign_of(net: Network) -> Oracle:
    return lambda X: np.where(net(X)[:, 0] > 0, 1.0, -1.0)


def argmax_of(net: Network) -> Oracle:
    return lambda X: net(X).argmax(axis=1).astype(np.float64)


def in_single_precision(net: Network) -> tuple[Network, Oracle]:
    """The network of rounded weights, and its largest of several outputs, computed in float32."""
    V, U, b, c = (part.astype(np.float32) for part in (net.V, net.U, net.b, net.c))

    def oracle(X: Array) -> Array:
        scores = np.maximum(X.astype(np.float32) @ V.T + b, 0) @ U.T + c
        return np.asarray(scores.argmax(axis=1), np.float64)

    return Network(V, U, b, c), oracle


def as_labels_show(net: Network) -> Network:
    """The first of several outputs subtracted, and 1 as the largest output weight."""
    net = net.canonical()
    U, c = net.U, net.c
    if len(U) > 1:
        U, c = U - U[0], c - c[0]
    size = np.abs(U).max()
    return Network(net.V, U / size, net.b, c / size)
