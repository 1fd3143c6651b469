"""Claim: at two equations to an unknown, most networks of up to twenty units are found in seconds.

The problems of `success_few_outputs`: Gaussian weights and inputs, hidden biases of standard
deviation 0.5, the number of units not given; `recover` with `time_limit`, which counts the time of
the clock: other work on the machine leaves it fewer starts.

Columns: size d, k, m; ratio equations / unknowns; n; limit: the least n by counting, one equation
to an unknown and those that rule out chance; trials; found: status exact and every hidden row
within 1e-12 of the truth; false: any other network called exact; determined: the truth passes the
certificate on these samples; median_s, max_s: CPU seconds; failed_seeds: determined, and not found.
"""

from __future__ import annotations

import math
import time

import numpy as np
from _table import Table, parser
from _trials import ROW_ERROR
from success_few_outputs import SIZES
from support.planting import plant

import unrelu

RATIOS = (1.6, 2.0)
COLUMNS = (
    *("size", "ratio", "n", "limit", "trials", "found", "false", "determined"),
    *("median_s", "max_s", "failed_seeds"),
)


def row(
    d: int, k: int, m: int, ratio: float, seeds: int, limit: float
) -> dict[str, str | int | float]:
    unknowns = k * (d + m) + m
    n = math.ceil(ratio * unknowns / m)
    found, false, determined, needed = 0, 0, 0, 0
    seconds: list[float] = []
    failed: list[int] = []
    for seed in range(seeds):
        made = plant(d, k, m, n, seed=seed, bias=0.5)
        before = time.process_time()
        result = unrelu.recover(made.X, made.Y, rng=seed, throw=False, time_limit=limit)
        seconds.append(time.process_time() - before)
        right = False
        if result.status == "exact" and result.network is not None:
            aligned = unrelu.match(result.network, made.truth)
            right = not len(aligned.missing) and not len(aligned.extra)
            right = right and float(aligned.hidden.max(initial=0.0)) < ROW_ERROR
            false += not right
        best = unrelu.verify(made.truth, made.X, made.Y)
        needed = max(needed, math.ceil((best.unknowns + best.surplus_needed) / m))
        found += right
        determined += best.status == "exact"
        failed += [seed] * (best.status == "exact" and not right)
        print(f"  {d},{k},{m} seed {seed}: {result.status.value} {result.code} {seconds[-1]:.1f} s")
    return {
        "size": f"{d},{k},{m}",
        "ratio": ratio,
        "n": n,
        "limit": needed,
        "trials": seeds,
        "found": found,
        "false": false,
        "determined": determined,
        "median_s": float(np.median(seconds)),
        "max_s": max(seconds),
        "failed_seeds": " ".join(map(str, failed)) or "-",
    }


def main() -> None:
    options = parser(__doc__, seeds=5)
    options.add_argument("--limit", type=float, default=60.0, help="seconds (60)")
    given = options.parse_args()
    table = Table("few_samples", COLUMNS, quick=given.quick)
    for ratio in (2.0,) if given.quick else RATIOS[::-1]:
        for size in SIZES[: 1 if given.quick else None]:
            limit = 5.0 if given.quick else given.limit
            table.add(row(*size, ratio, 1 if given.quick else given.seeds, limit))


if __name__ == "__main__":
    main()
