"""Claim: noisy labels are fitted as well whatever law the inputs have, and of any covariance.

Planted: Gaussian weights in coordinates in which the inputs are white, so that every unit matters;
under "one direction nearly unseen", in those of the inputs: no label shows what lies along that
direction. Biases as in `noise_limit`. Noise of `noise` times the size of each output. The yardstick
is the same least squares started at the truth. Directions are compared in white coordinates: those
of the inputs' own are as good as the inputs' spread along them.

Columns: law; problem d, k, m; n; biases; noise; told, whether the number of units is given; seeds;
right: seeds that end with that many units; same: those that end in the same minimum as the fit from
the truth, or in a better one (`noise_limit`; where a direction is nearly unseen, zeros along it may
cost a unit 4 noise variances more); ratio: median over the seeds of the error of all hidden rows,
root mean square, over that of the fit from the truth; covered: share of all weights of V, U, b and
c within their 95% intervals, of the seeds with the right number; status: how many seeds ended how;
median_s: seconds of recover().
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _noisy import Noisy, covered, from_truth, gaussian
from _table import Table, parser
from numpy.typing import NDArray
from support.planting import Planted

import unrelu
from unrelu.numerics.whitening import whiten

Array = NDArray[np.float64]
Law = Callable[[np.random.Generator, int, int], Array]

CASES = (
    # biases, noise, number of units told
    (False, 0.1, True),
    (True, 0.1, False),
    (True, 1.0, True),
)
PROBLEMS = (
    # d, k, m, n, cases
    (20, 5, 5, 2000, CASES),
    (20, 5, 2, 5000, CASES[1:2]),
    (10, 3, 1, 5000, CASES[1:2]),
)
COLUMNS = (
    "law",
    "problem",
    "n",
    "biases",
    "noise",
    "told",
    "seeds",
    "right",
    "same",
    "ratio",
    "covered",
    "status",
    "median_s",
)
SAME = 0.05


def normal(kappa: float) -> Law:
    """N(μ, Σ) with variances from 1 to 1/kappa in directions of their own, |μ| of the size of a
    standard deviation in each."""

    def law(rng: np.random.Generator, n: int, d: int) -> Array:
        turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
        Z = rng.standard_normal((n, d)) + 0.5 * rng.standard_normal(d)
        return np.asarray(Z * np.geomspace(1.0, kappa**-0.5, d) @ turn)

    return law


def nearly_unseen(variance: float) -> Law:
    """N(0, I) but for one direction, of little variance."""

    def law(rng: np.random.Generator, n: int, d: int) -> Array:
        turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
        sizes = np.ones(d)
        sizes[-1] = variance**0.5
        return np.asarray(rng.standard_normal((n, d)) * sizes @ turn)

    return law


def mixture(rng: np.random.Generator, n: int, d: int) -> Array:
    """N(±μ, I), |μ| = 3."""
    centre = rng.standard_normal(d)
    centre *= 3 / np.linalg.norm(centre)
    return np.asarray(rng.standard_normal((n, d)) + rng.choice([-1.0, 1.0], (n, 1)) * centre)


def sphere(rng: np.random.Generator, n: int, d: int) -> Array:
    Z = rng.standard_normal((n, d))
    return np.asarray(Z / np.linalg.norm(Z, axis=1, keepdims=True))


NORMAL: dict[str, Law] = {
    "N(0, I)": lambda rng, n, d: rng.standard_normal((n, d)),
    **{f"N(μ, Σ), κ(Σ) = {kappa:.0e}": normal(kappa) for kappa in (1e2, 1e4, 1e8, 1e12)},
}
UNSEEN: dict[str, Law] = {
    f"one direction nearly unseen, variance {variance:.0e}": nearly_unseen(variance)
    for variance in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-14)
}
SYMMETRIC: dict[str, Law] = {
    "uniform on a cube": lambda rng, n, d: rng.uniform(-1.0, 1.0, (n, d)),
    "corners ±1": lambda rng, n, d: rng.choice([-1.0, 1.0], (n, d)),
    "Laplace": lambda rng, n, d: rng.laplace(size=(n, d)),
    "Student t, 3": lambda rng, n, d: rng.standard_t(3, (n, d)),
    "uniform on a sphere": sphere,
    "mixture N(±μ, I)": mixture,
}
OTHERS: dict[str, Law] = {
    "exponential": lambda rng, n, d: rng.exponential(1.0, (n, d)),
}
LAWS = {**NORMAL, **UNSEEN, **SYMMETRIC, **OTHERS}


def planted(law: str, d: int, k: int, m: int, n: int, *, bias: bool, seed: int) -> Planted:
    rng = np.random.default_rng([seed, 7])
    X = LAWS[law](rng, n, d)
    V = rng.standard_normal((k, d))
    if law not in UNSEEN:
        V = whiten(X).to_rows(V)
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    heights = (X @ V.T).std(axis=0)
    U = rng.standard_normal((m, k))
    sizes = np.linalg.norm(U, axis=0)
    U *= np.maximum(sizes, 0.5 * m**0.5) / sizes / heights  # none that noise hides
    b = 0.5 * heights * rng.standard_normal(k) if bias else np.zeros(k)
    c = rng.standard_normal(m) if bias else np.zeros(m)
    truth = unrelu.Network(V, U, b, c)
    return Planted(X, truth(X), truth)


def white_errors(net: unrelu.Network, truth: unrelu.Network, X: Array) -> Array:
    """(k,): distance of unit rows in white coordinates, after matching in those; infinite where
    numbers of units differ."""
    white = whiten(X - X.mean(axis=0))

    def seen(other: unrelu.Network) -> unrelu.Network:
        return unrelu.Network(white.to_features(other.V), other.U)

    if net.n_units != truth.n_units:
        return np.full(truth.n_units, np.inf)
    return np.asarray(unrelu.match(seen(net), seen(truth)).hidden)


@dataclass(frozen=True)
class Trial:
    right: bool
    excess: float
    error: float
    from_truth: float
    covered: NDArray[np.bool_]
    status: str
    seconds: float


def trial(problem: Noisy, n_units: int | None, seed: int) -> Trial:
    start = time.perf_counter()
    result = unrelu.recover(
        problem.X,
        problem.Y,
        n_units,
        bias=problem.bias,
        noise="gaussian",
        rng=seed,
        throw=False,
    )
    seconds = time.perf_counter() - start
    net = result.network
    assert net is not None, "noisy labels always have an estimate"
    known = from_truth(problem)
    excess = problem.squares(net) - problem.squares(known)
    errors = [white_errors(one, problem.truth, problem.X) for one in (net, known)]
    sizes = [float(np.sqrt((error**2).mean())) for error in errors]
    return Trial(
        net.n_units == problem.truth.n_units,
        excess / problem.unknowns,
        *sizes,
        covered(result, problem.truth, bias=problem.bias),
        result.status.value,
        seconds,
    )


def summary(trials: list[Trial], allowance: float) -> dict[str, str | int | float]:
    right = [t for t in trials if t.right]
    ends = Counter(t.status for t in trials)
    return {
        "seeds": len(trials),
        "right": len(right),
        "same": sum(t.excess < SAME + allowance for t in right),
        "ratio": float(np.median([t.error / t.from_truth for t in trials])),
        "covered": float(np.mean([t.covered.mean() for t in right] or [np.nan])),
        "status": ", ".join(f"{count} {status}" for status, count in ends.most_common()),
        "median_s": float(np.median([t.seconds for t in trials])),
    }


def main() -> None:
    options = parser(__doc__, seeds=10)
    options.add_argument("--laws", nargs="+", help="only those whose names begin so")
    options.add_argument("--problems", type=int, nargs="+", help="only these, from 0")
    given = options.parse_args()
    some = given.laws or given.problems
    table = Table("input_laws", COLUMNS, quick=given.quick or bool(some))
    seeds = 1 if given.quick else given.seeds
    for law in LAWS:
        if given.laws and not law.startswith(tuple(given.laws)):
            continue
        for number in given.problems or (range(1) if given.quick else range(len(PROBLEMS))):
            d, k, m, n, cases = PROBLEMS[number]
            for bias, noise, known in cases[:1] if given.quick else cases:
                trials = []
                for seed in range(seeds):
                    problem = planted(law, d, k, m, n, bias=bias, seed=seed)
                    noisy = gaussian(problem, noise, bias=bias, seed=seed)
                    trials.append(trial(noisy, k if known else None, seed))
                table.add(
                    {
                        "law": law,
                        "problem": f"{d},{k},{m}",
                        "n": n,
                        "biases": "yes" if bias else "no",
                        "noise": noise,
                        "told": "yes" if known else "no",
                        **summary(trials, 4 * k / noisy.unknowns * (law in UNSEEN)),
                    }
                )


if __name__ == "__main__":
    main()
