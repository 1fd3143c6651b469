"""Labels that a network explains but for their rounding, and samples that share its errors."""

from __future__ import annotations

import numpy as np

from unrelu.links.behind import sharing
from unrelu.network import Network
from unrelu.samples import Samples

ALL_ROUNDING, MOST_ROWS = 0.35, 100_000
"""Steps that are left, in the root mean square, where nothing else is; samples examined."""


def is_rounding(net: Network, samples: Samples, step: float) -> bool:
    """Whether what is left of the labels is their rounding to multiples of a step: a uniform error
    of up to half of it has a standard deviation of 0.29 steps. An error that many samples share may
    be larger."""
    if not step:
        return False
    some = _apart(samples.take(samples.spread(MOST_ROWS)))
    left = some.left(net(some.X))
    return bool(np.sqrt((left**2).mean()) <= ALL_ROUNDING * step)


def rounded_apart(net: Network, samples: Samples, step: float) -> Samples:
    """The samples whose errors are independent. Where rounding is all that the network leaves,
    those that share one error, since no unit is active on them, tell as much as one of them."""
    return _apart(samples) if is_rounding(net, samples, step) else samples


def _apart(samples: Samples) -> Samples:
    """One sample for all that have by far the most frequent label; the same samples where they have
    weights, which are made for that."""
    if samples.weights is not None:
        return samples
    alike = np.flatnonzero(sharing(np.asarray(samples.Y, np.float64)) > 1)
    return samples.take(np.setdiff1d(np.arange(samples.n), alike[1:])) if len(alike) else samples
