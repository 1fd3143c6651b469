"""Do units explain more of noisy labels than noise would: those of a network, and one more?"""

from __future__ import annotations

import numpy as np

from unrelu.checks.few_labels import FEW
from unrelu.checks.noisy_case import NoisyCase
from unrelu.evidence.evidence import Question
from unrelu.fitting.fittings import fitting_of, without_units
from unrelu.fitting.problem import choose_rows
from unrelu.fitting.selection import Effort
from unrelu.fitting.width import asks_for_more
from unrelu.inference.notes import DOUBTFUL
from unrelu.inference.uncertainty import Uncertainty
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise import kinds
from unrelu.noise.found import Noise
from unrelu.noise.gaussian import GAUSSIAN
from unrelu.noise.kind import NoiseKind
from unrelu.samples import Samples

TESTED, CAUTION = 5000, 0.1
"""Samples on which one more unit is looked for, and the rate of false alarms in terms of that at
which a search adds a unit: what it left out by a little is not called missing."""

PLAIN_GAIN = 20.0
"""Variances of the noise, for each weight, that a network explains beyond what noise would: units
of its own choice explain two or three of it."""


def chance_of_units(
    bound: float, asked: Question, samples: Samples, noise: Noise, step: float
) -> float:
    """The bound on the probability that noise alone is explained as well or, where that is no good,
    what a test of a network without units shows: its level, or that noise may be. With many inputs
    the bound says nothing, and only what is plainly more than noise needs no test."""
    kind, net = kinds.KINDS[noise.kind], asked.network.canonical()
    nothing = without_units(samples, asked.biased, asked.skip, net.activation)
    if samples.d > 1:
        some = samples.take(samples.spread(TESTED))
        fitting = fitting_of(kind, net, some, asked.biased, asked.skip, Effort())
        gain = fitting.gain(nothing, net) * samples.n / some.n
        plain = PLAIN_GAIN * unknowns_of(net, biases=True, skip=True)
        bound = float(0 < gain <= plain)  # worse than none is no estimate at all
    if bound <= noise.alpha:
        return bound
    asks = _asks(kind, nothing, asked, samples, alpha=noise.alpha, step=step)
    return noise.alpha if asks else bound


def more_explain(asked: Question, case: NoisyCase, noise: Noise, step: float) -> bool:
    """Whether one more unit explains more than noise would. It is valid of any noise, so where
    scores are made for heavy tails, plain residuals are tested, too. Not asked of few labels, of
    which the note says so."""
    if not case.net.n_units or case.labels < FEW * case.unknowns:
        return False
    kind, alpha = kinds.KINDS[noise.kind], CAUTION * noise.alpha
    return any(
        _asks(each, case.net, asked, case.as_given, alpha=alpha, step=step)
        for each in (kind, *[GAUSSIAN] * kind.robust)
    )


def idle_units(
    asked: Question, case: NoisyCase, noise: Noise, uncertainty: Uncertainty
) -> list[int]:
    """Units of counts that may not be there: by errors from simulated counts their output weights
    may be zero, and the network without such a unit does not ask for one more. Errors of known
    sides do not show it, for a unit that is fitted to noise explains much of it."""
    if not case.counts or uncertainty.factors is None:
        return []
    kind, net, samples = kinds.KINDS[noise.kind], case.net, case.as_given
    found = []
    for unit in uncertainty.units:
        if unit.p_value <= DOUBTFUL:
            continue
        fitting = fitting_of(kind, net, samples, asked.biased, asked.skip, Effort())
        fewer = fitting.fit(fitting.without(net, unit.unit), rough=True)
        if not _asks(kind, fewer, asked, samples, alpha=noise.alpha, step=0.0):
            found.append(unit.unit)
    return found


def _asks(
    kind: NoiseKind, net: Network, asked: Question, samples: Samples, *, alpha: float, step: float
) -> bool:
    """Whether a network asks for more units. A certificate is a function of its samples, so the
    test draws its copies from a fixed seed."""
    rng = np.random.default_rng(0)
    some = samples.take(choose_rows(samples, TESTED, rng))
    fitting = fitting_of(kind, net, some, asked.biased, asked.skip, Effort())
    step = 0.0 if kind.integer else step
    return asks_for_more(net, fitting, alpha=alpha, step=step, rng=rng)
