"""Claim: samples larger than memory are verified in one pass, within 1 GB.

Float32 samples of a planted network in two .npy files, 50 inputs, mapped into memory. In a fresh
process each: read X in blocks and multiply it by Vᵀ, both in double precision, or verify. Files are
read once before, so that they come from the page cache where there is room.

Columns: rows; units; outputs; GB of the files; multiply_s, check_s and verify_s, CPU seconds of the
baseline, of the checks of each sample (finite, explained to rounding), and of all of verify; share,
the baseline over the checks; own_MB, peak memory without pages of mapped files; status.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from _processes import measured
from _table import Table, parser

D, BLOCK = 50, 1 << 14


def write(folder: str, rows: int, units: int, outputs: int) -> None:
    from support.planting import plant

    import unrelu

    truth = plant(D, units, outputs, 1, seed=0, bias=0.5).truth.canonical()
    unrelu.save(truth, Path(folder, "net.npz"))
    X, Y = (
        np.lib.format.open_memmap(
            Path(folder, f"{name}.npy"), mode="w+", dtype=np.float32, shape=(rows, width)
        )
        for name, width in (("X", D), ("Y", outputs))
    )
    rng = np.random.default_rng(0)
    for start in range(0, rows, BLOCK):
        here = slice(start, min(start + BLOCK, rows))
        X[here] = rng.standard_normal((here.stop - start, D), dtype=np.float32)
        Y[here] = truth(np.asarray(X[here], np.float64))


def mapped(folder: str, name: str) -> np.ndarray:
    array: np.ndarray = np.load(Path(folder, f"{name}.npy"), mmap_mode="r")
    return array


def multiply(folder: str) -> float:
    import unrelu

    V, X = unrelu.load(Path(folder, "net.npz")).V, mapped(folder, "X")
    for _ in range(2):
        started = time.process_time()
        for start in range(0, len(X), BLOCK):
            np.asarray(X[start : start + BLOCK], np.float64) @ V.T
    return time.process_time() - started


def check(folder: str) -> float:
    import unrelu
    from unrelu.checks.explained import explain
    from unrelu.samples import Samples

    net, X, Y = unrelu.load(Path(folder, "net.npz")), mapped(folder, "X"), mapped(folder, "Y")
    explain(net, Samples.of(X[:BLOCK], Y[:BLOCK]))
    started = time.process_time()
    assert explain(net, Samples.of(X, Y)).in_roundings <= 1
    return time.process_time() - started


def verify(folder: str) -> tuple[float, str]:
    import unrelu

    net, X, Y = unrelu.load(Path(folder, "net.npz")), mapped(folder, "X"), mapped(folder, "Y")
    started = time.process_time()
    status = unrelu.verify(net, X, Y).status.value
    return time.process_time() - started, status


COLUMNS = ["rows", "units", "outputs", "GB", "multiply_s", "check_s", "verify_s", "share"]
COLUMNS += ["own_MB", "status"]


def main() -> None:
    options = parser(__doc__, 1).parse_args()
    table = Table("verification", COLUMNS, quick=options.quick)
    small = 200_000 if options.quick else 2_000_000
    cases = [(small, 10, 5), (small, 50, 10)] + [(20_000_000, 10, 1)] * (not options.quick)
    for rows, units, outputs in cases:
        with tempfile.TemporaryDirectory() as folder:
            write(folder, rows, units, outputs)
            size = sum(path.stat().st_size for path in Path(folder).glob("*.npy")) / 1e9
            base, checks = measured(multiply, folder), measured(check, folder)
            whole = measured(verify, folder)
            seconds, status = whole.value
            values = (rows, units, outputs, size, base.value, checks.value, seconds)
            rest = (base.value / checks.value, whole.own_peak, status)
            table.add(dict(zip(COLUMNS, (*values, *rest), strict=True)))


if __name__ == "__main__":
    main()
