"""How the noise that a search leaves grows on samples that it did not see."""

from __future__ import annotations

import numpy as np

from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.kind import NoiseKind
from unrelu.numerics.arrays import Array
from unrelu.numerics.spread import NORMAL, robust_spread, telling
from unrelu.samples import Samples

FEW = 200
"""Labels of samples held out that it takes, which give their median to a tenth."""

ERRORS = 4
"""Standard errors by which noise that grows is credited with growing less."""

OF_MEDIAN = 2.33
"""Standard error of the square of the median size of n normal values, times √n."""


def growth(net: Network, samples: Samples, used: int, bias: bool, kind: NoiseKind | None) -> float:
    """Noise variance on the samples from number `used` on over that on those before, to which the
    network was fitted, less what fitting does to both: p unknowns lower the one by 1 − p/N and
    raise the other by 1 + p/N. It is a lower bound, by `ERRORS` standard errors; one where there
    are too few to tell. kind : of counts, else None."""
    fitted, held_out = (np.arange(used), np.arange(used, samples.n))
    if len(held_out) * samples.m < FEW:
        return 1.0
    share = unknowns_of(net, biases=bias, skip=net.skip) / (used * samples.m)
    expected = (1 + share) / max(1 - share, np.finfo(np.float64).tiny)
    if kind is None:
        return _by_medians(net, samples.take(fitted), samples.take(held_out)) / expected
    squares = _squares(kind, samples, net(samples.X))
    return _by_means(squares[fitted], squares[held_out]) / expected


def _by_medians(net: Network, fitted: Samples, held_out: Samples) -> float:
    """So that gross errors do not count."""
    scale = robust_spread(fitted.left(net(fitted.X)), fitted.Y)
    scale = np.maximum(scale, fitted.resolution() + np.finfo(np.float64).tiny)
    rest = held_out.left(net(held_out.X))
    informative = telling(rest, held_out.Y)
    ratio = float(np.median(np.abs(rest / scale)[informative]) / NORMAL) ** 2
    return float(ratio / (1 + ERRORS * OF_MEDIAN / np.sqrt(informative.sum())))


def _squares(kind: NoiseKind, samples: Samples, predicted: Array) -> Array:
    assert kind.loss is not None, "counts have one"
    loss = kind.loss(samples, predicted)
    return np.asarray(loss.standardised(np.asarray(samples.Y, np.float64), predicted) ** 2)


def _by_means(fitted: Array, held_out: Array) -> float:
    """Of counts: where few are expected most are zero, and their medians show nothing but c."""
    usual = float(fitted.mean())
    if not usual:
        return 1.0
    errors = [float(part.std()) / np.sqrt(part.size) for part in (fitted, held_out)]
    return float(held_out.mean() / (usual + ERRORS * np.hypot(*errors)))
