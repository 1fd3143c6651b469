"""Claim: labels of no small network give no estimate of one, and the search for it ends: in ten
seconds of CPU time where they do not depend on the inputs, in 30 where they do.

The functions of `field`, n = 2,000 and d = 20, without noise; and the same labels in another order,
so that they do not depend on the inputs. One core.

Columns: labels; order; draws; status and code, each with its count; units: most that were found;
median_s, max_s: CPU seconds.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
from _table import Table, parser
from field import FUNCTIONS, function

import unrelu

COLUMNS = ("labels", "order", "draws", "status", "code", "units", "median_s", "max_s")


def row(name: str, seeds: int, *, permuted: bool) -> dict[str, str | int | float]:
    seconds, units = [], 0
    statuses: list[str] = []
    codes: list[str] = []
    for seed in range(seeds):
        drawn = function(name)(seed)
        Y = np.random.default_rng(seed + 1000).permutation(drawn.Y) if permuted else drawn.Y
        before = time.process_time()
        result = unrelu.recover(drawn.X, Y, rng=seed, throw=False)
        seconds.append(time.process_time() - before)
        statuses.append(result.status.value)
        codes.append(result.code)
        units = max(units, 0 if result.network is None else result.network.n_units)
    return {
        "labels": f"{name:<16}",
        "order": "permuted" if permuted else "as made",
        "draws": seeds,
        "status": f"{_counted(statuses):<14}",
        "code": f"{_counted(codes):<28}",
        "units": units,
        "median_s": float(np.median(seconds)),
        "max_s": max(seconds),
    }


def _counted(words: Sequence[str]) -> str:
    return " ".join(f"{word} {count}" for word, count in Counter(words).most_common())


def main() -> None:
    arguments = parser(__doc__, seeds=3)
    arguments.add_argument("--labels", help="only these, comma-separated")
    given = arguments.parse_args()
    warnings.simplefilter("ignore")
    names = given.labels.split(",") if given.labels else list(FUNCTIONS)[: 1 if given.quick else 10]
    table = Table("hopeless", COLUMNS, quick=given.quick)
    for name in names:
        for permuted in (False, True):
            table.add(row(name, 1 if given.quick else given.seeds, permuted=permuted))


if __name__ == "__main__":
    main()
