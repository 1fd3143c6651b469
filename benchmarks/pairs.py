"""Claim: recovery takes no longer than with another checkout of the library.

Eight probes, each a whole process with its imports, run in turn with this checkout and the other
one; CPU seconds of user and system.

    python benchmarks/pairs.py OTHER [--runs 5]     OTHER: a checkout, with its src/ in it

Columns: probe; here_s, there_s: medians; ratio: the median of the ratios, pair by pair.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _table import HERE, Table

import unrelu


def plant(
    d: int, k: int, m: int, n: int, bias: float, seed: int, activation: str = "relu"
) -> tuple[np.ndarray, np.ndarray, unrelu.Network]:
    rng = np.random.default_rng(seed)
    V, U = rng.standard_normal((k, d)), rng.standard_normal((m, k))
    b, c = bias * rng.standard_normal(k), bias * rng.standard_normal(m)
    net = unrelu.Network(V, U, b, c, activation=activation)
    X = rng.standard_normal((n, d))
    return X, net(X), net


def row_space() -> None:
    for seed in range(3):
        X, Y, _ = plant(50, 50, 50, 1500, 0.5, seed)
        assert unrelu.recover(X, Y, rng=0).status == "exact"


def few_outputs() -> None:
    for seed in range(2):
        X, Y, _ = plant(20, 12, 3, 4000, 0.5, seed)
        assert unrelu.recover(X, Y, rng=0).status == "exact"


def noise() -> None:
    for seed in range(3):
        X, Y, _ = plant(10, 4, 3, 3000, 0.5, seed)
        Y = Y + 0.2 * np.random.default_rng(seed).standard_normal(Y.shape)
        unrelu.recover(X, Y, rng=0, throw=False)


def squares() -> None:
    for seed in range(3):
        X, Y, _ = plant(20, 8, 8, 800, 0.5, seed, "power(2)")
        unrelu.recover(X, Y, activation="power(2)", rng=0, throw=False)


def rational() -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.integers(-9, 9, (120, 4))
        net = unrelu.Network(rng.integers(-5, 5, (3, 4)), rng.integers(-5, 5, (3, 3)))
        unrelu.recover(X, net(X), bias=False, exact=True, rng=0, throw=False)


def counts() -> None:
    rng = np.random.default_rng(0)
    X, v = rng.standard_normal((2000, 10)), rng.standard_normal(10)
    drive = np.maximum(X @ v, 0)
    Y = rng.poisson(0.3 + drive / drive.mean() * 0.5).astype(float)
    unrelu.recover(X, Y, noise="poisson", rng=0, throw=False)


def verify() -> None:
    for seed in range(6):
        X, Y, net = plant(30, 20, 20, 6000, 0.5, seed)
        assert unrelu.verify(net, X, Y).status == "exact"


def extract() -> None:
    net = plant(20, 30, 5, 10, 0.5, 0)[2]
    unrelu.extract(net, 20, rng=0, throw=False)


PROBES: tuple[Callable[[], None], ...] = (
    *(row_space, few_outputs, noise, squares, rational, counts, verify, extract),
)


def seconds(probe: str, checkout: Path) -> float:
    """CPU seconds of a process that runs the probe with the library of a checkout."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = f"import unrelu, pairs; pairs.{probe}()"  # first, or it would be that of this checkout
    paths = os.pathsep.join(map(str, (checkout / "src", HERE)))
    environment = os.environ | {"PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("other", type=Path)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    table = Table("pairs", ("probe", "here_s", "there_s", "ratio"), quick=False)
    for probe in PROBES:
        name = probe.__name__
        runs = [
            (seconds(name, HERE.parent), seconds(name, given.other.resolve()))
            for _ in range(given.runs)
        ]
        here, there = (statistics.median(each) for each in zip(*runs, strict=True))
        ratio = statistics.median(a / b for a, b in runs)
        table.add({"probe": f"{name:<12}", "here_s": here, "there_s": there, "ratio": ratio})


if __name__ == "__main__":
    main()
