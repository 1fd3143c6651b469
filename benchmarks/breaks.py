"""Claim: 95% intervals of breakpoints hold them in 93 to 97 of 100 draws, also of few samples, and
the number of breaks is right about as often as by BIC with as few false alarms.

coverage    x equally spaced on [0, 10], y = 1 + x/2 + change · max(x − at, 0) and noise 0.5; the
            network of one unit and a linear part by least squares, its errors by `assess`.
            held: draws whose 95% interval holds the breakpoint, in per cent; slopes: the same of
            the change of slope, t-based; rms_z: root mean square of (estimate − truth) / stderr;
            length: median length of the interval.
number      x the same, a plateau at 4, a slope of −1 from 3.5 to 6.5, a plateau at 1, noise 0.7:
            `recover(skip=True, alpha=0.05)`. right: draws with two breaks; estimated: of these,
            with the status `estimated`; more: draws with more than two.
            bic: two breaks by BIC over all places of up to two breaks; bic_false: its false alarms
            on straight lines, in per cent (`field` has ours: 3 to 5); bic_5: two breaks by BIC
            where the same search rejects a straight line at the level of 5%.

--seeds: draws of a number; ten times (coverage: thirty times) as many elsewhere.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from numpy.typing import NDArray

import unrelu
from unrelu.fitting.fittings import LeastSquares
from unrelu.fitting.selection import Effort
from unrelu.fitting.sweeps import swept
from unrelu.samples import Samples

Array = NDArray[np.float64]
SETTINGS = ((30, 4.3, 1.0), (50, 4.3, 1.0), (200, 4.3, 1.0), (41, 4.0, 1.0), (30, 4.3, 0.5))
SIZES = (21, 30, 50, 100)
COVERAGE = ("n", "at", "change", "draws", "held", "slopes", "rms_z", "length", "median_s")
NUMBER = ("n", "draws", "right", "estimated", "more", "bic", "bic_false", "bic_5", "median_s")


def line(x: Array, y: Array) -> unrelu.Network:
    """Least squares of one break."""
    start = unrelu.Network([[1.0]], [[1.0]], [-5.0], [0.0], W=[[0.0]])
    samples = Samples.of(x[:, None], y)
    fitting = LeastSquares(start, samples, bias=True, skip=True, effort=Effort())
    return swept(fitting.fit(start), fitting)


def coverage(n: int, at: float, change: float, draws: int) -> dict[str, float]:
    rng = np.random.default_rng(n)
    x = np.linspace(0, 10, n)
    mean = 1 + 0.5 * x + change * np.maximum(x - at, 0)
    held, slopes, z, lengths, seconds = 0, 0, [], [], []
    for _ in range(draws):
        y = mean + 0.5 * rng.standard_normal(n)
        net, before = line(x, y), time.process_time()
        found = unrelu.assess(net, x[:, None], y, biased=True, skip=True)
        (one,) = found.breakpoints()
        seconds.append(time.process_time() - before)
        held += one.low <= at <= one.high
        low, high = found.intervals()
        slopes += low.U[0, 0] <= change <= high.U[0, 0]
        z.append((one.position - at) / one.stderr)
        lengths.append(one.high - one.low)
    return {
        "n": n,
        "at": at,
        "change": change,
        "draws": draws,
        "held": 100 * held / draws,
        "slopes": 100 * slopes / draws,
        "rms_z": float(np.sqrt(np.mean(np.square(z)))),
        "length": float(np.median(lengths)),
        "median_s": float(np.median(seconds)),
    }


def drops(x: Array, Y: Array) -> tuple[Array, Array]:
    """(3, draws): n log RSS of the best fits of 0, 1 and 2 breaks to draws (n, draws)."""
    places = np.unique(np.concatenate([x[1:-1], np.linspace(0, 10, 81)[1:-1]]))
    places = places[(places >= x[1]) & (places <= x[-2])]
    base = np.linalg.qr(np.column_stack([np.ones_like(x), x]))[0]
    columns = np.maximum(x[:, None] - places, 0.0)
    columns -= base @ (base.T @ columns)
    columns /= np.linalg.norm(columns, axis=0)
    first, second = np.triu_indices(len(places), 1)
    apart = places[second] - places[first] >= x[1] - x[0]
    first, second = first[apart], second[apart]
    cosine = np.einsum("ij,ij->j", columns[:, first], columns[:, second])
    left = Y - base @ (base.T @ Y)
    total, along = (left**2).sum(axis=0), columns.T @ left
    two = np.array(
        [
            (
                (a[first] ** 2 + a[second] ** 2 - 2 * cosine * a[first] * a[second])
                / (1 - cosine**2)
            ).max()
            for a in along.T
        ]
    )
    squares = np.stack([total, total - (along**2).max(axis=0), total - two])
    criterion = len(x) * np.log(squares) + np.log(len(x)) * np.array([[0], [2], [4]])
    return len(x) * np.log(total / (total - two)), criterion.argmin(axis=0)


def number(n: int, draws: int) -> dict[str, float]:
    x = np.linspace(0, 10, n)
    mean = np.interp(x, [0, 3.5, 6.5, 10], [4, 4, 1, 1])
    right = estimated = more = 0
    labels, seconds = [], []
    for seed in range(draws):
        y = mean + 0.7 * np.random.default_rng(seed).standard_normal(n)
        before = time.process_time()
        found = unrelu.recover(x[:, None], y, skip=True, alpha=0.05, rng=0, throw=False)
        seconds.append(time.process_time() - before)
        assert found.network is not None
        right += found.network.n_units == 2
        estimated += found.network.n_units == 2 and found.status == "estimated"
        more += found.network.n_units > 2
        labels.append(y)
    straight, chosen = drops(x, np.random.default_rng(0).standard_normal((n, 10 * draws)))
    ratio, by_bic = drops(x, np.array(labels).T)
    plain = ratio > np.quantile(straight, 0.95)
    return {
        "n": n,
        "draws": draws,
        "right": right,
        "estimated": estimated,
        "more": more,
        "bic": int((by_bic == 2).sum()),
        "bic_false": 100 * float((chosen > 0).mean()),
        "bic_5": int(((by_bic == 2) & plain).sum()),
        "median_s": float(np.median(seconds)),
    }


def main() -> None:
    given = parser(__doc__, seeds=30).parse_args()
    table = Table("breaks-number", NUMBER, quick=given.quick)
    for n in SIZES[: 1 if given.quick else None]:
        table.add(number(n, 3 if given.quick else given.seeds))
    table = Table("breaks-coverage", COVERAGE, quick=given.quick)
    for n, at, change in SETTINGS[: 1 if given.quick else None]:
        table.add(coverage(n, at, change, 20 if given.quick else 30 * given.seeds))


if __name__ == "__main__":
    main()
