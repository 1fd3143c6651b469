"""Claim: each published recipe recovers what it is made for; the default does with fewer samples.

Every `method=` of `recover` on the same small planted problems, inside the recipe's assumptions and
outside: the samples are doubled until nine seeds of ten are recovered (exactly; with noise, every
direction to 0.1 rad, and estimates that the certificate does not call failed; integers: proved), or
there are none left; of integers, which are for the complete searches, 200 at most. The page
`docs/recipes` is made from the result.

Columns: problem, method; inside, whether the problem meets the recipe's assumptions (`INSIDE`);
samples, the number that was enough, or the largest tried; recovered, of so many seeds there; error,
the median of the largest error of a hidden row (unit rows, in radians), over the seeds that ended
with the right number of units; seconds, in the median; false_exact, seeds that were called exact
and are not, with any number of samples; verdict, the status where it was enough, else the
words of the first seed that was not recovered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _table import Table, Value, parser
from numpy.typing import NDArray
from support.planting import Law, gaussian, plant, uniform

import unrelu
from unrelu.activations import Activation, ReLU, resolve
from unrelu.search.methods import METHODS, names

Array = NDArray[np.float64]

GRID = (25, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12800)
MORE = 25600
"""Tried as well, inside of a recipe's assumptions."""

QUICK = (400, 1600)
FEW = (25, 50, 100, 200)
"""For exact problems: complete searches are for a few dozen samples."""

NEAR, EXACT = 0.1, 1e-9
"""Radians, for noisy labels and for exact ones."""

GAUSSIAN_INPUTS = ("tensor", "tensor-2", "tensor-power", "tensor-2-power", "projection-signs")
THIRD_ORDER = ("tensor-3", "tensor-3-power")
FOURTH_ORDER = ("tensor-4", "tensor-4-power")
ANY = ("auto", "hyperplanes")
MEASURED = names()
FULL_RANK = (*ANY, "row-space", "facets")


@dataclass(frozen=True, eq=False)
class Problem:
    """d = 5 inputs; `name`: in tables; `make`: X, Y and the truth, for n samples and a seed;
    `inside`: the methods whose assumptions it meets."""

    name: str
    make: Callable[[int, int], tuple[Array, Array, unrelu.Network]]
    inside: tuple[str, ...]
    noise: str = "none"
    bias: bool = False
    activation: str | Activation = "relu"
    exact: bool = False


def planted(
    k: int,
    m: int,
    *,
    law: Law = gaussian,
    orthonormal: bool = False,
    opposite: bool = False,
    kappa: float | None = None,
    bias: float = 0.0,
    noise: Callable[[np.random.Generator, Array], Array] | None = None,
    activation: str | Activation = "relu",
) -> Callable[[int, int], tuple[Array, Array, unrelu.Network]]:
    """Gaussian weights and, unless stated otherwise, inputs; `kappa`: condition number of U."""

    def make(n: int, seed: int) -> tuple[Array, Array, unrelu.Network]:
        rng = np.random.default_rng(1000 + seed)
        V = np.linalg.qr(rng.standard_normal((5, k)))[0].T if orthonormal else None
        truth = plant(5, k, m, 2, seed=seed, bias=bias, V=V).truth
        U = np.array(truth.U)
        if opposite:
            U[:, 1] = -U[:, 0]
        if kappa is not None:
            left, _, right = np.linalg.svd(U, full_matrices=False)
            U = left * np.geomspace(1.0, 1.0 / kappa, k) @ right
        truth = unrelu.Network(truth.V, U, truth.b, truth.c, activation)
        X = law(rng, n, 5)
        Y = np.asarray(truth(X))
        return X, Y if noise is None else noise(rng, Y), truth

    return make


def integers(k: int, m: int) -> Callable[[int, int], tuple[Array, Array, unrelu.Network]]:
    """d = 3 inputs; weights from −3 to 3, inputs to 9, and no two units alike."""

    def make(n: int, seed: int) -> tuple[Array, Array, unrelu.Network]:
        rng = np.random.default_rng(2000 + seed)
        V = U = np.zeros((k, k))
        while np.linalg.matrix_rank(V) < k:
            V = rng.integers(-3, 4, (k, 3)).astype(np.float64)
        while np.linalg.matrix_rank(U) < min(k, m) or not U.any(axis=0).all():
            U = rng.integers(-3, 4, (m, k)).astype(np.float64)
        X = rng.integers(-9, 10, (n, 3)).astype(np.float64)
        truth = unrelu.Network(V, U)
        return X, np.asarray(truth(X)), truth

    return make


