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

For activations other than the ReLU the null vector leads to f_j, too, whatever phi is; where f is
not homogeneous, its scale is one more unknown. There the alternation of the row-space search
(`fitting.alternation`) finds the unit, from the sides that a rough direction gives.
"""

from __future__ import annotations

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.alternation import OVERFLOW, LabelSpace, alternate
from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.fitting.problem import Problem, choose_rows
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rank import column_space
from unrelu.samples import Samples

Stats = dict[str, float | int | str]

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

STEPS = 30
"""Of alternation."""

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


def check_moments(activation: Activation) -> None:
    """Raises `Unsuitable` for an activation of which a Gaussian input makes infinite labels: one
    whose square has no mean."""
    if not activation.has_variance:
        raise Unsuitable(
            f"with Gaussian inputs the labels of {activation.name!r} have no variance, and their "
            "moments say nothing"
        )


@OVERFLOW
def exact_network(
    samples: Samples,
    V: Array,
    activation: Activation = RELU,
    *,
    bias: bool,
    stats: Stats,
    rng: np.random.Generator,
    wanted: str,
) -> Candidate:
    """The network that the rows V (k, d), or their opposites, lead to, for labels of rank k; `bias`
    only says what it is judged among. Raises `Unsuitable` where some lead nowhere, with what is
    `wanted`. Cost: O(l d²) and up to `TRIES` SVDs of (2k, k) for each row; for other activations
    that of alternation from 2k starts."""
    rows = used_rows(samples, len(V), rng)
    if activation.piecewise_linear:
        units, lost = _by_support(samples.take(rows), V, rng)
    else:
        units, lost = _by_alternation(samples, rows, V, activation)
    if lost:
        raise Unsuitable(
            f"{lost} of the {len(V)} directions lead to no unit of {activation.name!r}, with "
            f"either sign: {wanted}, labels of rank k without noise, no biases, or more samples"
        )
    return finished(samples, units, rows, activation, bias=bias, stats=stats)


def _by_alternation(
    samples: Samples, rows: Index, V: Array, activation: Activation
) -> tuple[Array, int]:
    """The units near the rows of V, as rows of their own, and how many of V lead nowhere."""
    problem = Problem(samples, rows, bias=False, activation=activation)
    space, k = LabelSpace.of(problem, samples.eps), len(V)
    heights = problem.strict.features @ problem.points(V, np.zeros(k)).T
    nothing = known = space.known
    units: list[Array] = []
    waiting = list(range(k))
    for others in (False, True):  # those left over once more, without what has been found
        parts = space.parts(known if others else nothing)
        for j in list(waiting):
            for side in (heights[:, j] > 0, heights[:, j] < 0):
                unit = alternate(space, parts, side, STEPS)
                longer = None if unit is None else space.extended(known, unit)
                if unit is not None and longer is not None:
                    units, known = [*units, unit], longer
                    parts = space.parts(known) if others else parts
                    waiting.remove(j)
                    break
    found = np.array(units).reshape(-1, problem.strict.features.shape[1])
    return problem.hyperplanes(found)[0], len(waiting)


def _by_support(samples: Samples, V: Array, rng: np.random.Generator) -> tuple[Array, int]:
    """The same for the ReLU, as in the paper."""
    X, labels = samples.X, column_space(samples.Y, samples.eps)
    units: list[Array] = []
    lost = list(V)
    for sign in (1, -1):
        directions, lost = lost, []
        for v in directions:
            check_deadline()
            unit = _unit(X, labels, np.argsort(sign * (X @ v)), rng)
            if unit is None or any(np.linalg.norm(unit - other) < SAME for other in units):
                lost.append(v)
            else:
                units.append(unit)
    return np.array(units).reshape(-1, V.shape[1]), len(lost)


def _unit(X: Array, labels: Array, order: Index, rng: np.random.Generator) -> Array | None:
    """The unit whose hidden values vanish on most of the first rows of the order."""
    k = labels.shape[1]
    for attempt in range(TRIES):
        check_deadline()
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
    samples: Samples,
    V: Array,
    rows: Index,
    activation: Activation = RELU,
    *,
    bias: bool,
    stats: Stats,
) -> Candidate:
    """The network of units found exactly, refined to the last digit; with `bias`, among those
    with biases."""
    problem = Problem(samples, rows, bias, activation=activation)
    net = LabelSpace.of(problem, samples.eps).network(V, np.zeros(len(V)), refine=True)
    return Candidate(net, problem.rows, {"rows": len(problem.rows), **stats})


def used_rows(samples: Samples, k: int, rng: np.random.Generator) -> Index:
    """Rows for the exact step: enough that every unit is on at twice d of them, with a quarter of
    them off by a wide margin at 2k or more."""
    return choose_rows(samples, 8 * (samples.d + k) + 200, rng)
