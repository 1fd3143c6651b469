"""Claim: a network is found exactly from class labels alone, the sign of one output or which of
several is the largest.

Planted: Gaussian weights, unit rows of V, hidden biases of standard deviation 0.5, output biases of
0.3, or no biases, which is told; "single" answers in float32. Trained: digits of scikit-learn,
64-16-10, float64, and the same answering in float32. Networks that labels do not determine, because
the boundary never meets a unit, are counted apart.

Columns: problem; runs; exact, estimated (status); open (a unit that no boundary meets, or a class
that never wins); false (certain, but not within the stated error of the truth); median and most
queries of the exact or estimated ones; calls of the model, median; largest error of a weight of
these, and the largest that a certificate states; units found, least; most seconds; other statuses,
by seed and code.

Published for comparison (hard labels, ASIACRYPT 2024): 784-2-1 with 2^20.3 queries, 2048-4-1 with
2^23.5.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from _table import Table, parser
from support.labelled import (
    Oracle,
    argmax_of,
    as_labels_show,
    homogeneous,
    in_single_precision,
    labelled,
    sign_of,
)

import unrelu
from unrelu import Network, Recovery

Case = tuple[Network, Oracle]
Problem = Callable[[int], Case]

SLOW = 3
"""Seeds where a run takes long."""

BUDGET, LARGE = 400_000, 2_000_000
"""Queries at most, and where there are hundreds of inputs."""


def planted(d: int, k: int, m: int, *, bias: bool = True, single: bool = False) -> Problem:
    def case(seed: int) -> Case:
        truth = (labelled if bias else homogeneous)(d, k, m, seed)
        if single:
            return in_single_precision(truth)
        return truth, sign_of(truth) if m == 1 else argmax_of(truth)

    return case


def digits(single: bool) -> Problem:
    def case(seed: int) -> Case:
        from sklearn.datasets import load_digits
        from sklearn.neural_network import MLPClassifier

        X, y = load_digits(return_X_y=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = MLPClassifier((16,), max_iter=400, random_state=seed).fit(X / 16.0, y)
        weights = (*model.coefs_, *model.intercepts_)
        V, U, b, c = (part.astype(np.float32) if single else part for part in weights)

        def oracle(inputs: np.ndarray) -> np.ndarray:
            return (np.maximum(inputs.astype(V.dtype) @ V + b, 0) @ U + c).argmax(axis=1)

        return Network(V.T, U.T, b, c), oracle

    return case


PROBLEMS: tuple[tuple[str, Problem, int], ...] = (
    ("sign 20,5", planted(20, 5, 1), 10),
    ("sign 20,10", planted(20, 10, 1), 10),
    ("argmax 20,10,3", planted(20, 10, 3), 10),
    ("sign 20,5 no biases", planted(20, 5, 1, bias=False), 10),
    ("argmax 20,10,3 no biases", planted(20, 10, 3, bias=False), 10),
    ("argmax 8,4,3", planted(8, 4, 3), 10),
    ("argmax 8,5,3 single", planted(8, 5, 3, single=True), 10),
    ("digits 64,16,10", digits(False), SLOW),
    ("argmax 784,32,10", planted(784, 32, 10), SLOW),
    ("digits float32", digits(True), SLOW),
)

OPEN = {"unit-not-met", "output-weights-open", "facing-pair", "scale-open"}


def errors(result: Recovery, truth: Network) -> tuple[float, float]:
    """Of the weights, infinite where a unit or class is missing, and what is stated."""
    evidence = result.certificate.evidence
    stated = getattr(evidence, "output_error", np.inf)
    stated = max(stated, float(result.certificate.weight_errors.max(initial=0.0)))
    net, shown = result.network, as_labels_show(truth)
    if net is None or net.n_outputs != shown.n_outputs:
        return np.inf, stated
    return unrelu.match(net, shown).max_error, stated


def main() -> None:
    made = parser(__doc__, seeds=10)
    made.add_argument("--only", default="", help="only problems whose name contains this")
    options = made.parse_args()
    columns = [
        "problem",
        "runs",
        "exact",
        "estimated",
        "open",
        "false",
        "median_queries",
        "most_queries",
    ]
    columns += ["median_calls", "error", "stated_error", "least_units", "max_s", "others"]
    table = Table("hard_labels", columns, quick=options.quick)
    for name, case, most in PROBLEMS[:1] if options.quick else PROBLEMS:
        if options.only not in name:
            continue
        queries, calls, found, off, stated, seconds = [], [], [], [0.0], [0.0], []
        exact, left, false, others = 0, 0, 0, []
        seeds = 2 if options.quick else min(options.seeds, most)
        for seed in range(seeds):
            truth, oracle = case(seed)
            start = time.perf_counter()
            result = unrelu.extract(
                oracle,
                truth.n_inputs,
                answers="labels",
                bias=bool(truth.b.any()),
                budget=BUDGET if truth.n_inputs < 100 else LARGE,
                rng=seed,
                throw=False,
            )
            seconds.append(time.perf_counter() - start)
            error, bound = errors(result, truth)
            found.append(result.certificate.network.n_units)
            if result.code in ("boundary-exact", "boundary-estimated"):
                exact += result.code == "boundary-exact"
                queries.append(int(result.stats["queries"]))
                calls.append(int(result.stats["rounds"]))
                never = np.isinf(error)  # a unit or a class that labels do not show
                false += not never and error > bound
                left += never
                off += [] if never else [error]
                stated.append(bound)
            elif result.code in OPEN:
                left += 1
            else:
                others.append(f"{seed}:{result.code}")
        table.add(
            {
                "problem": name,
                "runs": seeds,
                "exact": exact,
                "estimated": len(queries) - exact,
                "open": left,
                "false": false,
                "median_queries": int(np.median(queries)) if queries else 0,
                "most_queries": max(queries, default=0),
                "median_calls": int(np.median(calls)) if calls else 0,
                "error": max(off),
                "stated_error": max(stated),
                "least_units": min(found),
                "max_s": max(seconds),
                "others": " ".join(others) or "-",
            }
        )


if __name__ == "__main__":
    main()
