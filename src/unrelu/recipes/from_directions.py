"""The exact step for activations other than the ReLU: from directions, up to sign, to units.

As for the ReLU (`support`): with labels of rank k, the rows on which unit j is off have one null
vector, which leads to f_j, whatever phi is. From the sides that a rough direction gives, or its
opposite, the alternation finds the unit; where f is not homogeneous, its
scale, too. All weights are polished in the end.
"""

from __future__ import annotations

import numpy as np

from unrelu.activations import Activation
from unrelu.fitting.alternation import OVERFLOW, LabelSpace, alternate
from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.fitting.problem import Problem
from unrelu.fitting.unitwise_polish import refined
from unrelu.numerics.arrays import Array
from unrelu.recipes.support import used_rows
from unrelu.samples import Samples

STEPS = 30
"""Of alternation."""


def check_moments(activation: Activation) -> None:
    """Raises `Unsuitable` for an activation of which a Gaussian input makes infinite labels: one
    whose square has no mean."""
    if not activation.has_variance:
        raise Unsuitable(
            f"with Gaussian inputs the labels of {activation.name!r} have no variance, and their "
            "moments say nothing"
        )


@OVERFLOW
def exact_network(
    samples: Samples,
    V: Array,
    activation: Activation,
    *,
    bias: bool,
    stats: dict[str, float | int | str],
    rng: np.random.Generator,
) -> Candidate:
    """The network that the rows V (k, d) lead to, for labels of rank k; `bias` only says what it
    is judged among. Raises `Unsuitable` where some lead nowhere. Cost: that of
    alternation from 2 k starts."""
    k = len(V)
    chosen = used_rows(samples, k, rng)
    problem = Problem(samples, chosen, bias=False, activation=activation)
    space, points = LabelSpace.of(problem, samples.eps), problem.points(V, np.zeros(k))
    heights = problem.strict.features @ points.T
    nothing = known = space.known
    units: list[Array] = []
    waiting = list(range(k))
    for others in (False, True):  # those left over once more, without what has been found
        parts = space.parts(known if others else nothing)
        for j in list(waiting):
            for side in (heights[:, j] > 0, heights[:, j] < 0):
                unit = alternate(space, parts, side, STEPS)
                longer = None if unit is None else space.extended(known, unit)
                if unit is not None and longer is not None:
                    units, known = [*units, unit], longer
                    parts = space.parts(known) if others else parts
                    waiting.remove(j)
                    break
    if waiting:
        raise Unsuitable(
            f"{len(waiting)} of the {k} directions lead to no unit of {activation.name!r}, with "
            "either sign: it needs labels of rank k without noise, no biases, Gaussian inputs, or "
            "more samples"
        )
    net = problem.network(*problem.hyperplanes(np.array(units)), 1 / space.sizes)
    problem = Problem(samples, problem.rows, bias, activation=activation)
    net = refined(net, problem, space.sizes, samples.eps)
    return Candidate(net, problem.rows, {"rows": len(problem.rows), **stats})
