"""Subunits of simulated cells: unrelu beside what the field uses, on the same cells in one run.

Gaussian white noise on a square of pixels; counts are Poisson's, of a mean that is the sum of
rectified subunits with Gaussian fields.

unrelu       `recover`, the number of subunits not told, and told
clustering   soft clustering of the spike-triggered ensemble (Shah et al., eLife 2020), as in
             `unrelu.fitting.ensemble`: where the fits of unrelu start; the number told
stnmf        spike-triggered non-negative matrix factorisation (Zapp, Nitsche and Gollisch 2022;
             `pip install stnmf`), its default of 20 modules and its own choice of localised ones;
             and with as many modules as there are subunits. It asks for NumPy up to 2.1.1, and
             its start then for SciPy up to 1.15: an environment of its own, with `pip install stnmf
             "scipy<1.16"` beside unrelu. Rows are left out without

Columns: cell; seed; method; status; units; smallest, median: of the correlations of each true field
with the found one that is nearest to it; covered: the share of true pixels in 95% intervals, where
there are any and the number is right; seconds; svd_s: of a 2,000 x 2,000 SVD in the same run.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from _table import Table, parser

import unrelu

COLUMNS = (
    "cell",
    "seed",
    "method",
    "status",
    "units",
    "smallest",
    "median",
    "covered",
    "seconds",
    "svd_s",
)

CELLS = {
    "5000x16, 1 spike": {"n": 5000, "side": 4, "k": 3, "rate": 1.0, "radius": 0.8},
    "10000x25, 1 spike": {"n": 10_000, "side": 5, "k": 4, "rate": 1.0, "radius": 0.9},
    "10000x25, 0.1 spikes": {"n": 10_000, "side": 5, "k": 3, "rate": 0.1, "radius": 0.9},
}

Found = tuple[np.ndarray, str, float]
"""Fields (r, pixels), the status, and the share covered."""


def cell(
    seed: int, n: int, side: int, k: int, rate: float, radius: float
) -> tuple[np.ndarray, np.ndarray, unrelu.Network]:
    """Frames (n, side²), counts (n,) and the cell."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:side, :side]
    centres: list[np.ndarray] = []
    while len(centres) < k:
        centre = rng.uniform(radius, side - 1 - radius, 2)
        if all(np.hypot(*(centre - other)) > 1.6 * radius for other in centres):
            centres.append(centre)
        elif rng.random() < 0.001:  # no room is left
            centres.clear()
    width = 2 * (radius / 1.5) ** 2
    V = np.array(
        [np.exp(-((across - a) ** 2 + (down - b) ** 2) / width).ravel() for a, b in centres]
    )
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    X = rng.standard_normal((n, side**2))
    size = rate / np.maximum(X @ V.T, 0).sum(axis=1).mean()
    truth = unrelu.Network(V, np.full((1, k), size))
    return X, rng.poisson(truth(X)[:, 0]).astype(float), truth


def by_unrelu(X: np.ndarray, y: np.ndarray, truth: unrelu.Network, told: bool) -> Found:
    n_units = truth.n_units if told else None
    result = unrelu.recover(X, y, n_units, noise="poisson", rng=0, throw=False)
    assert result.network is not None
    covered = float("nan")
    if result.uncertainty is not None and result.network.n_units == truth.n_units:
        right = truth.canonical()
        order = unrelu.match(result.network, right).permutation
        low, high = result.uncertainty.intervals()
        covered = float(((low.V[order] <= right.V) & (high.V[order] >= right.V)).mean())
    return result.network.V, str(result.status.value), covered


def by_clustering(X: np.ndarray, y: np.ndarray, truth: unrelu.Network) -> Found:
    from unrelu.fitting.ensemble import Ensemble
    from unrelu.samples import Samples

    samples, rng = Samples.of(X, y), np.random.default_rng(0)
    net = Ensemble.of(samples, bias=True, rng=rng).network(samples, truth.n_units, rng)
    return net.V, "", float("nan")


def by_stnmf(X: np.ndarray, y: np.ndarray, truth: unrelu.Network, told: bool) -> Found:
    from stnmf import STNMF

    side = int(X.shape[1] ** 0.5)
    frames = np.repeat(X, y.astype(int), axis=0)
    found = STNMF(
        frames.T.reshape(side, side, -1),
        r=truth.n_units if told else 20,
        tqdm_args={"disable": True},
    )
    fields = found.modules if told else found.subunits
    return np.asarray(fields, float).reshape(-1, side**2), "", float("nan")


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, unrelu.Network], Found]] = {
    "unrelu": lambda X, y, truth: by_unrelu(X, y, truth, told=False),
    "unrelu, told": lambda X, y, truth: by_unrelu(X, y, truth, told=True),
    "clustering, told": by_clustering,
    "stnmf": lambda X, y, truth: by_stnmf(X, y, truth, told=False),
    "stnmf, told": lambda X, y, truth: by_stnmf(X, y, truth, told=True),
}


def correlations(fields: np.ndarray, truth: unrelu.Network) -> np.ndarray:
    """Of each true field with the nearest one found."""
    if not len(fields):
        return np.zeros(truth.n_units)
    sizes = np.maximum(np.linalg.norm(fields, axis=1, keepdims=True), 1e-300)
    return np.asarray((fields / sizes @ truth.V.T).max(axis=0))


def svd_seconds() -> float:
    matrix = np.random.default_rng(0).standard_normal((2000, 2000))
    start = time.perf_counter()
    np.linalg.svd(matrix)
    return time.perf_counter() - start


def main() -> None:
    given = parser(__doc__, seeds=2).parse_args()
    warnings.simplefilter("ignore")
    table = Table("subunits", COLUMNS, quick=given.quick)
    reference = float("nan") if given.quick else svd_seconds()
    for name, about in list(CELLS.items())[: 1 if given.quick else None]:
        for seed in range(1 if given.quick else given.seeds):
            X, y, truth = cell(seed, **about)  # type: ignore[arg-type]
            for method, find in METHODS.items():
                start = time.perf_counter()
                if method.startswith("stnmf") and find_spec("stnmf") is None:
                    continue
                fields, status, covered = find(X, y, truth)
                seconds = time.perf_counter() - start
                near = correlations(fields, truth)
                table.add(
                    {
                        "cell": name,
                        "seed": seed,
                        "method": f"{method:<16}",
                        "status": status or "-",
                        "units": len(fields),
                        "smallest": float(near.min()),
                        "median": float(np.median(near)),
                        "covered": covered,
                        "seconds": seconds,
                        "svd_s": reference,
                    }
                )


if __name__ == "__main__":
    main()
