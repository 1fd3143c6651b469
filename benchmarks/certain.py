"""Claim: certain answers are right: the tree search, the enumeration of all sign patterns and a
brute force over all 2^n agree, solution for solution, and no proof holds that should not.

Each problem is a planted network in small integers with degenerate inputs, or with labels altered
within their rank (tests/small_cases.py). Compared are existence, the number of networks, and all
of them by their hidden values, as Fractions; every refutation is checked again, after a journey
through plain data, with something tampered (twelve ways), and against the samples of the planted
network, which none may refute (tests/agreeing.py).

Sizes
agreement    k ≤ 3, d ≤ 3, n ≤ 14: tree and enumeration
hunt         k ≤ 3, d ≤ 3, n ≤ 10: both, and the brute force
several      the same, of problems with more than one network, but finitely many

Columns
cases          problems
none           of these, without a network
one, several, infinite   with so many networks
refutations    checked
disagreements  wrong networks, counts, existence, undecided, proofs that hold or fail wrongly: 0
slowest_s      the longest that the tree search took for one problem, and the enumeration
"""

from __future__ import annotations

from collections import Counter
from math import inf

import numpy as np
from _table import Table, parser
from agreeing import compared
from small_cases import FAMILIES, Case, case

from unrelu.methods.enumeration import enumerate_units

COLUMNS = ["size", "family", "cases", "none", "one", "several", "infinite", "refutations"]
COLUMNS += ["disagreements", "tree_slowest_s", "enumeration_slowest_s"]


def drawn(rng: np.random.Generator, size: str, family: str) -> Case:
    most = 14 if size == "agreement" else 10
    while True:
        k, d, bias = int(rng.integers(1, 4)), int(rng.integers(1, 4)), bool(rng.integers(2))
        n = int(rng.integers(max(d, k) + 2, most + 1))
        problem = case(rng, family, n=n, k=k, d=d, bias=bias)
        if size != "several":
            return problem
        found = enumerate_units(problem.samples, problem.n_units, problem.bias)
        if found.values_count not in (0, 1, inf):
            return problem


def main() -> None:
    options = parser(__doc__, seeds=1)
    options.add_argument("--first", type=int, default=0, help="the first seed (0)")
    given = options.parse_args()
    table = Table("certain", COLUMNS, quick=given.quick)
    totals = {"agreement": 500, "hunt": 5000, "several": 280}
    faults: list[str] = []
    for size, total in totals.items():
        cases = -(-total // len(FAMILIES)) * given.seeds
        for family in FAMILIES:
            kinds: Counter[str] = Counter()
            slowest = [0.0, 0.0]
            wrong = refutations = 0
            for number in range(cases // 40 + 1 if given.quick else cases):
                seed = [given.first, list(totals).index(size), FAMILIES.index(family), number]
                rng = np.random.default_rng(seed)
                problem = drawn(rng, size, family)
                found = compared(problem, rng, brute=size != "agreement")
                count = found.reference.values_count
                kinds[{0: "none", 1: "one", inf: "infinite"}.get(count or 0, "several")] += 1
                refutations += found.tree.refutation is not None
                for i, answer in enumerate((found.tree, found.reference)):
                    slowest[i] = max(slowest[i], answer.stats["seconds"])
                wrong += bool(found.faults)
                faults += [f"{size} {seed} {family}: {fault}" for fault in found.faults]
            table.add(
                {
                    "size": size,
                    "family": family,
                    "cases": sum(kinds.values()),
                    **{name: kinds[name] for name in COLUMNS[3:7]},
                    "refutations": refutations,
                    "disagreements": wrong,
                    "tree_slowest_s": slowest[0],
                    "enumeration_slowest_s": slowest[1],
                }
            )
    for fault in faults:
        print(fault)


if __name__ == "__main__":
    main()
