"""The same minimum from every start.

Seen from nearby, least squares with ReLUs has many minima: one for every way in which hyperplanes
pass between neighbouring samples, a fraction of a standard error from each other, and descents end
in any of them, or at the edge of one. Seen from a standard error away there is one. So the kink is
first made round over about that distance (`rounded_relu`),

    f_h(z) = (z + √(z² + h²)) / 2,

and then less and less, the minimum being followed: where it ends does not depend on the start.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unrelu.fitting.problem import Problem
from unrelu.fitting.rounded_relu import RoundedReLU
from unrelu.fitting.selection import Effort, settle
from unrelu.fitting.variable_projection import Fit, Separable
from unrelu.numerics.arrays import Array

ROUNDNESS = tuple(2.0 / 8**i for i in range(5))
"""At first and at last, in standard errors of a unit's hyperplane."""

FINE = 1e-9
"""As `selection.SETTLED`: what is left to gain at each roundness does not move the fit visibly."""

STEPS = 100


def errors_of(gains: Array) -> Array:
    """About the standard errors (k,), in radians as the samples see them, of hyperplanes that gain
    so many noise variances."""
    return np.asarray(1 / np.sqrt(np.maximum(gains, 1.0)))


def followed(problem: Problem, points: Array, errors: Array, effort: Effort) -> Fit:
    """The least-squares minimum near hyperplanes `points` (k, D) with standard `errors` (k,).
    Cost: five descents from near their ends."""
    strict = problem.strict
    for share in ROUNDNESS:
        activation: Any = RoundedReLU(share * errors)
        model = Separable(strict.features, problem.Y, strict.nuisance, activation)
        points = settle(problem, model, points, effort, steps=STEPS, share=FINE).point
    return strict.evaluate(points)
