"""Labels of no small network: what further starts cannot mend.

While the number of units is open, a search goes on until each width has been tested and two starts
agree. Where what its network leaves is plainly no noise even then, further starts end in other
networks that leave the same, and would take most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unrelu.checks.finding import Finding, first
from unrelu.checks.noise_left import depends_on_heights, depends_on_inputs, misfit
from unrelu.checks.noisy_case import NoisyCase
from unrelu.checks.unexplained import unexplained
from unrelu.evidence.shared_rounding import is_rounding
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.kind import NoiseKind
from unrelu.samples import Samples

Checks = Sequence[Callable[[NoisyCase], Finding | None]]

ASKED: Checks = depends_on_inputs, depends_on_heights, misfit
"""What the certificate asks of residuals, whatever the number of units."""


def is_hopeless(
    net: Network,
    samples: Samples,
    kind: NoiseKind,
    *,
    bias: bool,
    step: float,
    checks: Checks = ASKED,
) -> bool:
    """Whether the certificate would find, by these checks, that what a network leaves is not noise
    of this kind, and it is not rounding to multiples of a step. Cost: a pass, and pairs of 1500
    samples."""
    if is_rounding(net, samples, step):
        return False
    samples = kind.standing(samples, net(np.asarray(samples.X, np.float64)))
    left, no_errors = unexplained(net, samples, bias, kind.robust), np.zeros(0)
    free, counts = unknowns_of(net, biases=bias, skip=net.skip), kind.integer
    case = NoisyCase(net, samples, left, free, no_errors, np.arange(0), counts=counts)
    return first(checks, case) is not None
