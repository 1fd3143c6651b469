"""Labels drawn from the law of a fit, and fits to them: what the calibration of its errors looks
at, where labels are counts or classes."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from unrelu.fitting.fittings import Reweighted
from unrelu.inference.calibration import Fitted, Refit, Simulation, others
from unrelu.network import Network
from unrelu.noise.kind import NoiseKind
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.samples import Samples


def simulated(fitted: Fitted, samples: Samples, kind: NoiseKind) -> Simulation | None:
    """Maximum likelihood from labels drawn at the inputs of the samples; None where their law is
    not known.

    Counts are never drawn about less than the least mean that labels are weighed by, which c of a
    fit to them shows beside its tiny error: it is left at what it was."""
    bias, skip, activation = fitted.biased, fitted.skip, fitted.net.activation
    fitting = Reweighted(kind, samples, bias=bias, skip=skip, activation=activation)
    if fitting.drawn(fitted.net, np.random.default_rng(0)) is None:
        return None

    def simulation(base: Network, start: Array, around: Array) -> Refit:
        def refit(rng: np.random.Generator) -> tuple[Network, Array]:
            copy = fitting.redrawn(base, rng)
            assert copy is not None, "of a law that is known"
            best = copy.fit(base, rough=kind.counts)
            for points in others(start, around, rng):
                other = fitted.network(points, base.U, base.c, base.W)
                other = copy.fit(other, rough=kind.counts)
                best = other if copy.gain(best, other) > 0 else best
            net, points = _in_order(fitted, best, start)
            c = base.c if kind.counts else net.c
            return Network(net.V, net.U, net.b, c, net.activation, net.W), points

        return refit

    return simulation


def _in_order(fitted: Fitted, net: Network, start: Array) -> tuple[Network, Array]:
    """The network with its units in the order of the hyperplanes (k, D) next to them."""
    points = unit_rows(fitted.white.to_features(fitted.rows(net)))
    _, order = linear_sum_assignment(-(start @ points.T))
    W = net.W if fitted.skip else None
    net = Network(net.V[order], net.U[:, order], net.b[order], net.c, net.activation, W)
    return net, points[order]
