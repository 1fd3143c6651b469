"""Claim: conditioning, near-parallel units, the law of the inputs and large biases do no harm.

Without biases, n = 4 (d + k) samples: hidden weights of condition number 1000, two units 0.01
rad apart, inputs uniform, ±1, Student t with 3 degrees of freedom, and correlated Gaussian
(covariance of condition number 100). Units 0.01 rad apart are active on the very same samples
with probability 1/2 at such n, and then no method can tell them apart: see `determined`.
With biases: all of size 2, and of standard deviation 2, redrawn beyond 2.5, so that a unit is
active on 0.6 % of the samples or more. There n is 3 times the number of samples at which the
rarest unit has d + 1 active and k inactive ones.

Columns: size d, k, m; case; median_n; then see _trials.COLUMNS; units_found in the worst trial
(hidden rows within 1e-6).
"""

from __future__ import annotations

import numpy as np
from _table import Table, parser
from _trials import COLUMNS, Trial, attempt, summary
from numpy.typing import NDArray
from support.planting import LAWS, Planted, conditioned, plant

from unrelu import Network

Array = NDArray[np.float64]

SIZES = ((40, 10, 10), (100, 20, 20))
ANGLE = 0.01
MOST_SAMPLES = 100_000
MOST_BIAS = 2.5


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


def with_biases(size: tuple[int, int, int], case: str, seed: int) -> tuple[Planted, int]:
    d, k, m = size
    planted = plant(d, k, m, MOST_SAMPLES + 1000, seed=seed, bias=1.0)
    b = 2.0 * np.sign(planted.truth.b)
    if case == "biases sd 2":
        drawn = 2.0 * np.random.default_rng(seed).standard_normal(50 * k)
        b = drawn[np.abs(drawn) < MOST_BIAS][:k]
    truth = Network(planted.truth.V, planted.truth.U, b, planted.truth.c)
    active = np.cumsum(truth.preactivations(planted.X) > 0, axis=0, dtype=np.int64)
    inactive = np.arange(1, len(active) + 1)[:, None] - active
    enough = ((active >= d + 1) & (inactive >= k)).all(axis=1)
    n = 3 * (int(enough.argmax()) + 1)
    assert 3 < n <= MOST_SAMPLES, "a unit is rarer than its bias says"
    X = planted.X[: n + 1000]
    return Planted(X, truth(X), truth), n


CASES = ("kappa 1000", "0.01 rad", "uniform", "signs", "student", "correlated")
BIASED = ("biases ±2", "biases sd 2")


def main() -> None:
    options = parser(__doc__, seeds=20)
    options.add_argument("--cases", nargs="+", choices=CASES + BIASED, help="only these")
    given = options.parse_args()
    seeds = min(given.seeds, 2) if given.quick else given.seeds
    table = Table(
        "hard_inputs",
        ["size", "case", "median_n", *COLUMNS, "units_found"],
        quick=given.quick or bool(given.cases),
    )
    for size in SIZES[: 1 if given.quick else None]:
        for case in given.cases or CASES + BIASED[: 1 if given.quick else None]:
            biased = case in BIASED
            trials: list[Trial] = []
            samples: list[int] = []
            for seed in range(seeds):
                problem, n = (with_biases if biased else without_biases)(size, case, seed)
                samples.append(n)
                trials.append(attempt(problem, n, seed=seed, bias=biased))
            table.add(
                {
                    "size": ",".join(map(str, size)),
                    "case": case,
                    "median_n": int(np.median(samples)),
                    **summary(trials),
                    "units_found": min(trial.found for trial in trials),
                }
            )


if __name__ == "__main__":
    main()
