"""All weights polished to the last digit, for activations other than the ReLU.

By Gauss–Newton steps on labels of each unit's own (`network.unitwise_least_squares`), for output
weights of full column rank. Each label has the weight that its rounding leaves it: on a steep part
of phi, little.
"""

from __future__ import annotations

import numpy as np

from unrelu.fitting.problem import Problem
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.network.unitwise_least_squares import unitwise_least_squares
from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.tangents import Tangents
from unrelu.numerics.whitening import with_constant

POLISH = 8
"""Steps, at most."""


def refined(net: Network, problem: Problem, sizes: Array, eps: float) -> Network:
    """`sizes` (n, 1) are those of the labels. A step is taken while it is shorter than half the one
    before, the first ones while they bring the labels nearer."""
    activation, features = net.activation, problem.strict.features
    X = with_constant(problem.X, problem.bias)
    usual = float(sizes.min())  # of a label, without the few that are much larger
    lengths = np.linalg.norm(X, axis=1)[:, None]
    best, previous, before = net, np.inf, np.inf
    for _ in range(POLISH):
        check_deadline()
        points = problem.rows_of(net.V, net.b)
        reach = lengths * np.linalg.norm(points, axis=1)
        Z, U = X @ points.T, problem.to_metric @ net.U
        with np.errstate(over="ignore", invalid="ignore"):
            F = activation(Z)
            residual = problem.Y - F @ U.T - problem.to_metric @ net.c
            noise = activation.rounding(Z, reach, eps) ** 2 @ (U**2).sum(axis=0)
        weights = 1 / np.sqrt(noise + usual**2)
        off = float(np.linalg.norm(residual * weights[:, None]))
        if not off <= 4 * before or np.linalg.matrix_rank(U) < len(points):
            break
        best, before = net, off
        apart = np.linalg.pinv(U).T
        A = problem.white.to_features(points)
        tangents = Tangents.of(A) if activation.homogeneous else None
        H = with_constant(F, problem.bias)
        J = Jacobian(features, activation.slope(Z), U, H, tangents)
        fit = unitwise_least_squares(J, residual @ apart, weights)
        step = problem.white.to_rows(fit.steps)
        length = float((np.linalg.norm(step, axis=1) / np.linalg.norm(points, axis=1)).max())
        if not length < 0.5 * previous:
            break
        previous, points = length, points + step
        with np.errstate(over="ignore"):
            if not np.isfinite(np.linalg.norm(activation(X @ points.T))):
                break
        net = problem.network(*problem.of_rows(points), 1 / sizes)
    else:
        best = net
    return best
