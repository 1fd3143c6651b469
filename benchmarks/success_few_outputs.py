"""Claim: with fewer outputs than units, a few equations per unknown are enough.

Unknowns are k (d + 1 + m − 1) + m: weights and biases of both layers less one scale per unit.
Equations are n m. `recover` gets n = ratio × unknowns / m samples of a planted network (Gaussian
weights and inputs, hidden biases of standard deviation 0.5), not the number of units.

Columns: size d, k, m; ratio equations / unknowns; n; then see _trials.COLUMNS.
"""

from __future__ import annotations

import math

from _table import Table, parser
from _trials import COLUMNS, attempt, summary
from support.planting import plant

SIZES = ((20, 5, 1), (20, 10, 1), (30, 20, 2), (20, 30, 3))
RATIOS = (1.1, 1.3, 1.6, 2.0, 2.5, 3.0, 4.0, 6.0)


def main() -> None:
    options = parser(__doc__, seeds=20)
    given = options.parse_args()
    seeds = min(given.seeds, 2) if given.quick else given.seeds
    table = Table(
        "success_few_outputs",
        ["size", "ratio", "n", *COLUMNS],
        quick=given.quick,
    )
    for d, k, m in SIZES[: 1 if given.quick else None]:
        unknowns = k * (d + m) + m
        for ratio in (2.0, 4.0) if given.quick else RATIOS:
            n = math.ceil(ratio * unknowns / m)
            trials = [
                attempt(plant(d, k, m, n + 1000, seed=seed, bias=0.5), n, seed=seed)
                for seed in range(seeds)
            ]
            table.add({"size": f"{d},{k},{m}", "ratio": ratio, "n": n, **summary(trials)})
    draw(table)


def draw(table: Table) -> None:
    from matplotlib.axes import Axes

    def paint(axes: Axes) -> None:
        for size in dict.fromkeys(row["size"] for row in table.rows):
            rows = [row for row in table.rows if row["size"] == size]
            axes.plot(
                [float(row["ratio"]) for row in rows],
                [float(row["success"]) / float(row["trials"]) for row in rows],
                "o-",
                label=f"d,k,m = {size}",
            )
        axes.set_xlabel("equations / unknowns")
        axes.set_ylabel("share of problems recovered exactly")
        axes.legend()

    table.draw(paint)


if __name__ == "__main__":
    main()
