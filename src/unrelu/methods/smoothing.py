"""The same minimum from every start.

Seen from nearby, least squares with ReLUs has many minima: one for every way in which hyperplanes
pass between neighbouring samples, a fraction of a standard error from each other, and descents end
in any of them, or at the edge of one. Seen from a standard error away there is one. So the kink is
first made round over about that distance,

    f_h(z) = (z + √(z² + h²)) / 2,

and then less and less, the minimum being followed: where it ends does not depend on the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.methods.kinks import Fit, Kinks
from unrelu.methods.problem import Problem
from unrelu.methods.selection import Effort, settle

Array = NDArray[np.float64]

ROUND, SHARP, LESS = 2.0, 1e-3, 0.25
"""Roundness at first and at last, in standard errors of a unit's hyperplane, and the factor between
two of them."""

FINE = 1e-9
"""As `selection.SETTLED`: what is left to gain at each roundness moves nothing that is seen."""

STEPS = 100


@dataclass(frozen=True, eq=False)
class RoundedReLU:
    """f_h for heights (n, k) and roundness h (k,)."""

    roundness: Array

    name = "rounded relu"
    degree = 1.0
    rational = False

    def __call__(self, z: Array) -> Array:
        return np.asarray((z + np.hypot(z, self.roundness)) / 2)

    def slope(self, z: Array) -> Array:
        return np.asarray((1 + z / np.hypot(z, self.roundness)) / 2)


def followed(problem: Problem, points: Array, errors: Array, effort: Effort) -> Fit:
    """The minimum near hyperplanes `points` (k, D), whose standard errors are about `errors` (k,).
    Cost: six descents from near their ends."""
    share = ROUND
    while True:
        roundness = share * errors
        rounded: Any = RoundedReLU(roundness)
        model = Kinks(problem.strict.features, problem.Y, problem.strict.nuisance, rounded)
        points = settle(problem, model, points, effort, steps=STEPS, share=FINE).point
        if share <= SHARP:
            return problem.strict.evaluate(points)
        share *= LESS
