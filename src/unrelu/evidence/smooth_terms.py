"""Noise of an unknown law: what smooth terms explain of it."""

from __future__ import annotations

import numpy as np

from unrelu.checks.smooth_terms import MOST_ROWS, smooth_p
from unrelu.evidence.evidence import Question
from unrelu.fitting.fittings import fitting_of
from unrelu.fitting.selection import Effort
from unrelu.network import Network
from unrelu.noise.kind import NoiseKind
from unrelu.samples import Samples


def chance_smooth(kind: NoiseKind, net: Network, asked: Question, samples: Samples) -> float:
    """The probability under noise that smooth terms explain as much of what a network leaves; one
    where the law of the noise is known, and labels drawn from it show more."""
    some = samples.take(samples.spread(MOST_ROWS))
    fitting = fitting_of(kind, net, some, asked.biased, asked.skip, Effort())
    known = fitting.drawn(net, np.random.default_rng(0)) is not None
    if known or not net.activation.piecewise_linear:
        return 1.0
    root = some.root * np.ones((some.n, 1))
    return smooth_p(net, fitting.X, fitting.standardised(net), root)
