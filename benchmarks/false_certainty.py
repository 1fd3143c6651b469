"""Claim: no answer "exact" is wrong, whatever the samples, and nothing but clean errors is raised.

Each family of tests/support/families.py makes small samples that invite a wrong answer: networks
wider than asked, three layers, noise, rounding, duplicated rows, units that are never or always
active, networks built to hide. Every exact answer is compared with the truth on 4,000 fresh inputs.

Columns: family; cases; of them exact, estimated, undetermined, failed, refused as bad input;
unseen: exact, and different from the truth only by units of which the samples hold no trace;
false_exact: exact, and wrong (tests/support/false_certainty.py says which); crashes: anything
raised that is not the library's own, warnings and running for more than two minutes among them;
slowest case in seconds; worst_error: largest difference of an exact answer (unseen ones aside) on
fresh inputs, as a share of the largest label.

Exit status 1 on any false exact or crash; each is printed with what to reproduce it.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
from types import FrameType

from _table import Table, parser
from support.false_certainty import Outcome, hunt
from support.families import FAMILIES, made

LIMIT = 120


def attempt(task: tuple[str, int]) -> tuple[str, int, Outcome]:
    """One case of a family; a search without end is a crash."""
    name, seed = task
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LIMIT)
    try:
        return name, seed, hunt(made(name, seed), seed)
    finally:
        signal.alarm(0)


def _too_long(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"still running after {LIMIT} s")


def row(name: str, outcomes: list[Outcome]) -> dict[str, str | int | float]:
    verdicts = [outcome.verdict for outcome in outcomes]
    errors = [outcome.error for outcome in outcomes if not outcome.unseen]
    return {
        "family": f"{name:<28}",
        "cases": len(outcomes),
        "exact": verdicts.count("exact"),
        "estimated": verdicts.count("estimated"),
        "undetermined": verdicts.count("undetermined"),
        "failed": verdicts.count("failed"),
        "input_error": verdicts.count("input error"),
        "unseen": sum(outcome.unseen for outcome in outcomes),
        "false_exact": sum(outcome.false for outcome in outcomes),
        "crashes": verdicts.count("crash"),
        "slowest_s": max(outcome.seconds for outcome in outcomes),
        "worst_error": max((error for error in errors if error == error), default=0.0),
    }


def main() -> None:
    options = parser(__doc__, seeds=0)
    options.add_argument("--cases", type=int, default=2000, help="in all, at least (2000)")
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options.add_argument("--first", type=int, default=0, help="the first seed of each family")
    options.add_argument("--families", nargs="+", choices=FAMILIES, help="only these")
    given = options.parse_args()
    names = given.families or list(FAMILIES)
    cases = 2 * len(names) if given.quick else given.cases
    per_family = given.seeds or math.ceil(cases / len(names))
    seeds = range(given.first, given.first + per_family)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
    bad: list[str] = []
    empty = Outcome("failed", False, False, math.nan, 0.0, "")
    table = Table(
        "false_certainty",
        list(row("", [empty])),
        quick=given.quick or bool(given.families),
    )

    # Processes of their own: two threads of a matrix product each are no use on small samples.
    with multiprocessing.get_context("spawn").Pool(given.jobs) as pool:
        tasks = [(name, seed) for name in names for seed in seeds]
        for name, seed, outcome in pool.imap(attempt, tasks):
            outcomes[name].append(outcome)
            if outcome.false or outcome.verdict == "crash":
                bad.append(f"made({name!r}, {seed}): {outcome.verdict}: {outcome.reported}")
            if len(outcomes[name]) == len(seeds):
                table.add(row(name, outcomes[name]))
    table.add(row("all", [outcome for of in outcomes.values() for outcome in of]))
    print(*bad, sep="\n")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
