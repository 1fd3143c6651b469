"""Tensor decomposition: the paper's main algorithm (BJW Theorem 49, Algorithms 5 and 6).

1. A moment tensor of order 2, 3 or 4, decomposed, gives the hidden weights up to sign
   (`moment_tensor`; there are the differences from the paper).
2. Exact labels with rank(U) = k: for each v_j and −v_j, the labels of rows that are surely on the
   off side have a null vector, or not; that tells the sign, and leads to the unit itself
   (Algorithm 6, `exact_step`). U follows by least squares.
   Exact labels with fewer outputs than units, which the paper leaves to another algorithm: the
   signs by regression (`signs`), then Gauss–Newton steps to rounding.
   Noisy labels (Theorem 40 and after): the signs by regression, U by least squares, and V as it is.

Names: `tensor` takes the lowest order that works, 2 for two outputs or more, else 3, or 4 where
h₃ = 0 as for the ReLU; `tensor-2`, `tensor-3`, `tensor-4` that order; with `-power` at the end the
tensor power method (`numerics.tensor_power`) instead of joint diagonalisation.

Assumptions: Gaussian inputs of any mean and full-rank covariance (checked: skewness and kurtosis),
rank(V) = k ≤ d, no biases. Order 2: no two columns of U parallel. The power method: a positive
definite combination of slices, which order 2 has for rank(U) = k.

Where it stops, measured (Gaussian weights, exact of 10 seeds). Order 2: d = 20, k = 5, m = 5: all
from n = 150 on; k = 10: m = 10 all from 500, m = 3 all from 1,000, m = 2: 9 at 5,000 and all of 20
at 20,000. Order 4: d = 10, k = 3, m = 1: 9 at 1,000 and all at 2,000; k = 5, m = 1: 9 at 5,000;
d = 20, k = 10, m = 1: 9 at 20,000; d = 20, k = 5, m = 5: 8 at 1,000 and all at 5,000. The power
method does as well. With fewer outputs than units the last steps do much of it: at m = 2, k = 10,
n = 20,000 one start in ten has a row that is more than 0.3 rad off.
Noise half as large as the labels, d = 20, k = 5, n = 5,000: rows of V err 0.9 to 1.5 times the
standard errors of least squares for m = 5, with the power method up to ten times in 3 of 10 seeds,
and for m = 2 1.4 to 11 times, or are refused: order 2 of two outputs does not tell five units apart
well.

Cost: O(n d² m) for each of up to 12 rounds of order 2, O(n k⁴) of order 4; what follows does not
depend on n.

Other activations: as above with their Hermite coefficients, for labels of rank k, or with noise
(where f is homogeneous: the scale of e^z − 1, say, is nothing that moments tell). Measured at
d = 5, k = 3, m = 3, n = 3,200, without noise: all of 10 seeds for z², √z, z³ and e^z − 1, by orders
2 and 3, which is the paper's Algorithm 5 as printed; by order 4 all for z³ and e^z − 1, 9 for √z,
and none for z², where h₄ = 0.

Differences from the paper, besides those of the files named: the exact step is for labels of k
outputs or more there, too; the descent for fewer is not in it.
"""

from __future__ import annotations

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.fitting.problem import Problem, choose_rows
from unrelu.fitting.reduction import polish
from unrelu.fitting.selection import Effort, settle
from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.numerics.arrays import Array
from unrelu.recipes.exact_step import Stats, check_moments, exact_network, finished, label_rank
from unrelu.recipes.moment_tensor import choose_order, tensor_directions
from unrelu.samples import Samples

EQUATIONS_PER_UNKNOWN = 8
"""Rows of the last steps where there are fewer outputs than units."""

EXPLAINED = 1e4
"""Roundings up to which a fit is taken for the truth, to be refined. Another minimum leaves more
than 1e-9 of the labels."""

ASTRAY = 0.5
"""Radians between an estimate and the nearest least-squares fit from which on the estimate says
nothing of the fit: on half of that, or less, `exact_step` and Gauss–Newton steps rely."""


def find(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    noise: bool,
    rng: np.random.Generator,
    activation: Activation = RELU,
    order: int | None = None,
    decomposition: str = "joint",
) -> Candidate:
    """See above; `bias` only decides which networks compete with it. Raises `Unsuitable`."""
    k = count_units(samples, n_units, noise, activation)
    order = choose_order(activation, k, samples.m, order)
    V, stats = tensor_directions(
        samples, k, order=order, decomposition=decomposition, activation=activation, rng=rng
    )
    if noise:
        return estimated(samples, V, stats, activation)
    if label_rank(samples) < k:
        return descended(samples, V, bias=bias, stats=stats, rng=rng)
    wanted = WANTED[order]
    if n_units is None:
        wanted += ", n_units if there are more units than the labels have rank"
    return exact_network(samples, V, activation, bias=bias, stats=stats, rng=rng, wanted=wanted)


