"""Claim: the estimate of more noisy samples than memory holds is that of all of them.

`ratio`: at 10⁶ rows of (20, 5, 5), the root mean square of the weights' errors over 20 seeds is
1.00 ± 0.04 times the Cramér–Rao bound. `minimum`: at 10⁷ rows, the estimate after its three passes
is within 0.02 standard errors of the minimum of least squares, to which more passes lead.
`attacks`: of 10⁶ rows with something wrong that a part does not show, none is estimated with the
errors of all.

Rows are generated from a seed, block by block, so nothing is stored. Columns: what; seed; rows;
status; codes of the findings; samples that the errors rest on; ratio, root mean square of (weight −
truth) over the bound, or over its standard error in `attacks`; off, largest distance of a weight
from the minimum, in standard errors, and root mean square; cpu_seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from _table import Table, Value, parser
from numpy.typing import NDArray
from support.planting import plant

import unrelu
from unrelu import Network
from unrelu.evidence.evidence import Question
from unrelu.evidence.noisy_labels import fit_to_first_order
from unrelu.fitting.problem import choose_rows
from unrelu.inference import all_samples
from unrelu.samples import Samples

Array = NDArray[np.float64]
BLOCK, SIGMA, D = 100_000, 0.5, 20
TRUTH = plant(D, 5, 5, 1, seed=1, bias=0.5).truth.canonical()
ATTACKS = ("sixth", "product", "repeat", "order", "drift", "uneven", "tails", "rounded", "gross")


@dataclass(frozen=True)
class Generated:
    """Inputs, or labels, of a seed, block by block."""

    seed: int
    rows: int
    labels: bool
    kind: str = "plain"

    def block_rows(self) -> list[int]:
        return [min(BLOCK, self.rows - at) for at in range(0, self.rows, BLOCK)]

    def read_block(self, number: int) -> Array:
        count = self.block_rows()[number]
        at = number % 10 if self.kind == "repeat" else number
        rng = np.random.default_rng([self.seed, at])
        X = rng.standard_normal((count, D))
        if not self.labels:
            return X
        noise = SIGMA * rng.standard_normal((count, 5))
        return labels_of(self.kind, X, noise, number / len(self.block_rows()), rng)


def labels_of(kind: str, X: Array, noise: Array, at: float, rng: np.random.Generator) -> Array:
    mean = TRUTH(X)
    if kind == "sixth":
        mean += 0.02 * np.maximum(X[:, [3]] * 0.6 + X[:, [7]] * 0.8 + 0.3, 0.0)
    elif kind == "product":
        mean[:, 0] += 0.01 * X[:, 0] * X[:, 1]
    elif kind == "order":
        for row in range(1, len(noise)):
            noise[row] = 0.7 * noise[row - 1] + 0.7 * noise[row]
    elif kind == "drift":
        mean *= 1 + 0.05 * (at - 0.5)
    elif kind == "uneven":
        noise *= 0.7 + 0.1 * np.abs(X[:, :1])
    elif kind == "tails":
        noise = SIGMA * rng.standard_t(3, noise.shape) / np.sqrt(3)
    elif kind == "gross":
        noise[:2] += 100.0
    return (mean + noise).round(0) if kind == "rounded" else mean + noise


def recovered(kind: str, seed: int, rows: int, memory: float) -> tuple[unrelu.Recovery, float]:
    X, Y = (Generated(seed, rows, labels, kind) for labels in (False, True))
    used = time.process_time()
    result = unrelu.recover(X, Y, 5, memory=memory, rng=seed, throw=False)
    return result, time.process_time() - used


def aligned(net: Network) -> Array:
    """The order of the units of a network beside the truth's."""
    return np.asarray(np.abs(TRUTH.V @ net.V.T).argmax(axis=1))


def ratio(net: Network, errors: Network) -> float:
    """Of errors to those given, of the weights of all units and c."""
    order = aligned(net)
    parts = [
        (net.V[order] - TRUTH.V) / errors.V[order],
        (net.U[:, order] - TRUTH.U) / errors.U[:, order],
        (net.b[order] - TRUTH.b) / errors.b[order],
        (net.c - TRUTH.c) / errors.c,
    ]
    return float(np.sqrt(np.mean(np.concatenate([part.ravel() for part in parts]) ** 2)))


def bound(rows: int) -> Network:
    """The Cramér–Rao bound: standard errors at the truth, by the information of 200,000 rows."""
    some = Samples.of(Generated(99, 200_000, False), Generated(99, 200_000, True))
    errors = unrelu.assess(TRUTH, some.X, some.Y, biased=True, simulate=False).stderr
    scale = np.sqrt(200_000 / rows)
    return Network(*(scale * getattr(errors, name) for name in "VUbc"))


def off_minimum(result: unrelu.Recovery, seed: int, rows: int) -> tuple[float, float]:
    """By two more passes, from a network that is that of the result."""
    samples = Samples.of(Generated(seed, rows, False), Generated(seed, rows, True))
    net = result.network
    assert net is not None
    assert result.uncertainty is not None
    assert result.noise is not None
    some = samples.take(choose_rows(samples, 50_000, np.random.default_rng(0)))
    linear = fit_to_first_order(Question(net, True), net, some, result.noise, "auto")
    end = net
    for _ in range(2):
        now = all_samples._pass(end, linear, samples)
        end = all_samples._moved(now, linear)
    errors = result.uncertainty.stderr
    parts = (tuple(getattr(each, name) for each in (end, net, errors)) for name in "VUbc")
    every = np.concatenate([((new - old) / error).ravel() for new, old, error in parts])
    return float(np.abs(every).max()), float(np.sqrt((every**2).mean()))


COLUMNS = ["what", "seed", "rows", "status", "codes", "samples", "ratio", "off", "off_rms"]
COLUMNS += ["cpu_seconds"]


def row(what: str, kind: str, seed: int, rows: int, limit: Network | None) -> dict[str, Value]:
    result, seconds = recovered(kind, seed, rows, 4e7 if what == "minimum" else 5e6)
    found, net = result.uncertainty, result.network
    errors = limit or (None if found is None else found.stderr)
    off = off_minimum(result, seed, rows) if what == "minimum" else (np.nan, np.nan)
    values = (
        *(kind, seed, rows, result.status.value),
        " ".join(finding.code for finding in result.findings),
        0 if found is None else found.n_samples,
        np.nan if errors is None or net is None else ratio(net, errors),
        *off,
        seconds,
    )
    return dict(zip(COLUMNS, values, strict=True))


def main() -> None:
    options = parser(__doc__, 20)
    options.add_argument("what", choices=("ratio", "minimum", "attacks"))
    given = options.parse_args()
    rows = 10_000_000 if given.what == "minimum" else 1_000_000
    rows = 200_000 if given.quick else rows
    seeds = range(given.seeds if given.what == "ratio" and not given.quick else 1)
    kinds = ATTACKS if given.what == "attacks" else ("plain",)
    limit = bound(rows) if given.what == "ratio" else None
    table = Table(f"all_samples_{given.what}", COLUMNS, quick=given.quick)
    for kind in kinds:
        for seed in seeds:
            table.add(row(given.what, kind, seed, rows, limit))
    if given.what == "ratio":
        squares = [float(each["ratio"]) ** 2 for each in table.rows]
        print(f"over all seeds: {np.sqrt(np.mean(squares)):.4f}")


if __name__ == "__main__":
    main()
