"""The table of the kinds of noise. A kind is a file, and a line here.

The order matters: of the kinds that recognise the noise that a fit leaves, the last in the table
is taken, so those that are sure of it come after those that take anything.
"""

from __future__ import annotations

from typing import Any

from unrelu.network import Network
from unrelu.noise.bernoulli import BERNOULLI
from unrelu.noise.found import Noise
from unrelu.noise.gaussian import GAUSSIAN, noise_covariance
from unrelu.noise.independent import INDEPENDENT, long_tailed
from unrelu.noise.kind import Criterion, FirstFit, NoiseKind
from unrelu.noise.labels import LABELS
from unrelu.noise.none import NONE
from unrelu.noise.poisson import POISSON
from unrelu.noise.sparse import SPARSE
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples

KINDS = {
    kind.name: kind for kind in (NONE, GAUSSIAN, INDEPENDENT, POISSON, BERNOULLI, SPARSE, LABELS)
}

AUTO = NoiseKind("auto", "what the labels themselves show", given=False, stand_in="gaussian")
"""Where no kind is named."""


def named(name: str) -> NoiseKind:
    """The kind of this name, or `AUTO`."""
    return KINDS.get(name, AUTO)


def of_values() -> dict[str, NoiseKind]:
    """The kinds that labels which are values may have, by name."""
    return {name: kind for name, kind in KINDS.items() if kind.answers == "values"}


def estimated() -> tuple[str, ...]:
    """Names of the kinds among them that leave an estimate, with standard errors."""
    return tuple(name for name, kind in of_values().items() if kind.estimated)


def suspected(samples: Samples, bias: bool) -> NoiseKind | None:
    """The kind that the labels look like before any fit, if there is one."""
    return next((kind for kind in KINDS.values() if kind.suspected(samples, bias)), None)


def recognised(fit: FirstFit) -> tuple[NoiseKind, str]:
    """The kind of the noise that a fit leaves, and why."""
    for kind in reversed(KINDS.values()):
        reason = kind.recognised(fit)
        if reason is not None:
            return kind, reason
    raise AssertionError("one kind takes any noise")


def kind_left(
    name: str, samples: Samples, net: Network, bias: bool, heavy: bool | None = None
) -> tuple[NoiseKind, str]:
    """The kind of this name or, for "auto", of the noise that a network leaves, and why it is that.
    `heavy`: whether what it leaves has heavy tails, where that is known."""
    given = KINDS.get(name)
    if given is not None:
        return given, ""
    looks_like = suspected(samples, bias)
    if heavy is None:
        heavy = (looks_like is None or looks_like.robust) and long_tailed(samples, net, bias)
    return recognised(FirstFit(samples, net, bias, looks_like.name if looks_like else "", heavy))


def noise_left(
    kind: NoiseKind, reason: str, samples: Samples, net: Network, bias: bool, **found: Any
) -> Noise:
    """The noise of a kind that a network leaves of samples, and what else was `found` of it."""
    fitted = net(samples.X)
    left = kind.standing(samples, fitted).left(fitted)
    covariance = noise_covariance(left, net, bias, samples.resolution())
    noise = Noise(kind.name, reason, covariance, **found)
    return noise if kind.loss is None else kind.described(noise, kind.loss(samples, fitted))


def criterion(noise: Noise, samples: Samples, predicted: Array) -> Criterion:
    """What a fit minimised that left this noise."""
    kind = KINDS[noise.kind]
    assert kind.criterion is not None, "noise is left by estimates"
    return kind.criterion(samples, predicted, noise)
