"""The exact step of the paper: from an approximation to a hidden unit to the unit itself.

In the row space of labels of rank k only the multiples of f_j vanish wherever f_j does (BJW
Lemma 33). So a rough idea of where unit j is off is enough: the labels of some rows that are
surely off have one null vector w, then Y w is a multiple of f_j on all rows, its rows above zero
give v_j by a linear system, and U follows by another (BJW Algorithm 4, steps 4 to 8; Algorithm 6).

The paper rounds entries below 1/poly(l) to zero, which wants approximations that good. Here a
quantile is the threshold: a unit is off on half of the samples when there are no biases, so the
lower quartile has a margin that errors of 0.3 radians do not use up. What few rows are wrong all
the same are avoided by taking 2k of them at random, again and again, until the linear system has
one solution. Another unit, off wherever this one is far from on, gives it a second: so rows
nearer to the kink are tried as well.
"""

from __future__ import annotations

import numpy as np

from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.fitting.problem import Problem, choose_rows
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.rank import column_space
from unrelu.samples import Samples

TRIES = 300
"""Random choices of 2k rows. If a share p of the rows is wrong, one in (1 − p)^(−2k) is good: with
k = 20, p = 0.1 it takes 70."""

SHARES = 1 / 4, 3 / 8, 7 / 16
"""Of the rows, taken for off in turn."""

SOLVED = 1e-9
"""Relative size of Y w on its rows from which on the linear system counts as solved: rounding
times a condition number of up to 1e6. Wrong rows leave something of the size of hidden values."""

OWN = 0.85
"""Share of the lower quartile on which a unit must be off to be the one that was meant, and not
another that its rows happen to lead to: unrelated units are off on half of it."""

SAME = 1e-6
"""Distance of unit rows that are the same: each is found to SOLVED, times its conditioning."""


def label_rank(samples: Samples) -> int:
    """Rank of the labels, without output biases: a few rows tell."""
    rows = choose_rows(samples, 8 * (samples.d + samples.m) + 200, np.random.default_rng(0))
    return int(column_space(samples.take(rows).Y, samples.eps).shape[1])


def full_rank_units(samples: Samples, n_units: int | None) -> int:
    """k where the labels have as many units as rank; raises `Unsuitable` otherwise."""
    rank = label_rank(samples)
    k = rank if n_units is None else n_units
    if rank != k:
        raise Unsuitable(
            f"the labels have rank {rank} for {k} units: it needs rank(U) = k, so as many outputs "
            "as units at least, and labels without noise or biases"
        )
    if k > samples.d:
        raise Unsuitable(
            f"{k} units for {samples.d} inputs: it needs rank(V) = k, so as many inputs at least"
        )
    return k


def exact_units(
    samples: Samples,
    heights: Array,
    rows: Index,
    rng: np.random.Generator,
    known: Array | None = None,
) -> tuple[Array, list[int]]:
    """Unit rows V (k, d) from `heights` (l, k), one column to a unit: roughly f_j or v_j·x on the
    given rows, in any unit and lowest where the unit is off. And the columns that led nowhere, or
    to a unit found before or `known`; their rows of V are zero. Cost: O(l d²) and up to `TRIES`
    SVDs of (2k, k) for each."""
    taken = samples.take(rows)
    labels = column_space(taken.Y, samples.eps)
    V = np.zeros((heights.shape[1], samples.d))
    old = np.zeros((0, samples.d)) if known is None else known
    lost = []
    for j, height in enumerate(heights.T):
        unit = _unit(taken.X, labels, np.argsort(height), rng)
        if unit is None or (np.linalg.norm(np.vstack([V, old]) - unit, axis=1) < SAME).any():
            lost.append(j)
        else:
            V[j] = unit
    return V, lost


def component_units(
    samples: Samples, components: Array, rows: Index, rng: np.random.Generator
) -> tuple[Array, list[int]]:
    """The same from `components` (n, k), roughly the f_j on all samples. Which of their values are
    lowest is decided by what is left of other units in them, and such rows have too much in common.
    So it is their linear part that tells where they are off: for any symmetric law of the inputs
    that of f_j is v_j·x, up to scale."""
    X = np.asarray(samples.X, np.float64)
    return exact_units(samples, X[rows] @ np.linalg.lstsq(X, components)[0], rows, rng)


def _unit(X: Array, labels: Array, order: Index, rng: np.random.Generator) -> Array | None:
    """The unit whose hidden values vanish on most of the first rows of the order."""
    k = labels.shape[1]
    for attempt in range(TRIES):
        off = order[: int(SHARES[attempt % len(SHARES)] * len(order))]
        if len(off) < 2 * k:
            continue
        some = rng.choice(off, 2 * k, replace=False)
        values, right = np.linalg.svd(labels[some])[1:]
        if values[-1] > SOLVED * values[0] or (k > 1 and values[-2] <= SOLVED * values[0]):
            continue
        hidden = labels @ right[-1]
        v = _direction(X, hidden)
        if v is not None and (X[order[: len(X) // 4]] @ v <= 0).mean() >= OWN:
            return v
    return None


def _direction(X: Array, hidden: Array) -> Array | None:
    """v with hidden = f(X v) up to scale and rounding, if there is one."""
    hidden = hidden * np.sign(hidden[np.abs(hidden).argmax()])
    near = SOLVED * hidden.max()
    on = hidden > near
    if hidden.min() < -near or on.sum() < X.shape[1]:
        return None
    v, _, rank, _ = np.linalg.lstsq(X[on], hidden[on])
    off = np.abs(np.maximum(X @ v, 0.0) - hidden).max()
    if rank < X.shape[1] or off > 1e3 * near or not v.any():
        return None
    return np.asarray(v / np.linalg.norm(v))


def finished(
    samples: Samples, V: Array, rows: Index, *, bias: bool, stats: dict[str, float | int | str]
) -> Candidate:
    """The network of units found exactly, refined to the last digit; with `bias`, among those
    with biases."""
    problem = Problem(samples, rows, bias)
    net = problem.refined(problem.network(V, np.zeros(len(V))))
    return Candidate(net, problem.rows, {"rows": len(problem.rows), **stats})


def used_rows(samples: Samples, k: int, rng: np.random.Generator) -> Index:
    """Rows for the exact step: enough that every unit is on at twice d of them, with a quarter of
    them off by a wide margin at 2k or more."""
    return choose_rows(samples, 8 * (samples.d + k) + 200, rng)


def as_network(samples: Samples, V: Array) -> Network:
    """With output weights by least squares."""
    rows = choose_rows(samples, 8 * (samples.d + len(V)) + 200, np.random.default_rng(0))
    return Problem(samples, rows, bias=False).network(V, np.zeros(len(V)))
