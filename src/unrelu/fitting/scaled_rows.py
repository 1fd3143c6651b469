"""Rows in use, scaled, for activations other than the ReLU: output weights for given hidden ones,
and all weights polished to the last digit.

Rows are scaled by the size of their labels, which changes no null vector: where phi grows as fast
as e^(z²), a few samples would be all that counts. The polish is by Gauss–Newton steps on labels of
each unit's own (`network.unitwise_least_squares`), for output weights of full column rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.activations import Activation
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.network.unitwise_least_squares import unitwise_least_squares
from unrelu.numerics.arrays import Array
from unrelu.numerics.tangents import Tangents
from unrelu.numerics.whitening import Whitened, power_of_two, whiten, with_constant
from unrelu.samples import Samples

POLISH = 8
"""Steps, at most."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows in use: inputs of size 1 (with biases, and a column of ones), white ones, labels of size
    1, and what the rows of labels are divided by."""

    X: Array
    Y: Array
    white: Whitened
    input_scale: Array
    output_scale: Array
    sizes: Array
    bias: bool

    @classmethod
    def of(cls, samples: Samples, bias: bool) -> Rows:
        X = np.asarray(samples.X, dtype=np.float64)
        Y = np.asarray(samples.Y, dtype=np.float64)
        inputs, outputs = power_of_two(X), power_of_two(Y)
        X, Y = X / inputs, Y / outputs
        X = with_constant(X) if bias else X
        lengths = np.linalg.norm(Y, axis=1)
        usual = float(np.median(lengths)) or float(lengths.max()) or 1.0
        return cls(X, Y, whiten(X), inputs, outputs, np.hypot(lengths, usual), bias)

    def network(self, rows: Array, activation: Activation) -> Network:
        """With these rows (v, b) in scaled inputs; U and c by least squares, rows weighted."""
        F = activation(self.X @ rows.T)
        design = with_constant(F) if self.bias else F
        design = design / self.sizes[:, None]
        lengths = np.linalg.norm(design, axis=0)
        lengths = np.where((lengths > 0) & np.isfinite(lengths), lengths, 1.0)
        design /= lengths
        labels = self.Y / self.sizes[:, None]
        solution = np.linalg.lstsq(design, labels)[0]
        solution += np.linalg.lstsq(design, labels - design @ solution)[0]
        U = (solution / lengths[:, None]).T * self.output_scale[:, None]
        k, d = len(rows), len(self.input_scale)
        b, c = (rows[:, d], U[:, k]) if self.bias else (None, None)
        return Network(rows[:, :d] / self.input_scale, U[:, :k], b, c, activation)

    def rows_of(self, net: Network) -> Array:
        V = net.V * self.input_scale
        return np.column_stack([V, net.b]) if self.bias else V


def refined(net: Network, rows: Rows, eps: float) -> Network:
    """Gauss–Newton steps to the last digit. Each label has the weight that its rounding leaves it:
    on a steep part of phi, little. A step is taken while it is shorter than half the one before,
    the first ones while they bring the labels nearer."""
    activation, X = net.activation, rows.X
    features = rows.white.features
    usual = float(rows.sizes.min())  # of a label, without the few that are much larger
    lengths = np.linalg.norm(X, axis=1)[:, None]
    best, previous, before = net, np.inf, np.inf
    for _ in range(POLISH):
        points = rows.rows_of(net)
        reach = lengths * np.linalg.norm(points, axis=1)
        Z = X @ points.T
        U = net.U / rows.output_scale[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            F = activation(Z)
            residual = rows.Y - F @ U.T - net.c / rows.output_scale
            noise = activation.rounding(Z, reach, eps) ** 2 @ (U**2).sum(axis=0)
        weights = 1 / np.sqrt(noise + usual**2)
        off = float(np.linalg.norm(residual * weights[:, None]))
        if not off <= 4 * before or np.linalg.matrix_rank(U) < len(points):
            break
        best, before = net, off
        apart = np.linalg.pinv(U).T
        A = rows.white.to_features(points)
        tangents = Tangents.of(A) if activation.homogeneous else None
        H = with_constant(F) if rows.bias else F
        J = Jacobian(features, activation.slope(Z), U, H, tangents)
        fit = unitwise_least_squares(J, residual @ apart, weights)
        step = rows.white.to_rows(fit.steps)
        length = float((np.linalg.norm(step, axis=1) / np.linalg.norm(points, axis=1)).max())
        if not length < 0.5 * previous:
            break
        previous, points = length, points + step
        with np.errstate(over="ignore"):
            if not np.isfinite(np.linalg.norm(activation(X @ points.T))):
                break
        net = rows.network(points, activation)
    else:
        best = net
    return best
