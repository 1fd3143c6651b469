"""Claim: a status is the certificate's alone: recover, verify and recheck agree on a network.

Cases of all families of tests/support/families.py, as in tests/test_agreement.py.

Columns: family; cases; refused: bad input; disagreements: certificates of which recheck, or verify
with the same question, says another status. Exit status 1 if there are any.
"""

from __future__ import annotations

import sys
import warnings

from _table import Table, parser
from support.families import FAMILIES, made
from test_agreement import disagreements

import unrelu


def main() -> None:
    options = parser(__doc__, seeds=5)
    options.add_argument("--first", type=int, default=0, help="the first seed (0)")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    columns = ("family", "cases", "refused", "disagreements")
    table, bad = Table("agreement", columns, quick=given.quick), 0
    for name in sorted(FAMILIES):
        refused, found = 0, []
        seeds = range(given.first, given.first + (1 if given.quick else given.seeds))
        for seed in seeds:
            case = made(name, seed)
            try:
                result = unrelu.recover(case.X, case.Y, rng=seed, throw=False, **case.options)
            except unrelu.InputError:
                refused += 1
                continue
            found += [
                f"{name}, {seed}: {reported}" for reported in disagreements(result, case.X, case.Y)
            ]
        print(*found, sep="\n", end="\n" * bool(found))
        bad += len(found)
        table.add(
            {
                "family": f"{name:<28}",
                "cases": len(seeds),
                "refused": refused,
                "disagreements": len(found),
            }
        )
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
