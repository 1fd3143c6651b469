"""Claim: exact labels of a small network in a few inputs are explained for every seed.

Networks of up to 8 units in up to 4 inputs, 2,000 samples, float64 labels without noise; `recover`
is not given the number of units, and runs with every seed from 0 on. The networks:

xor            a trained XOR network, 2-4-1, weights of three digits
planted        Gaussian weights, hidden biases of standard deviation 0.5
near-parallel  the same, every second unit 0.1 rad off the one before, its bias 0.05 off
weak           the same as planted, with the last output weight a thousandth of the others
trained        scikit-learn's MLPRegressor after 300 steps on a smooth function

Every network but the first is drawn ten times, such that its samples determine it (`verify` calls
it exact); seeds go round the draws.

Columns: network; size d, k, m; seeds; found: explained to rounding by as many units as the network
has, or fewer, and right on fresh inputs; exact: status; median_s, max_s; failed_seeds: not found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count, islice

import numpy as np
from _table import Table, parser
from numpy.typing import NDArray
from sklearn.neural_network import MLPRegressor

import unrelu

SAMPLES, DRAWS = 2000, 10

FRESH_ERROR = 1e-9
"""Labels of fresh inputs that differ by more, as a share of their size, come from another
network."""

COLUMNS = (
    "network",
    "size",
    "seeds",
    "found",
    "exact",
    "median_s",
    "max_s",
    "failed_seeds",
)

XOR = unrelu.Network(
    [[0.576, 0.358], [-0.432, -0.343], [0.295, 0.2946], [0.134, -0.576]],
    [[-0.461, -0.656, -1.233, -0.377]],
    [-0.358, 0.0, -0.295, -0.150],
    [0.16],
)


def main() -> None:
    options = parser(__doc__, seeds=500)
    options.add_argument("--only", help="the networks whose name contains this")
    given = options.parse_args()
    table = Table("small_networks", COLUMNS, quick=given.quick or bool(given.only))
    for name, size, make in networks():
        if given.only is None or given.only in name:
            table.add(row(name, size, make, min(given.seeds, 3) if given.quick else given.seeds))


Size = tuple[int, int, int]
Draw = Callable[[Size, int], unrelu.Network]


def networks() -> list[tuple[str, Size, Draw]]:
    """Name, size d, k, m, and the network of each size and draw."""
    small, large = (2, 4, 1), (4, 8, 1)
    return [
        ("xor", small, xor),
        *(("planted", size, planted) for size in ((1, 4, 1), small, (3, 6, 2), large)),
        *(
            (name, size, make)
            for size in (small, large)
            for name, make in (
                ("near-parallel", near_parallel),
                ("weak", weak),
                ("trained", trained),
            )
        ),
    ]


def xor(size: Size, draw: int) -> unrelu.Network:
    """The same for every draw."""
    assert (size, draw) == ((2, 4, 1), 0)
    return XOR


def planted(size: Size, draw: int) -> unrelu.Network:
    d, k, m = size
    rng = np.random.default_rng([draw, *size])
    V, U = rng.standard_normal((k, d)), rng.standard_normal((m, k))
    return unrelu.Network(V, U, 0.5 * rng.standard_normal(k), rng.standard_normal(m))


def near_parallel(size: Size, draw: int) -> unrelu.Network:
    net = planted(size, draw).canonical()
    rng = np.random.default_rng([draw, 1])
    V, b = net.V.copy(), net.b.copy()
    turn = rng.standard_normal(V[1::2].shape)
    turn /= np.linalg.norm(turn, axis=1, keepdims=True)
    V[1::2] = V[::2] + 0.1 * turn
    b[1::2] = b[::2] + 0.05 * rng.standard_normal(len(b[1::2]))
    return unrelu.Network(V, net.U, b, net.c)


def weak(size: Size, draw: int) -> unrelu.Network:
    net = planted(size, draw).canonical()
    U = net.U.copy()
    U[:, -1] *= 1e-3 * np.linalg.norm(U[:, 0]) / np.linalg.norm(U[:, -1])
    return unrelu.Network(net.V, U, net.b, net.c)


def trained(size: Size, draw: int) -> unrelu.Network:
    d, k, _ = size
    rng = np.random.default_rng([draw, 2])
    X = rng.standard_normal((500, d))
    y = np.sin(2 * X[:, 0]) * X[:, 1] + 0.3 * (X**2).sum(axis=1)
    model = MLPRegressor(
        hidden_layer_sizes=(k,), solver="lbfgs", max_iter=300, tol=0.0, random_state=draw
    )
    with np.errstate(all="ignore"):
        return unrelu.from_sklearn(model.fit(X, y))


def determined(size: Size, make: Draw) -> Iterator[tuple[unrelu.Network, NDArray[np.float64]]]:
    """Networks, and inputs whose labels determine them."""
    for draw in count():
        truth = make(size, draw).canonical()
        X = np.random.default_rng([5, draw]).standard_normal((SAMPLES, size[0]))
        if unrelu.verify(truth, X, truth(X)).status == "exact":
            yield truth, X


HARD = {"near-parallel": near_parallel, "weak": weak, "trained": trained}


def row(name: str, size: Size, make: Draw, seeds: int) -> dict[str, str | int | float]:
    problems = list(islice(determined(size, make), 1 if make is xor else min(seeds, DRAWS)))
    found, exact, seconds, failed = 0, 0, [], []
    for seed in range(seeds):
        truth, X = problems[seed % len(problems)]
        start = time.perf_counter()
        result = unrelu.recover(X, truth(X), rng=seed, throw=False)
        seconds.append(time.perf_counter() - start)
        net = result.network
        assert net is not None
        fresh = np.random.default_rng([6, seed]).standard_normal((1000, size[0]))
        labels = truth(fresh)
        off = float(np.abs(net(fresh) - labels).max() / np.sqrt((labels**2).mean()))
        right = net.n_units <= truth.n_units and off < FRESH_ERROR
        found += right
        exact += result.status == "exact"
        if not right:
            failed.append(seed)
    return {
        "network": name,
        "size": ",".join(map(str, size)),
        "seeds": seeds,
        "found": found,
        "exact": exact,
        "median_s": float(np.median(seconds)),
        "max_s": max(seconds),
        "failed_seeds": " ".join(map(str, failed[:20])) or "-",
    }


if __name__ == "__main__":
    main()
