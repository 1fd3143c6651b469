"""Claim: the number of units is right if the weakest unit stands out of the noise.

Planted: Gaussian weights and inputs, n = 50 (d + k) samples; with biases, hidden ones of standard
deviation 0.5. Each output has Gaussian noise of 1/snr times its root mean square about its mean;
or, with `signal` unit in the place of labels, all noise is so much less that snr is that of the
weakest unit alone (root mean square of u f(v·x + b) about its mean to that of the noise, over all
outputs). The number of units is not given.

The weakest unit counts as seen if, in the fit started at the truth, the sum of squares grows by
more than `unit_edge` noise variances when it is left out and the others are fitted again: more
than a unit could have gained by fitting noise.

Columns: problem d, k, m; n; biases; signal, snr: what the noise is compared with; seeds; right,
few, many: seeds with the right number, too few, too many units; seen: seeds in which the weakest
unit is seen; right_seen: of those, seeds with the right number; edge; weakest: median over the
seeds of the gain by the weakest unit; missed: seed:units found(gain of the weakest unit), where
the number is wrong; median_s.
"""

from __future__ import annotations

import time

import numpy as np
from _noisy import Noisy, from_truth, gaussian, signal
from _table import Table, parser
from support.planting import Planted, plant

import unrelu
from unrelu.fitting.selection import unit_edge

PROBLEMS = ((20, 5, 5), (20, 5, 2), (20, 5, 1), (50, 10, 20))
COLUMNS = (
    "problem",
    "n",
    "biases",
    "signal",
    "snr",
    "seeds",
    "right",
    "few",
    "many",
    "seen",
    "right_seen",
    "edge",
    "weakest",
    "missed",
    "median_s",
)


def weakest(problem: Noisy) -> float:
    """What the sum of squares grows by without the unit that it grows least without."""
    net = from_truth(problem)
    least, V, U, b = np.inf, net.V, net.U, net.b
    for j in range(net.n_units):
        without = unrelu.Network(
            np.delete(V, j, axis=0), np.delete(U, j, axis=1), np.delete(b, j), net.c
        )
        least = min(least, problem.squares(from_truth(problem, without)))
    return float(least - problem.squares(net))


def share_of_weakest(planted: Planted) -> float:
    """Size of the weakest unit's signal to that of all labels, over all outputs."""
    net = planted.truth
    hidden = np.maximum(planted.X @ net.V.T + net.b, 0.0)
    alone = (hidden.std(axis=0) * np.linalg.norm(net.U, axis=0)).min()
    return float(alone / np.linalg.norm(signal(planted.Y)))


def row(
    size: tuple[int, int, int], of: str, snr: float, bias: bool, seeds: int
) -> dict[str, str | int | float]:
    d, k, m = size
    n = 50 * (d + k)
    edge = unit_edge(d + bias, m)
    found, gains, seconds = [], [], []
    for seed in range(seeds):
        planted = plant(d, k, m, n, seed=seed, bias=0.5 * bias)
        share = 1.0 if of == "labels" else share_of_weakest(planted)
        problem = gaussian(planted, share / snr, bias=bias, seed=seed)
        start = time.perf_counter()
        result = unrelu.recover(problem.X, problem.Y, bias=bias, rng=seed, throw=False)
        seconds.append(time.perf_counter() - start)
        found.append(0 if result.network is None else result.network.n_units)
        gains.append(weakest(problem))
    units, gain = np.array(found), np.array(gains)
    return {
        "problem": f"{d},{k},{m}",
        "n": n,
        "biases": "yes" if bias else "no",
        "signal": of,
        "snr": snr,
        "seeds": seeds,
        "right": int((units == k).sum()),
        "few": int((units < k).sum()),
        "many": int((units > k).sum()),
        "seen": int((gain > edge).sum()),
        "right_seen": int(((gain > edge) & (units == k)).sum()),
        "edge": edge,
        "weakest": float(np.median(gain)),
        "missed": " ".join(
            f"{seed}:{units[seed]}({gain[seed]:.3g})" for seed in np.flatnonzero(units != k)
        )
        or "-",
        "median_s": float(np.median(seconds)),
    }


def main() -> None:
    options = parser(__doc__, seeds=20)
    options.add_argument("--rows", type=int, nargs="+", help="only these problems, from 0")
    given = options.parse_args()
    name = "noise_units" + "".join(f"-{number}" for number in given.rows or ())
    table = Table(name, COLUMNS, quick=given.quick)
    for number, size in enumerate(PROBLEMS):
        if number not in (given.rows or ([0] if given.quick else range(len(PROBLEMS)))):
            continue
        for bias in (False, True):
            for of, snr in (("labels", 1.0), ("labels", 3.0), ("unit", 1.0)):
                table.add(row(size, of, snr, bias, 2 if given.quick else given.seeds))


if __name__ == "__main__":
    main()