def skewed(rng: np.random.Generator, n: int, d: int) -> Array:
    """Exponential, less its mean."""
    return rng.exponential(1.0, (n, d)) - 1


def normal_noise(rng: np.random.Generator, Y: Array) -> Array:
    return np.asarray(Y + 0.2 * Y.std() * rng.standard_normal(Y.shape))


def cauchy_noise(rng: np.random.Generator, Y: Array) -> Array:
    return np.asarray(Y + 0.1 * Y.std() * rng.standard_cauchy(Y.shape))


def gross_errors(rng: np.random.Generator, Y: Array) -> Array:
    """Any values in a tenth of the entries."""
    wrong = rng.random(Y.shape) < 0.1
    return np.where(wrong, 10 * Y.std() * rng.standard_normal(Y.shape), Y)


MOMENTS = (*GAUSSIAN_INPUTS, *FOURTH_ORDER)

PROBLEMS = (
    Problem(
        "3 units, 3 outputs, orthonormal hidden weights",
        planted(3, 3, orthonormal=True, kappa=4.0),
        (*FULL_RANK, "ica", *MOMENTS, "symmetric", "one-sparse", "halfspace"),
    ),
    Problem(
        "3 units, 3 outputs",
        planted(3, 3, kappa=4.0),
        (*FULL_RANK, *MOMENTS, "symmetric", "one-sparse", "halfspace"),
    ),
    Problem(
        "3 units, 3 outputs, uniform inputs",
        planted(3, 3, kappa=4.0, law=uniform),
        (*FULL_RANK, "symmetric", "one-sparse"),
    ),
    Problem(
        "3 units, 3 outputs, exponential inputs",
        planted(3, 3, kappa=4.0, law=skewed),
        (*FULL_RANK, "one-sparse"),
    ),
    Problem(
        "3 units, 3 outputs, biases of 0.3",
        planted(3, 3, kappa=4.0, bias=0.3),
        (*FULL_RANK, "one-sparse"),
        bias=True,
    ),
    Problem(
        "3 units, 2 outputs",
        planted(3, 2),
        (*ANY, *MOMENTS, "one-sparse"),
    ),
    Problem(
        "3 units, 2 outputs, columns u and −u",
        planted(3, 2, opposite=True),
        (*ANY, *FOURTH_ORDER, "one-sparse"),
    ),
    Problem(
        "2 units, 2 outputs, normal noise",
        planted(2, 2, kappa=2.0, noise=normal_noise),
        ("auto", *MOMENTS, "symmetric", "halfspace"),
        noise="gaussian",
    ),
    Problem(
        "2 units, 2 outputs, Cauchy noise",
        planted(2, 2, kappa=2.0, noise=cauchy_noise),
        ("auto", "halfspace"),
        noise="independent",
    ),
    Problem(
        "3 units, 12 outputs, a tenth of the labels wrong",
        planted(3, 12, noise=gross_errors),
        ("auto", "sparse-noise"),
        noise="sparse",
    ),
    *(
        Problem(
            f"3 units, 3 outputs, activation {label}",
            planted(3, 3, kappa=4.0, activation=name),
            ("auto", "row-space", *moments),
            activation=name,
        )
        for label, name, moments in (
            ("z²", "power(2)", (*GAUSSIAN_INPUTS, *THIRD_ORDER)),
            ("√z", "power(0.5)", (*MOMENTS, *THIRD_ORDER)),
            ("z³", "power(3)", (*MOMENTS, *THIRD_ORDER)),
            ("e^z − 1", "expm1", (*MOMENTS, *THIRD_ORDER)),
        )
    ),
    Problem(
        "3 units, 3 outputs, z², orthonormal hidden weights",
        planted(3, 3, orthonormal=True, kappa=4.0, activation="power(2)"),
        ("auto", "row-space", "ica", *GAUSSIAN_INPUTS, *THIRD_ORDER),
        activation="power(2)",
    ),
    Problem(
        "2 units, 1 output, z², normal noise",
        planted(2, 1, noise=normal_noise, activation="power(2)"),
        ("auto", "tensor", "tensor-power", "projection-signs", *THIRD_ORDER),
        noise="gaussian",
        activation="power(2)",
    ),
    Problem(
        "2 units, 2 outputs, 3 inputs, integers",
        integers(2, 2),
        (*FULL_RANK, "enumeration"),
        exact=True,
    ),
    Problem(
        "2 units, 1 output, 3 inputs, integers",
        integers(2, 1),
        (*ANY, "mixed-integer"),
        exact=True,
    ),
)


