"""Claim: with at least as many outputs as units, recovery succeeds at the limit in samples.

For each problem n_id is computed: the smallest prefix of its samples at which every unit has inputs
of full rank on its active side and the other units of full rank on its inactive side
(docs/questions/how-many-samples.md). `recover` gets n = ratio × n_id samples, not the number of
units. Gaussian weights and inputs; "biases yes" plants hidden biases of standard deviation 0.5 and
looks for biases, "no" does neither. Below n_id, where there is nothing to be found, a few seeds
show that the status says so.

Columns: size d, k, m; biases; ratio n / n_id; median_n over the seeds; then see _trials.COLUMNS.
"""

from __future__ import annotations

import numpy as np
from _table import Table, parser
from _trials import COLUMNS, Trial, attempt, summary
from support.planting import Planted, identifiable_from, plant

SIZES = ((40, 10, 10), (100, 20, 20), (50, 50, 50))
RATIOS = (0.9, 1.0, 1.05, 1.1, 1.15, 1.25, 1.5, 2.0, 3.0)
RATIOS_BIASED = (1.0, 1.15, 1.5, 3.0)
SEEDS_BELOW = 5


def planted(size: tuple[int, int, int], bias: bool, seed: int) -> tuple[Planted, int]:
    """A problem with enough samples for three times its own n_id, and n_id."""
    n = 10 * (size[0] + size[1])
    while True:
        problem = plant(*size, n, seed=seed, bias=0.5 if bias else 0.0)
        limit = identifiable_from(problem.truth, problem.X, bias=bias)
        if limit is not None and 3 * limit + 100 <= n:
            return problem, limit
        n *= 2


def main() -> None:
    options = parser(__doc__, seeds=20)
    options.add_argument("--ratios", type=float, nargs="+", help="instead of the usual ones")
    options.add_argument("--sizes", type=int, nargs="+", choices=range(3), help="0 1 2")
    options.add_argument("--biases", choices=("no", "yes"), help="only without or with")
    given = options.parse_args()
    sizes = [SIZES[i] for i in given.sizes] if given.sizes else SIZES[: 1 if given.quick else 3]
    seeds = min(given.seeds, 3) if given.quick else given.seeds
    partial = given.quick or bool(given.ratios or given.sizes or given.biases)
    table = Table(
        "success_full_rank",
        ["size", "biases", "ratio", "median_n", *COLUMNS],
        quick=partial,
    )
    for size in sizes:
        for bias in (False, True):
            if given.biases and bias != (given.biases == "yes"):
                continue
            problems = [planted(size, bias, seed) for seed in range(seeds)]
            ratios = given.ratios or (RATIOS_BIASED if bias else RATIOS)
            for ratio in (1.15, 3.0) if given.quick else ratios:
                trials: list[Trial] = []
                samples: list[int] = []
                for seed, (problem, limit) in enumerate(
                    problems[: SEEDS_BELOW if ratio < 1 else None]
                ):
                    samples.append(round(ratio * limit))
                    trials.append(attempt(problem, samples[-1], seed=seed, bias=bias))
                table.add(
                    {
                        "size": ",".join(map(str, size)),
                        "biases": "yes" if bias else "no",
                        "ratio": ratio,
                        "median_n": int(np.median(samples)),
                        **summary(trials),
                    }
                )
    draw(table)


def draw(table: Table) -> None:
    from matplotlib.axes import Axes

    def paint(axes: Axes) -> None:
        for number, size in enumerate(dict.fromkeys(row["size"] for row in table.rows)):
            for biases, style in (("no", "o-"), ("yes", "s--")):
                rows = [r for r in table.rows if (r["size"], r["biases"]) == (size, biases)]
                if rows:
                    axes.plot(
                        [float(row["ratio"]) for row in rows],
                        [float(row["success"]) / float(row["trials"]) for row in rows],
                        style,
                        color=f"C{number}",
                        label=f"d,k,m = {size}" + (", with biases" if biases == "yes" else ""),
                    )
        axes.set_xscale("log")
        axes.set_xticks([0.9, 1, 1.15, 1.5, 2, 3], ["0.9", "1", "1.15", "1.5", "2", "3"])
        axes.minorticks_off()
        axes.set_xlabel("samples / n_id, the fewest that determine every unit")
        axes.set_ylabel("share of problems recovered exactly")
        axes.legend()

    table.draw(paint)


if __name__ == "__main__":
    main()
