"""Claim: of a trained network in float32, every unit whose kink stands out of the model's rounding
is found, none is invented, and the answers to fresh inputs are those of the model to a few
roundings; units below the rounding are left out, and said to be.

Trained: files that others made, from the folder given as an argument (see its README), each run in
float32 as it is deployed. Planted: the shapes 10-30-2 and 7-64-1, Gaussian weights in float32, and
output weights of units that spread over six orders of magnitude, some of them below the rounding.

One rounding is 2⁻²⁴ times the largest answer to 20,000 Gaussian inputs. A unit stands out by r if
‖u‖∞ times the standard deviation of its height is r roundings.

Columns: file or shape and seed; units of the truth; above, those that stand out by ten or more;
found, those of `above` that are known to a tenth of what they add; spurious, units found that are
none of the truth; linear, units found that are active on all of these inputs, and stand for a
linear function that the sides of the others leave; worst_unit, the largest error of one found, root
mean square of what it adds but for its side, in roundings; function, the largest error of an answer
to 20,000 fresh Gaussian inputs, in roundings; status; code of the finding that decides; queries;
seconds, and CPU seconds.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _processes import measured
from _table import Table, parser
from numpy.typing import NDArray
from support.rounding import Standing, planted_single, single

import unrelu
from unrelu import Network

Array = NDArray[np.float64]


def softmax(Z: Array) -> Array:
    grown = np.exp(Z - Z.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def sigmoid(Z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-Z)))


def plain(Z: Array) -> Array:
    return Z


def centred(net: Network) -> Network:
    """The same probabilities, from outputs that sum to zero."""
    return Network(net.V, net.U - net.U.mean(axis=0), net.b, net.c - net.c.mean())


HEADS: dict[str, Callable[[Array], Array]] = {"softmax": softmax, "sigmoid": sigmoid}
PLANTED = ("10,30,2", 10, 30, 2), ("7,64,1", 7, 64, 1)


def model(where: str) -> tuple[Network, str]:
    """The network of a file, or planted, and the name of its head."""
    if where.startswith("planted "):
        _, d, k, m, seed = where.split()
        return planted_single(int(d), int(k), int(m), seed=int(seed)), ""
    head = next((name for name in HEADS if name in Path(where).name), "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = unrelu.load(where, drop_head=bool(head))
    if head == "softmax":  # a constant added to all outputs does not show
        net = Network(net.V, net.U - net.U.mean(axis=0), net.b, net.c - net.c.mean())
    return net, head


def run(where: str, budget: int, seed: int, limit: float) -> dict[str, str | int | float]:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    truth, head = model(where)
    values, through = single(truth), HEADS.get(head, plain)

    def ask(X: Array) -> Array:
        return through(np.asarray(values(X)))

    start, used = time.perf_counter(), time.process_time()
    result = unrelu.extract(
        ask, truth.n_inputs, budget=budget, rng=seed, throw=False, time_limit=limit
    )
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    logging.info("%s", result)
    net = result.network
    assert net is not None, "there is always a best network"
    standing = Standing.of(centred(truth) if head == "softmax" else truth)
    seen = standing.compared(net)
    X = np.random.default_rng(99).standard_normal((20_000, truth.n_inputs))
    Y = through(truth(X))
    off = float(np.abs(through(net(X)) - Y).max() / (2.0**-24 * np.abs(Y).max()))
    return {
        "units": standing.truth.n_units,
        "above": int((standing.out >= 10).sum()),
        "found": int((seen.found & (standing.out >= 10)).sum()),
        "spurious": seen.spurious,
        "linear": seen.linear,
        "worst_unit": float(seen.errors[seen.found].max(initial=0.0)),
        "function": off,
        "status": result.status.value,
        "code": result.code,
        "queries": int(result.stats["queries"]),
        "seconds": seconds,
        "cpu_seconds": cpu,
    }


def main() -> None:
    options = parser(__doc__, seeds=10)
    options.add_argument("folder", nargs="?", help="where the files are; none: planted ones alone")
    options.add_argument("--only", default="", help="only files whose name contains this")
    options.add_argument("--budget", type=int, default=4_000_000, help="queries (4,000,000)")
    options.add_argument("--limit", type=float, default=900.0, help="seconds for each (900)")
    given = options.parse_args()
    columns = ["model", "seed", "units", "above", "found", "spurious", "linear"]
    columns += ["worst_unit", "function", "status", "code", "queries", "seconds", "cpu_seconds"]
    table = Table("extraction_trained", columns, quick=given.quick)
    cases = []
    if given.folder is not None:
        files = sorted(each for each in Path(given.folder).rglob("*_*_*.*") if each.is_file())
        cases += [(each.name, str(each), 0) for each in files if each.suffix != ".npz"]
    seeds = range(min(given.seeds, 1) if given.quick else given.seeds)
    for name, d, k, m in PLANTED[:1] if given.quick else PLANTED:
        cases += [(f"planted {name}", f"planted {d} {k} {m} {seed}", seed) for seed in seeds]
    for name, where, seed in cases:
        if given.only in name:
            outcome = measured(run, where, given.budget, seed, given.limit)
            table.add({"model": name, "seed": seed, **outcome.value})


if __name__ == "__main__":
    main()
