"""Claim: an extraction that is killed at any moment resumes to the same result and repeats no
query.

A process extracts a network, keeping a journal, from an oracle that writes down every query it has
answered: values of a network of 20 inputs and 20 units, values of 10 inputs and 3 units rounded to
three decimals, or the signs of such. It gets SIGKILL at a random moment, again and again, and
is started with the same command each time. A query whose answer was under way when the kill came
was not answered; one that was answered is in the journal, unless the kill fell between the
oracle's return and the end of the write, which `in_flight` counts: at most one batch a kill.

Columns: answers; seed; kills; queries of an extraction without kills; asked, in all processes
together; twice: queries asked again although their answer was in the journal; in_flight;
same_network: bit for bit.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _table import SOURCE, Table, parser
from numpy.typing import NDArray
from support.planting import plant

import unrelu

Array = NDArray[np.float64]

BATCH = 8

KINDS = {
    "values": (20, 20, "Y"),
    "rounded": (10, 3, "np.round(Y, 3)"),
    "labels": (10, 3, "(Y[:, 0] > 0).astype(float)"),
}
"""Inputs, units, and what the oracle makes of the values Y."""

CHILD = """
import os, sys, time
sys.path.insert(0, {source!r})
import numpy as np, unrelu
from unrelu.extraction.journal import key_of
net = unrelu.load({net!r})
log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def oracle(X):
    time.sleep(0.002)                       # so that the kills fall into the asking
    Y = net(X)
    Y = {encoded}
    os.write(log, "".join(key_of(row) + "\\n" for row in X).encode())
    return Y
print("ready", flush=True)
result = unrelu.extract(oracle, {d}, journal={journal!r}, batch={batch}, rng={seed}, throw=False)
unrelu.save(result.network, {out!r})
"""


def journalled(path: Path) -> set[str]:
    """Hashes of the queries whose answers are whole."""
    if not path.exists():
        return set()
    lines = path.read_text(encoding="utf-8").split("\n")[1:-1]
    return {line.split('"')[1] for line in lines}


def run(answers: str, seed: int, kills: int, folder: Path) -> dict[str, int | str]:
    d, k, encoded = KINDS[answers]
    truth = plant(d, k, 1, 1, seed=seed, bias=0.5).truth
    net, log, journal, out = (folder / name for name in ("net.npz", "log", "j", "out.npz"))
    unrelu.save(truth, net)

    def oracle(X: Array) -> Array:
        return np.asarray(eval(encoded, {"np": np, "Y": truth(X)}))

    whole = unrelu.extract(oracle, d, batch=BATCH, rng=seed, throw=False)
    often = max(0.1, 0.002 / BATCH * int(whole.stats["queries"]) / kills)
    files = {"net": str(net), "log": str(log), "journal": str(journal), "out": str(out)}
    code = CHILD.format(source=str(SOURCE), d=d, batch=BATCH, seed=seed, encoded=encoded, **files)
    rng = np.random.default_rng(seed)
    done, twice, kept, place = 0, 0, set[str](), 0
    while True:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        if done < kills:
            time.sleep(rng.uniform(0.0, often))
            process.send_signal(signal.SIGKILL)
        killed = process.wait() == -signal.SIGKILL
        process.stdout.close()
        asked = log.read_text(encoding="utf-8").split() if log.exists() else []
        twice += sum(key in kept for key in asked[place:])
        place, kept = len(asked), journalled(journal)
        if not killed:
            break
        done += 1
    assert whole.network is not None
    found = unrelu.load(out)
    same = all(
        np.array_equal(getattr(found, name), getattr(whole.network, name)) for name in "VUbc"
    )
    return {
        "answers": answers,
        "seed": seed,
        "kills": done,
        "queries": int(whole.stats["queries"]),
        "asked": len(asked),
        "twice": twice,
        "in_flight": len(asked) - len(set(asked)) - twice,
        "same_network": str(same),
    }


def main() -> None:
    options = parser(__doc__, seeds=3).parse_args()
    columns = ["answers", "seed", "kills", "queries", "asked", "twice", "in_flight", "same_network"]
    table = Table("extraction_kills", columns, quick=options.quick)
    for answers in KINDS:
        for seed in range(1 if options.quick else options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                table.add(run(answers, seed, 3 if options.quick else 20, Path(folder)))


if __name__ == "__main__":
    main()
