"""Is each unit pinned down by the samples, for an activation other than the ReLU?

Each unit is compared with labels of its own (`network.unitwise_least_squares`), which takes output
weights of full column rank. That is fewer equations than there are, never more: a unit that is
pinned so is pinned by all of them.
"""

from __future__ import annotations

import math

import numpy as np

from unrelu.checks.case import Pinned
from unrelu.checks.counting import chance_equations, distinct_rows, grain
from unrelu.checks.pinned import MOST_EFFORT, rows_about
from unrelu.checks.scales import SAME, column_scale, typical_size, typical_sizes
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.network.rounding import CONFIDENCE, accumulated, height_terms
from unrelu.network.unitwise_least_squares import unitwise_least_squares
from unrelu.numerics.arrays import Array, Mask, divisors, unit_columns
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.tangents import Tangents
from unrelu.numerics.whitening import Whitened, whiten, with_constant
from unrelu.samples import Samples

ROUNDS = 6
"""Times that hyperplanes may turn out to be less well known than was thought."""


def full_rank(net: Network, samples: Samples) -> bool:
    """Whether the output weights of all units are independent, outputs at their own scale."""
    U = net.U / divisors(typical_size(samples.Y))[:, None]
    values = np.linalg.svd(unit_columns(U), compute_uv=False)
    return bool((values > SAME).sum() == net.n_units)


