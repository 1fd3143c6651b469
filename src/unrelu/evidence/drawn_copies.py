"""Noise of a known law: what labels drawn from a fit show of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from unrelu.checks.alike import ALIKE, COPIES, MOST_ROWS, alike_p
from unrelu.evidence.evidence import Question
from unrelu.fitting.fittings import fitting_of
from unrelu.fitting.selection import Effort
from unrelu.network import Network
from unrelu.noise.kind import NoiseKind
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples


def chance_alike(kind: NoiseKind, net: Network, asked: Question, samples: Samples) -> float:
    """The probability under the fitted law that neighbours leave what is as alike; one where that
    law is not known. A certificate is a function of its samples, so copies are drawn from a fixed
    seed."""
    rng = np.random.default_rng(0)
    some = samples.take(samples.spread(MOST_ROWS))
    fitting = fitting_of(kind, net, some, asked.biased, asked.skip, Effort())
    if fitting.drawn(net, rng) is None or not net.activation.piecewise_linear:
        return 1.0
    root = np.sqrt(fitting.weights(net))

    def chance(copies: Iterable[Array | None]) -> float:
        drawn = [copy for copy in copies if copy is not None]
        return alike_p(net, fitting.X, root, fitting.standardised(net), drawn)

    p = chance(fitting.drawn(net, rng) for _ in range(COPIES))
    if p >= ALIKE:
        return p
    # Means about zero are taken for a small one there: labels have counts that hardly any has where
    # the mean is zero in truth. Drawn about the means as they are, they have none.
    nothing = np.zeros((1, some.m))
    again = (fitting.redrawn(net, rng, nothing) for _ in range(COPIES))
    return max(p, chance(each.standardised(net) for each in again if each is not None))