WANTED = {
    2: "it needs columns of U of which no two are parallel (order 4 does not)",
    3: "it needs Gaussian inputs",
    4: "it needs Gaussian inputs",
}


def count_units(
    samples: Samples, n_units: int | None, noise: bool, activation: Activation = RELU
) -> int:
    """k: as given, or the rank of exact labels. Raises `Unsuitable` for what an activation other
    than the ReLU does not allow."""
    check_moments(activation)
    if noise and not activation.homogeneous:
        raise Unsuitable(
            f"the scale of z is part of a unit of {activation.name!r}, and moments tell its "
            "direction only: it needs labels without noise"
        )
    if noise and n_units is None:
        raise Unsuitable(
            "noisy labels do not show how many units there are, and this recipe does not look for "
            "it: it needs n_units"
        )
    rank = 0 if noise else label_rank(samples)
    k = rank if n_units is None else n_units
    if rank > k:
        raise Unsuitable(
            f"the labels have rank {rank}, which {k} units without biases do not give: there are "
            "more units, biases, or noise"
        )
    if rank < k and not noise and not activation.piecewise_linear:
        raise Unsuitable(
            f"the labels have rank {rank} for {k} units: with {activation.name!r} it needs "
            "rank(U) = k, so as many outputs as units at least"
        )
    return k


def estimated(
    samples: Samples,
    V: Array,
    stats: Stats,
    activation: Activation = RELU,
    astray: float = ASTRAY,
) -> Candidate:
    """V as it is, U by least squares, and what that leaves as noise; with a word on how far V is,
    in coordinates in which the inputs are white, from the least-squares fit that it leads to, which
    is as exact as the noise allows if it is the right one."""
    rows, zero = np.arange(samples.n), np.zeros(len(V))
    problem = Problem(samples, rows, bias=False, activation=activation)
    net = problem.network(V, zero)
    points = problem.points(V, zero)
    fit = settle(problem, problem.strict, points, Effort())
    cosines = (fit.point * points).sum(axis=1)
    away = float(np.arccos(np.clip(cosines, -1, 1)).max())
    note = f"the least-squares fit that it leads to has hidden weights up to {away:.2g} rad away"
    if away > astray:
        raise Unsuitable(f"the moments are not precise enough: {note}. More samples may do", net)
    rest = np.asarray(samples.Y, np.float64) - net(samples.X)
    spare = max(1.0, samples.n - len(V) * (1 + (samples.d - 1) / samples.m))
    noise = Noise("gaussian", "", rest.T @ rest / spare)
    return Candidate(net, rows, {**stats, "to_least_squares": away}, note=note, noise=noise)


def descended(
    samples: Samples, V: Array, *, bias: bool, stats: Stats, rng: np.random.Generator
) -> Candidate:
    """Gauss–Newton steps from the rows V to a network that explains the labels to rounding."""
    unknowns = len(V) * (samples.d + samples.m)
    count = EQUATIONS_PER_UNKNOWN * unknowns // samples.m + 200
    problem = Problem(samples, choose_rows(samples, count, rng), bias=False)
    rows, zero = problem.rows, np.zeros(len(V))
    fit = problem.strict.evaluate(problem.points(V, zero))
    before = np.inf
    while EXPLAINED * problem.floor < problem.strict.relative(fit) < 0.5 * before:
        before = problem.strict.relative(fit)
        fit = polish(problem.strict, fit.point, problem.floor)
    if problem.strict.relative(fit) > EXPLAINED * problem.floor:
        raise Unsuitable(
            f"{len(V)} units near those that the moments show leave "
            f"{100 * problem.strict.relative(fit):.2g}% of the labels' spread: it needs columns of "
            "U of which no two are parallel, no biases, labels without noise, or more samples",
            problem.network(problem.hyperplanes(fit.point)[0], zero),
        )
    return finished(samples, problem.hyperplanes(fit.point)[0], rows, bias=bias, stats=stats)


def start(samples: Samples, n_units: int, rng: np.random.Generator) -> Network:
    """What the second order alone gives, before any step that is exact: for comparison."""
    V, _ = tensor_directions(
        samples, n_units, order=2, decomposition="joint", activation=RELU, rng=rng
    )
    return Problem(samples, np.arange(samples.n), bias=False).network(V, np.zeros(n_units))