@dataclass(frozen=True)
class Trial:
    """`taken` is false where the method takes no such noise at all."""

    recovered: bool
    false_exact: bool
    error: float
    seconds: float
    verdict: str
    taken: bool = True


def attempt(problem: Problem, method: str, n: int, seed: int) -> Trial:
    X, Y, truth = problem.make(n, seed)
    start = time.perf_counter()
    try:
        result = unrelu.recover(
            X,
            Y,
            truth.n_units,
            bias=problem.bias,
            method=method,
            noise=problem.noise,
            activation=problem.activation,
            exact=problem.exact,
            rng=seed,
            throw=False,
        )
    except unrelu.InputError:
        reason = not_taken(problem, method, Y.shape[1])
        return Trial(False, False, np.inf, 0.0, reason, taken=False)
    seconds = time.perf_counter() - start
    error = np.inf
    if result.network is not None:
        aligned = unrelu.match(result.network, truth)
        if not len(aligned.missing) and not len(aligned.extra):
            error = float(aligned.hidden.max(initial=0.0))
    exact = result.status in ("exact", "proved")
    noisy = problem.noise in ("gaussian", "independent")
    found = result.status == "estimated" and error <= NEAR if noisy else exact and error <= EXACT
    found = found and (result.status == "proved" or not problem.exact)
    verdict = result.status.value
    if method not in ("auto", result.stats["method"]):
        verdict += f", by {result.stats['method']}"
    if not found:
        verdict += f": {shortened(result.explanation)}"
    return Trial(found, exact and error > EXACT, error, seconds, verdict)


def not_taken(problem: Problem, method: str, outputs: int) -> str:
    """Why this is a usage error, before the samples are looked at."""
    if method == "enumeration" and not problem.exact:
        return "only for rational samples, with exact=True"
    if method == "mixed-integer" and outputs > 1:
        return "only for one output"
    activation = resolve(problem.activation)
    recipe = METHODS.get(method)
    other = not isinstance(activation, ReLU)
    if other and (recipe is None or recipe.relu_only):
        why = f": {recipe.relu_only}" if recipe is not None else ""
        return f"not for activation {activation.name!r}{why}"
    return f"not for labels with noise {problem.noise!r}"


def shortened(reason: str) -> str:
    """Why a recipe does not apply, or the first clause."""
    return reason.split(" does not apply: ")[-1].split("; ")[0]


def measure(problem: Problem, method: str, sizes: tuple[int, ...], seeds: int) -> dict[str, Value]:
    """The row of the smallest size that is enough. A size is given up as soon as too many seeds
    have failed; the last is tried with all of them."""
    most_failures = seeds // 10
    false_exact = 0
    for n in sizes:
        trials: list[Trial] = []
        for seed in range(seeds):
            trials.append(attempt(problem, method, n, seed))
            failed = sum(not trial.recovered for trial in trials)
            if not trials[-1].taken or (failed > most_failures and n != sizes[-1]):
                break
        false_exact += sum(trial.false_exact for trial in trials)
        enough = len(trials) == seeds and failed <= most_failures
        if enough or not trials[-1].taken:
            break
    errors = [trial.error for trial in trials if np.isfinite(trial.error)]
    verdicts = [trial.verdict for trial in trials if trial.recovered == enough]
    return {
        "problem": problem.name,
        "method": method,
        "inside": "yes" if method in problem.inside else "no",
        "samples": n,
        "recovered": f"{sum(trial.recovered for trial in trials)} of {len(trials)}",
        "enough": "yes" if enough else "no",
        "error": float(np.median(errors)) if errors else "-",
        "seconds": float(np.median([trial.seconds for trial in trials])),
        "false_exact": false_exact,
        "verdict": verdicts[0],
    }


COLUMNS = (
    "problem",
    "method",
    "inside",
    "samples",
    "recovered",
    "enough",
    "error",
    "seconds",
    "false_exact",
    "verdict",
)


def main() -> None:
    options = parser(__doc__, seeds=10)
    options.add_argument("--problems", type=int, nargs="+", help="only these, from 0")
    options.add_argument("--methods", nargs="+", choices=MEASURED, help="only these")
    given = options.parse_args()
    partial = given.problems or given.methods
    table = Table("recipes", COLUMNS, quick=given.quick or bool(partial))
    seeds = 1 if given.quick else given.seeds
    for number in given.problems or range(len(PROBLEMS)):
        for method in given.methods or MEASURED:
            problem = PROBLEMS[number]
            sizes = FEW if problem.exact else (*GRID, *[MORE] * (method in problem.inside))
            table.add(measure(problem, method, QUICK if given.quick else sizes, seeds))


if __name__ == "__main__":
    main()
