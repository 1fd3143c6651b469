"""Claim: 14,000 mutated model files give a network or a FileError, and nothing else.

Sound files of every form are damaged at random (tests/support/damaged_files.py): bytes changed, cut
and moved, members of archives and values of protocol buffers and JSON replaced, instructions that
would end the process put into pickles. Each is then loaded. Every form runs in a process of its
own; one that ends, hangs, or grows would show.

Columns
files        mutated files loaded
networks     of these, the network (or, damage being what it is, another one) was read
refused      FileError
other        anything else: must be 0
slowest_s    the longest that a file took; HDF5 and MATLAB files are read in a fresh
             process each time
memory_mb    the most memory beyond that before the first file; not that of the processes that
             read HDF5 and MATLAB files, which run under a limit of their own
"""

from __future__ import annotations

import logging
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _processes import measured
from _table import Table, parser
from support.damaged_files import mutated
from support.model_files import sound_files

import unrelu

FILES = {
    "npz": 1200,
    "plain npz": 700,
    "rational npz": 500,
    "onnx": 3500,
    "safetensors": 1500,
    "state_dict": 2000,
    "legacy state_dict": 1000,
    "checkpoint": 1000,
    "legacy checkpoint": 1000,
    "nnet": 700,
    "mat": 100,
    "h5": 500,
    "keras": 300,
}


@dataclass(frozen=True)
class Outcome:
    networks: int
    refused: int
    other: tuple[str, ...]
    slowest: float
    memory: float


def load_all(form: str, count: int, seed: int) -> Outcome:
    logging.getLogger("unrelu").setLevel(logging.ERROR)  # what is taken for granted is not asked
    rng = np.random.default_rng([seed, count])
    networks = refused = 0
    other, slowest = [], 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suffix, files = sound_files(folder)[form]
        path = folder / f"net{suffix}"
        for data in files:
            path.write_bytes(data)
            unrelu.load(path)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(count):
            path.write_bytes(mutated(form, files, rng))
            start = time.perf_counter()
            try:
                assert isinstance(unrelu.load(path), unrelu.Network)
                networks += 1
            except unrelu.FileError:
                refused += 1
            except BaseException as error:
                other.append(f"{form} {number}: {type(error).__name__}: {error}")
            slowest = max(slowest, time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Outcome(networks, refused, tuple(other), slowest, (after - before) * 1024 / 1e6)


def main() -> None:
    options = parser(__doc__, seeds=1)
    given = options.parse_args()
    columns = ["form", "files", "networks", "refused", "other", "slowest_s", "memory_mb"]
    table = Table("mutated_files", columns, quick=given.quick)
    faults: list[str] = []
    for form, count in FILES.items():
        files = count // 50 if given.quick else count * given.seeds
        found = measured(load_all, form, files, 0).value
        faults += found.other
        table.add(
            {
                "form": form,
                "files": files,
                "networks": found.networks,
                "refused": found.refused,
                "other": len(found.other),
                "slowest_s": found.slowest,
                "memory_mb": found.memory,
            }
        )
    for fault in faults:
        print(fault)


if __name__ == "__main__":
    main()
