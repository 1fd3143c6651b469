"""Claim: on a cluster, an estimate of all samples has the same bits for any number of workers and
any blocks, also when workers are killed, or the scheduler is and the run goes on later.

A fit of (8, 3, 2) to 4,000 of 300,000 rows becomes the estimate of all, in three passes, in this
process and then on a local cluster of worker processes: 1, 2, 3 and 7 of them, with blocks of
several sizes; 2 of them, one of which gets SIGKILL at a random moment, ten times; and 2 of them
whose scheduler gets SIGKILL in the middle of the passes, which then go on on another cluster from
what was recorded.

Columns: case; seed of the random moment; workers; rows of a block; killed: workers or schedulers
that were; same: whether network, errors and noise are those of one process, to the bit; kept: share
of the cells of the passes that were not added up again, after a scheduler was killed; seconds, and
those of one process, on a machine that was shared.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _table import SOURCE, Table, parser
from numpy.typing import NDArray
from support.planting import plant

from unrelu.inference.all_samples import OnAllSamples, estimate_on_all
from unrelu.inference.linearised import linearised
from unrelu.noise.kind import Criterion
from unrelu.samples import Samples
from unrelu.stored import journal
from unrelu.stored.clients import computing_on, connected, distributed

Array = NDArray[np.float64]
TRUTH = plant(8, 3, 2, 1, seed=1, bias=0.5).truth.canonical()
SIGMA, MADE = 0.3, 10_000
COLUMNS = ["case", "seed", "workers", "block", "killed", "same", "kept", "seconds", "one_process"]


@dataclass(frozen=True)
class Generated:
    """Inputs, or labels, of `MADE` rows at a time, in blocks of so many rows."""

    rows: int
    block: int
    labels: bool

    def block_rows(self) -> list[int]:
        return [min(self.block, self.rows - at) for at in range(0, self.rows, self.block)]

    def read_block(self, number: int) -> Array:
        start = number * self.block
        stop = min(start + self.block, self.rows)
        first = start // MADE
        parts = [self._made(at) for at in range(first, -(-stop // MADE))]
        return np.vstack(parts)[start - first * MADE : stop - first * MADE]

    def _made(self, number: int) -> Array:
        rng = np.random.default_rng([5, number])
        X = rng.standard_normal((MADE, TRUTH.n_inputs))
        if not self.labels:
            return X
        return TRUTH(X) + SIGMA * rng.standard_normal((MADE, TRUTH.n_outputs))


def estimated(rows: int, block: int, kept: str | None = None) -> OnAllSamples:
    """Passes are kept in a folder, if it is named."""
    X, Y = (Generated(rows, block, labels) for labels in (False, True))
    samples = Samples.of(X, Y)
    some = samples.take(np.arange(0, rows, rows // 4000))
    criterion = Criterion("auto", SIGMA**2 * np.eye(TRUTH.n_outputs))
    fit = linearised(TRUTH, some, criterion, biased=True, skip=False)
    if kept is None:
        return estimate_on_all(fit, samples)
    with journal.kept_in(kept, samples.X, samples.Y, str(rows)):
        return estimate_on_all(fit, samples)


def bits(found: OnAllSamples) -> bytes:
    net, errors = found.uncertainty.network, found.uncertainty.stderr
    arrays = [getattr(each, name) for each in (net, errors) for name in "VUbc"]
    return b"".join(array.tobytes() for array in [*arrays, found.uncertainty.noise])


def run(rows: int, block: int, workers: int, kill_after: float | None) -> tuple[bytes, int, float]:
    """Bits, workers killed, and seconds."""
    killed = 0
    with connected(None, workers) as client, computing_on(client):
        processes = [int(pid) for pid in client.run(os.getpid).values()]
        ended = threading.Event()

        def kill() -> None:
            nonlocal killed
            if kill_after is not None and not ended.wait(kill_after):
                os.kill(processes[0], signal.SIGKILL)
                killed += 1

        killer = threading.Thread(target=kill)
        killer.start()
        started = time.perf_counter()
        found = bits(estimated(rows, block))
        seconds = time.perf_counter() - started
        ended.set()
        killer.join()
    return found, killed, seconds


CHILD = """
import sys
sys.path[:0] = {paths!r}
import cluster
from unrelu.stored import journal
from unrelu.stored.clients import computing_on, connected
journal.EVERY = 0.0
if __name__ == "__main__":
    with connected({address!r}, None) as client, computing_on(client):
        print("started", flush=True)
        cluster.estimated({rows}, 50_000, {folder!r})
"""


def lost_scheduler(rows: int, after: float) -> tuple[bytes, float, float]:
    """A scheduler with two workers is killed, with them; another cluster goes on. Bits, share of
    the cells that were kept, seconds."""
    python, here = sys.executable, str(Path(__file__).parent)
    paths = [here, str(SOURCE), str(SOURCE.parent / "tests")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "scheduler.json")
        kept = Path(folder, "passes")
        command = [python, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
        quiet: dict[str, Any] = {"env": environment, "stderr": subprocess.DEVNULL}
        scheduler = subprocess.Popen([*command, "--scheduler-file", str(file)], **quiet)
        work = [python, "-m", "distributed.cli.dask_worker", "--nworkers", "2", "--nthreads", "1"]
        work += ["--no-dashboard", "--death-timeout", "20", "--scheduler-file", str(file)]
        worker = subprocess.Popen(work, **quiet)
        while not file.exists():
            time.sleep(0.1)
        import json

        address = json.loads(file.read_text())["address"]
        code = CHILD.format(paths=paths, address=address, folder=str(kept), rows=rows)
        child = subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE, **quiet)
        assert child.stdout is not None
        child.stdout.readline()
        while not list(kept.glob("*.npz")):
            time.sleep(0.1)
        time.sleep(after)
        scheduler.send_signal(signal.SIGKILL)
        child.kill()
        child.wait()
        worker.terminate()
        worker.wait()
        scheduler.wait()
        held = 0
        for path in kept.glob("*.npz"):
            with np.load(path) as stored:
                held += int(stored["cells"].sum())
        started = time.perf_counter()
        with connected(None, 2) as client, computing_on(client):
            found = bits(estimated(rows, 50_000, str(kept)))
        return found, held / (3 * -(-rows // (1 << 14))), time.perf_counter() - started


def main() -> None:
    options = parser(__doc__, 10).parse_args()
    distributed()
    rows = 100_000 if options.quick else 300_000
    started = time.perf_counter()
    expected = bits(estimated(rows, 50_000))
    alone = time.perf_counter() - started
    table = Table("cluster", COLUMNS, quick=options.quick)

    def add(case: str, *values: object) -> None:
        table.add(dict(zip(COLUMNS, (case, *values, alone), strict=True)))  # type: ignore[arg-type]

    for workers, block in ((1, 50_000), (2, 7000), (3, 16_384), (7, 120_000)):
        found, killed, seconds = run(rows, block, workers, None)
        add("workers", 0, workers, block, killed, str(found == expected), np.nan, seconds)
    rng = np.random.default_rng(0)
    for seed in range(options.seeds):
        moment = float(rng.uniform(0, alone))
        found, killed, seconds = run(rows, 50_000, 2, moment)
        add("worker killed", seed, 2, 50_000, killed, str(found == expected), np.nan, seconds)
    for seed in range(2):
        found, kept, seconds = lost_scheduler(rows, float(rng.uniform(0, alone / 2)))
        add("scheduler killed", seed, 2, 50_000, 1, str(found == expected), kept, seconds)


if __name__ == "__main__":
    main()
