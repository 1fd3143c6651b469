"""Claim: facets find every unit without random starts: k = 7, d = 10, n = 200 in under 1 s, and
k = 5, n = 2000 in under 5 s, without biases (they add a dimension to the hull).

Gaussian weights and inputs, m = k. First the two sizes of the claim; then n at 1.2, 2 and 4 times
2 (d + k), the least that half-active units need. The number of facets of the label cone is what
time goes into, and where n is small, units that are no facet: those are looked for on larger faces.

Columns: size d, k, n; bias (standard deviation of the hidden ones; 0 is without any);
facets        median number
on_facets     share of the units found on them; faces: median number looked at beyond
success       exact, and every hidden row within 1e-12 of the truth; auto_success: method "auto"
determined    the truth itself passes the certificate: the most possible
false_exact   exact, but other labels than the truth on fresh inputs
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from _trials import FRESH_ERROR, ROW_ERROR, attempt
from support.planting import plant

import unrelu

CLAIMED = ((10, 7, 200), (10, 5, 2000))
SIZES = ((5, 3), (10, 5), (10, 7))
TIMES = (1.2, 2.0, 4.0)
COLUMNS = (
    "size",
    "bias",
    "trials",
    "facets",
    "on_facets",
    "faces",
    "success",
    "auto_success",
    "determined",
    "false_exact",
    "median_s",
    "max_s",
)


def row(d: int, k: int, n: int, bias: float, seeds: int) -> dict[str, str | int | float]:
    facets, faces, shares, seconds = [], [], [], []
    counts = dict.fromkeys(("success", "auto_success", "determined", "false_exact"), 0)
    for seed in range(seeds):
        problem = plant(d, k, k, n + 1000, seed=seed, bias=bias)
        X, Y = problem.X[:n], problem.Y[:n]
        start = time.perf_counter()
        result = unrelu.recover(X, Y, bias=bias > 0, method="facets", rng=seed, throw=False)
        seconds.append(time.perf_counter() - start)
        facets.append(int(result.stats["rays"]))
        faces.append(int(result.stats["faces"]))
        shares.append(min(k, int(result.stats["units_on_rays"])) / k)
        best = attempt(problem, n, seed=seed, bias=bias > 0)
        counts["auto_success"] += best.success
        assert result.network is not None
        success = False
        if result.status == "exact":
            aligned = unrelu.match(result.network, problem.truth)
            whole = not len(aligned.missing) and not len(aligned.extra)
            success = whole and float(aligned.hidden.max()) < ROW_ERROR
            off = np.abs(result.network(problem.X[n:]) - problem.Y[n:]).max()
            counts["false_exact"] += bool(off > FRESH_ERROR * np.sqrt((Y**2).mean()))
        counts["success"] += success
        passes = unrelu.verify(problem.truth, X, Y).status == "exact"
        counts["determined"] += success or best.success or passes
    return {
        "size": f"{d},{k},{n}",
        "bias": bias,
        "trials": seeds,
        "facets": int(np.median(facets)),
        "on_facets": float(np.mean(shares)),
        "faces": int(np.median(faces)),
        **counts,
        "median_s": float(np.median(seconds)),
        "max_s": max(seconds),
    }


def main() -> None:
    given = parser(__doc__, seeds=10).parse_args()
    seeds = min(given.seeds, 2) if given.quick else given.seeds
    row(5, 3, 64, 0.0, 1)  # what is imported late is imported now
    table = Table("facets", COLUMNS, quick=given.quick)
    for d, k, n in CLAIMED:
        for bias in (0.0, 0.5):
            table.add(row(d, k, n, bias, seeds))
    for d, k in SIZES[: 1 if given.quick else None]:
        for times in TIMES:
            for bias in (0.0, 0.5):
                table.add(row(d, k, round(times * 2 * (d + k)), bias, seeds))


if __name__ == "__main__":
    main()
