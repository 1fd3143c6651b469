"""Networks for counts, from the spike-triggered ensemble (`fitting.ensemble`).

Its second moments tell about how many units add to the counts; its clusters are where fits of so
many start. One unit more is tried while the best one explains more of what is left than of noise,
and stays if it does in the likelihood as well. What
is found is the start of the tests for the number of units. Where some unit takes from the counts,
inputs at which they are missed show it, and the search is that by least squares.
"""

from __future__ import annotations

import numpy as np

from unrelu.activations import Activation
from unrelu.fitting.fittings import Reweighted
from unrelu.fitting.one_more import Test
from unrelu.fitting.selection import unit_edge
from unrelu.network import Network
from unrelu.noise.kind import NoiseKind
from unrelu.samples import Samples

FROM = 20
"""Counts to an input from which their second moments are worth looking at."""


def fitting_of(
    kind: NoiseKind, samples: Samples, bias: bool, skip: bool, activation: Activation
) -> Reweighted:
    return Reweighted(kind, samples, bias=bias, skip=skip, activation=activation)


def find(
    fitting: Reweighted, n_units: int | None, most: int, rng: np.random.Generator
) -> Network | None:
    """The network of so many units, or of as many as seem to be needed; None where the search is
    not for these samples."""
    ensemble = fitting.ensemble
    if ensemble is None or len(ensemble.rows) < FROM * fitting.samples.d or ensemble.suppressed:
        return None
    if n_units is not None:
        found = fitting.from_afar(n_units, rng)
        return found if found is not None and found.n_units == n_units else None
    edge = unit_edge(fitting.samples.d + fitting.bias, fitting.samples.m)
    net = fitting.from_afar(min(most, max(1, ensemble.excited)), rng)
    while net is not None and net.n_units < most:
        test = Test.of(fitting, net, alpha=1.0, rng=rng)
        if test.gain(test.residuals_of(net)) <= edge:
            break
        wider = fitting.from_afar(net.n_units + 1, rng)
        if wider is None or fitting.gain(net, wider) <= edge:
            break
        net = wider
    return net
