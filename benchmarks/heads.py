"""Claim: rounding, probabilities and other functions of the values are no defence: the network
behind such answers is found exactly, with some forty queries to each weight, or few where the
answers have all their digits.

Planted: Gaussian weights, unit rows of V, hidden biases of standard deviation 0.5; `answers` and
the number of units are not given. "of 100": values scaled to a range of 100 on 10,000 Gaussian
inputs, and rounded to whole numbers. Errors are of all weights, in units of the largest; of a
softmax, those of the network whose outputs sum to zero. "top": of so many classes, only the
probabilities of the likeliest are shown.

Columns: case; runs; recognised: runs in which the head was; exact (status); within: runs in which
every weight is within 1e-12 of the truth; false: exact without being within; max_error: of the
exact runs; median and most queries; budget; most seconds; other: seeds and codes of other runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _table import Table, parser
from numpy.typing import NDArray
from support.heads import decimals, model, planted, shown, shown_truth, top

import unrelu
from unrelu import Network

Array = NDArray[np.float64]

WEIGHTS = 1e-12


@dataclass(frozen=True)
class Case:
    """`size`: of the output weights; `range`: of the values, if they are scaled to one;
    `positive`: their median, if it is to be that; `top`: how many classes are shown, if not all."""

    name: str
    d: int
    k: int
    m: int
    link: str
    rounding: Callable[[Array], Array]
    budget: int
    size: float = 1.0
    range: float | None = None
    positive: float | None = None
    top: int | None = None

    @property
    def head(self) -> str:
        if self.top is not None:
            return "top-k"
        return "rounded" if self.link == "values" else self.link

    def model(self, net: Network) -> Callable[[Array], Array]:
        answers, most = model(net, self.link, self.rounding), self.top
        return answers if most is None else lambda X: top(answers(X), most)

    def truth(self, result: unrelu.Recovery, net: Network) -> Network:
        """What the answers show of the network."""
        return shown(net, self.link) if self.top is None else shown_truth(result, net)

    def network(self, seed: int) -> Network:
        net = planted(seed, self.d, self.k, self.m, self.size)
        if self.positive is not None:
            Y = net(np.random.default_rng(seed).standard_normal((10_000, self.d)))
            return Network(net.V, net.U, net.b, net.c + self.positive - np.median(Y, axis=0))
        if self.range is None:
            return net
        Y = net(np.random.default_rng(seed).standard_normal((10_000, self.d)))
        scale = self.range / float(np.ptp(Y))
        return Network(net.V, scale * net.U, net.b, scale * net.c)


def single(Y: Array) -> Array:
    return Y.astype(np.float32).astype(np.float64)


def levels(Y: Array) -> Array:
    return np.asarray(np.round(255 * Y) / 255)


def cut_off(Y: Array) -> Array:
    return np.asarray(np.trunc(1000 * Y) / 1000)


def all_digits(Y: Array) -> Array:
    return Y


CASES = (
    Case("3 decimals", 20, 5, 1, "values", decimals(3), 20_000),
    Case("whole numbers of 100", 20, 5, 1, "values", decimals(0), 30_000, range=100.0),
    Case("k/255", 20, 5, 1, "values", levels, 20_000),
    Case("cut off at 3 decimals", 20, 5, 1, "values", cut_off, 20_000),
    Case("float32 of float64", 20, 5, 2, "values", single, 20_000),
    Case("3 decimals, 3 outputs", 20, 10, 3, "values", decimals(3), 30_000),
    Case("sigmoid, 4 decimals", 20, 5, 1, "sigmoid", decimals(4), 30_000),
    Case("tanh, 4 decimals", 20, 5, 1, "tanh", decimals(4), 30_000, size=0.5),
    Case("softmax, 4 decimals", 20, 10, 3, "softmax", decimals(4), 30_000),
    Case("log-softmax, 3 decimals", 20, 10, 3, "log-softmax", decimals(3), 30_000),
    Case("rectified, 3 decimals", 20, 5, 1, "rectified", decimals(3), 30_000, positive=0.5),
    Case("clipped, 3 decimals", 20, 5, 1, "clipped", decimals(3), 30_000, positive=0.5, size=0.3),
    Case("rectified", 20, 5, 1, "rectified", all_digits, 10_000, positive=0.5),
    Case("clipped", 20, 5, 1, "clipped", all_digits, 10_000, positive=0.5, size=0.3),
    Case("sigmoid", 20, 5, 1, "sigmoid", all_digits, 10_000),
    Case("tanh", 20, 5, 1, "tanh", all_digits, 10_000, size=0.5),
    Case("softmax", 20, 10, 3, "softmax", all_digits, 10_000),
    Case("log-softmax", 20, 10, 3, "log-softmax", all_digits, 10_000),
    Case("softmax, 10 classes", 20, 10, 10, "softmax", all_digits, 10_000),
    Case("softmax, 10 classes, 4 decimals", 20, 10, 10, "softmax", decimals(4), 60_000),
    Case("top 2 of 4 classes", 20, 10, 4, "softmax", all_digits, 30_000, top=2),
    Case("top 5 of 10 classes", 20, 10, 10, "softmax", all_digits, 30_000, top=5),
)


def main() -> None:
    made = parser(__doc__, seeds=10)
    made.add_argument("--only", default="", help="only cases whose name contains this")
    options = made.parse_args()
    columns = ["case", "runs", "recognised", "exact", "within", "false", "max_error"]
    columns += ["median_queries", "most_queries", "budget", "max_s", "other"]
    table = Table("heads", columns, quick=options.quick)
    for case in CASES[:1] if options.quick else CASES:
        if options.only not in case.name:
            continue
        queries, seconds, errors, other = [], [], [], []
        recognised, within, exact = 0, 0, 0
        seeds = 2 if options.quick else options.seeds
        for seed in range(seeds):
            net = case.network(seed)
            start = time.perf_counter()
            result = unrelu.extract(
                case.model(net),
                case.d,
                budget=case.budget,
                rng=seed,
                throw=False,
            )
            seconds.append(time.perf_counter() - start)
            queries.append(int(result.stats["queries"]))
            recognised += result.stats["answers"] == case.head
            if result.status != "exact":
                other.append(f"{seed} {result.status.value}/{result.code}")
                continue
            assert result.network is not None, "it is exact"
            exact += 1
            errors.append(unrelu.match(result.network, case.truth(result, net)).max_error)
            within += errors[-1] < WEIGHTS
        table.add(
            {
                "case": case.name,
                "runs": seeds,
                "recognised": recognised,
                "exact": exact,
                "within": within,
                "false": exact - within,
                "max_error": max(errors, default=np.inf),
                "median_queries": float(np.median(queries)),
                "most_queries": max(queries),
                "budget": case.budget,
                "max_s": max(seconds),
                "other": "; ".join(other) or "-",
            }
        )


if __name__ == "__main__":
    main()
