"""Claim: a published benchmark of 784 inputs, 128 units and one output is extracted whole; a
trained float32 classifier of 500 units as far as its rounding allows.

Weights that others made, read from the folder given as the argument (see its README):
`unitary_784_128_1.npz`, float64, and `mnist_784_500_10.state_dict`, float32 (read with torch).

Columns: model; status; units of the truth, found on lines, and found in the end (hyperplane and
output weights within `tolerance`); row_error, median over all of the truth's units of the error of
the hidden row next to it; output_error, largest difference on 10,000 fresh Gaussian
queries over the root mean square of the answers; queries; seconds; peak memory in GB.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
from _processes import measured
from _table import Table, parser

import unrelu
from unrelu import Network

TOLERANCE = {"unitary": 1e-9, "mnist": 1e-2}
FRESH = 10_000


def unitary(folder: Path) -> Network:
    with np.load(folder / "unitary_784_128_1.npz") as arrays:
        return Network(arrays["V"], arrays["U"], arrays["b"], arrays["c"])


def mnist(folder: Path) -> Network:
    import torch

    state = torch.load(
        folder / "mnist_784_500_10.state_dict", weights_only=True, map_location="cpu"
    )
    V, b, U, c = (
        state[f"{layer}.{kind}"].numpy() for layer in ("fc1", "fc2") for kind in ("weight", "bias")
    )
    return Network(V, U, b, c)


def run(name: str, folder: str, budget: int, seed: int) -> dict[str, str | int | float]:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    truth = {"unitary": unitary, "mnist": mnist}[name](Path(folder))
    single = name == "mnist"
    V, U, b, c = (
        value.astype(np.float32 if single else np.float64)
        for value in (truth.V, truth.U, truth.b, truth.c)
    )

    def ask(X: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(X.astype(V.dtype) @ V.T + b, 0) @ U.T + c)

    start = time.perf_counter()
    result = unrelu.extract(ask, truth.n_inputs, budget=budget, rng=seed, throw=False)
    seconds = time.perf_counter() - start
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
        "status": result.status.value,
        "units": truth.canonical().n_units,
        "on_lines": int(result.stats["units_found_by_lines"]),
        "found": int((aligned.per_unit < TOLERANCE[name]).sum()),
        "tolerance": TOLERANCE[name],
        "row_error": float(np.median(aligned.hidden)),
        "output_error": error,
        "queries": int(result.stats["queries"]),
        "seconds": seconds,
    }


def main() -> None:
    options = parser(__doc__, seeds=1)
    options.add_argument("folder", help="where the weights are")
    options.add_argument("--model", choices=sorted(TOLERANCE), help="only this one")
    options.add_argument("--budget", type=int, default=1_000_000, help="queries (1,000,000)")
    given = options.parse_args()
    columns = ["model", "status", "units", "on_lines", "found", "tolerance", "row_error"]
    columns += ["output_error", "queries", "seconds", "peak_gb"]
    for name in [given.model] if given.model else sorted(TOLERANCE, reverse=True):
        table = Table(f"extraction_{name}", columns, quick=given.quick)
        budget = min(given.budget, 20_000) if given.quick else given.budget
        outcome = measured(run, name, given.folder, budget, 0)
        table.add({**outcome.value, "peak_gb": outcome.peak / 1e3})


if __name__ == "__main__":
    main()
