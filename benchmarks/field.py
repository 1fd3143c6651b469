"""Claim: labels from no network, or from one with noise, give no false estimate.

Every family draws samples as they occur in practice, and knows the right number of units, or that
no network is right. A false estimate is the status "estimated" with another number of units, or
with any network where none is right.

none         labels that do not depend on the inputs: counts, Gaussian noise, Student's t₃
neuron       one threshold-linear neuron with Poisson counts, of ten inputs, by samples, baseline
             and mean rate of the modulated part; `told`: the draws in which twice the log
             likelihood ratio of the true unit against none is above 100
functions    labels without noise of functions that are no such network: n = 2,000, d = 20
smooth       such functions with noise of 0.05 to 0.3 of their spread, n = 300 to 3,000, d = 2 to 5
breaks       a plateau at 4, a slope of −1 from 3.5 to 6.5, a plateau at 1, noise 0.7; straight
             lines with the same noise; straight lines with AR(1) noise; with a linear term, at
             alpha = 0.05
demo         the network of the demonstration, n = 5,000, with noise
ganglion     the subunits of examples/ganglion_cells.py

Columns: family; case; draws; right: draws with the right number of units; estimated: draws with
that status; false: false estimates; few, many: draws with fewer and with more units; told;
median_s.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _table import HERE, Table, parser

import unrelu

COLUMNS = (
    "family",
    "case",
    "draws",
    "right",
    "estimated",
    "false",
    "few",
    "many",
    "told",
    "median_s",
)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Samples, the right number of units (None: no network is right), and what is asked."""

    X: np.ndarray
    Y: np.ndarray
    units: int | None
    asked: dict[str, Any] = field(default_factory=dict)
    told: bool = True


Draw = Callable[[int], Drawn]


def none(law: str, n: int, d: int) -> Draw:
    def draw(seed: int) -> Drawn:
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((n, d))
        kind, _, rate = law.partition(" ")
        noise = {
            "counts": lambda: rng.poisson(float(rate or 1), n).astype(float),
            "gaussian": lambda: rng.standard_normal(n),
            "t3": lambda: rng.standard_t(3, n),
        }
        return Drawn(X, noise[kind](), 0)

    return draw


def neuron(n: int, baseline: float, rate: float) -> Draw:
    def draw(seed: int) -> Drawn:
        rng = np.random.default_rng(seed)
        X, v = rng.standard_normal((n, 10)), rng.standard_normal(10)
        drive = np.maximum(X @ v, 0)
        mean = baseline + rate * drive / drive.mean()
        counts = rng.poisson(mean)
        flat = counts.mean()
        seen = counts > 0
        ratio = (counts[seen] * np.log(mean[seen] / flat)).sum() - (mean - flat).sum()
        return Drawn(X, counts.astype(float), 1, {"noise": "poisson"}, told=bool(2 * ratio > 100))

    return draw


def function(name: str) -> Draw:
    def draw(seed: int) -> Drawn:
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((2000, 20))
        return Drawn(X, FUNCTIONS[name](X, rng), None)

    return draw


def smooth(name: str) -> Draw:
    def draw(seed: int) -> Drawn:
        rng = np.random.default_rng(seed)
        d, n = int(rng.integers(2, 6)), int(300 * 10 ** rng.uniform())
        noise, X = rng.choice([0.05, 0.1, 0.2, 0.3]), rng.standard_normal((n, d))
        y = SMOOTH[name](X, rng)
        return Drawn(X, y + noise * y.std() * rng.standard_normal(n), None)

    return draw


def _tree(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_depth=3).fit(X, rng.standard_normal(len(X))).predict(X)


def _boosted(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from sklearn.ensemble import GradientBoostingRegressor

    y = (
        np.sin(2 * X[:, 0]) * X[:, 1]
        + X[:, min(2, X.shape[1] - 1)]
        + 0.3 * rng.standard_normal(len(X))
    )
    return GradientBoostingRegressor(random_state=0).fit(X, y).predict(X)


def _three_layers(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    A, B = rng.standard_normal((8, 20)) / 20**0.5, rng.standard_normal((8, 8)) / 8**0.5
    first = np.maximum(X @ A.T + rng.standard_normal(8) / 2, 0)
    return np.maximum(first @ B.T + rng.standard_normal(8) / 2, 0) @ rng.standard_normal(8)


FUNCTIONS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "product": lambda X, _: X[:, 0] * X[:, 1],
    "sin times, tanh": lambda X, _: np.sin(2 * X[:, 0]) * X[:, 1] + np.tanh(X[:, 2]),
    "tree": _tree,
    "sin": lambda X, _: np.sin(X[:, 0]),
    "square": lambda X, _: X[:, 0] ** 2,
    "norm": lambda X, _: np.linalg.norm(X, axis=1),
    "three layers": _three_layers,
    "tanh network": lambda X, rng: (
        np.tanh(X @ rng.standard_normal((20, 5)) / 20**0.5) @ rng.standard_normal(5)
    ),
    "maximum": lambda X, _: X.max(axis=1),
    "boosted": _boosted,
    "saturating": lambda X, rng: np.tanh(
        np.maximum(X @ rng.standard_normal((20, 3)) / 20**0.5, 0).sum(axis=1)
    ),
}

SMOOTH: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    **{name: FUNCTIONS[name] for name in ("product", "square", "sin", "maximum", "boosted")},
    "tanh network": lambda X, rng: (
        np.tanh(X @ rng.standard_normal((X.shape[1], 3))) @ rng.standard_normal(3)
    ),
    "norm": FUNCTIONS["norm"],
}


