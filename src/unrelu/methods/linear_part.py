"""Units that do the work of a skip connection: would fewer do with one?

Without a skip connection, a linear function of the inputs takes two opposite units,
u f(z) − u f(−z), or one that is active on every sample; slopes on both sides of a kink, two units
that face each other. Noise leaves open how such units share what they do, so that nothing is known
of them, though all is known of the function.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unrelu.activations import ReLU
from unrelu.methods.descent import polish
from unrelu.methods.noise_metric import whitener
from unrelu.methods.problem import Problem, choose_rows
from unrelu.methods.selection import unit_edge
from unrelu.network import Network
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.samples import Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]

LOOKED_AT = 20_000
"""Rows that decide."""

FACING = 0.9
"""Cosine, with the sign turned, from which on two units may face each other; in coordinates in
which the inputs are white."""

ROUNDS = 3
"""Descents, each until it stops halving what is left: noise stays, so they are short."""


def with_skip(
    net: Network, samples: Samples, bias: bool, covariance: Array, *, told: bool = False
) -> Network | None:
    """A network with a skip connection that fits noisy labels as well as `net`, which has none, but
    with fewer units; None where there is no such. `covariance` (m, m) of the noise. With `told`,
    one of as many units that fits better, and leaves what does not depend on the inputs.

    Cost: some dozens of products over up to `LOOKED_AT` rows, where there is anything to be tried.
    """
    if net.skip or not net.n_units or not isinstance(net.activation, ReLU):
        return None
    few = samples.take(choose_rows(samples, LOOKED_AT, np.random.default_rng(0)))
    metric = whitener(covariance)
    problem = Problem(few, np.arange(few.n), bias, metric, skip=True)
    points = problem.points(net.V, net.b)
    kept = np.arange(net.n_units) if told else _needed(net, few, points)
    if len(kept) == net.n_units and not told:
        return None
    if len(kept):
        fit = polish(problem.strict, points[kept], problem.floor)
        for _ in range(ROUNDS):
            fit = polish(problem.strict, fit.point, problem.floor)
        found, cost = problem.network(*problem.hyperplanes(fit.point)), fit.cost
    else:
        found = problem.network(np.zeros((0, net.n_inputs)), np.zeros(0))
        cost = float(np.vdot(problem.strict.target, problem.strict.target))
    before = float(((few.left(net(few.X)) @ metric) ** 2).sum())
    spare = max(1, few.n * few.m - len(kept) * (few.d + bias + few.m) - few.m * (few.d + bias))
    edge = unit_edge(few.d + bias, few.m) * max(1, net.n_units - len(kept)) * cost / spare
    if not told:
        return found if cost <= before + edge else None
    inputs = problem.strict.features
    fits = len(kept) > 0 and dependence(fit.residual, inputs) <= DEPENDENT
    return found if before > cost + edge and fits else None


def _needed(net: Network, samples: Samples, points: Array) -> Index:
    """Units with a kink among the samples, but of two that face each other only the stronger."""
    active = (net.preactivations(np.asarray(samples.X)) > 0).mean(axis=0)
    kinked = np.flatnonzero((active > 0) & (active < 1))
    rows = points / np.linalg.norm(points, axis=1, keepdims=True)
    gone: set[int] = set()
    for place, i in enumerate(kinked.tolist()):  # the strongest first, in canonical form
        for j in kinked[place + 1 :].tolist():
            if i not in gone and j not in gone and -(rows[i] @ rows[j]) > FACING:
                gone.add(j)
    return np.array([i for i in kinked.tolist() if i not in gone], dtype=np.intp)