def resolved(samples: Samples, biased: bool) -> float:
    """What the rounding of a label of usual size is of the usual label: where labels differ
    greatly in size, what is compared to rounding of the largest has fewer digits to be compared
    in. At least their grain."""
    Y = np.asarray(samples.Y[:: max(1, samples.n // 1000)], dtype=np.float64)
    lengths = np.linalg.norm(Y / typical_sizes(Y), axis=1)
    usual = float(np.median(lengths))
    spread = math.sqrt(float((lengths**2).mean())) / usual if usual else 1.0
    return max(grain(samples, biased), samples.eps * CONFIDENCE * max(1.0, spread))


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is not determined
def pin_curved(net: Network, samples: Samples, biased: bool, limit: float) -> Pinned:
    """As `pin`, for a network whose U has full column rank: errors are of (v, b) as a share of ‖v‖,
    the part along it included where f is not homogeneous. `MOST_EFFORT` bounds the work."""
    rng = np.random.default_rng(0)  # a certificate is a function of its samples
    width = net.n_inputs + net.n_units + 1
    wanted, rows = 8 * width, np.arange(0)
    while True:
        more = np.arange(samples.n)
        if wanted < samples.n:
            more = rng.choice(samples.n, wanted, replace=False)
        rows = np.union1d(rows, more)
        pinned = _pin_on(net, samples.take(rows), biased)
        weak = pinned.weak(limit)
        if not len(weak) or len(rows) == samples.n:
            return pinned
        rows = np.union1d(rows, rows_about(net, samples, weak, 4 * width))
        wanted = 8 * wanted if pinned.independent else samples.n
        if wanted * width**2 * net.n_units > MOST_EFFORT:
            return _pin_on(net, samples.take(rows), biased)


def _pin_on(net: Network, samples: Samples, biased: bool) -> Pinned:
    homogeneous = net.activation.homogeneous
    scale = column_scale(samples)
    distinct = samples.take(distinct_rows(samples, biased or not homogeneous))
    V = net.V * scale
    planes = np.column_stack([V, net.b]) if biased else V
    dimension = planes.shape[1]
    needed = chance_equations(
        dimension + (not homogeneous), distinct.n, 1, samples.eps, resolved(samples, biased)
    )
    outputs = net.n_units
    X = np.asarray(distinct.X, np.float64)
    shares = (net.preactivations(X) > 0).sum(axis=0) / max(1, len(X))
    unknown = np.full(net.n_units, np.inf)
    nothing = Pinned(unknown, -unknown, shares, outputs, needed, dimension, independent=False)
    uncertain = np.zeros(net.n_units)
    for _ in range(ROUNDS):
        check_deadline()
        sure = sure_rows(net, X, scale, uncertain, samples.eps)
        rows, Y = X[sure], np.asarray(distinct.Y[sure], np.float64)
        columns = with_constant(rows / scale, biased)
        if len(rows) < dimension or np.linalg.matrix_rank(columns) < dimension:
            return nothing
        white = whiten(columns)
        size = typical_sizes(Y)
        Z, U = net.preactivations(rows), net.U / size[:, None]
        F, lengths = net.activation(Z), np.linalg.norm(U, axis=0)
        apart = np.linalg.pinv(U / lengths).T / lengths  # however small: then little is known
        residual = (Y - F @ net.U.T - net.c) / size
        weights = label_weights(net, rows, Y, scale, samples.eps)
        tangents = Tangents.of(white.to_features(planes)) if homogeneous else None
        H = with_constant(F, biased)
        J = Jacobian(white.features, net.activation.slope(Z), U, H, tangents)
        fit = unitwise_least_squares(J, residual @ apart, weights)
        # Labels may be off by what the residual shows, and are by half a unit in the last place.
        rms = math.sqrt(float(((residual * weights[:, None]) ** 2).mean()))
        noise = max(rms, samples.eps) * np.linalg.norm(apart, axis=0)
        errors = np.full(net.n_units, np.inf)
        for j in np.flatnonzero(fit.determined):
            check_deadline()
            moved = np.vstack([fit.steps[j], noise[j] * fit.spreads[j].T])
            errors[j] = relative_errors(moved, white, V[j], net.b[j], scale, homogeneous)
        known = np.where(np.isfinite(errors), errors, 0.0)
        if not (known > uncertain).any() or sure_rows(net, rows, scale, known, samples.eps).all():
            free = 1 - fit.leverages
            active = Z > 0
            spare = np.minimum((free * active).sum(axis=0), (free * ~active).sum(axis=0))
            return Pinned(errors, spare, shares, outputs, needed, dimension)
        uncertain = np.maximum(uncertain, known)
    return nothing


def label_weights(net: Network, X: Array, Y: Array, scale: Array, eps: float) -> Array:
    """(n,): one over what rounding leaves of labels in their `typical_sizes`, but for its unit; at
    most one over the usual label, so that where f is steep a label says little."""
    size = typical_sizes(Y)
    U, c = net.U / size[:, None], net.c / size
    reach = height_terms(net, X, scale)
    off = net.activation.rounding(net.preactivations(X), reach, eps) ** 2
    usual = np.median(((Y / size) ** 2).sum(axis=1))  # of labels, but for a few large ones
    return np.asarray(1 / np.sqrt(off @ (U**2).sum(axis=0) + c @ c + (usual or net.n_outputs)))


def sure_rows(net: Network, X: Array, scale: Array, errors: Array, eps: float) -> Mask:
    """Samples that lie on no kink, for rounding and for hyperplanes that are off by `errors`. On a
    steep part of phi a tenth of the distance to the kink is where it stops to be straight."""
    terms = np.maximum(height_terms(net, X, scale), height_terms(net, X))
    gap = np.maximum(accumulated(eps, net.n_inputs + 2), 10 * errors) * terms
    return np.asarray((np.abs(net.preactivations(X)) > gap).all(axis=1))


def relative_errors(
    moved: Array, white: Whitened, v: Array, b: float, scale: Array, homogeneous: bool
) -> float:
    """The size of errors (draws, D), added up in squares, of a row (v, b), as a share of ‖v‖, that
    of b as one of max(‖v‖, |b|); in the units of the inputs and in scaled ones, whichever is worse.
    Where f is homogeneous, the part along v is only scale."""
    if not np.isfinite(moved).all():
        return np.inf
    rows = white.to_rows(moved)
    worst = 0.0
    for units in (np.ones(len(v)), scale):
        hidden, length = rows[:, : len(v)] / units, float(np.linalg.norm(v / units))
        along = hidden @ (v / units) / length**2 if homogeneous else np.zeros(len(hidden))
        across = hidden - along[:, None] * (v / units)
        worst = max(worst, float(np.linalg.norm(across)) / length)
        if rows.shape[1] > len(v):
            off = rows[:, -1] - along * b
            worst = max(worst, float(np.linalg.norm(off)) / max(length, abs(b)))
    return worst
