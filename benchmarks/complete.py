"""Claim: where rank(Y) = k, any inputs are decided: a network, or a proof that there is none.

Planted: integer inputs and weights up to 9, output weights of rank k. `wrong`: one label row moved
by an integer vector, so that the rank stays k. Seconds of `solutions`: to find a network, to find
all and count them, to prove that there is none; `cases`: contradictions in the proof, the most of
any; and seconds for its recheck. `undecided`: runs of any kind that a minute was not enough for.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from numpy.typing import NDArray

from unrelu import Network, Solutions, solutions
from unrelu.numerics.rank import column_space
from unrelu.numerics.rationals import Rationals

Integers = NDArray[np.int64]

SIZES = (
    *((2, 3, 14), (3, 3, 14), (5, 4, 60), (5, 10, 60), (7, 10, 200), (5, 5, 2000)),
    *((10, 10, 300), (12, 20, 400), (15, 30, 500)),
)


def timed(X: Integers, Y: Rationals, k: int, *, count: bool = False) -> tuple[float, Solutions]:
    started = time.perf_counter()
    answer = solutions(X, Y, k, count=count, rng=0)
    return time.perf_counter() - started, answer


def main() -> None:
    given = parser(__doc__, seeds=5).parse_args()
    columns = ["k", "d", "n", "found", "seconds", "worst", "counted", "refuted", "prove", "hardest"]
    columns += ["cases", "recheck", "undecided"]
    table = Table("complete", columns, quick=given.quick)
    for k, d, n in SIZES[:3] if given.quick else SIZES:
        find, count, prove, recheck = ([0.0][:0] for _ in range(4))
        found = refuted = cases = undecided = 0
        for seed in range(2 if given.quick else given.seeds):
            rng = np.random.default_rng(seed)
            U = np.zeros((k, k), dtype=int)
            while np.linalg.matrix_rank(U) < k:
                U = rng.integers(-9, 10, (k, k))
            truth = Network(rng.integers(-9, 10, (k, d)).astype(object), U)
            X = rng.integers(-9, 10, (n, d))
            Y = truth(X)
            if column_space(Y.astype(float)).shape[1] < k:
                continue  # a unit that is active on no sample
            wrong = Y.copy()
            wrong[0] += rng.integers(1, 9, k)
            seconds, answer = timed(X, Y, k)
            find.append(seconds)
            found += bool(answer.networks)
            undecided += not answer.decided
            seconds, answer = timed(X, Y, k, count=True)
            count.append(seconds)
            undecided += answer.count is None
            seconds, answer = timed(X, wrong, k)
            prove.append(seconds)
            undecided += not answer.decided
            if answer.refutation is not None:
                started = time.perf_counter()
                refuted += answer.refutation.recheck(X, wrong)
                recheck.append(time.perf_counter() - started)
                cases = max(cases, answer.refutation.size)
        runs = len(find)
        table.add(
            {
                "k": k,
                "d": d,
                "n": n,
                "found": f"{found}/{runs}",
                "seconds": float(np.median(find)),
                "worst": max(find),
                "counted": float(np.median(count)),
                "refuted": f"{refuted}/{runs}",
                "prove": float(np.median(prove)),
                "hardest": max(prove),
                "cases": cases,
                "recheck": max(recheck, default=0.0),
                "undecided": undecided,
            }
        )


if __name__ == "__main__":
    main()
