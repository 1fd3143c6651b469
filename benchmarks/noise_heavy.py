"""Claim: noise of any kind that does not depend on the inputs leaves the network recoverable.

Planted: Gaussian weights and inputs, hidden biases of standard deviation 0.5, d = 20, k = m = 5,
n = 50,000; the number of units is not given. The noise is as large as each output about its mean:

cauchy      the scale of the distribution; it has no mean
student 2   t with two degrees of freedom: no variance
outliers    Gaussian of 0.3, and 1% of the entries off by 100
trend       no random numbers: sines and a drift along the rows, mixed into the outputs
correlated  Gaussian, correlation 0.9 between the outputs

Columns: kind; noise: the argument of recover(), "auto" and the one that names it; found: the kind
that it says it found; seed; units found; max_row_error, median_row_error: hidden rows (unit rows,
after matching; inf with a unit missing); told_max, told_median: the same for the estimate of that
kind started at the truth (maximum likelihood under Student's t; least squares for Gaussian
noise, in the metric of its covariance); covered: share of the weights in their 95% intervals;
seconds.
"""

from __future__ import annotations

import time

import _noisy
import numpy as np
from _noisy import Law, Noisy, covered, from_truth, row_errors, signal
from _table import Table, parser
from support.planting import plant

import unrelu
from unrelu.fitting.weighted import reweighted
from unrelu.noise.independent import StudentT
from unrelu.samples import Samples

KINDS: dict[str, tuple[str, Law]] = {
    "cauchy": ("independent", _noisy.cauchy),
    "student 2": ("independent", _noisy.student2),
    "outliers": ("independent", _noisy.outliers),
    "trend": ("independent", _noisy.trend),
    "correlated": ("gaussian", _noisy.correlated),
}
SIZE = (20, 5, 5, 50_000)
COLUMNS = (
    "kind",
    "noise",
    "found",
    "seed",
    "units",
    "max_row_error",
    "median_row_error",
    "told_max",
    "told_median",
    "covered",
    "seconds",
)


def main() -> None:
    options = parser(__doc__, seeds=3)
    options.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    given = options.parse_args()
    table = Table("noise_heavy", COLUMNS, quick=given.quick)
    for kind in given.kinds:
        for seed in range(1 if given.quick else given.seeds):
            compare(table, kind, seed, 5_000 if given.quick else SIZE[3])


def compare(table: Table, kind: str, seed: int, n: int) -> None:
    named, law = KINDS[kind]
    planted = plant(*SIZE[:3], n, seed=seed, bias=0.5)
    noise = law(np.random.default_rng([seed, 1]), planted.Y.shape)
    X, Y, truth = planted.X, planted.Y + signal(planted.Y) * noise, planted.truth
    known = at_best(X, Y, truth, named)
    for argument in ("auto", named):
        start = time.perf_counter()
        result = unrelu.recover(X, Y, noise=argument, rng=seed, throw=False)
        seconds = time.perf_counter() - start
        errors = row_errors(result.network, truth)
        table.add(
            {
                "kind": kind,
                "noise": argument,
                "found": result.noise.kind if result.noise else result.status.value,
                "seed": seed,
                "units": result.network.n_units if result.network else 0,
                "max_row_error": float(errors.max()),
                "median_row_error": float(np.median(errors)),
                "told_max": float(row_errors(known, truth).max()),
                "told_median": float(np.median(row_errors(known, truth))),
                "covered": float(covered(result, truth, bias=True).mean()),
                "seconds": seconds,
            }
        )


def at_best(X: _noisy.Array, Y: _noisy.Array, truth: unrelu.Network, kind: str) -> unrelu.Network:
    """The estimate for the kind of noise, started at the truth."""
    if kind == "independent":
        return reweighted(truth, Samples.of(X, Y), StudentT.of, True)
    # Least squares in a metric is plain least squares in the outputs times its root.
    root = np.linalg.cholesky(np.linalg.inv(np.cov(Y - truth(X), rowvar=False)))
    apart = unrelu.Network(truth.V, root.T @ truth.U, truth.b, root.T @ truth.c)
    return from_truth(Noisy(X, Y @ root, apart, np.ones(len(root)), True))


if __name__ == "__main__":
    main()
