"""Trials: a planted problem, recovered and compared with the truth, many times over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import _table  # noqa: F401  (puts src and tests on the path)
import numpy as np
from support.planting import Planted

import unrelu

ROW_ERROR = 1e-12
"""What a hidden weight row may be off by to count as recovered."""

FRESH_ERROR = 1e-9
"""Labels of fresh inputs that differ by more, as a share of their size, come from another
network: a hundred times what the certificate lets pass as rounding, at these sizes."""

COLUMNS = (
    "trials",
    "success",
    "exact",
    "false_exact",
    "determined",
    "max_row_error",
    "median_s",
    "max_s",
    "failed_seeds",
)
"""Of `summary`, in words:

success          status exact and every hidden row within 1e-12 of the truth
exact            status exact
false_exact      status exact, but other labels than the truth on fresh inputs
determined       the truth itself passes the certificate on these samples: the most possible
max_row_error    largest error of a hidden row (unit rows, after matching) among the exact
failed_seeds     seeds determined, but without success
"""


@dataclass(frozen=True)
class Trial:
    """What came out of one problem.

    determined : success, or the truth at least passes the certificate on the same samples.
    row_error : largest error of a hidden row; infinite with a unit missing or too many.
    fresh_error : largest label difference on inputs never seen, as a share of the labels' rms.
    """

    seed: int
    status: str
    method: str
    units: int
    found: int
    determined: bool
    row_error: float
    fresh_error: float
    seconds: float

    @property
    def exact(self) -> bool:
        return self.status == "exact"

    @property
    def success(self) -> bool:
        return self.exact and self.row_error < ROW_ERROR

    @property
    def false_exact(self) -> bool:
        return self.exact and self.fresh_error > FRESH_ERROR


def attempt(
    problem: Planted,
    n: int,
    *,
    seed: int,
    bias: bool = True,
    method: str = "auto",
    noise: str = "auto",
    skip: bool = False,
) -> Trial:
    """Recover from the first n samples, compare on the others (there must be some)."""
    start = time.perf_counter()
    result = unrelu.recover(
        problem.X[:n],
        problem.Y[:n],
        bias=bias,
        method=method,
        noise=noise,
        skip=skip,
        rng=seed,
        throw=False,
    )
    seconds = time.perf_counter() - start
    fresh, labels = problem.X[n : n + 1000], problem.Y[n : n + 1000]
    assert len(fresh), "no samples left to compare on"
    row_error, fresh_error, found = float("inf"), float("inf"), 0
    if result.network is not None:
        aligned = unrelu.match(result.network, problem.truth)
        found = int((aligned.hidden < 1e-6).sum())
        if not len(aligned.missing) and not len(aligned.extra):
            row_error = float(aligned.hidden.max(initial=0.0))
        difference = np.abs(result.network(fresh) - labels).max()
        fresh_error = float(difference / np.sqrt((labels**2).mean()))
    trial = Trial(
        seed,
        result.status.value,
        str(result.stats["method"]),
        problem.truth.n_units,
        found,
        True,
        row_error,
        fresh_error,
        seconds,
    )
    if trial.success:
        return trial
    best = unrelu.verify(problem.truth, problem.X[:n], problem.Y[:n])
    return replace(trial, determined=best.status == "exact")


def summary(trials: Sequence[Trial]) -> dict[str, str | int | float]:
    """The row of `COLUMNS`."""
    seconds = [trial.seconds for trial in trials]
    failed = [trial.seed for trial in trials if trial.determined and not trial.success]
    return {
        "trials": len(trials),
        "success": sum(trial.success for trial in trials),
        "exact": sum(trial.exact for trial in trials),
        "false_exact": sum(trial.false_exact for trial in trials),
        "determined": sum(trial.determined for trial in trials),
        "max_row_error": max((trial.row_error for trial in trials if trial.exact), default=0.0),
        "median_s": float(np.median(seconds)),
        "max_s": max(seconds),
        "failed_seeds": " ".join(map(str, failed)) or "-",
    }
