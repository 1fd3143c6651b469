"""Claim: with Gaussian noise, recovery is as precise as any estimator can be, and knows it.

Planted: Gaussian weights and inputs; with biases, hidden ones of standard deviation 0.5 and output
ones of 1. Each output has Gaussian noise of `noise` times its size about its mean. The number of
units is given, nothing else. Errors are those of all of V, root mean square over its rows (unit
rows, after matching), in units of the Cramér–Rao bound at the truth. Next to it the same least
squares started at the truth, which no method from no knowledge can hope to beat.

Columns: problem d, k, m; n; biases; noise; seeds; bound: median over the seeds of the bound of
the root mean square error of a row, in rad; ratio: median over the seeds of error / bound, and
told_ratio the same for the fit started at the truth; mean_square: mean of the squares of the
ratios, told_square the same, both without seeds lost or vague; covered: share of all weights of
V, U, b and c within their 95% intervals (no weight, where the number of units is wrong);
seen: seeds in which the fit started at the truth keeps every row within 0.3 rad; same: of those,
seeds in which recovery ends in the same minimum or in a better one: a sum of squares larger by
less than a twentieth of a noise variance to each unknown; lost: the other seeds, of all; median_s
and max_s: seconds of recover().

Problems with 50 inputs take a tenth of the seeds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from _noisy import Noisy, bound, covered, from_truth, gaussian, row_errors
from _table import Table, parser
from numpy.typing import NDArray
from support.planting import plant

import unrelu

PROBLEMS = (
    # d, k, m, n, noise
    (20, 5, 5, 2000, (1e-3, 1e-2, 0.1, 0.3, 1.0, 2.0)),
    (20, 5, 2, 5000, (1e-2, 0.1, 0.3, 1.0)),
    (50, 10, 20, 5000, (0.1, 1.0)),
)
COLUMNS = (
    "problem",
    "n",
    "biases",
    "noise",
    "seeds",
    "bound",
    "ratio",
    "told_ratio",
    "mean_square",
    "told_square",
    "covered",
    "seen",
    "same",
    "lost",
    "median_s",
    "max_s",
)
VAGUE = 0.3
SAME = 0.05


@dataclass(frozen=True)
class Trial:
    seed: int
    bound: float
    error: float
    from_truth: float
    seen: bool
    excess: float
    covered: NDArray[np.bool_]
    seconds: float

    @property
    def same(self) -> bool:
        return self.excess < SAME


def trial(problem: Noisy, seed: int) -> Trial:
    k = problem.truth.n_units
    start = time.perf_counter()
    result = unrelu.recover(
        problem.X,
        problem.Y,
        k,
        activation=problem.truth.activation,
        bias=problem.bias,
        rng=seed,
        throw=False,
    )
    seconds = time.perf_counter() - start
    assert result.network is not None, "noisy labels always have an estimate"
    known = from_truth(problem)
    errors = row_errors(known, problem.truth)
    excess = problem.squares(result.network) - problem.squares(known)
    return Trial(
        seed,
        float(np.sqrt(bound(problem).mean())),
        float(np.sqrt((row_errors(result.network, problem.truth) ** 2).mean())),
        float(np.sqrt((errors**2).mean())),
        bool(errors.max() < VAGUE),
        excess / problem.unknowns,
        covered(result, problem.truth, bias=problem.bias),
        seconds,
    )


def main() -> None:
    options = parser(__doc__, seeds=50)
    options.add_argument("--rows", type=int, nargs="+", help="only these problems, from 0")
    given = options.parse_args()
    name = "noise_limit" + "".join(f"-{row}" for row in given.rows or ())
    table = Table(name, COLUMNS, quick=given.quick)
    for row, (d, k, m, n, noises) in enumerate(PROBLEMS):
        if row not in (given.rows or ([0] if given.quick else range(len(PROBLEMS)))):
            continue
        seeds = min(given.seeds, 2) if given.quick else max(2, given.seeds // (10 if d > 20 else 1))
        for bias in (False, True):
            for noise in noises[2:5:2] if given.quick else noises:
                trials = []
                for seed in range(seeds):
                    planted = plant(d, k, m, n, seed=seed, bias=0.5 * bias)
                    trials.append(trial(gaussian(planted, noise, bias=bias, seed=seed), seed))
                table.add(
                    {
                        "problem": f"{d},{k},{m}",
                        "n": n,
                        "biases": "yes" if bias else "no",
                        "noise": noise,
                        "seeds": seeds,
                        **summary(trials),
                    }
                )
    draw(table)


def summary(trials: list[Trial]) -> dict[str, str | int | float]:
    seen = [t for t in trials if t.seen]
    both = [t for t in seen if t.same]
    seconds = [t.seconds for t in trials]
    return {
        "bound": float(np.median([t.bound for t in trials])),
        "ratio": float(np.median([t.error / t.bound for t in trials])),
        "told_ratio": float(np.median([t.from_truth / t.bound for t in trials])),
        "mean_square": float(np.mean([(t.error / t.bound) ** 2 for t in both] or [np.nan])),
        "told_square": float(np.mean([(t.from_truth / t.bound) ** 2 for t in both] or [np.nan])),
        "covered": float(np.concatenate([t.covered for t in trials]).mean()),
        "seen": len(seen),
        "same": len(both),
        "lost": " ".join(f"{t.seed}({t.excess:.2g})" for t in trials if not t.same) or "-",
        "median_s": float(np.median(seconds)),
        "max_s": max(seconds),
    }


def draw(table: Table) -> None:
    from matplotlib.axes import Axes

    def paint(axes: Axes) -> None:
        kinds = list(dict.fromkeys((row["problem"], row["biases"]) for row in table.rows))
        for number, kind in enumerate(kinds):
            rows = [row for row in table.rows if (row["problem"], row["biases"]) == kind]
            noise = [float(row["noise"]) for row in rows]
            label = f"{kind[0]}{', biases' if kind[1] == 'yes' else ''}"
            colour = f"C{number}"
            axes.plot(noise, [float(row["ratio"]) for row in rows], "o-", color=colour, label=label)
            axes.plot(noise, [float(row["told_ratio"]) for row in rows], ":", color=colour)
        axes.axhline(1.05, color="k", lw=0.8)
        axes.set_xscale("log")
        axes.set_ylim(0.8, 1.4)
        axes.set_xlabel("noise / signal (rms)")
        axes.set_ylabel("error of V / Cramér–Rao bound")
        axes.set_title("from no knowledge (points), started at the truth (dotted)", fontsize=10)
        axes.legend(fontsize=8)

    table.draw(paint)


if __name__ == "__main__":
    main()
