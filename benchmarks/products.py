"""Claim: adaptive damping and forcing save a third of the products of a long search.

A search by hyperplanes takes its time for products by the Gauss–Newton matrix. Counted for planted
networks with biases, with steps as they are and with steps that always begin with the same damping
and are solved to the size of the residual (`fixed`). Unlike seconds, the counts do not depend on
the machine.

Columns: problem d, k, m; n; seeds; exact, fixed_exact: searches that end exact; products,
fixed_products: the sums of all; ratio; cpu_s, fixed_cpu_s.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from _table import Table, parser
from support.planting import plant

import unrelu
from unrelu.fitting import reduction
from unrelu.numerics.levenberg import Trace, minimise

PROBLEMS = ((12, 8, 1, 600), (80, 30, 6, 3000), (40, 40, 3, 6000), (200, 64, 10, 6000))
COLUMNS = (
    *("problem", "n", "seeds", "exact", "fixed_exact", "products", "fixed_products", "ratio"),
    *("cpu_s", "fixed_cpu_s"),
)


@contextmanager
def counted(*, fixed: bool) -> Iterator[list[int]]:
    """Within the context, the products of descents are added to the list."""
    products: list[int] = []

    def counting(model: Any, start: Any, **options: Any) -> tuple[Any, Trace]:
        if fixed:
            options = {name: options[name] for name in ("size", "steps", "enough")}
        fit, trace = minimise(model, start, **options)
        products.append(trace.products)
        return fit, trace

    reduction.minimise = counting
    try:
        yield products
    finally:
        reduction.minimise = minimise


def solve(d: int, k: int, m: int, n: int, seeds: int, *, fixed: bool) -> tuple[int, int, float]:
    """Exact ones, products and seconds."""
    exact, spent = 0, time.process_time()
    with counted(fixed=fixed) as products:
        for seed in range(seeds):
            problem = plant(d, k, m, n, seed=seed, bias=0.5)
            result = unrelu.recover(problem.X, problem.Y, rng=seed, throw=False)
            exact += result.status == "exact"
    return exact, int(np.sum(products)), time.process_time() - spent


def row(d: int, k: int, m: int, n: int, seeds: int) -> dict[str, str | int | float]:
    exact, products, seconds = solve(d, k, m, n, seeds, fixed=False)
    fixed_exact, fixed_products, fixed_seconds = solve(d, k, m, n, seeds, fixed=True)
    return {
        "problem": f"{d},{k},{m}",
        "n": n,
        "seeds": seeds,
        "exact": exact,
        "fixed_exact": fixed_exact,
        "products": products,
        "fixed_products": fixed_products,
        "ratio": products / fixed_products,
        "cpu_s": seconds,
        "fixed_cpu_s": fixed_seconds,
    }


def main() -> None:
    given = parser(__doc__, seeds=3).parse_args()
    table = Table("products", COLUMNS, quick=given.quick)
    for d, k, m, n in PROBLEMS[: 1 if given.quick else None]:
        table.add(row(d, k, m, n, 1 if given.quick or d > 100 else given.seeds))


if __name__ == "__main__":
    main()
