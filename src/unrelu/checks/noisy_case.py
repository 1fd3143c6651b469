"""A network and noisy labels, and what it leaves of them: what checks of an estimate look at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unrelu.checks.unexplained import Unexplained, off_the_usual
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.samples import Samples


@dataclass(frozen=True, eq=False)
class NoisyCase:
    """A canonical network, noisy labels, and what it leaves of them. `samples`: with labels whose
    means the network's outputs are to be; `given`: with those that came, where they are others.

    `unknowns`: free weights. `counts`: whether labels are whole numbers by nature;
    `robust`: whether their noise may have heavy tails. `distance`: of
    the weights from the best fit to these samples, in standard errors (root mean square); `spread`:
    what that would be of a network whose weights have such errors themselves, √(1 + n / n₀) if it
    was fitted to n₀ samples. `more`: whether one more unit explains more than noise would.
    `errors` (k,): standard errors of hidden weights, in radians, infinite where there are none;
    `weak`: units with a part that no label depends on. `alike`: the probability under the fitted
    law, where one is known, that neighbours leave what is as alike; `curved`: of counts, that
    their mean is the sum of the units and no curve of it, and the sign of that
    (`checks.curved_sum`); `smooth`: the probability under noise that smooth terms explain as much
    of what is left (`checks.smooth_terms`).
    """

    net: Network
    samples: Samples
    left: Unexplained
    unknowns: int
    errors: Array
    weak: Index
    counts: bool = False
    robust: bool = False
    distance: float = 0.0
    spread: float = math.sqrt(2)
    more: bool = False
    alike: float = 1.0
    smooth: float = 1.0
    curved: tuple[float, float] = (1.0, 0.0)
    given: Samples | None = None

    @property
    def as_given(self) -> Samples:
        return self.samples if self.given is None else self.given

    @property
    def labels(self) -> int:
        return self.samples.n * self.samples.m

    @property
    def beyond_rounding(self) -> bool:
        """Whether more is left than rounding, which may depend on anything."""
        return bool(self.left.share > self.samples.eps**0.75)

    @property
    def shares(self) -> str:
        return f"{100 * self.left.share:.3g}% of the labels' spread"

    @property
    def simple(self) -> str:
        """What a network without units is."""
        return "a linear function" if self.net.skip else "a constant"

    @property
    def off(self) -> int:
        """How many samples are not explained to rounding or, without units, have another label than
        most."""
        if self.net.n_units:
            return self.left.off
        return 0 if self.net.skip else off_the_usual(self.samples)
