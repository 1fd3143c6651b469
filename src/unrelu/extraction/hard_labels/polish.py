"""Gauss–Newton on the distances of all points from the boundary of the network."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints, Distances, gauge_equations, moved
from unrelu.numerics.arrays import Array

STEPS = 8
CONVERGED = 0.5
"""Ratio of two consecutive residuals above which nothing is gained."""


def polish(net: Network, points: BoundaryPoints, *, biased: bool) -> tuple[Network, Array]:
    """The network that fits the points best, in units of their errors, and its residuals (n,) in
    these units. The network must be near."""
    best, least, sizes = net, np.inf, [np.inf]
    residuals = np.zeros(len(points))
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
        step = _step(state, weighted, biased)
        if step is None:
            break
        net = moved(net, step, biased)
    return best, residuals


def _step(state: Distances, weighted: Array, biased: bool) -> Array | None:
    kept = np.isfinite(weighted)
    J = state.jacobian(biased)[kept] / state.points.errors[kept, None]
    scale = np.linalg.norm(J, axis=0)
    scale[scale == 0] = 1.0
    gauge = gauge_equations(state.net, biased) / scale
    gauge /= np.linalg.norm(gauge, axis=1, keepdims=True)
    right = np.concatenate([-weighted[kept], np.zeros(len(gauge))])
    system = np.column_stack([np.vstack([J / scale, gauge]), right])
    if system.shape[0] < system.shape[1]:
        return None
    R = np.asarray(np.linalg.qr(system, mode="r"))
    p = J.shape[1]
    diagonal = np.abs(np.diag(R)[:p])
    if diagonal.min() <= p * np.finfo(np.float64).eps * diagonal.max():
        solution = np.linalg.lstsq(R[:p, :p], R[:p, p], rcond=1e-12)[0]
    else:
        solution = solve_triangular(R[:p, :p], R[:p, p])
    return np.asarray(solution / scale)
