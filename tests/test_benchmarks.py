"""The benchmarks follow the library: each still finds what it imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

IMPORT_ALL = """
import runpy, sys
for path in sys.argv[1:]:
    runpy.run_path(path, run_name="imported")
"""


def test_every_benchmark_imports() -> None:
    scripts = sorted(map(str, BENCHMARKS.glob("[a-z]*.py")))
    assert len(scripts) > 30
    finished = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *scripts],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
