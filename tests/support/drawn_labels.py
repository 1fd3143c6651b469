"""Planted networks whose outputs are logits, and class labels drawn with their probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unrelu import Network
from unrelu.noise.labels import drawn

Array = NDArray[np.float64]


def planted_logits(seed: int, *, d: int, k: int, classes: int = 2, size: float = 4.0) -> Network:
    """Unit hidden weights; outputs centred, of all classes but the first."""
    rng, m = np.random.default_rng(seed), classes - 1
    V = rng.standard_normal((k, d))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    U = size * rng.choice([-1.0, 1.0], (m, k)) * rng.uniform(0.7, 1.3, (m, k))
    b = 0.5 * rng.standard_normal(k)
    centre = Network(V, U, b)(rng.standard_normal((20_000, d))).mean(axis=0)
    return Network(V, U, b, -centre)


def drawn_samples(net: Network, n: int, seed: int) -> tuple[Array, NDArray[np.intp]]:
    """Gaussian inputs, and the numbers of classes drawn for them."""
    rng = np.random.default_rng([seed, 1])
    X = rng.standard_normal((n, net.n_inputs))
    labels = drawn(net(X), rng)
    return X, np.where(labels.any(axis=1), labels.argmax(axis=1) + 1, 0)
