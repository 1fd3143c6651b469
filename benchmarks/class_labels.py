"""Claim: from class labels that were drawn, the network is found about as well as the likelihood
allows, with the right number of units and intervals that hold.

Planted: 10 inputs, 3 units of unit rows, hidden biases of standard deviation 0.5, output weights of
size 2.8 to 5.2, logits centred; Gaussian inputs; a class drawn in each sample. The number of units
is not given, alpha is 1%.

Columns: samples; classes; runs; estimated, undetermined, failed: runs of that status; units: runs
of the estimated ones with the right number of units; more, fewer: with more, or fewer; angle:
median, over estimated runs with the right number of units, of the mean angle in radians between
hidden weights and those of the truth; coverage of 95% intervals of hidden weights, hidden biases
and output weights in these runs; rms_z: root mean square of the errors of hidden weights in
standard errors; most seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from _table import Table, parser
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from support.drawn_labels import drawn_samples, planted_logits

import unrelu
from unrelu import Network
from unrelu.evidence.class_labels import with_first

Array = NDArray[np.float64]

INPUTS, UNITS = 10, 3
COLUMNS = (
    *("samples", "classes", "runs", "estimated", "undetermined", "failed", "units", "more"),
    *("fewer", "angle", "coverage_v", "coverage_b", "coverage_u", "rms_z", "max_s"),
)


@dataclass(frozen=True)
class Measured:
    """Of one run with the right number of units."""

    angle: float
    covered: tuple[float, float, float]
    squared_z: float


def measured(result: unrelu.Recovery, truth: Network) -> Measured:
    found, uncertainty = result.network, result.uncertainty
    assert found is not None
    assert uncertainty is not None
    cosines = found.V @ truth.V.T
    units, partners = linear_sum_assignment(-cosines)
    low, high = uncertainty.intervals(0.95)
    rows = slice(0 if found.n_outputs == 1 else 1, None)  # the first of three classes has none
    within = [
        (low.V[units] <= truth.V[partners]) & (truth.V[partners] <= high.V[units]),
        (low.b[units] <= truth.b[partners]) & (truth.b[partners] <= high.b[units]),
        ((low.U[:, units] <= truth.U[:, partners]) & (truth.U[:, partners] <= high.U[:, units]))[
            rows
        ],
    ]
    z = (found.V[units] - truth.V[partners]) / uncertainty.stderr.V[units]
    angle = float(np.arccos(np.clip(cosines[units, partners], -1, 1)).mean())
    v, b, u = (float(part.mean()) for part in within)
    return Measured(angle, (v, b, u), float((z**2).mean()))


def row(n: int, classes: int, seeds: int) -> dict[str, str | int | float]:
    status: dict[str, int] = {"estimated": 0, "undetermined": 0, "failed": 0}
    widths, runs, longest = [0, 0, 0], list[Measured](), 0.0
    for seed in range(seeds):
        truth = planted_logits(seed, d=INPUTS, k=UNITS, classes=classes)
        X, labels = drawn_samples(truth, n, seed)
        started = time.perf_counter()
        result = unrelu.recover(X, labels, answers="labels", rng=seed, throw=False)
        longest = max(longest, time.perf_counter() - started)
        status[result.status.value] += 1
        if result.status != "estimated" or result.network is None:
            continue
        widths[int(np.sign(result.network.n_units - UNITS))] += 1
        if result.network.n_units == UNITS:
            runs.append(measured(result, with_first(truth)))
    v, b, u = np.mean([run.covered for run in runs], axis=0).round(3).tolist()
    return {
        "samples": n,
        "classes": classes,
        "runs": seeds,
        **status,
        "units": widths[0],
        "more": widths[1],
        "fewer": widths[-1],
        "angle": round(float(np.median([run.angle for run in runs])), 3),
        "coverage_v": v,
        "coverage_b": b,
        "coverage_u": u,
        "rms_z": round(float(np.sqrt(np.mean([run.squared_z for run in runs]))), 2),
        "max_s": round(longest, 1),
    }


def main() -> None:
    options = parser(__doc__, 10).parse_args()
    table = Table("class_labels", COLUMNS, quick=options.quick)
    if options.quick:
        table.add(row(1000, 2, 2))
        return
    for n, classes, seeds in (
        (2000, 2, options.seeds),
        (10_000, 2, options.seeds),
        (4000, 3, options.seeds),
        (50_000, 2, max(1, options.seeds // 3)),
    ):
        table.add(row(n, classes, seeds))


if __name__ == "__main__":
    main()
