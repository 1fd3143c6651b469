"""Is each unit pinned down by the samples?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from unrelu.checks.case import Case, Pinned
from unrelu.checks.counting import chance_equations, distinct_rows, grain
from unrelu.checks.explained import rounding_of
from unrelu.checks.finding import Finding, listed, undetermined
from unrelu.checks.pinned_by_pieces import pin_by_pieces
from unrelu.checks.row_errors import row_errors
from unrelu.checks.scales import SAME, column_scale, typical_sizes
from unrelu.network import Network
from unrelu.network.rounding import accumulated, height_terms
from unrelu.network.sensitivity import DENSE, sensitivity
from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.whitening import whiten, with_constant
from unrelu.samples import Samples

ALWAYS_JOINT = 300
"""Unknowns up to which T costs nothing, and the leverages that come with it are worth having."""

MOST_ROWS = 20_000
"""Samples by which inputs are found to be dependent."""

MOST_EFFORT, MOST_EFFORT_OF_MANY = 1e11, 3e13
"""Operations that may go into pinning units that a smaller subset left open, a few seconds; and, of
so many units that products are iterated, into pinning them at all, some ten minutes."""

PRODUCTS = 200
"""By the Jacobian or its transpose, of 4 operations for each sample and unknown, of which such a
check takes about so many."""

ON_KINK = 0.01
"""Share of the samples that may lie on the kink of a unit that is active on every sample."""


def not_pinned(net: Network, samples: Samples) -> Pinned:
    """For a network that does not explain the samples: they show nothing of its units."""
    unknown = np.full(net.n_units, np.inf)
    return Pinned(unknown, -unknown, np.zeros(net.n_units), samples.m, 0, samples.d)


def _effort(rows: int, unknowns: int) -> tuple[float, float]:
    """Operations, and how many there may be."""
    if unknowns <= DENSE:
        return float(rows) * unknowns**2, MOST_EFFORT
    return 4.0 * PRODUCTS * rows * unknowns, MOST_EFFORT_OF_MANY


def pin(net: Network, samples: Samples, biased: bool, limit: float, skip: bool = False) -> Pinned:
    """Are the units pinned down by the samples, whose labels are off by rounding? With `skip`, but
    for their sides, where any linear function of the inputs may be added.

    A subset of the rows is enough to show that a unit is pinned. While it leaves units open, it
    grows, first by samples that lie on the side where these units have few.
    """
    rng = np.random.default_rng(0)  # a certificate is a function of its samples
    unknowns = net.n_units * (net.n_inputs + 1)
    if unknowns > DENSE and not skip:
        pinned = pin_by_pieces(net, samples, biased)
        if pinned is not None:
            return pinned
    wanted = max(8 * (net.n_inputs + net.n_units), 3 * unknowns // samples.m)
    rows = np.arange(0)
    quick = net.n_units <= samples.m and unknowns > ALWAYS_JOINT
    effort, most = _effort(min(wanted, samples.n), unknowns)
    if not quick and unknowns > DENSE and effort > most:
        return replace(not_pinned(net, samples), checked=False)
    while True:
        check_deadline()
        more = np.arange(samples.n)
        if wanted < samples.n:
            more = rng.choice(samples.n, wanted, replace=False)
        rows = np.union1d(rows, more)
        pinned = _pin_on(net, samples.take(rows), biased, rng, quick, skip)
        if quick and len(pinned.weak(limit)):  # a bound that is too loose, or a weak unit
            quick = False
            pinned = _pin_on(net, samples.take(rows), biased, rng, quick, skip)
        weak = pinned.weak(limit)
        if not len(weak) or len(rows) == samples.n:
            return pinned
        few = 4 * (net.n_inputs + net.n_units)
        rows = np.union1d(rows, rows_about(net, samples, weak, few))
        wanted *= 8
        if not pinned.independent:  # a column that is zero nearly everywhere, say
            wanted = samples.n
        effort, most = _effort(min(wanted, samples.n), unknowns)
        if pinned.independent and effort > most:
            return _pin_on(net, samples.take(rows), biased, rng, quick, skip)


def _pin_on(
    net: Network,
    samples: Samples,
    biased: bool,
    rng: np.random.Generator,
    quick: bool,
    skip: bool,
    uncertain: Array | float = 0.0,
) -> Pinned:
    """`pin` on these samples, where unit rows (v, b) are uncertain by so much (k,)."""
    scale = column_scale(samples)
    distinct = samples.take(distinct_rows(samples, biased))
    if net.n_units == 0:
        none, X = np.zeros(0), with_constant(distinct.X / scale, biased)
        independent = not skip or np.linalg.matrix_rank(X) == X.shape[1]
        return Pinned(none, none, none, 0, 0, samples.d, independent=independent)
    sure, shares = _sides(net, distinct.X, scale, samples.eps, uncertain)
    X, Y, Z = distinct.X[sure], distinct.Y[sure], net.preactivations(distinct.X[sure])
    size, U, residual = independent_outputs(net, X, Y)
    outputs = len(U)
    columns = with_constant(X / scale, biased)
    dimension = columns.shape[1]
    needed = chance_equations(dimension, len(X), 1, samples.eps, grain(samples, biased))
    if len(X) < dimension or np.linalg.matrix_rank(columns) < dimension:
        unknown = np.full(net.n_units, np.inf)
        return Pinned(unknown, -unknown, shares, outputs, needed, dimension, independent=False)
    white, V = whiten(columns), net.V * scale
    points = white.to_features(np.column_stack([V, net.b]) if biased else V)
    reach = np.linalg.norm(points, axis=1, keepdims=True)
    A, weights = points / reach, U * reach.T
    # Labels may be off by what the residual shows, and are by half a unit in the last place.
    noise = max(float(np.sqrt((residual**2).mean())), samples.eps)
    sensed = sensitivity(
        white.features, A, weights, residual, noise, biased, rng, quick=quick, linear=skip
    )
    finite = np.isfinite(sensed.errors)

    def of_rows(moved: Array, together: bool) -> Array:
        rows = white.to_rows((moved * reach).reshape(-1, dimension)).reshape(moved.shape)
        return row_errors(rows, net, scale, together)

    errors = of_rows(np.where(finite, sensed.errors, 0.0), together=False)
    # Labels of a rival are off by what is allowed at most, those of the network by its residual.
    allowed = float(np.linalg.norm(rounding_of(net, samples).at(X) / size))
    apart = allowed + float(np.linalg.norm(residual))
    farthest = errors * max(1.0, apart / noise)
    if sensed.axes is not None:
        farthest = np.maximum(errors, apart * of_rows(sensed.axes, together=True))
    for found in (errors, farthest):
        found[~finite.all(axis=(0, 2))] = np.inf
    known = np.where(np.isfinite(errors), errors, 0.0)
    if (np.abs(Z) <= _shift(net, X, known)).any():  # such errors move a hyperplane past a sample
        return _pin_on(net, samples, biased, rng, quick, skip, np.maximum(uncertain, known))
    spare = _spare(Z > 0, sensed.leverage, outputs, dimension)
    return Pinned(errors, spare, shares, outputs, needed, dimension, farthest=farthest)


def _sides(
    net: Network, X: Array, scale: Array, eps: float, uncertain: Array | float
) -> tuple[Mask, Array]:
    """Samples (n,) that lie on no kink, and the share of samples on which each unit is active. A
    sample on a kink has two patterns, and its label says little about either."""
    Z = net.preactivations(X)
    gap = accumulated(eps, net.n_inputs + 2) * height_terms(net, X, scale)
    gap = np.maximum(gap, _shift(net, X, uncertain))
    shares = (Z > 0).mean(axis=0)
    # Of units fitted to no sample where they are off, some kinks run through the outermost one.
    shares = np.where((-gap < Z).all(axis=0) & (shares > 1 - ON_KINK), 1.0, shares)
    return np.asarray((np.abs(Z) > gap).all(axis=1)), shares


def independent_outputs(net: Network, X: Array, Y: Array) -> tuple[Array, Array, Array]:
    """The size of the outputs (m,); and of as many combinations of them, at their own scale, as are
    independent, the weights (r, k) and what the network leaves of the labels (n, r)."""
    size = typical_sizes(Y)
    U = net.U / size[:, None]
    left, values, _ = np.linalg.svd(U, full_matrices=False)
    left = left[:, values > SAME * values.max(initial=0.0)]
    return size, left.T @ U, ((Y - net(X)) / size) @ left


def _shift(net: Network, X: Array, errors: Array | float) -> Array:
    """How far errors of unit rows (v, b) may shift v·x + b."""
    reach = np.linalg.norm(X, axis=1)[:, None] + np.maximum(1.0, np.abs(net.b))
    return np.asarray(reach * errors)


def _spare(active: Mask, leverage: Array | None, outputs: int, dimension: int) -> Array:
    """Equations left over on the poorer side of each unit. D samples fit any D weights, so a unit
    which few samples show on one side is explained by them whatever their labels; f(z) = f(−z) + z
    makes either side the active one. The leverages say what all unknowns together use up; without
    them, those of the unit itself are counted."""
    if leverage is not None:
        free = outputs - leverage
        return np.asarray(np.minimum(free @ active, free @ ~active))
    fewer = np.minimum(active.sum(axis=0), (~active).sum(axis=0))
    return np.asarray(fewer * outputs - (dimension + outputs - 1), dtype=np.float64)


def rows_about(net: Network, samples: Samples, units: Index, most: int) -> Index:
    """For each of the units, up to `most` samples on the side where it has fewer."""
    few = Network(net.V[units], net.U[:, units], net.b[units], net.c, net.activation)
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


def open_units(case: Case) -> Finding | None:
    """Which units are open, why, and about how many more samples would close them."""
    net, samples, pinned = case.net, case.samples, case.pinned
    weak = pinned.weak(case.limit)
    if not len(weak):
        return None
    if not pinned.checked:
        unknowns = net.n_units * pinned.dimension
        return undetermined(
            "not-checked",
            "every sample is explained; whether no other network explains them was not checked, "
            f"which takes hours for {unknowns} hidden weights",
            units=weak,
        )
    never_off = weak[pinned.shares[weak] == 1.0]
    if len(never_off):
        others = np.setdiff1d(weak, never_off)
        rest = f"; {listed(others)}: not pinned down" if len(others) else ""
        verb = "is" if len(never_off) == 1 else "are"
        return undetermined(
            "always-active",
            f"{listed(never_off)} {verb} active on every sample, so nothing in the samples says "
            f"where that ends{rest}",
            units=weak,
        )
    if (pinned.spare[weak] >= pinned.needed).all() and np.isfinite(pinned.errors[weak]).all():
        return undetermined(
            "vague-in-rounding",
            f"rounding of the labels leaves {listed(weak)} open: known to "
            f"{pinned.stated[weak].max():.0e} only; where labels have a large offset, subtract "
            "it, else take samples that differ more",
            units=weak,
        )
    # A unit needs about D samples on its active side and, so that the others can be told from
    # it, k on the other; a tenth more for good conditioning.
    shares = np.clip(pinned.shares[weak], 1 / samples.n, 1 - 1 / samples.n)
    needed = 1.1 * np.maximum(pinned.dimension / shares, net.n_units / (1 - shares)).max()
    more = max(math.ceil(needed) - samples.n, math.ceil(0.1 * samples.n))
    return undetermined(
        "not-pinned",
        f"too few samples to pin down {listed(weak)} (active on {_percent(shares)} of them): about "
        f"{more} more samples would do; every sample is explained",
        units=weak,
        more_samples=more,
    )


def dependent_inputs(case: Case) -> Finding | None:
    """Whether weights are open because the inputs are dependent, which more samples of the same
    kind would not change."""
    if case.pinned.independent or not (case.skip or (case.relu and case.net.n_units)):
        return None
    samples = case.samples.take(case.samples.spread(MOST_ROWS))
    columns = with_constant(np.asarray(samples.X) / column_scale(samples), case.biased)
    few = len(distinct_rows(samples, case.biased)) < columns.shape[1]
    if few or np.linalg.matrix_rank(columns) == columns.shape[1]:
        return None
    which = "skip connections" if case.skip else "hidden weights"
    return undetermined(
        "dependent-inputs",
        f"the inputs are dependent, so that other {which} give the same labels; every sample is "
        "explained",
        units=np.arange(case.net.n_units),
    )


def _percent(shares: Array) -> str:
    low, high = 100 * shares.min(), 100 * shares.max()
    return f"{low:.3g}%" if high - low < 1 else f"{low:.3g} to {high:.3g}%"
