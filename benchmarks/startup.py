"""Claim: importing unrelu takes under 0.3 s and `unrelu --help` under 0.2 s.

Each command runs in a fresh interpreter, several times (first runs, which read from disk, are
left out). "import unrelu" is timed inside the interpreter; the others are wall times.

Columns: command; median_s; max_s; limit_s, what it should stay under.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
from _table import SOURCE, Table, parser

INSIDE = """
import time
start = time.perf_counter()
import unrelu
print(time.perf_counter() - start)
"""

COMMANDS: tuple[tuple[str, list[str], str], ...] = (
    ("python -c pass", ["-c", "pass"], "-"),
    ("import unrelu", ["-c", INSIDE], "0.3"),
    ("python -c 'import unrelu'", ["-c", "import unrelu"], "-"),
    ("unrelu --help", ["-m", "unrelu", "--help"], "0.2"),
    ("unrelu recover --help", ["-m", "unrelu", "recover", "--help"], "-"),
)


def main() -> None:
    options = parser(__doc__, seeds=11)
    given = options.parse_args()
    runs = 3 if given.quick else given.seeds
    table = Table("startup", ["command", "median_s", "max_s", "limit_s"], quick=given.quick)
    for name, arguments, limit in COMMANDS:
        seconds = [wall(arguments, inside=name == "import unrelu") for _ in range(runs + 1)][1:]
        table.add(
            {
                "command": name,
                "median_s": float(np.median(seconds)),
                "max_s": max(seconds),
                "limit_s": limit,
            }
        )


def wall(arguments: list[str], *, inside: bool) -> float:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    start = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, *arguments], env=environment, check=True, capture_output=True, text=True
    )
    return float(answer.stdout) if inside else time.perf_counter() - start


if __name__ == "__main__":
    main()
