"""Claim: work does not grow with the number of samples beyond one pass that verifies them.

A planted network (d, k, m) = (100, 20, 20) and a million Gaussian samples in two .npy files,
read once beforehand so that they come from the page cache in every case. In a fresh process
each: load X and Y and multiply X by Vᵀ once (mapped files in blocks), or load them and recover.

Columns: files loaded or mapped; load_s, product_s, recover_s; ratio of recovering to loading and
one product, both from the start of np.load ("with_load") and of recover() alone ("recover_only"
over load_s + product_s of the baseline); peak_MB resident and own_MB without pages of mapped
files; peak_over_data; status. Limits: ratio 2; peak 1.5 × data when loaded, own 1000 MB mapped.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Literal

import numpy as np
from _processes import MB, measured
from _table import Table, parser

SIZE = (100, 20, 20)
BLOCK = 20_000


def write(folder: str, n: int) -> None:
    """X, Y and V as .npy, made in blocks: the parent and its children should stay small."""
    from support.planting import plant

    truth = plant(*SIZE, SIZE[0] + 1, seed=0).truth
    rng = np.random.default_rng(0)
    np.save(Path(folder, "V.npy"), truth.V)
    X = np.lib.format.open_memmap(
        Path(folder, "X.npy"), mode="w+", dtype=np.float64, shape=(n, SIZE[0])
    )
    Y = np.lib.format.open_memmap(
        Path(folder, "Y.npy"), mode="w+", dtype=np.float64, shape=(n, SIZE[2])
    )
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        X[rows] = rng.standard_normal((rows.stop - start, SIZE[0]))
        Y[rows] = truth(X[rows])


def load(folder: str, mapped: bool) -> tuple[np.ndarray, np.ndarray]:
    mode: Literal["r"] | None = "r" if mapped else None
    X: np.ndarray = np.load(Path(folder, "X.npy"), mmap_mode=mode)
    Y: np.ndarray = np.load(Path(folder, "Y.npy"), mmap_mode=mode)
    return X, Y


def read_and_multiply(folder: str, mapped: bool) -> tuple[float, float]:
    """Seconds to load, seconds to read every entry of Y and multiply X by Vᵀ."""
    V = np.load(Path(folder, "V.npy"))
    start = time.perf_counter()
    X, Y = load(folder, mapped)
    loaded = time.perf_counter()
    for first in range(0, len(X), BLOCK):
        X[first : first + BLOCK] @ V.T
        if mapped:
            Y[first : first + BLOCK].copy()
    return loaded - start, time.perf_counter() - loaded


def recover(folder: str, mapped: bool) -> tuple[float, float, str]:
    """Seconds to load, seconds to recover, status."""
    from support.planting import plant

    import unrelu

    small = plant(4, 2, 2, 200, seed=0)
    unrelu.recover(small.X, small.Y, rng=0)  # loads what loads late

    start = time.perf_counter()
    X, Y = load(folder, mapped)
    loaded = time.perf_counter()
    result = unrelu.recover(X, Y, rng=0, throw=False)
    return loaded - start, time.perf_counter() - loaded, result.status.value


def main() -> None:
    options = parser(__doc__, seeds=3)
    options.add_argument("--samples", type=int, default=1_000_000)
    given = options.parse_args()
    n = 50_000 if given.quick else given.samples
    table = Table(
        "million_rows",
        [
            "files",
            "load_s",
            "product_s",
            "recover_s",
            "ratio_with_load",
            "ratio_recover_only",
            "peak_MB",
            "own_MB",
            "peak_over_data",
            "status",
        ],
        quick=given.quick,
    )
    with tempfile.TemporaryDirectory() as folder:
        measured(write, folder, n)
        data = sum(path.stat().st_size for path in Path(folder).glob("[XY].npy")) / MB
        print(f"{n} samples, {data:.0f} MB; medians of {given.seeds} runs")
        for mapped in (False, True):
            measured(read_and_multiply, folder, mapped)
            simple = [measured(read_and_multiply, folder, mapped) for _ in range(given.seeds)]
            full = [measured(recover, folder, mapped) for _ in range(given.seeds)]
            reading, product = np.median([run.value for run in simple], axis=0)
            again, recovering = np.median([run.value[:2] for run in full], axis=0)
            peak = max(run.peak for run in full)
            table.add(
                {
                    "files": "mapped" if mapped else "loaded",
                    "load_s": float(reading),
                    "product_s": float(product),
                    "recover_s": float(recovering),
                    "ratio_with_load": float((again + recovering) / (reading + product)),
                    "ratio_recover_only": float(recovering / (reading + product)),
                    "peak_MB": round(peak),
                    "own_MB": round(max(run.own_peak for run in full)),
                    "peak_over_data": peak / data,
                    "status": full[0].value[2],
                }
            )


if __name__ == "__main__":
    main()
