"""Problems with a known answer, for the tests and the benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.activations import Activation
from unrelu.network import Network

Array = NDArray[np.float64]
Law = Callable[[np.random.Generator, int, int], Array]


def gaussian(rng: np.random.Generator, n: int, d: int) -> Array:
    return rng.standard_normal((n, d))


def uniform(rng: np.random.Generator, n: int, d: int) -> Array:
    return rng.uniform(-1.0, 1.0, (n, d))


def signs(rng: np.random.Generator, n: int, d: int) -> Array:
    return rng.choice([-1.0, 1.0], (n, d))


def student(rng: np.random.Generator, n: int, d: int) -> Array:
    """Student t with 3 degrees of freedom: finite variance, infinite third moment."""
    return rng.standard_t(3, (n, d))


def correlated(rng: np.random.Generator, n: int, d: int) -> Array:
    """Gaussian with covariance of condition number 100."""
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return np.asarray(rng.standard_normal((n, d)) * np.logspace(-1, 0, d) @ turn)


LAWS: dict[str, Law] = {
    "gaussian": gaussian,
    "uniform": uniform,
    "signs": signs,
    "student": student,
    "correlated": correlated,
}


@dataclass(frozen=True, eq=False)
class Planted:
    """Samples and the network that made them."""

    X: Array
    Y: Array
    truth: Network


def plant(
    d: int,
    k: int,
    m: int,
    n: int,
    *,
    seed: int,
    bias: float = 0.0,
    law: Law = gaussian,
    V: Array | None = None,
    skip: int = 0,
    activation: str | Activation = "relu",
) -> Planted:
    """Gaussian weights (unit hidden rows), hidden biases of standard deviation `bias` (output
    biases of size 1 with them), inputs of the given law; V overrides the hidden weights; `skip` is
    the rank of a skip connection."""
    rng = np.random.default_rng(seed)
    if V is None:
        V = rng.standard_normal((k, d))
        V /= np.linalg.norm(V, axis=1, keepdims=True)
    U = rng.standard_normal((m, k))
    b = bias * rng.standard_normal(k)
    c = rng.standard_normal(m) if bias else np.zeros(m)
    W = None
    if skip:
        others = np.random.default_rng([seed, skip])
        W = others.standard_normal((m, skip)) @ others.standard_normal((skip, d)) / np.sqrt(skip)
    truth = Network(V, U, b, c, activation, W)
    X = law(rng, n, d)
    return Planted(X, truth(X), truth)


def gaussian_network(d: int = 4, k: int = 3, m: int = 2, *, seed: int = 0) -> Network:
    """Every weight a standard normal number, biases included."""
    normal = np.random.default_rng(seed).standard_normal
    return Network(normal((k, d)), normal((m, k)), normal(k), normal(m))


def orthonormal(d: int, k: int, seed: int) -> Array:
    """(k, d) hidden weights with orthonormal rows."""
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, k)))[0]
    return np.asarray(turn.T)


def noisy_labels(problem: Planted, size: float, *, seed: int | list[int] = 0) -> Array:
    """The labels, with Gaussian noise of standard deviation `size` times that of each output."""
    noise = np.random.default_rng(seed).standard_normal(problem.Y.shape)
    return np.asarray(problem.Y + size * problem.Y.std(axis=0) * noise)


def conditioned(d: int, k: int, kappa: float, seed: int) -> Array:
    """Unit rows with singular values spread from 1 to 1/kappa before the rows are scaled."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((k, k)))[0]
    right = np.linalg.qr(rng.standard_normal((d, k)))[0]
    V = left * np.geomspace(1.0, 1.0 / kappa, k) @ right.T
    return np.asarray(V / np.linalg.norm(V, axis=1, keepdims=True))


def identifiable_from(truth: Network, X: Array, *, bias: bool) -> int | None:
    """n_id: the smallest prefix of X at which every unit of a network with rank(Y) = k is
    determined: (i) X, with a column of ones for biases, has full column rank on its active rows,
    (ii) the other columns of F, with ones for output biases, have full column rank on its
    inactive rows. Both only get easier as rows come in, so bisection finds it; None when X as a
    whole is not enough."""
    Z = X @ truth.V.T + truth.b
    F = np.maximum(Z, 0.0)
    ones = np.ones((len(X), 1))
    inputs = np.hstack([X, ones]) if bias else X
    hidden = np.hstack([F, ones]) if bias else F

    def determined(n: int) -> bool:
        for j in range(truth.n_units):
            active = Z[:n, j] > 0
            others = np.delete(hidden[:n], j, axis=1)[~active]
            if active.sum() < inputs.shape[1] or len(others) < others.shape[1]:
                return False
            if np.linalg.matrix_rank(inputs[:n][active]) < inputs.shape[1]:
                return False
            if np.linalg.matrix_rank(others) < others.shape[1]:
                return False
        return True

    if not determined(len(X)):
        return None
    low, high = 0, len(X)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if determined(middle) else (middle, high)
    return high
