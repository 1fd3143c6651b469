"""Twelve data sets for regression: planted ones, and some of scikit-learn and statsmodels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs (n, d) and labels (n,), and what they are in a few words; `truth` (n,): the labels
    without noise, where they are known."""

    name: str
    X: Array
    y: Array
    about: str
    truth: Array | None = None


def friedman1(rng: np.random.Generator) -> Data:
    return _friedman("friedman1", datasets.make_friedman1, 1000, 1.0, rng, n_features=10)


def friedman2(rng: np.random.Generator) -> Data:
    return _friedman("friedman2", datasets.make_friedman2, 1000, 125.0, rng)


def friedman3(rng: np.random.Generator) -> Data:
    return _friedman("friedman3", datasets.make_friedman3, 1000, 0.1, rng)


def additive_hinges(rng: np.random.Generator) -> Data:
    """Each of five inputs bends the labels once, and three inputs do nothing."""
    X = rng.uniform(0, 10, (600, 8))
    places, slopes = rng.uniform(2, 8, 5), rng.choice([-1.0, 1.0], 5) * rng.uniform(0.5, 2, 5)
    truth = 0.3 * X[:, 0] + np.maximum(X[:, :5] - places, 0) @ slopes
    return _noisy("additive hinges", X, truth, 0.5, rng)


def crossed_hinges(rng: np.random.Generator) -> Data:
    """Each of five hinges is of two inputs."""
    X = rng.uniform(-1, 1, (1000, 8))
    V = np.zeros((5, 8))
    for unit in V:
        unit[rng.choice(8, 2, replace=False)] = rng.choice([-1.0, 1.0], 2)
    truth = X[:, 0] + np.maximum(X @ V.T + rng.uniform(-0.5, 0.5, 5), 0) @ rng.uniform(1, 2, 5)
    return _noisy("crossed hinges", X, truth, 0.2, rng)


def housing(rng: np.random.Generator) -> Data:
    """Log prices of houses made up: area, rooms, age, distance, tax, and four districts in full."""
    n = 2000
    area, age = rng.lognormal(4.6, 0.35, n), rng.integers(0, 100, n)
    rooms = np.maximum(1, np.round(area / 25 + 0.7 * rng.standard_normal(n)))
    distance, tax = rng.exponential(8, n), np.round(rng.uniform(1, 5, n), 1)
    districts = np.eye(4)[rng.integers(0, 4, n)]
    truth = 0.8 * np.log(area) - 0.004 * np.minimum(age, 40) + 0.03 * np.maximum(age - 70, 0) / 10
    truth += 0.05 * rooms - 0.04 * np.minimum(distance, 12) + districts @ [0.0, 0.2, -0.15, 0.4]
    X = np.column_stack([area, rooms, age, distance, tax, districts])
    return _noisy("housing", X, truth, 0.15, rng)


def diabetes(_: np.random.Generator) -> Data:
    X, y = datasets.load_diabetes(return_X_y=True)
    return Data("diabetes", X, y, "progression of a disease")


def digits(_: np.random.Generator) -> Data:
    """How much ink the lower half of a digit has, from the pixels of the upper half."""
    X, _labels = datasets.load_digits(return_X_y=True)
    return Data("digits", X[:, :32], X[:, 32:].sum(1), "ink of the lower half, by the upper half")


def engel(_: np.random.Generator) -> Data:
    table = _shipped("engel")
    return Data(
        "engel", table[["income"]].to_numpy(float), table["foodexp"].to_numpy(float), "food"
    )


def star98(_: np.random.Generator) -> Data:
    table = _shipped("star98")
    y = table["NABOVE"] / (table["NABOVE"] + table["NBELOW"])
    X = table.drop(columns=["NABOVE", "NBELOW"]).iloc[:, :12]
    return Data("star98", X.to_numpy(float), y.to_numpy(float), "share of pupils above the median")


def fair(_: np.random.Generator) -> Data:
    table = _shipped("fair")
    return Data(
        "fair", table.drop(columns="affairs").to_numpy(float), table["affairs"].to_numpy(float), ""
    )


def randhie(rng: np.random.Generator) -> Data:
    table = _shipped("randhie").sample(4000, random_state=int(rng.integers(1000)))
    return Data(
        "randhie", table.drop(columns="mdvis").to_numpy(float), table["mdvis"].to_numpy(float), ""
    )


SETS = (
    friedman1,
    friedman2,
    friedman3,
    additive_hinges,
    crossed_hinges,
    housing,
    diabetes,
    digits,
    engel,
    star98,
    fair,
    randhie,
)


def _friedman(name: str, make: Callable[..., Any], n: int, noise: float, rng, **more) -> Data:
    seed = int(rng.integers(2**31))
    X, truth = make(n, noise=0.0, random_state=seed, **more)
    return _noisy(name, X, truth, noise, rng)


def _noisy(name: str, X: Array, truth: Array, noise: float, rng: np.random.Generator) -> Data:
    return Data(name, X, truth + noise * rng.standard_normal(len(X)), f"noise {noise:g}", truth)


def _shipped(name: str) -> Any:
    import statsmodels.api as sm

    return getattr(sm.datasets, name).load_pandas().data
