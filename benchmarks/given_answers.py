"""Claim: a network is found from probabilities that were given, not asked for, as it is from the
values behind them.

Planted: 20 inputs, 5 units, one output (10 units and 3 outputs for softmax), Gaussian weights, unit
rows of V, hidden biases of standard deviation 0.5; Gaussian inputs; answers with all their digits.
Output weights are half as large for tanh. Each answer is inverted where it is not saturated, and
the number of units is not given.

Columns: answers; samples; runs; exact (status); false: exact, but not within ten times the stated
errors, and 1e-12; max_error: of the weights of the exact ones; values: exact from the same samples
of values; most seconds; other: seeds and codes of other runs.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from support.heads import model, planted, shown

import unrelu

CASES = (("sigmoid", 5, 1, 1.0, 400), ("tanh", 5, 1, 0.5, 400), ("softmax", 10, 3, 1.0, 800))
INPUTS, LEAST = 20, 1e-12


def row(link: str, k: int, m: int, size: float, n: int, seeds: int) -> dict[str, str | int | float]:
    exact, false, values, errors, others, longest = 0, 0, 0, [0.0], list[str](), 0.0
    for seed in range(seeds):
        truth = planted(seed, INPUTS, k, m, size)
        X = np.random.default_rng(1000 + seed).standard_normal((n, INPUTS))
        answers = model(truth, link)(X)
        start = time.perf_counter()
        result = unrelu.recover(X, answers, answers=link, rng=seed, throw=False)
        longest = max(longest, time.perf_counter() - start)
        values += unrelu.recover(X, truth(X), rng=seed, throw=False).status == "exact"
        if result.status != "exact" or result.network is None:
            others.append(f"{seed}:{result.code}")
            continue
        exact += 1
        errors.append(unrelu.match(result.network, shown(truth, link)).max_error)
        stated = 10 * float(result.certificate.weight_errors.max(initial=0.0))
        false += errors[-1] > max(stated, LEAST)
    return {
        "answers": link,
        "samples": n,
        "runs": seeds,
        "exact": exact,
        "false": false,
        "max_error": max(errors),
        "values": values,
        "max_s": longest,
        "others": " ".join(others) or "-",
    }


def main() -> None:
    options = parser(__doc__, seeds=30).parse_args()
    columns = ("answers", "samples", "runs", "exact", "false", "max_error", "values", "max_s")
    table = Table("given_answers", (*columns, "others"), quick=options.quick)
    for case in CASES[:1] if options.quick else CASES:
        table.add(row(*case, 2 if options.quick else options.seeds))


if __name__ == "__main__":
    main()
