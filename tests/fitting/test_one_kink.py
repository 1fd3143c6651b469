"""What one kink would explain at every place, and networks of one input that are looked through."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from unrelu.fitting.fittings import LeastSquares
from unrelu.fitting.one_kink import Kinks, spanned
from unrelu.fitting.selection import Effort
from unrelu.fitting.sweeps import swept
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples


def plateaus(n: int, seed: int, noise: float) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 10, n))
    return x, np.interp(x, [0, 3.5, 6.5, 10], [4, 4, 1, 1]) + noise * rng.standard_normal(n)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_products_are_those_of_the_columns(sign: float) -> None:
    rng = np.random.default_rng(0)
    x, root, labels = rng.standard_normal(40), rng.uniform(0.5, 2, 40), rng.standard_normal((40, 2))
    x[7] = x[3]
    base = spanned(root[:, None] * np.column_stack([np.ones(40), x]))
    places = np.append(np.linspace(-1, 1, 9), x[3])
    kinks = Kinks.of(x, root, base, places, sign)
    columns = root[:, None] * np.maximum(sign * (x[:, None] - places), 0.0)
    columns -= base @ (base.T @ columns)
    columns /= np.linalg.norm(columns, axis=0)
    size = np.linalg.norm(labels)
    assert np.abs(kinks.along(labels) - columns.T @ labels).max() < 1e-12 * size
    off = Kinks.of(x, root, base, places + 1e-3, sign)  # the comparison sees other places
    assert np.abs(off.along(labels) - columns.T @ labels).max() > 1e-6 * size


def best_of_pairs(x: Array, y: Array) -> float:
    """The least sum of squares with two kinks, at samples or at five places between two."""
    places = np.unique(
        np.concatenate([a + (b - a) * np.linspace(0, 1, 7) for a, b in pairwise(x[1:-1])])
    )
    base = spanned(np.column_stack([np.ones_like(x), x]))
    columns = np.maximum(x[:, None] - places, 0.0)
    columns -= base @ (base.T @ columns)
    columns /= np.linalg.norm(columns, axis=0)
    left = y - base @ (base.T @ y)
    along, cosine = columns.T @ left, columns.T @ columns
    both = along[:, None] ** 2 + along**2 - 2 * cosine * np.outer(along, along)
    apart = np.triu(np.abs(cosine) < 1 - 1e-6, 1)
    drops = np.where(apart, both / np.where(apart, 1 - cosine**2, 1.0), 0.0)
    return float(left @ left - drops.max())


@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_all_pairs_of_kinks_is_found(seed: int) -> None:
    x, y = plateaus(30, seed, 0.7)
    samples = Samples.of(x[:, None], y)
    start = Network([[1.0], [1.0]], [[1.0, -1.0]], [-1.0, -9.0], [0.0], W=[[0.0]])
    fitting = LeastSquares(start, samples, bias=True, skip=True, effort=Effort())
    best = swept(fitting.fit(start), fitting)
    squares = float((fitting.left(best) ** 2).sum())
    variance = squares / (len(x) - 6)
    assert squares < best_of_pairs(x, y) + 0.1 * variance


def test_networks_of_several_inputs_stay_as_they_are() -> None:
    X = np.random.default_rng(0).standard_normal((30, 2))
    net = Network([[1.0, 0.0]], [[1.0]], [0.1], [0.0])
    fitting = LeastSquares(net, Samples.of(X, net(X)), bias=True, skip=False, effort=Effort())
    assert swept(net, fitting) is net
