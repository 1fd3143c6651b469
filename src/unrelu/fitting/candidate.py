"""What every method returns: a network to be certified, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unrelu.activations import Activation
from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.numerics.arrays import Array, Index
from unrelu.samples import Samples


@dataclass(frozen=True, eq=False)
class Candidate:
    """`rows`: the samples that were looked at to find the network; all others are fresh to it.
    `note`: a sentence on what the method found that a certificate cannot show; `rival`: another
    network with as many units that explains the samples as well; `unsuitable`: which assumption of
    the method fails, then this is not an answer, whatever it explains; `directions` (k,): to how
    many radians those of hidden weights are estimated, where the activation is a curve; `gross`:
    labels that it does not explain are taken for gross errors."""

    network: Network
    rows: Index
    stats: Mapping[str, float | int | str]
    note: str = ""
    noise: Noise | None = None
    rival: Network | None = None
    unsuitable: str = ""
    directions: Array | None = None
    gross: bool = False


def constant(samples: Samples, bias: bool, activation: str | Activation = "relu") -> Candidate:
    """The network without units: the mean label, or zero."""
    c = samples.mean_label() if bias else np.zeros(samples.m)
    net = Network(np.zeros((0, samples.d)), np.zeros((samples.m, 0)), c=c, activation=activation)
    return Candidate(net, np.arange(samples.n), {"starts": 0})


class Unsuitable(Exception):
    """An assumption of a recipe that fails, in words, with the network it was led to, if any.

    For the plan alone, which makes it the explanation of a failed recovery.
    """

    def __init__(self, reason: str, network: Network | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.network = network
