"""Claim: few outputs, even one, and more units than inputs, are recovered in seconds.

Planted: Gaussian weights and inputs, hidden biases of standard deviation 0.5, the number of
units not given. Digits: scikit-learn's regressor trained on its handwritten digits (64 pixels,
10 outputs), then asked about a few thousand Gaussian inputs; recovered from the answers alone.

Columns: problem d, k, m; n samples; then see _trials.COLUMNS; units_found in the worst trial
(hidden rows within 1e-6), of units.
"""

from __future__ import annotations

import numpy as np
from _table import Table, parser
from _trials import COLUMNS, Trial, attempt, summary
from support.planting import Planted, plant

from unrelu.commands.digits import train

PROBLEMS = (
    (20, 5, 1, 300),
    (20, 10, 1, 800),
    (20, 20, 1, 2000),
    (30, 20, 2, 2000),
    (20, 30, 3, 4000),
    (20, 40, 1, 20000),
)
DIGITS = ((16, 3000), (32, 4000), (64, 8000))
DIGITS_SEEDS = 5


def digits(units: int, n: int, seed: int) -> Planted:
    """The network of `unrelu demo`, its queries and its answers, and 1000 more of both."""
    rng = np.random.default_rng(seed)
    trained = train(units, rng)
    X = rng.standard_normal((n + 1000, trained.truth.n_inputs))
    return Planted(X, np.asarray(trained.ask(X)), trained.truth.canonical())


def main() -> None:
    options = parser(__doc__, seeds=20)
    options.add_argument("--rows", type=int, nargs="+", help="only these problems, from 0")
    given = options.parse_args()
    seeds = min(given.seeds, 2) if given.quick else given.seeds
    table = Table(
        "few_outputs",
        ["problem", "n", *COLUMNS, "units_found", "units"],
        quick=given.quick or bool(given.rows),
    )

    def report(problem: str, n: int, trials: list[Trial]) -> None:
        worst = min(trials, key=lambda trial: trial.found - trial.units)
        table.add(
            {
                "problem": problem,
                "n": n,
                **summary(trials),
                "units_found": worst.found,
                "units": worst.units,
            }
        )

    chosen = given.rows or range(2 if given.quick else len(PROBLEMS) + len(DIGITS))
    for number, (d, k, m, n) in enumerate(PROBLEMS):
        if number in chosen:
            trials = [
                attempt(plant(d, k, m, n + 1000, seed=seed, bias=0.5), n, seed=seed)
                for seed in range(seeds)
            ]
            report(f"{d},{k},{m}", n, trials)
    for number, (units, n) in enumerate(DIGITS, start=len(PROBLEMS)):
        if number in chosen:
            trials = [
                attempt(digits(units, n, seed), n, seed=seed)
                for seed in range(min(seeds, DIGITS_SEEDS))
            ]
            report(f"digits {units}", n, trials)


if __name__ == "__main__":
    main()
