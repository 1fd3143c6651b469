"""What is to be recovered, and the passes over all samples that a search has made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.checks.case import Explained
from unrelu.checks.explained import explain
from unrelu.inputs.smooth import Smooth
from unrelu.network import Network
from unrelu.noise.kind import NoiseKind
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.precision import DOUBLE, Precision
from unrelu.samples import Samples
from unrelu.search.method import Method


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be recovered: the samples, the rank of their labels, and what was asked for.
    `weights` of samples (n,) matter to fits of noisy labels alone: `weighted` has them.

    `precision`: of the labels, which may be coarser than that of the samples where it was read off
    them, and is not sure: then exact labels are looked for first, and then what fits to rounding.
    `values`: the labels are known to be values, and not, say, class labels.
    `unknown`: the activation is not known, and `activation` means nothing.
    `memory`: in bytes, as in `recover`. `smooth`: a prior of hidden weights; `kept`: the inputs
    that the samples have, of those that it is about; None for all.
    """

    samples: Samples
    rank: int
    n_units: int | None
    bias: bool
    method: Method
    noise: NoiseKind
    activation: Activation = RELU
    skip: bool = False
    weights: Array | None = None
    form: str = "auto"
    precision: Precision = DOUBLE
    alpha: float = 0.01
    unknown: bool = False
    values: bool = False
    memory: float | None = None
    smooth: Smooth | None = None
    kept: Index | None = None

    @property
    def too_many(self) -> bool:
        """Whether only a part of the samples can be searched, by a method that a part is enough
        for."""
        enough = not (self.unknown or self.method.complete)
        return enough and self.samples.larger_than(self.memory)

    @property
    def open(self) -> bool:
        """Whether neither a method nor a kind of noise was named."""
        return not (self.method.alone or self.noise.given)

    @property
    def weighted(self) -> Samples:
        return replace(self.samples, weights=self.weights)


class Passes:
    """Passes over all samples, the last of them remembered: what a method looks at to see whether
    a network explains them all is what the certificate starts with."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._last: tuple[Network, Explained] | None = None

    def _explained(self, net: Network) -> Explained:
        if self._last is None or self._last[0] is not net:
            self._last = net, explain(net.canonical(), self._samples)
        return self._last[1]

    def missed(self, net: Network) -> Index:
        """Rows that the network does not explain to rounding."""
        return self._explained(net).missed

    def residual(self, net: Network) -> float:
        """Largest residual as a share of the labels' root mean square."""
        return self._explained(net).residual

    @property
    def latest(self) -> float:
        """The same of the last network looked at."""
        return np.inf if self._last is None else self._last[1].residual

    def last(self, net: Network) -> Explained | None:
        return self._last[1] if self._last is not None and self._last[0] is net else None
