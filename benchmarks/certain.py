"""Claim: certain answers are right: the tree search, the enumeration of all sign patterns and a
brute force over all 2^n agree, solution for solution, and no proof holds that should not.

Each problem is a planted network in small integers with degenerate inputs, or with labels altered
within their rank (tests/support/small_cases.py). Compared are existence, the number of networks,
and all of them by their hidden values, as Fractions; every refutation is checked again, after a
round trip through plain data, after tampering (in twelve ways), and against the samples of the
planted network, which none may refute (tests/support/certain_answers.py).

Sizes
agreement    k ≤ 3, d ≤ 3, n ≤ 14: tree and enumeration
hunt         k ≤ 3, d ≤ 3, n ≤ 10: both, and the brute force
several      the same, of problems with more than one network, but finitely many
recover      as the hunt, n ≤ 9: recover(exact=True) against the brute force, every other time with
             method="facets". Whatever is proved is the one network that the brute force knows;
             where one is refuted, it knows none. `unproved` counts what was left undetermined,
             or failed without a proof, where there is just one network

Columns
cases          problems
none           of these, without a network
one, several, infinite   with so many networks
refutations    checked
disagreements  wrong networks, counts, existence, undecided, proofs that hold or fail wrongly: 0
slowest_s      the longest that the tree search took for one problem, and the enumeration; for
               recover, the longest with its brute force
"""

from __future__ import annotations

import time
from collections import Counter
from math import inf

import numpy as np
from _table import Table, parser
from support.certain_answers import compared, hidden_values
from support.every_pattern import every_pattern
from support.small_cases import FAMILIES, Case, case

from unrelu import InputError, Status, recover
from unrelu.complete.enumeration import enumerate_units

COLUMNS = ["size", "family", "cases", "none", "one", "several", "infinite", "refutations"]
COLUMNS += ["unproved", "disagreements", "tree_slowest_s", "enumeration_slowest_s"]


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


def certainty(rng: np.random.Generator, family: str, method: str) -> tuple[float, str, list[str]]:
    """How many networks there are, what `recover` says, and what is wrong with that."""
    while True:
        k, d, bias = int(rng.integers(1, 4)), int(rng.integers(1, 4)), bool(rng.integers(2))
        n = int(rng.integers(max(d, k) + 2, 10))
        problem = case(rng, family, n=n, k=k, d=d, bias=bias)
        X, Y, asked = problem.samples.X, problem.samples.Y, problem.n_units
        try:
            result = recover(X, Y, asked, bias=bias, exact=True, method=method, rng=0, throw=False)
        except InputError:  # dependent inputs
            continue
        break
    truth = every_pattern(problem.samples, asked, bias)
    if result.certificate.refutation is not None:
        held = result.certificate.refutation.recheck(X, Y)
        return truth.count, "refuted", [] if held and not truth.exists else ["refuted wrongly"]
    if result.status != Status.PROVED:
        return truth.count, "open", []
    assert result.network is not None
    if truth.count != 1:
        return truth.count, "proved", [f"proved, one of {truth.count} networks"]
    wrong = not hidden_values(result.network, problem) <= truth.rays
    wrong |= bool((result.network(X) != Y).any())
    return truth.count, "proved", ["proved, another network"] if wrong else []


def recovered(table: Table, cases: int, first: int) -> list[str]:
    faults: list[str] = []
    for family in FAMILIES:
        if family == "dependent":  # refused
            continue
        kinds: Counter[str] = Counter()
        refutations = unproved = wrong = 0
        slowest = 0.0
        for number in range(cases):
            seed = [first, 9, FAMILIES.index(family), number]
            method = ("auto", "facets")[number % 2]
            started = time.perf_counter()
            count, reported, found = certainty(np.random.default_rng(seed), family, method)
            slowest = max(slowest, time.perf_counter() - started)
            kinds[{0: "none", 1: "one", inf: "infinite"}.get(count, "several")] += 1
            refutations += reported == "refuted"
            unproved += count == 1 and reported != "proved"
            wrong += bool(found)
            faults += [f"recover {seed} {family} {method}: {fault}" for fault in found]
        counted = {name: kinds[name] for name in COLUMNS[3:7]}
        row = {"size": "recover", "family": family, "cases": cases, **counted}
        row |= {"refutations": refutations, "unproved": unproved, "disagreements": wrong}
        table.add({**row, "tree_slowest_s": slowest, "enumeration_slowest_s": ""})
    return faults


def main() -> None:
    options = parser(__doc__, seeds=1)
    options.add_argument("--first", type=int, default=0, help="the first seed (0)")
    options.add_argument("--only", choices=["recover"], help="this size alone")
    given = options.parse_args()
    table = Table("certain", COLUMNS, quick=given.quick)
    totals = {"agreement": 500, "hunt": 5000, "several": 280}
    faults: list[str] = []
    for size, total in totals.items() if not given.only else ():
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
                    "unproved": "",
                    "disagreements": wrong,
                    "tree_slowest_s": slowest[0],
                    "enumeration_slowest_s": slowest[1],
                }
            )
    faults += recovered(table, 2 if given.quick else 80 * given.seeds, given.first)
    for fault in faults:
        print(fault)


if __name__ == "__main__":
    main()
