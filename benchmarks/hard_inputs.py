"""Claim: conditioning, near-parallel units, the law of the inputs and large biases do no harm.

Without biases, n = 4 (d + k) samples: hidden weights of condition number 1000, two units 0.01
rad apart, inputs uniform, ±1, Student t with 3 degrees of freedom, and correlated Gaussian
(covariance of condition number 100). Units 0.01 rad apart are active on the very same samples
with probability 1/2 at such n, and then no method can tell them apart: see `determined`.
With biases: all of size 2, and of standard deviation 2. There n is 3 times the number of samples
at which the rarest unit has d + 1 active and k inactive ones; problems for which that passes
150,000 samples are not run, and counted in too_rare.

Columns: size d, k, m; case; median_n; then see _trials.COLUMNS; units_found in the worst trial
(hidden rows within 1e-6); too_rare.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from _table import Table, parser
from _trials import COLUMNS, Trial, attempt, summary
from numpy.typing import NDArray
from planting import LAWS, Planted, conditioned, plant

from unrelu import Network

Array = NDArray[np.float64]

SIZES = ((40, 10, 10), (100, 20, 20))
ANGLE = 0.01
MOST_SAMPLES = 150_000


def near_parallel(d: int, k: int, seed: int) -> Array:
    """Random unit rows, the second of them ANGLE away from the first."""
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((k, d))
    V[1] -= (V[1] @ V[0]) / (V[0] @ V[0]) * V[0]
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    V[1] = np.cos(ANGLE) * V[0] + np.sin(ANGLE) * V[1]
    return V


def without_biases(size: tuple[int, int, int], case: str, seed: int) -> tuple[Planted, int]:
    d, k, m = size
    n = 4 * (d + k)
    V = None
    if case == "kappa 1000":
        V = conditioned(d, k, 1000.0, seed)
    elif case == "0.01 rad":
        V = near_parallel(d, k, seed)
    law = LAWS.get(case, LAWS["gaussian"])
    return plant(d, k, m, n + 1000, seed=seed, law=law, V=V), n


def with_biases(size: tuple[int, int, int], case: str, seed: int) -> tuple[Planted, int] | None:
    """None when a unit is too rarely on one side."""
    d, k, m = size
    problem = plant(d, k, m, MOST_SAMPLES + 1000, seed=seed, bias=2.0)
    V, U, b, c = problem.truth.V, problem.truth.U, problem.truth.b, problem.truth.c
    if case == "biases ±2":
        b = 2.0 * np.sign(b)
    truth = Network(V, U, b, c)
    active = np.cumsum(truth.preactivations(problem.X) > 0, axis=0, dtype=np.int64)
    inactive = np.arange(1, len(active) + 1)[:, None] - active
    enough = np.flatnonzero(((active >= d + 1) & (inactive >= k)).all(axis=1))
    if not len(enough) or 3 * (enough[0] + 1) > MOST_SAMPLES:
        return None
    n = 3 * (int(enough[0]) + 1)
    X = problem.X[: n + 1000]
    return Planted(X, truth(X), truth), n


CASES = ("kappa 1000", "0.01 rad", "uniform", "signs", "student", "correlated")
BIASED = ("biases ±2", "biases sd 2")


def problems(
    size: tuple[int, int, int], case: str, seeds: int
) -> Iterator[tuple[int, tuple[Planted, int] | None]]:
    make = with_biases if case in BIASED else without_biases
    for seed in range(seeds):
        yield seed, make(size, case, seed)


def main() -> None:
    options = parser(__doc__, seeds=20)
    given = options.parse_args()
    seeds = min(given.seeds, 2) if given.quick else given.seeds
    table = Table(
        "hard_inputs",
        ["size", "case", "median_n", *COLUMNS, "units_found", "too_rare"],
        quick=given.quick,
    )
    for size in SIZES[: 1 if given.quick else None]:
        for case in CASES + BIASED[: 1 if given.quick else None]:
            trials: list[Trial] = []
            samples: list[int] = []
            for seed, made in problems(size, case, seeds):
                if made is not None:
                    problem, n = made
                    samples.append(n)
                    trials.append(attempt(problem, n, seed=seed, bias=case in BIASED))
            if trials:
                table.add(
                    {
                        "size": ",".join(map(str, size)),
                        "case": case,
                        "median_n": int(np.median(samples)),
                        **summary(trials),
                        "units_found": min(trial.found for trial in trials),
                        "too_rare": seeds - len(trials),
                    }
                )
    table.save()


if __name__ == "__main__":
    main()
