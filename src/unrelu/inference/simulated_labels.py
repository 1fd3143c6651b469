"""Labels drawn from the law of a fit, and fits to them: what the calibration of its errors looks
at, where labels are counts or classes."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from unrelu.fitting.fittings import Reweighted
from unrelu.inference import fisher
from unrelu.inference.calibration import Around, Fitted, Refit, Simulation, others
from unrelu.inference.linearised import Linearised
from unrelu.network import Network
from unrelu.noise.kind import NoiseKind
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.samples import Samples


def simulated(linear: Linearised, samples: Samples, kind: NoiseKind) -> Simulation | None:
    """Maximum likelihood from labels drawn at the inputs of the samples; None where their law is
    not known.

    A fit may be zero where the truth is not, next to a kink, and no counts at all would be drawn
    there: they are drawn about the standard error of the fit at least."""
    fitted = linear.fit
    bias, skip, activation = fitted.biased, fitted.skip, fitted.net.activation
    fitting = Reweighted(
        kind, samples, bias=bias, skip=skip, activation=activation, prior=linear.prior
    )
    if fitting.drawn(fitted.net, np.random.default_rng(0)) is None:
        return None
    features = fitted.white.features
    doubt = np.sqrt(fisher.output_variance(linear.model, features, linear.covariance))

    def simulation(base: Network, start: Array, around: Around) -> Refit:
        def refit(rng: np.random.Generator) -> tuple[Network, Array]:
            copy = fitting.redrawn(base, rng, doubt)
            assert copy is not None, "of a law that is known"
            best = copy.fit(base, rough=kind.counts)
            for points in others(start, around, rng):
                other = fitted.network(points, base.U, base.c, base.W)
                other = copy.fit(other, rough=kind.counts)
                best = other if copy.gain(best, other) > 0 else best
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
