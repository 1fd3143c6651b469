"""Class labels drawn from a fit, and fits to them: what the calibration of its errors looks at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from unrelu.fitting.fittings import Reweighted
from unrelu.inference.calibration import Fitted, Refit, Simulation, others
from unrelu.network import Network
from unrelu.noise.labels import LABELS, drawn
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.samples import Samples


def simulated(fitted: Fitted, samples: Samples) -> Simulation:
    """Maximum likelihood from labels drawn at the inputs of the samples."""
    X = np.asarray(samples.X, np.float64)
    bias, skip, activation = fitted.biased, fitted.skip, fitted.net.activation

    def simulation(base: Network, start: Array, around: Array) -> Refit:
        logits = base(X)

        def refit(rng: np.random.Generator) -> tuple[Network, Array]:
            copy = replace(samples, Y=drawn(logits, rng))
            fitting = Reweighted(LABELS, copy, bias=bias, skip=skip, activation=activation)
            best = fitting.fit(base)
            for points in others(start, around, rng):
                other = fitting.fit(fitted.network(points, base.U, base.c, base.W))
                best = other if fitting.gain(best, other) > 0 else best
            return _in_order(fitted, best, start)

        return refit

    return simulation


def _in_order(fitted: Fitted, net: Network, start: Array) -> tuple[Network, Array]:
    """The network with its units in the order of the hyperplanes (k, D) next to them."""
    points = unit_rows(fitted.white.to_features(fitted.rows(net)))
    _, order = linear_sum_assignment(-(start @ points.T))
    W = net.W if fitted.skip else None
    net = Network(net.V[order], net.U[:, order], net.b[order], net.c, net.activation, W)
    return net, points[order]
