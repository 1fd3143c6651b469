"""Claim: what a unit gains by fitting noise alone stays below `unit_edge`, the bar that units must
pass to count.

Gaussian noise of variance 1 in m outputs of n samples, Gaussian inputs, a constant beside the
unit; D counts the inputs and the bias. The best unit: descents from several random hyperplanes
(starts), the largest drop of the sum of squares.

Columns: D; m; n; draws of the noise and the inputs; starts; median, worst: over the draws; edge:
(√m + 1.35 √D + 1)²; share: worst / edge; factor: the number that in place of 1.35
(with the + 1) would make it the worst.
"""

from __future__ import annotations

import math

import numpy as np
from _table import Table, parser

from unrelu.fitting.problem import Problem
from unrelu.fitting.selection import unit_edge
from unrelu.numerics.levenberg import minimise
from unrelu.samples import Samples

CASES = [(D, m, r * D) for D in (3, 10, 30, 100) for m in (1, 5, 20) for r in (10, 50)]
STARTS = 20
ENTRIES = 2e9
"""Samples times inputs times draws times starts that a row may cost: fewer draws beyond, then
fewer starts."""
COLUMNS = ("D", "m", "n", "draws", "starts", "median", "worst", "edge", "share", "factor")


def best_gain(D: int, m: int, n: int, starts: int, rng: np.random.Generator) -> float:
    samples = Samples.of(rng.standard_normal((n, D - 1)), rng.standard_normal((n, m)))
    problem = Problem(samples, np.arange(n), True, np.eye(m))
    model, least = problem.strict, math.inf

    def settled(norms: list[float]) -> bool:
        return len(norms) > 3 and norms[-4] ** 2 - norms[-1] ** 2 < 0.05

    for _ in range(starts):
        point = rng.standard_normal((1, D))
        first = model.evaluate(point / np.linalg.norm(point))
        fit, _ = minimise(model, first, size=model.size, steps=100, enough=settled)
        least = min(least, fit.cost)
    return float(np.vdot(model.target, model.target)) - least


def main() -> None:
    given = parser(__doc__, seeds=100).parse_args()
    table = Table("unit_edge", COLUMNS, quick=given.quick)
    for D, m, n in CASES[:4] if given.quick else CASES:
        affordable = int(ENTRIES / (n * (D + m) * STARTS))
        draws = 10 if given.quick else max(10, min(given.seeds, affordable))
        starts = max(4, min(STARTS, int(ENTRIES / (n * (D + m) * draws))))
        rng = np.random.default_rng([D, m, n])
        gains = [best_gain(D, m, n, starts, rng) for _ in range(draws)]
        worst, edge = max(gains), unit_edge(D, m)
        table.add(
            {
                "D": D,
                "m": m,
                "n": n,
                "draws": draws,
                "starts": starts,
                "median": float(np.median(gains)),
                "worst": worst,
                "edge": edge,
                "share": worst / edge,
                "factor": (math.sqrt(worst) - math.sqrt(m) - 1) / math.sqrt(D),
            }
        )


if __name__ == "__main__":
    main()
