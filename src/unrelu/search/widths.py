"""How many units a fit that is to be reduced begins with, and what fits of growing width leave."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from unrelu.fitting.problem import Problem
from unrelu.fitting.variable_projection import Fit
from unrelu.network.unknowns import count_unknowns
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.samples import Samples

OVERWIDE = 1.3
"""Width of a search over the number of units it looks for: surplus units are what keeps a
descent from getting stuck."""

EQUATIONS_PER_UNKNOWN = 6
"""Rows beyond this are not looked at: they would cost time and add nothing to the search."""

FEWEST, FEW_INPUTS = 1000, 6
"""Rows that are looked at anyway, where inputs are so few (the constant is one of them) that this
costs nothing: they show hyperplanes with few samples in between."""

SAME_LEVEL = 0.8
"""Two widths, half as many units apart, leave the same noise if the one leaves no less than this
share of the other. Units still missing would have made more of a difference."""

PLATEAU = 16
"""Times as many units that leave the same, whatever it looks like: no width will explain it."""

NOISE_EQUATIONS = 2.5
"""Equations to an unknown from which a residual is looked at at all: with fewer, what an
over-wide fit leaves looks like noise whatever it is."""


class Widths:
    """Which widths make sense for these samples, and how many rows each deserves."""

    def __init__(
        self, samples: Samples, bias: bool, units: int, outputs: int, most: int | None = None
    ) -> None:
        self.n, self.m = samples.n, outputs
        self.dimension = samples.d + bias
        # A model with more than 4 unknowns to 5 equations would only interpolate.
        equations = self.n * self.m / 1.25 - self.m * self.dimension
        self.last = max(1, int(equations / (self.dimension + self.m - 1)))
        if most is not None:
            self.last = min(self.last, math.ceil(OVERWIDE * most))
        self.first = min(self.last, math.ceil(OVERWIDE * units))

    def at_least(self, width: int) -> int:
        return min(self.last, max(self.first, width))

    def rows(self, width: int) -> int:
        unknowns = width * (self.dimension + self.m)
        wanted = math.ceil(EQUATIONS_PER_UNKNOWN * unknowns / (OVERWIDE * self.m))
        least = FEWEST if self.dimension <= FEW_INPUTS else 8 * self.dimension
        return min(self.n, max(wanted, least))


@dataclass
class Levels:
    """What fits of growing width leave, as standard deviations of noise."""

    left: list[tuple[int, float]] = field(default_factory=list)
    noise: float = math.inf
    """Of the last fit; infinite if what it left does not look like noise."""

    def add(self, problem: Problem, fit: Fit, width: int) -> tuple[bool, bool]:
        """Whether a far wider fit leaves the same as one before, and whether the last two leave
        the same noise."""
        left = _level(problem, fit)
        flat = any(
            PLATEAU * w <= width and SAME_LEVEL * before <= left < math.inf
            for w, before in self.left
        )
        self.left.append((width, left))
        like_noise = dependence(fit.residual, problem.loose.features) <= DEPENDENT
        before, self.noise = self.noise, left if like_noise else math.inf
        return flat, before < math.inf and SAME_LEVEL * before < self.noise < math.inf


def _level(problem: Problem, fit: Fit) -> float:
    """Standard deviation of the noise, if the residual is noise; infinite if there are too few
    samples to tell."""
    n, m = problem.Y.shape
    # The lengths of the rows, which are no unknowns, are counted in place of the affine terms.
    unknowns = count_unknowns(fit.width, fit.point.shape[1], m, biases=False, scales=True)
    if unknowns * NOISE_EQUATIONS >= n * m:
        return math.inf
    return math.sqrt(fit.cost / (n * m - unknowns))
