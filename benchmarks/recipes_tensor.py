"""Claim: with two or three outputs for ten units, the second-order moment tensor alone gives every
hidden weight within 0.3 rad from 20,000 samples of 20 inputs, and what follows makes it exact.

Planted: Gaussian weights and inputs, no biases, no noise. `start` is the tensor of order 2 with
its signs, before any step that is exact; `exact` is `recover(..., method="tensor-2")`, which takes
Gauss–Newton steps from there (or, for as many outputs as units, the paper's linear systems).

Columns: problem d, k, m; n samples; trials;
within         trials in which no row of the start is further off than 0.3 rad
…_start_rad    the largest error of a row of the start: its median over the trials, and the worst
exact          trials that end exact, with every row within 1e-12 of the truth
false_exact    trials that end exact with other rows
start_s, s     median seconds of the start, and of the whole
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from support.planting import Planted, plant

from unrelu import match, recover
from unrelu.recipes import tensor
from unrelu.samples import Samples

PROBLEMS = (
    (20, 10, 3, 5000),
    (20, 10, 3, 20000),
    (20, 10, 2, 20000),
    (20, 5, 5, 500),
    (20, 10, 10, 2000),
)

COLUMNS = (
    "problem",
    "n",
    "trials",
    "within",
    "median_start_rad",
    "max_start_rad",
    "exact",
    "false_exact",
    "start_s",
    "s",
)

WITHIN = 0.3
"""Radians; a row of unit length that is so much off has an error of about as much."""

ROW_ERROR = 1e-12


def start_error(problem: Planted, seed: int) -> float:
    """Largest error of a row in radians; infinite where a unit is missing."""
    samples = Samples.of(problem.X, problem.Y)
    rng = np.random.default_rng(seed)
    net = tensor.start(samples, problem.truth.n_units, rng)
    distance = match(net, problem.truth).hidden  # of unit rows: 2 sin(angle / 2)
    return float(2 * np.arcsin(min(float(distance.max()) / 2, 1.0)))


def main() -> None:
    options = parser(__doc__, seeds=20).parse_args()
    seeds = min(options.seeds, 2) if options.quick else options.seeds
    table = Table("recipes_tensor", COLUMNS, quick=options.quick)
    for d, k, m, n in PROBLEMS[:2] if options.quick else PROBLEMS:
        errors, exact, wrong, start_s, whole_s = [], 0, 0, [], []
        for seed in range(seeds):
            problem = plant(d, k, m, n, seed=seed)
            began = time.perf_counter()
            errors.append(start_error(problem, seed))
            start_s.append(time.perf_counter() - began)
            began = time.perf_counter()
            result = recover(
                problem.X, problem.Y, k, bias=False, method="tensor-2", rng=seed, throw=False
            )
            whole_s.append(time.perf_counter() - began)
            assert result.network is not None
            right = match(result.network, problem.truth).hidden.max() < ROW_ERROR
            exact += result.status == "exact" and bool(right)
            wrong += result.status == "exact" and not right
        table.add(
            {
                "problem": f"{d},{k},{m}",
                "n": n,
                "trials": seeds,
                "within": sum(error <= WITHIN for error in errors),
                "median_start_rad": float(np.median(errors)),
                "max_start_rad": max(errors),
                "exact": exact,
                "false_exact": wrong,
                "start_s": float(np.median(start_s)),
                "s": float(np.median(whole_s)),
            }
        )


if __name__ == "__main__":
    main()