def breaks(n: int, kind: str) -> Draw:
    def draw(seed: int) -> Drawn:
        rng = np.random.default_rng(seed)
        x = np.linspace(0, 10, n)
        noise = 0.7 * rng.standard_normal(n)
        if kind == "AR(1)":
            for i in range(1, n):
                noise[i] += 0.7 * noise[i - 1]
        y = 4 - np.clip(x - 3.5, 0, 3) if kind == "two breaks" else 1 + x
        asked = {"skip": True, "alpha": 0.05}
        return Drawn(x[:, None], y + noise, 2 if kind == "two breaks" else 0, asked)

    return draw


def demo(noise: float) -> Draw:
    def draw(seed: int) -> Drawn:
        from unrelu.commands.digits import train

        truth = train(32, np.random.default_rng(0)).truth
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((5000, truth.n_inputs))
        Y = truth(X)
        Y += noise * rng.standard_normal(Y.shape)
        return Drawn(X, Y, truth.canonical().n_units, {"noise": "gaussian"})

    return draw


def ganglion(seed: int) -> Drawn:
    sys.path.insert(0, str(HERE.parent / "examples"))
    from ganglion_cells import record

    made = record(9, 20_000, np.random.default_rng(seed))
    return Drawn(made.frames, made.counts.astype(float), 9, {"noise": "poisson"})


def cases(quick: bool) -> Iterator[tuple[str, str, Draw, float]]:
    """Family, case, draw, and the share of the draws asked for that it gets: some are slow."""
    for law, n, d in (
        ("counts 0.1", 5000, 20),
        ("counts 1", 2000, 10),
        ("gaussian", 2000, 10),
        ("t3", 2000, 10),
    ):
        yield "none", f"{law}, n={n}, d={d}", none(law, n, d), 1.0
    for n in (500, 2000, 10_000, 50_000):
        for baseline in (0.0, 0.3):
            for rate in (0.05, 0.5, 5.0):
                case = f"n={n}, baseline {baseline:g}, rate {rate:g}"
                share = 1.0 if n <= 2000 else 0.2 if n <= 10_000 else 0.1
                yield "neuron", case, neuron(n, baseline, rate), share
    for name in FUNCTIONS:
        yield "functions", name, function(name), 0.2
    for name in SMOOTH:
        yield "smooth", name, smooth(name), 0.2
    for n in (21, 30, 50, 100):
        yield "breaks", f"two, n={n}", breaks(n, "two breaks"), 1.0
        yield "breaks", f"none, n={n}", breaks(n, "none"), 5.0
    yield "breaks", "none, AR(1), n=200", breaks(200, "AR(1)"), 1.0
    if not quick:
        for noise in (0.03, 0.1, 0.3):
            yield "demo", f"noise {noise:g}", demo(noise), 0.2
        yield "ganglion", "nine subunits", ganglion, 0.2


def row(family: str, case: str, draw: Draw, draws: int) -> dict[str, str | int | float]:
    right, estimated, false, few, many, told = 0, 0, 0, 0, 0, 0
    seconds = []
    for seed in range(draws):
        drawn = draw(seed)
        start = time.perf_counter()
        result = unrelu.recover(drawn.X, drawn.Y, rng=seed, throw=False, **drawn.asked)
        seconds.append(time.perf_counter() - start)
        assert result.network is not None
        found, sure = result.network.n_units, result.status == "estimated"
        off = drawn.units is None or found != drawn.units
        right += not off
        estimated += sure
        false += sure and off
        told += drawn.told
        few += drawn.units is not None and found < drawn.units
        many += drawn.units is not None and found > drawn.units
        if sure and off:
            print(f"  {family}, {case}, seed {seed}: {found} units, {result.code}")
    return {
        "family": family,
        "case": f"{case:<36}",
        "draws": draws,
        "right": right,
        "estimated": estimated,
        "false": false,
        "few": few,
        "many": many,
        "told": told,
        "median_s": float(np.median(seconds)),
    }


def main() -> None:
    arguments = parser(__doc__, seeds=100)
    arguments.add_argument("--family", help="only these, comma-separated")
    arguments.add_argument("--name", default="field", help="of the tables in results/")
    given = arguments.parse_args()
    warnings.simplefilter("ignore")
    Path(HERE / "results").mkdir(exist_ok=True)
    wanted = given.family.split(",") if given.family else None
    tables: dict[str, Table] = {}
    for family, case, draw, share in cases(given.quick):
        if wanted is None or family in wanted:
            name = f"{given.name}-{family}"
            table = tables.setdefault(family, Table(name, COLUMNS, quick=given.quick))
            table.add(
                row(family, case, draw, 2 if given.quick else max(1, int(share * given.seeds)))
            )


if __name__ == "__main__":
    main()
