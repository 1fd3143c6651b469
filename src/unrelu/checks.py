"""The measurements behind a certificate. Each looks at a canonical network and samples only.

Inputs and outputs may come in very different units, so everything is measured in scaled ones:
columns of X divided by their typical size, outputs by theirs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.network import Network
from unrelu.numerics.lattice import vanishing_subsets
from unrelu.numerics.sensitivity import sensitivity
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Marks = NDArray[np.bool_]

CONFIDENCE = 4.0
"""Rounding errors add up like a random walk: n operations leave at most CONFIDENCE √n u, but
for a probability 2 exp(−CONFIDENCE²/2) (Higham and Mary 2019)."""

CHANCE = math.log(1e-9)
"""Logarithm of the accepted probability that some wrong network explains generic labels."""

SAME = 1e-8
"""Inputs closer than this, in scaled units, count as one: what distinguishes their labels is
too near to rounding to be an equation of its own."""


@dataclass(frozen=True, eq=False)
class Explained:
    """How well the labels are explained; fields as in `Certificate`. `missed`: rows whose labels
    are off by more than rounding, as far as there are any."""

    residual: float
    in_roundings: float
    worst_sample: int
    margin: float
    on_kink: int
    missed: Index


def explain(net: Network, samples: Samples) -> Explained:
    """One pass over all samples, O(n k (d + m)).

    Rounding of label i at x: of k sums over d inputs, weighted by U, and of the sum over units;
    independent errors add in squares. With scaled inputs and weights (‖x‖‖v_j‖ bounds Σ|x_l v_jl|)

    CONFIDENCE u √(d + k + 2) √( Σ_{j active} U_ij² (‖v_j‖² + b_j²) (‖x‖² + 1) + c_i² + s_i² ),

    where s_i, the usual size of label i, stands for what rounding of the other labels has left in
    the weights: a sample on which every unit is off still shows that of c. The last term alone
    explains most labels; the others are looked up for those that it does not explain.
    """
    unit = 0.5 * samples.eps * CONFIDENCE * math.sqrt(net.n_inputs + net.n_units + 2)
    scale = _column_scale(samples)
    lengths = np.linalg.norm(net.V * scale, axis=1)
    reach = float(lengths.max(initial=0.0))
    offset = float(np.abs(net.b).max(initial=0.0))
    spread = ((net.U**2) * (lengths**2 + net.b**2)).T
    fixed = _typical_size(samples.Y) ** 2 + net.c**2 + np.finfo(np.float64).tiny
    worst, worst_sample, largest, margin, on_kink, squares = 0.0, 0, 0.0, np.inf, 0, 0.0
    missed: list[Index] = []
    for rows, X, Y in samples.blocks():
        Z = net.preactivations(X)
        norms = _squared_norms(X, scale)
        gap = unit * (reach * np.sqrt(norms) + offset) + np.finfo(np.float64).tiny
        if net.n_units:
            gaps = np.abs(Z).min(axis=1) / gap
            margin = min(margin, float(gaps.min()))
            on_kink += int((gaps < 1).sum())
        error = np.maximum(Z, 0.0) @ net.U.T
        error += net.c
        error -= Y
        np.abs(error, out=error)
        squares += float(np.vdot(Y, Y))
        largest = max(largest, float(error.max()))
        error /= np.sqrt(fixed)
        excess = error.max(axis=1)
        doubtful = np.flatnonzero(~(excess <= unit))  # so that NaN is doubted
        if len(doubtful):
            near = Z[doubtful] + gap[doubtful, None] > 0
            allowed = (near.astype(np.float64) @ spread) * (norms[doubtful, None] + 1)
            excess[doubtful] = (error[doubtful] / np.sqrt(1 + allowed / fixed)).max(axis=1)
            missed.append(rows.start + doubtful[~(excess[doubtful] <= unit)])
        row = int(excess.argmax())
        if not excess[row] <= worst:
            worst, worst_sample = float(excess[row]), rows.start + row
    return Explained(
        largest / (math.sqrt(squares / (samples.n * samples.m)) or 1.0),
        worst / unit,
        worst_sample,
        margin,
        on_kink,
        np.concatenate([np.arange(0), *missed]),
    )


def _squared_norms(X: Array, scale: Array) -> Array:
    """‖x‖² of each row in scaled units; without a copy where one scale serves all columns."""
    if (scale == scale[0]).all():
        return np.asarray(np.einsum("ij,ij->i", X, X) / scale[0] ** 2)
    return np.asarray(np.einsum("ij,ij->i", X / scale**2, X))


def _typical_size(columns: NDArray[Any]) -> Array:
    """Root mean square of each column over about a thousand rows."""
    step = max(1, len(columns) // 1000)
    return np.asarray(np.sqrt((np.asarray(columns[::step], np.float64) ** 2).mean(axis=0)))


def _column_scale(samples: Samples) -> Array:
    """Typical size of each input, powers of two so that scaling rounds nothing."""
    size = _typical_size(samples.X)
    return np.exp2(np.round(np.log2(np.where(size > 0, size, 1.0))))


@dataclass(frozen=True, eq=False)
class Pinned:
    """What a subset of the samples says about each of the k units.

    `errors`: how far labels off by rounding may have moved its hidden weights and bias (unit
    rows, in the units of the inputs and in scaled ones, whichever is worse).
    `spare`: equations left over, on the side where fewer, after all unknowns are paid for.
    `shares`: of the samples it is active on.
    `outputs`: rank of the output weights: how many equations a sample is worth.
    `needed`: how many of `spare` rule out chance. `independent`: whether the inputs are.
    """

    errors: Array
    spare: Array
    shares: Array
    outputs: int
    needed: int
    independent: bool = True

    def weak(self, limit: float) -> Index:
        return np.flatnonzero(~(self.errors <= limit) | ~(self.spare >= self.needed))


def not_pinned(net: Network, samples: Samples) -> Pinned:
    """For a network that does not explain the samples: they say nothing of its units."""
    nothing = np.full(net.n_units, np.inf)
    return Pinned(nothing, -nothing, np.zeros(net.n_units), samples.m, 0)


def pin(net: Network, samples: Samples, biased: bool, limit: float) -> Pinned:
    """Are the units pinned down by the samples, whose labels are off by rounding?

    A subset of the rows is enough to show that a unit is pinned. While it leaves units open, it
    grows, first by samples that lie on the side where these units have few.
    """
    rng = np.random.default_rng(0)  # a certificate is a function of its samples
    unknowns = net.n_units * (net.n_inputs + 1)
    wanted = max(8 * (net.n_inputs + net.n_units), 3 * unknowns // samples.m)
    rows = np.arange(0)
    quick = net.n_units <= samples.m and unknowns > ALWAYS_WHOLE
    while True:
        more = np.arange(samples.n)
        if wanted < samples.n:
            more = rng.choice(samples.n, wanted, replace=False)
        rows = np.union1d(rows, more)
        pinned = _pin_on(net, samples.take(rows), biased, rng, quick)
        if quick and len(pinned.weak(limit)):  # a bound that is too loose, or a weak unit
            quick = False
            pinned = _pin_on(net, samples.take(rows), biased, rng, quick)
        weak = pinned.weak(limit)
        if not len(weak) or len(rows) == samples.n:
            return pinned
        few = 4 * (net.n_inputs + net.n_units)
        rows = np.union1d(rows, _rows_about(net, samples, weak, few))
        wanted *= 8
        if not pinned.independent:  # a column that is zero nearly everywhere, say
            wanted = samples.n
        elif wanted * unknowns**2 > MOST_EFFORT:
            return _pin_on(net, samples.take(rows), biased, rng, quick)


ALWAYS_WHOLE = 300
"""Unknowns up to which T costs nothing, and the leverages that come with it are worth having."""

MOST_EFFORT = 1e11
"""Operations that may go into pinning units that a smaller subset left open: a few seconds."""


def _pin_on(
    net: Network, samples: Samples, biased: bool, rng: np.random.Generator, quick: bool
) -> Pinned:
    scale = _column_scale(samples)
    distinct = samples.take(distinct_rows(samples, biased))
    if net.n_units == 0:
        none = np.zeros(0)
        return Pinned(none, none, none, 0, 0)
    X, Z = distinct.X / scale, net.preactivations(distinct.X)
    V = net.V * scale
    lengths = np.linalg.norm(V, axis=1)

    # A sample on a kink has two patterns, and its label says little about either.
    unit = 0.5 * samples.eps * CONFIDENCE * math.sqrt(net.n_inputs + 2)
    gap = unit * (np.linalg.norm(X, axis=1)[:, None] * lengths + np.abs(net.b))
    sure = (np.abs(Z) > gap).all(axis=1)
    X, Z, Y = X[sure], Z[sure], distinct.Y[sure]
    shares = (Z > 0).sum(axis=0) / max(1, len(Z))

    # Outputs at their own scale, and only as many as are independent.
    size = np.sqrt((Y**2).mean(axis=0)) if len(Y) else np.zeros(samples.m)
    size = np.where(size > 0, size, 1.0)
    left, values, _ = np.linalg.svd(net.U / size[:, None], full_matrices=False)
    left = left[:, values > SAME * values.max(initial=0.0)]
    outputs = left.shape[1]
    residual = ((Y - np.maximum(Z, 0.0) @ net.U.T - net.c) / size) @ left
    U = left.T @ (net.U / size[:, None])

    columns = np.column_stack([X, np.ones(len(X))]) if biased else X
    dimension = columns.shape[1]
    needed = chance_equations(dimension, len(X), 1, samples.eps)
    if len(X) < dimension or np.linalg.matrix_rank(columns) < dimension:
        open_ = np.full(net.n_units, np.inf)
        return Pinned(open_, -open_, shares, outputs, needed, independent=False)
    white = whiten(columns)
    rows = np.column_stack([V, net.b]) if biased else V
    points = white.to_features(rows)
    reach = np.linalg.norm(points, axis=1, keepdims=True)
    # Labels may be off by what the residual shows, and are by half a unit in the last place.
    noise = max(float(np.sqrt((residual**2).mean())), samples.eps)
    sensed = sensitivity(
        white.features, points / reach, U * reach.T, residual, noise, biased, rng, quick=quick
    )
    finite = np.isfinite(sensed.errors)
    moved = white.to_rows((np.where(finite, sensed.errors, 0.0) * reach).reshape(-1, dimension))
    moved = moved.reshape(sensed.errors.shape)
    errors = _unit_row_errors(moved, V, net.b)
    moved[..., : net.n_inputs] /= scale
    errors = np.maximum(errors, _unit_row_errors(moved, net.V, net.b))
    errors[~finite.all(axis=(0, 2))] = np.inf
    spare = _spare(Z > 0, sensed.leverage, outputs, dimension)
    return Pinned(errors, spare, shares, outputs, needed)


def _unit_row_errors(moved: Array, V: Array, b: Array) -> Array:
    """Largest error of each unit's (v, b) once ‖v‖ = 1, from errors (draws, k, D) of the rows;
    that of b relative to max(1, |b|). The part along v is only scale."""
    lengths = np.linalg.norm(V, axis=1)
    unit, bias = V / lengths[:, None], b / lengths
    moved = moved / lengths[:, None]
    along = (moved[..., : V.shape[1]] * unit).sum(axis=2)
    hidden = moved[..., : V.shape[1]] - along[..., None] * unit
    errors = np.linalg.norm(hidden, axis=2).max(axis=0)
    if moved.shape[2] > V.shape[1]:
        off = np.abs(moved[..., -1] - along * bias) / np.maximum(1.0, np.abs(bias))
        errors = np.maximum(errors, off.max(axis=0))
    return np.asarray(errors)


def _spare(active: Marks, leverage: Array | None, outputs: int, dimension: int) -> Array:
    """Equations left over on the poorer side of each unit. D samples fit any D weights, so a unit
    seen by few samples on one side is explained by them whatever their labels; f(z) = f(−z) + z
    makes either side the active one. The leverages say what all unknowns together use up; without
    them, those of the unit itself are counted."""
    if leverage is not None:
        free = outputs - leverage
        return np.asarray(np.minimum(free @ active, free @ ~active))
    fewer = np.minimum(active.sum(axis=0), (~active).sum(axis=0))
    return np.asarray(fewer * outputs - (dimension + outputs - 1), dtype=np.float64)


def _rows_about(net: Network, samples: Samples, units: Index, most: int) -> Index:
    """For each of the units, up to `most` samples on the side where it has fewer."""
    few = Network(net.V[units], net.U[:, units], net.b[units], net.c)
    counts = np.zeros(len(units), dtype=np.int64)
    for _, X, _ in samples.blocks():
        counts += (few.preactivations(X) > 0).sum(axis=0)
    rare_side = counts <= samples.n // 2
    found: list[Index] = []
    left = np.full(len(units), most)
    for rows, X, _ in samples.blocks():
        rare = (few.preactivations(X) > 0) == rare_side
        rare &= rare.cumsum(axis=0) <= left
        left -= rare.sum(axis=0)
        found.append(rows.start + np.flatnonzero(rare.any(axis=1)))
        if not left.any():
            break
    return np.concatenate(found)


def distinct_rows(samples: Samples, biased: bool) -> Index:
    """One row of each group of inputs that are the same; without biases a network is homogeneous,
    so inputs on one ray are."""
    X = np.asarray(samples.X, dtype=np.float64) / _column_scale(samples)
    if not biased:
        size = np.abs(X).max(axis=1, keepdims=True)
        X = X / np.where(size > 0, size, 1.0)
    cells = np.floor(X / SAME + np.sqrt(0.5))  # an odd offset: few inputs lie on a cell's border
    return np.sort(np.unique(cells, axis=0, return_index=True)[1])


def independent_equations(samples: Samples, outputs: int, biased: bool) -> int:
    """How many label entries count, from a few thousand rows spread over all."""
    some = samples.take(np.unique(np.linspace(0, samples.n - 1, 4000).astype(np.intp)))
    share = len(distinct_rows(some, biased)) / some.n
    return int(share * samples.n) * outputs


def chance_equations(dimension: int, n: int, units: int, eps: float) -> int:
    """How many equations beyond the unknowns rule out chance.

    k hyperplanes cut n points in at most (e n/D)^{D k} ways. Each way gives a smooth model, which
    meets each further equation with probability about ρ, the relative rounding of a label. The
    union bound over all ways is below exp(CHANCE) from this number on:
    (D k ln(e n/D) − CHANCE) / ln(1/ρ).
    """
    patterns = dimension * units * math.log(math.e * max(n, dimension) / dimension)
    rounding = eps * CONFIDENCE * math.sqrt(dimension + units)
    return math.ceil((patterns - CHANCE) / -math.log(rounding))


def other_sides(net: Network, samples: Samples) -> list[Marks] | None:
    """Sets of units that can change sides together without changing the function: those with
    Σ u_j v_jᵀ = 0, for f(z) = f(−z) + z and the constants go into c. None when it cannot be
    decided. A set that turns the network into itself (an opposite pair with equal output
    weights) is no ambiguity and is left out.
    """
    k = net.n_units
    if k == 0:
        return []
    V = net.V * _column_scale(samples)
    terms = (net.U.T[:, :, None] * V[:, None, :]).reshape(k, -1)
    strength = np.linalg.norm(terms, axis=1, keepdims=True)
    if k <= terms.shape[1]:
        smallest = np.linalg.svd(terms / strength, compute_uv=False).min()
        if smallest > 1e-6:
            return []
    if k > MOST_UNITS_TO_TURN:
        return None
    sets = vanishing_subsets(terms / strength.max())
    return None if sets is None else [units for units in sets if not _is_mirrored(net, units)]


def opposite_pair(net: Network) -> tuple[int, int] | None:
    """Two units on one hyperplane that face each other, if there are any."""
    rows = np.column_stack([net.V, net.b])
    apart = np.abs(rows[:, None] + rows[None]).max(axis=2)
    size = np.maximum(1.0, np.abs(net.b))
    pairs = np.argwhere(apart <= 1e-9 * np.maximum(size[:, None], size[None]))
    return (int(pairs[0, 0]), int(pairs[0, 1])) if len(pairs) else None


def in_a_half_space(samples: Samples) -> bool:
    """Is there w with x·w > 0 for (about two thousand of) the samples? A linear program: find w
    with x·w >= 1 for every x, each scaled to unit size."""
    from scipy.optimize import linprog

    some = samples.take(np.unique(np.linspace(0, samples.n - 1, 2000).astype(np.intp)))
    X = some.X / _column_scale(some)
    size = np.linalg.norm(X, axis=1, keepdims=True)
    X = X / np.where(size > 0, size, 1.0)
    answer = linprog(
        np.zeros(samples.d), A_ub=-X, b_ub=-np.ones(len(X)), bounds=(None, None), method="highs"
    )
    return int(answer.status) != 2  # anything but proved infeasible


MOST_UNITS_TO_TURN = 120
"""Lattice reduction takes a second at 80 units, and the sixth power of it."""


def _is_mirrored(net: Network, units: Marks) -> bool:
    rows = np.column_stack([net.V, net.b, net.U.T])[units]
    turned = rows.copy()
    turned[:, : net.n_inputs + 1] *= -1
    apart = np.abs(rows[:, None] - turned[None]).max(axis=2)
    return bool((apart.min(axis=1) < 1e-9 * np.abs(rows).max()).all())
