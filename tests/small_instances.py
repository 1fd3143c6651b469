"""Small adversarial samples: integer grids, repeated and zero rows, units that are active on all
samples or on none, labels just off a network's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def draw(rng: np.random.Generator, most: int = 7) -> tuple[Integers, Integers, int, bool]:
    """X (n, d), Y (n, m), the rank k of Y (of [Y 1] without the 1, with biases), and `bias`."""
    while True:
        bias = bool(rng.integers(2))
        k, d = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        n = int(rng.integers(d + 1, most + 1))
        reach = int(rng.integers(1, 5))
        X = rng.integers(-reach, reach + 1, (n, d))
        V, b = rng.integers(-2, 3, (k, d)), bias * rng.integers(-3, 4, k)
        if rng.random() < 0.2:
            X[:, 0] = np.abs(X[:, 0])  # one unit may then be active on all samples
            V[0] = np.eye(d, dtype=int)[0]
        F = np.maximum(X @ V.T + b, 0)
        m = k + int(rng.integers(2))
        Y = F @ rng.integers(-2, 3, (k, m)) + bias * rng.integers(-2, 3, m)
        fate = rng.random()
        if fate < 0.2:
            Y = rng.integers(-1, 3, (n, k))
        elif fate < 0.5:
            Y[rng.integers(n)] += rng.integers(-1, 2, m)
        elif fate < 0.7:
            Y[rng.integers(n)] = Y[rng.integers(n)]
        if rng.random() < 0.3 and n < most:
            again = rng.integers(n, size=1)
            X, Y = np.vstack([X, X[again]]), np.vstack([Y, Y[again]])
        columns = np.column_stack([Y, np.ones(len(Y))]) if bias else Y
        rank = int(np.linalg.matrix_rank(columns)) - bias
        if 1 <= rank <= 3:
            return X, Y, rank, bias
