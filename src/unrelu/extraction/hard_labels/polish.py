"""Gauss–Newton on the distances of all points from the boundary of the network."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, solve_triangular

from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints, Distances, Factor, moved
from unrelu.numerics.arrays import Array, Index

STEPS = 8
CONVERGED = 0.5
"""Ratio of two consecutive residuals above which nothing is gained."""


def polish(net: Network, points: BoundaryPoints, *, biased: bool) -> tuple[Network, Array]:
    """The network that fits the points best, in units of their errors, and its residuals (n,) in
    these units. The network must be near."""
    best, least, sizes = net, np.inf, [np.inf]
    residuals = np.asarray(np.zeros(len(points)))
    for _ in range(STEPS):
        state = Distances.of(net, points)
        kept = np.isfinite(state.distances)
        weighted = state.distances / points.errors
        size = float(np.sqrt(np.mean(weighted[kept] ** 2)))
        if size < least:
            best, least, residuals = net, size, weighted
        sizes.append(size)
        if not size < CONVERGED * sizes[-2]:
            break
        step = _step(state, biased)
        if step is None:
            break
        net = moved(net, step, biased)
    return best, residuals


def _step(state: Distances, biased: bool) -> Array | None:
    factor = Factor.of(state, biased)
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
