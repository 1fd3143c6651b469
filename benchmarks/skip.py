"""Claim: a skip connection of any rank is recovered with the units, from a few equations per
unknown; and noisy labels with one are fitted as well as by a descent that starts at the truth.

Unknowns are k (d + m − 1) + m d, with biases k + m more: W counts in full, whatever its rank.
Equations are n m. `recover(..., skip=True)` gets n = ratio × unknowns / m samples of a planted
network (Gaussian weights and inputs, hidden biases of standard deviation 0.5, W of the size of a
few units), not the number of units. Rank 0: there is no skip connection, and none is found.

skip.csv: size d, k, m; biases; rank of W; ratio equations / unknowns; n; then see _trials.COLUMNS.

skip_noise.csv: noise as a share of the spread that units make in each output; n; `told`, whether
recover is told k; found, the fits with every unit within 0.3 rad; worse, those whose sum of squares
is more than one noise variance above that of the descent from the truth; ratio, of the mean squared
errors of all weights of the two, in the median and at worst; score, root mean square of the errors
of W over their standard errors.
"""

from __future__ import annotations

import math
import time

import numpy as np
from _table import Table, parser
from _trials import COLUMNS, attempt, summary
from support.planting import Planted, plant

import unrelu
from unrelu.fitting.problem import Problem
from unrelu.fitting.selection import Effort, settle
from unrelu.samples import Samples

SIZES = ((10, 5, 5), (20, 10, 2), (20, 5, 1))
NOISE = 0.1
RATIOS = (1.5, 2.0, 3.0, 4.0)


def exact(seeds: int, quick: bool) -> None:
    table = Table("skip", ["size", "biases", "rank", "ratio", "n", *COLUMNS], quick=quick)
    for d, k, m in SIZES[:1] if quick else SIZES:
        for bias in (False, True):
            for rank in dict.fromkeys((0, 1, min(d, m))):
                unknowns = k * (d + m - 1) + m * d + bias * (k + m)
                for ratio in (4.0,) if quick or not rank else RATIOS:
                    n = math.ceil(ratio * unknowns / m)
                    trials = [
                        attempt(
                            plant(d, k, m, n + 1000, seed=seed, bias=0.5 * bias, skip=rank),
                            n,
                            seed=seed,
                            bias=bias,
                            noise="none",
                            skip=True,
                        )
                        for seed in range(seeds)
                    ]
                    table.add(
                        {
                            "size": f"{d},{k},{m}",
                            "biases": "yes" if bias else "no",
                            "rank": rank,
                            "ratio": ratio,
                            "n": n,
                            **summary(trials),
                        }
                    )


def noisy(seeds: int, quick: bool) -> None:
    columns = ["size", "noise", "n", "told", "trials", "found", "worse", "ratio", "worst_ratio"]
    table = Table("skip_noise", [*columns, "score", "median_s"], quick=quick)
    for (d, k, m), n in (((10, 3, 2), 3000), ((10, 5, 5), 2000), ((20, 5, 1), 5000)):
        for stated in (True, False):
            rows = [_noisy_trial(d, k, m, n, NOISE, stated, seed) for seed in range(seeds)]
            found, worse, ratio, score, seconds = map(np.array, zip(*rows, strict=True))
            table.add(
                {
                    "size": f"{d},{k},{m}",
                    "noise": NOISE,
                    "n": n,
                    "told": "yes" if stated else "no",
                    "trials": seeds,
                    "found": int(found.sum()),
                    "worse": int(worse.sum()),
                    "ratio": float(np.nanmedian(ratio)),
                    "worst_ratio": float(np.nanmax(ratio)),
                    "score": float(np.sqrt(np.nanmean(score**2))),
                    "median_s": float(np.median(seconds)),
                }
            )
        if quick:
            break


def _noisy_trial(
    d: int, k: int, m: int, n: int, noise: float, stated: bool, seed: int
) -> tuple[bool, bool, float, float, float]:
    problem = plant(d, k, m, n, seed=seed, bias=0.5, skip=min(d, m))
    sizes = noise * (problem.Y - problem.X @ problem.truth.W.T).std(axis=0)
    Y = problem.Y + sizes * np.random.default_rng([seed, 1]).standard_normal(problem.Y.shape)
    start = time.perf_counter()
    result = unrelu.recover(
        problem.X, Y, k if stated else None, noise="gaussian", skip=True, rng=seed, throw=False
    )
    seconds = time.perf_counter() - start
    near, net = _from_the_truth(problem, Y, sizes), result.network
    assert net is not None

    def squares(fitted: unrelu.Network) -> float:
        return float((((Y - fitted(problem.X)) / sizes) ** 2).sum())

    worse = squares(net) > squares(near) + 1
    aligned = unrelu.match(net, problem.truth)
    if len(aligned.missing) or len(aligned.extra) or aligned.hidden.max() > 0.3:
        return False, worse, np.nan, np.nan, seconds

    def errors(fitted: unrelu.Network) -> float:
        off = unrelu.match(fitted, problem.truth)
        parts = off.hidden**2 + off.bias**2 + off.output**2
        return float(parts.sum() + off.skip**2 + off.output_bias**2)

    score = np.nan
    if result.stderr is not None:
        W = problem.truth.canonical().W
        score = float(np.sqrt((((net.W - W) / result.stderr.W) ** 2).mean()))
    return True, worse, errors(net) / errors(near), score, seconds


def _from_the_truth(problem: Planted, Y: np.ndarray, sizes: np.ndarray) -> unrelu.Network:
    samples = Samples.of(problem.X, Y)
    fit_of = Problem(samples, np.arange(samples.n), True, np.diag(1 / sizes), skip=True)
    points = fit_of.points(problem.truth.V, problem.truth.b)
    fit = settle(fit_of, fit_of.strict, points, Effort(), share=1e-3)
    return fit_of.network(*fit_of.hyperplanes(fit.point))


def main() -> None:
    given = parser(__doc__, seeds=20).parse_args()
    seeds = min(given.seeds, 2) if given.quick else given.seeds
    exact(seeds, given.quick)
    noisy(math.ceil(seeds / 2), given.quick)


if __name__ == "__main__":
    main()
