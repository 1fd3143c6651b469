"""Claim: networks of a hundred thousand weights and more are extracted whole with little more
queries than they have weights to each output, in minutes and 2 GB.

`unitary`: a published benchmark of 784 inputs, 128 units and one output, float64; weights that
others made, from the folder given as the argument (see its README): `unitary_784_128_1.npz`.
`planted`: Gaussian weights, 784 inputs, 500 units, 10 outputs.
`wide`, `widest`: Gaussian weights without biases, as in the feed-forward blocks of transformers,
128-512-128 and 512-2048-512.

Columns: model; seed; status; units of the truth, found on lines, and found in the end (hyperplane
and output weights within `tolerance`); error, the largest of any unit (hyperplane, or output
weights as a share of the largest); row_error, the median of hidden rows; output_error, largest
difference on 10,000 fresh Gaussian queries over the root mean square of the answers; queries;
of_bound, these over the weights that are to be found, k (d + m) / m; seconds; cpu_seconds; peak
memory in GB.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
from _processes import measured
from _table import Table, parser
from support.planting import plant

import unrelu
from unrelu import Network

TOLERANCE = {"unitary": 1e-9, "planted": 1e-9, "wide": 1e-9, "widest": 1e-9}
WITHOUT_BIASES = {"wide": 128, "widest": 512}
FRESH = 10_000


def unitary(folder: Path) -> Network:
    with np.load(folder / "unitary_784_128_1.npz") as arrays:
        return Network(arrays["V"], arrays["U"], arrays["b"], arrays["c"])


def planted(name: str, seed: int) -> Network:
    if name in WITHOUT_BIASES:
        d = WITHOUT_BIASES[name]
        return plant(d, 4 * d, d, 1, seed=seed).truth
    return plant(784, 500, 10, 1, seed=seed, bias=0.5).truth


def run(name: str, folder: str, budget: int, seed: int) -> dict[str, str | int | float]:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    where = Path(folder)
    truth = unitary(where) if name == "unitary" else planted(name, seed)
    start, used = time.perf_counter(), time.process_time()
    bias = name not in WITHOUT_BIASES
    result = unrelu.extract(truth, truth.n_inputs, bias=bias, budget=budget, rng=seed, throw=False)
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    logging.info("%s", result)
    net = result.network
    assert net is not None, "there is always a best network"
    X = np.random.default_rng(99).standard_normal((FRESH, truth.n_inputs))
    Y = truth(X)
    error = float(np.abs(net(X) - Y).max() / np.sqrt((Y**2).mean()))
    aligned = unrelu.match(net, truth)
    logging.info("%s", aligned)
    return {
        "model": name,
        "seed": seed,
        "status": result.status.value,
        "units": truth.canonical().n_units,
        "on_lines": int(result.stats["units_found_by_lines"]),
        "found": int((aligned.per_unit < TOLERANCE[name]).sum()),
        "tolerance": TOLERANCE[name],
        "error": aligned.max_error,
        "row_error": float(np.median(aligned.hidden)),
        "output_error": error,
        "queries": int(result.stats["queries"]),
        "of_bound": int(result.stats["queries"])
        * truth.n_outputs
        / (truth.n_units * (truth.n_inputs + truth.n_outputs)),
        "seconds": seconds,
        "cpu_seconds": cpu,
    }


def main() -> None:
    options = parser(__doc__, seeds=1)
    options.add_argument("folder", help="where the weights are")
    options.add_argument("--model", choices=sorted(TOLERANCE), help="only this one")
    options.add_argument("--budget", type=int, default=1_000_000, help="queries (1,000,000)")
    given = options.parse_args()
    columns = ["model", "seed", "status", "units", "on_lines", "found", "tolerance", "error"]
    columns += ["row_error", "output_error", "queries", "of_bound", "seconds", "cpu_seconds"]
    columns += ["peak_gb"]
    for name in [given.model] if given.model else sorted(TOLERANCE, reverse=True):
        table = Table(f"extraction_{name}", columns, quick=given.quick)
        budget = min(given.budget, 20_000) if given.quick else given.budget
        for seed in range(given.seeds):
            outcome = measured(run, name, given.folder, budget, seed)
            table.add({**outcome.value, "peak_gb": outcome.peak / 1e3})


if __name__ == "__main__":
    main()
