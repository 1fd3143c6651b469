"""Claim: with a tenth or three tenths of the labels grossly wrong the network is still exact.

Planted: Gaussian weights and inputs, with biases hidden ones of standard deviation 0.5 and output
ones of 1, the number of units not given. A share of the label entries, or of whole rows, is
replaced by, or has added, Gaussian values 100 times the size of the labels.

Columns: problem d, k, m, n; share and kind of what is wrong; whether the network has biases and
is allowed any; exact: status; false_exact: of those, with a hidden row off by more than 1e-10;
worst_v, worst_u: largest error among the exact (unit hidden rows; output weights relative to the
largest); named_right: exact with the list of wrong entries right in every entry.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from support.planting import plant

import unrelu

PROBLEMS = (
    (20, 10, 100, 2000),
    (10, 5, 30, 1000),
    (20, 10, 20, 2000),
    (6, 4, 4, 800),
    (8, 10, 3, 3000),
)
COLUMNS = (
    "problem",
    "share",
    "kind",
    "bias",
    "seeds",
    "exact",
    "false_exact",
    "worst_v",
    "worst_u",
    "named_right",
    "median_s",
)


def main() -> None:
    given = parser(__doc__, seeds=5).parse_args()
    seeds = min(given.seeds, 1) if given.quick else given.seeds
    table = Table("gross_errors", COLUMNS, quick=given.quick)
    for size in PROBLEMS[1:2] if given.quick else PROBLEMS:
        for share in (0.1, 0.3):
            for kind in ("entries", "rows"):
                for bias in (False, True):
                    table.add(row(size, share, kind, bias, seeds))


def row(
    size: tuple[int, int, int, int], share: float, kind: str, bias: bool, seeds: int
) -> dict[str, str | int | float]:
    d, k, m, n = size
    exact, false, named, hidden, output, seconds = 0, 0, 0, [0.0], [0.0], []
    for seed in range(seeds):
        problem = plant(d, k, m, n, seed=seed, bias=0.5 * bias)
        rng = np.random.default_rng(1000 + seed)
        marks = np.broadcast_to(rng.random((n, m if kind == "entries" else 1)) < share, (n, m))
        gross = 100 * np.sqrt((problem.Y**2).mean()) * rng.standard_normal((n, m))
        gross += np.where(rng.random((n, m)) < 0.5, problem.Y, 0.0)
        Y = np.where(marks, gross, problem.Y)
        start = time.perf_counter()
        result = unrelu.recover(problem.X, Y, bias=bias, noise="sparse", rng=seed, throw=False)
        seconds.append(time.perf_counter() - start)
        if result.status != "exact" or result.network is None:
            continue
        exact += 1
        error = unrelu.match(result.network, problem.truth)
        false += not error.max_error <= 1e-10
        hidden.append(float(error.hidden.max()))
        output.append(float(error.output.max()))
        named += np.array_equal(result.certificate.corrupted, np.argwhere(marks))
    return {
        "problem": ",".join(map(str, size)),
        "share": share,
        "kind": kind,
        "bias": str(bias),
        "seeds": seeds,
        "exact": exact,
        "false_exact": false,
        "worst_v": max(hidden),
        "worst_u": max(output),
        "named_right": named,
        "median_s": float(np.median(seconds)),
    }


if __name__ == "__main__":
    main()
