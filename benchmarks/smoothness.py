"""Claim: where subunits are smooth, a smoothness prior whose length the evidence chooses finds them
from recordings that are too short without it, and where they are rough it takes itself back.

Simulated cells on 10 x 10 pixels of white noise, four subunits, a spike per frame, the number told.
smooth: Gaussian fields of radius 1, as in `subunits.py`. rough: fields of independent pixels.

Columns: cell; seed; prior; status and code; units; smallest, median: of the correlations of each
true field with the found one that is nearest to it; covered: the share of true pixels in 95%
intervals, where there are any; length, in pixels, and the logarithm of its evidence beside none;
cpu_s: CPU seconds.

    python benchmarks/smoothness.py [--quick]
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from _table import Table, parser
from scipy.optimize import linear_sum_assignment
from subunits import cell, correlations

import unrelu

COLUMNS = (
    "cell",
    "seed",
    "prior",
    "status",
    "code",
    "units",
    "smallest",
    "median",
    "covered",
    "length",
    "evidence",
    "cpu_s",
)
SIDE, UNITS = 10, 4
CELLS = {
    "5000x100, smooth": (5000, False),
    "5000x100, rough": (5000, True),
    "2000x100, smooth": (2000, False),
}


def rough(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, unrelu.Network]:
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((UNITS, SIDE**2))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    X = rng.standard_normal((n, SIDE**2))
    size = 1 / np.maximum(X @ V.T, 0).sum(axis=1).mean()
    truth = unrelu.Network(V, np.full((1, UNITS), size))
    return X, rng.poisson(truth(X)[:, 0]).astype(float), truth


def covered(result: unrelu.Recovery, truth: unrelu.Network) -> float:
    if result.uncertainty is None or result.network is None:
        return float("nan")
    if result.network.n_units != truth.n_units:
        return float("nan")
    order = linear_sum_assignment(-(truth.V @ result.network.V.T))[1]
    low, high = result.uncertainty.intervals()
    return float(((low.V[order] <= truth.V) & (high.V[order] >= truth.V)).mean())


def main() -> None:
    given = parser(__doc__, seeds=2).parse_args()
    warnings.simplefilter("ignore")
    table = Table("smoothness", COLUMNS, quick=given.quick)
    for name, (n, is_rough) in list(CELLS.items())[: 1 if given.quick else None]:
        for seed in range(1 if given.quick else given.seeds):
            about = {"n": n, "side": SIDE, "k": UNITS, "rate": 1.0, "radius": 1.5}
            X, y, truth = rough(seed, n) if is_rough else cell(seed, **about)  # type: ignore[arg-type]
            for prior in (None, unrelu.Smooth((SIDE, SIDE))):
                start = time.process_time()
                result = unrelu.recover(
                    X, y, UNITS, noise="poisson", prior=prior, rng=0, throw=False
                )
                spent = time.process_time() - start
                assert result.network is not None
                near, found = correlations(result.network.V, truth), result.smoothness
                table.add(
                    {
                        "cell": name,
                        "seed": seed,
                        "prior": "none" if prior is None else "Smooth",
                        "status": result.status.value,
                        "code": result.code,
                        "units": result.network.n_units,
                        "smallest": float(near.min()),
                        "median": float(np.median(near)),
                        "covered": covered(result, truth),
                        "length": "-" if found is None else f"{max(found.lengths):.3g}",
                        "evidence": float("nan") if found is None else found.evidence,
                        "cpu_s": spent,
                    }
                )


if __name__ == "__main__":
    main()
