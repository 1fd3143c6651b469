"""Claim: recovery takes seconds, and the row-space route is never slower than the general one.

First table: planted networks (Gaussian weights and inputs; biases of standard deviation 0.5
where "yes") and a 32-unit digits network, each run in a fresh process of its own, after one
small recovery that loads what loads late. The last, --huge, has 101,000 parameters.
Second table: where rank(Y) = k both routes apply; same data, both methods.

Columns: problem d, k, m; biases; n; median_s of three runs (one for --huge); limit_s, what it
should stay under on two cores; peak_MB resident memory; status; row_error, the largest of a
hidden row. Then: row_space_s, hyperplanes_s, their ratio and statuses.
"""

from __future__ import annotations

import numpy as np
from _processes import measured
from _table import Table, parser
from _trials import Trial, attempt
from support.planting import Planted, plant

RUNS = 3
PLANTED = (
    # d, k, m, n, biases, seconds allowed
    (100, 20, 20, 300, False, 1),
    (100, 20, 20, 1200, True, 1),
    (50, 50, 50, 400, False, 3),
    (50, 50, 50, 1500, True, 3),
    (200, 64, 10, 6000, True, 30),
)
DIGITS = (32, 4000, 10)
HUGE = (784, 128, 10, 50_000, True, 600)
BOTH_ROUTES = (
    (20, 5, 5, 200, False),
    (40, 10, 10, 200, False),
    (40, 10, 10, 600, True),
    (100, 20, 20, 480, False),
    (100, 20, 20, 1200, True),
    (50, 50, 50, 400, False),
)


def solve(problem: Planted, n: int, bias: bool, runs: int, method: str = "auto") -> list[Trial]:
    small = plant(4, 2, 2, 200, seed=0)
    attempt(small, 100, seed=0)
    return [attempt(problem, n, seed=seed, bias=bias, method=method) for seed in range(runs)]


def solve_planted(
    d: int, k: int, m: int, n: int, bias: bool, runs: int, method: str = "auto"
) -> list[Trial]:
    problem = plant(d, k, m, n + 1000, seed=0, bias=0.5 if bias else 0.0)
    return solve(problem, n, bias, runs, method)


def solve_digits(units: int, n: int, runs: int) -> list[Trial]:
    from few_outputs import digits

    return solve(digits(units, n, 0), n, True, runs)


def main() -> None:
    options = parser(__doc__, seeds=RUNS)
    options.add_argument("--huge", action="store_true", help="only (784, 128, 10, 50000)")
    given = options.parse_args()
    runs = 1 if given.quick or given.huge else given.seeds
    name = "speed_huge" if given.huge else "speed"
    table = Table(
        name,
        ["problem", "biases", "n", "median_s", "limit_s", "peak_MB", "status", "row_error"],
        quick=given.quick,
    )

    problems = [HUGE] if given.huge else PLANTED[: 1 if given.quick else None]
    for d, k, m, n, bias, limit in problems:
        result = measured(solve_planted, d, k, m, n, bias, runs)
        report(table, f"{d},{k},{m}", n, bias, limit, result.value, result.peak)
    if not given.huge and not given.quick:
        units, n, limit = DIGITS
        result = measured(solve_digits, units, n, runs)
        report(table, f"digits {units}", n, True, limit, result.value, result.peak)
    if not given.huge:
        compare_routes(runs, quick=given.quick)


def report(
    table: Table, problem: str, n: int, bias: bool, limit: int, trials: list[Trial], peak: float
) -> None:
    table.add(
        {
            "problem": problem,
            "biases": "yes" if bias else "no",
            "n": n,
            "median_s": float(np.median([trial.seconds for trial in trials])),
            "limit_s": limit,
            "peak_MB": round(peak),
            "status": " ".join(sorted({trial.status for trial in trials})),
            "row_error": max(trial.row_error for trial in trials),
        }
    )


def compare_routes(runs: int, *, quick: bool) -> None:
    print()
    table = Table(
        "speed_routes",
        ["problem", "biases", "n", "row_space_s", "hyperplanes_s", "ratio", "statuses"],
        quick=quick,
    )
    for d, k, m, n, bias in BOTH_ROUTES[: 2 if quick else None]:
        pair = [
            measured(solve_planted, d, k, m, n, bias, runs, method).value
            for method in ("row-space", "hyperplanes")
        ]
        fast, slow = (float(np.median([trial.seconds for trial in trials])) for trials in pair)
        table.add(
            {
                "problem": f"{d},{k},{m}",
                "biases": "yes" if bias else "no",
                "n": n,
                "row_space_s": fast,
                "hyperplanes_s": slow,
                "ratio": slow / fast,
                "statuses": " / ".join(
                    " ".join(sorted({trial.status for trial in trials})) for trials in pair
                ),
            }
        )


if __name__ == "__main__":
    main()
