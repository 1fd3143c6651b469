"""Claim: no network is called exact at float32, float16 or decimal rounding while another fits.

Small networks whose units nearly coincide, share a hyperplane from both sides, cancel, can change
sides together or are hardly seen (tests/support/rounded_rivals.py); labels that are float32 or
float16 numbers (computed in such, or rounded to them; as arrays of that type or of float64) or have
three to six decimals. Where the certificate of the true network is "exact", rivals are constructed:
along the directions that rounding shows least, without a unit, with one that is active on every
sample, with units reversed, from random displacements, each fitted in all weights. One that
explains all labels to rounding and lies outside of the stated errors makes the answer false. The
true network must never be called unexplained.

Columns: network and rounding; first and last seed; cases; of them exact, undetermined, estimated,
failed; not_explained: the truth failed at its own rounding; rivals constructed; reach: the farthest
one that fits, in stated errors; false_exact.

Exit status 1 on any false exact, or a true network that is not explained; each is printed.
"""

from __future__ import annotations

import csv
import sys
import time
from itertools import product

from _table import RESULTS, Table, parser
from support.rounded_rivals import NETWORKS, ROUNDINGS, Outcome, attack, drawn

COUNTED = ("exact", "undetermined", "estimated", "failed")
COLUMNS = (
    *("network", "rounding", "first", "last", "cases", *COUNTED),
    *("not_explained", "rivals", "reach", "false_exact", "seconds"),
)


Row = dict[str, str | int | float]


def row(network: str, rounding: str, seeds: range) -> tuple[Row, list[str]]:
    """One kind of case; and what is wrong, to reproduce it."""
    started, outcomes, bad = time.perf_counter(), list[Outcome](), list[str]()
    for seed in seeds:
        outcome = attack(drawn(network, rounding, seed), seed)
        outcomes.append(outcome)
        if outcome.why or not outcome.explained:
            reported = outcome.why or "the truth is not explained"
            bad.append(f"drawn({network!r}, {rounding!r}, {seed}): {reported}")
    statuses = [outcome.status for outcome in outcomes]
    return {
        "network": network,
        "rounding": rounding,
        "first": seeds[0],
        "last": seeds[-1],
        "cases": len(outcomes),
        **{name: statuses.count(name) for name in COUNTED},
        "not_explained": sum(not outcome.explained for outcome in outcomes),
        "rivals": sum(outcome.rivals for outcome in outcomes),
        "reach": max(outcome.reach for outcome in outcomes),
        "false_exact": sum(bool(outcome.why) for outcome in outcomes),
        "seconds": time.perf_counter() - started,
    }, bad


def added(new: Row, old: dict[str, str]) -> Row:
    """A row with what an earlier run has counted for earlier seeds."""
    total = dict(new)
    for name in (*COUNTED, "cases", "not_explained", "rivals", "false_exact"):
        total[name] = int(new[name]) + int(old[name])
    total["first"] = int(old["first"])
    total["reach"] = max(float(new["reach"]), float(old["reach"]))
    total["seconds"] = float(new["seconds"]) + float(old["seconds"])
    return total


def main() -> None:
    options = parser(__doc__, seeds=2800)
    options.add_argument("--first", type=int, default=0, help="the first seed of each kind")
    options.add_argument("--more", action="store_true", help="add to the results there are")
    given = options.parse_args()
    kept, path = dict[tuple[str, str], dict[str, str]](), RESULTS / "rounded_rivals.csv"
    first = given.first
    if given.more and path.exists():
        with path.open(encoding="utf-8") as file:
            kept = {(old["network"], old["rounding"]): old for old in csv.DictReader(file)}
        first = 1 + max(int(old["last"]) for old in kept.values())
    seeds = range(first, first + (5 if given.quick else given.seeds))
    found = list[Row]()
    wrong = list[str]()
    for kind in product(NETWORKS, ROUNDINGS):
        new, bad = row(*kind, seeds)
        found.append(added(new, kept[kind]) if kind in kept else new)
        print(*bad, sep="\n", end="\n" * bool(bad), flush=True)
        wrong += bad
    table = Table("rounded_rivals", COLUMNS, quick=given.quick)
    for each in found:
        table.add(each)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
