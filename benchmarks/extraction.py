"""Claim: a network behind an oracle is found exactly, with a few queries to each weight.

Planted: Gaussian weights, unit rows of V, hidden biases of standard deviation 0.5, answers in
float64, the number of units not given. Hidden: two of ten units with biases of −3.3 and −5, which
are active on less than 0.1% of Gaussian queries.

Columns: problem d, k, m; runs; exact (status); within (every weight within 1e-12 of the truth, for
a unit whose output weights are a share s of the largest within 1e-12 / s: what it adds to the
answers is known as well); units found, in the same sense, in the worst run; most and median
queries; budget; most seconds; failed seeds.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from support.planting import plant

import unrelu
from unrelu import Network

PROBLEMS = (
    ("20,5,1", 20, 5, 1, 0, 1_000),
    ("20,20,1", 20, 20, 1, 0, 5_000),
    ("20,40,1", 20, 40, 1, 0, 10_000),
    ("100,50,1", 100, 50, 1, 0, 50_000),
    ("64,32,10", 64, 32, 10, 0, 10_000),
    ("20,10,1 hidden", 20, 10, 1, 2, 50_000),
    ("20,10,4 hidden", 20, 10, 4, 2, 50_000),
)

RARE = -3.3, -5.0

WEIGHTS = 1e-12


def planted(d: int, k: int, m: int, hidden: int, seed: int) -> Network:
    truth = plant(d, k, m, 1, seed=seed, bias=0.5).truth
    b = truth.b.copy()
    b[:hidden] = RARE[:hidden]
    return Network(truth.V, truth.U, b, truth.c)


def main() -> None:
    options = parser(__doc__, seeds=10).parse_args()
    columns = ["problem", "runs", "exact", "within", "units_found", "most_queries"]
    columns += ["median_queries", "budget", "max_s", "failed_seeds"]
    table = Table("extraction", columns, quick=options.quick)
    for name, d, k, m, hidden, budget in PROBLEMS[:2] if options.quick else PROBLEMS:
        queries, seconds, found, failed, within, exact = [], [], [], [], 0, 0
        for seed in range(min(options.seeds, 2) if options.quick else options.seeds):
            truth = planted(d, k, m, hidden, seed)
            start = time.perf_counter()
            result = unrelu.extract(truth, d, budget=budget, rng=seed, throw=False)
            seconds.append(time.perf_counter() - start)
            queries.append(int(result.stats["queries"]))
            assert result.network is not None, "there is always a best network"
            aligned = unrelu.match(result.network, truth)
            strength = np.linalg.norm(truth.canonical().U, axis=0)
            close = aligned.per_unit * strength / strength.max() < WEIGHTS
            found.append(int(close.sum()))
            good = close.all() and aligned.max_error < np.inf
            within += good
            exact += result.status == "exact"
            if not (good and result.status == "exact"):
                failed.append(seed)
        table.add(
            {
                "problem": name,
                "runs": len(queries),
                "exact": exact,
                "within": within,
                "units_found": min(found),
                "most_queries": max(queries),
                "median_queries": int(np.median(queries)),
                "budget": budget,
                "max_s": max(seconds),
                "failed_seeds": " ".join(map(str, failed)) or "-",
            }
        )


if __name__ == "__main__":
    main()
