"""Gauss–Newton on the distances of all points from the boundary of the network."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, solve_triangular

from unrelu.network import Network
from unrelu.network.decision_boundary import (
    BoundaryPoints,
    Distances,
    Factor,
    moved,
    output_biases,
)
from unrelu.numerics.arrays import Array, Index, largest_entries

STEPS = 8
CONVERGED = 0.5
"""Ratio of two consecutive residuals above which nothing is gained."""

SMALL = 1e-6
"""Square of residuals, in units of errors, times these errors: what a step leaves is of that order,
and where the residuals after it are below the errors, too, another one changes nothing."""

ASTRAY, FEW_ASTRAY = 6.0, 0.02
"""Errors from the boundary of a point that a wrong label has led astray, and the largest share."""

CONSISTENT = 3.0
"""Root mean square of the residuals of a network that fits its points, in errors of these."""


def polish(
    net: Network, points: BoundaryPoints, *, biased: bool, fixed: Index | None = None
) -> tuple[Network, Array]:
    """The network that fits the points best, in units of their errors, and its residuals (n,) in
    these units. The network must be near. Unknowns that are `fixed` stay what they are."""
    best, least, sizes = net, np.inf, [np.inf]
    residuals = np.asarray(np.zeros(len(points)))
    unit = float(np.median(points.errors / (1 + largest_entries(points.X))))
    enough = np.sqrt(SMALL / unit)
    for _ in range(STEPS):
        state = Distances.of(net, points)
        weighted = state.distances / points.errors
        size = root_mean_square(weighted)
        if size < least:
            best, least, residuals = net, size, weighted
        sizes.append(size)
        if not size < CONVERGED * sizes[-2] or (size < 1 and sizes[-2] < enough):
            break
        step = _step(state, biased, fixed)
        if step is None:
            break
        net = moved(net, step, biased)
    return best, residuals


def _step(state: Distances, biased: bool, fixed: Index | None) -> Array | None:
    factor = Factor.of(state, biased, fixed)
    if factor is None:
        return None
    if factor.regular:
        solution = solve_triangular(factor.R, factor.target)
    else:
        solution = np.asarray(np.linalg.lstsq(factor.R, factor.target, rcond=1e-12)[0])
    step = np.zeros(len(factor.seen))
    step[factor.seen] = solution / factor.scale
    return step


def most_informative(
    net: Network, points: BoundaryPoints, candidates: BoundaryPoints, count: int, *, biased: bool
) -> Index:
    """Which of the candidates determine best what the points leave open: greedily, each the one
    whose distance is known worst, given the points and those before."""
    factor = Factor.of(Distances.of(net, points), biased)
    state = Distances.of(net, candidates)
    rows = np.flatnonzero(np.isfinite(state.distances))
    if factor is None or not factor.regular or not len(rows):
        return np.arange(min(count, len(candidates)))
    J = state.jacobian(biased)[rows] / candidates.errors[rows, None]
    known = solve_triangular(factor.R, (J[:, factor.seen] / factor.scale).T, trans="T")
    return rows[qr(known, mode="r", pivoting=True)[1][:count]]


def without_biases(
    net: Network, points: BoundaryPoints, hidden_errors: Array, output_error: float
) -> Network | None:
    """The network without biases, or without output biases, that fits the points, if these are zero
    within their errors. Where all units are off, its outputs are then equal to the last bit."""
    if (np.abs(net.c) > output_error).any():
        return None
    hidden = bool((np.abs(net.b) > hidden_errors).any())
    start = Network(net.V, net.U, net.b if hidden else None)
    fixed = output_biases(start) if hidden else None
    other, residuals = polish(start, points, biased=hidden, fixed=fixed)
    return other if root_mean_square(residuals) < CONSISTENT else None


def root_mean_square(residuals: Array) -> float:
    """Of those that are finite."""
    return float(np.sqrt(np.mean(residuals[np.isfinite(residuals)] ** 2)))


def rounding_of(net: Network, points: BoundaryPoints) -> float:
    """The relative rounding of outputs that explains how far points are from the boundary."""
    state = Distances.of(net, points)
    kept = np.isfinite(state.distances)
    return root_mean_square(state.distances[kept] / state.reach[kept])


def with_rounding(net: Network, points: BoundaryPoints, rounding: float) -> BoundaryPoints:
    """The points, with errors from this rounding of outputs where they are larger; without those
    few that a wrong label has led astray, close to the boundary as they are."""
    if not rounding:
        return points
    state = Distances.of(net, points)
    errors = np.maximum(points.errors, rounding * state.reach)
    astray = np.abs(state.distances) > ASTRAY * errors
    kept = np.flatnonzero(~astray | (astray.mean() > FEW_ASTRAY))
    return BoundaryPoints(points.X, points.pairs, errors).take(kept)
