"""What speaks against an estimate, of labels with noise or of classes that are drawn by chance."""

from __future__ import annotations

from typing import Protocol

from unrelu.checks.finding import Finding, listed, undetermined
from unrelu.network import Network
from unrelu.numerics.arrays import Index
from unrelu.wording.streams import counted

FAR = 1e-4
"""How often the score test takes a network that generated the samples, or was fitted to as many
others, for one that is not their estimate."""

VAGUE = 1.0
"""Standard error of a direction, in radians, beyond which nothing is known of it: directions drawn
at random are not much further apart."""


class Estimate(Protocol):
    """`more`: whether one more unit explains plainly more than chance would; `weak`: units with a
    part that no label depends on."""

    @property
    def net(self) -> Network: ...
    @property
    def more(self) -> bool: ...
    @property
    def weak(self) -> Index: ...


def more_units(case: Estimate) -> Finding | None:
    """Whether one more unit explains more than chance would."""
    if not case.more:
        return None
    return undetermined(
        "more-units",
        f"there are more than {counted(case.net.n_units, 'unit')}, or another kind of model made "
        "these labels: one more explains plainly more than chance would",
    )


def undetermined_weights(case: Estimate) -> Finding | None:
    """Whether some weights have a part that no label depends on."""
    if not len(case.weak):
        return None
    return undetermined(
        "weights-open",
        f"the labels do not determine some of the weights of {listed(case.weak)}",
        units=case.weak,
    )
