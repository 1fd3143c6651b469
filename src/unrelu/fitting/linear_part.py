"""Units that do the work of a skip connection: would fewer do with one?

Without a skip connection, a linear function of the inputs takes two opposite units,
u f(z) − u f(−z), or one that is active on every sample; slopes on both sides of a kink, two units
that face each other. Noise leaves open how such units share what they do, so that nothing is known
of them, though all is known of the function.
"""

from __future__ import annotations

import numpy as np

from unrelu.fitting.problem import Problem, choose_rows
from unrelu.fitting.reduction import polish
from unrelu.fitting.selection import unit_edge
from unrelu.network import Network
from unrelu.noise.gaussian import whitener
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.samples import Samples

LOOKED_AT = 20_000
"""Rows that decide."""

FACING = 0.9
"""Cosine, with the sign turned, from which on two units may face each other; in coordinates in
which the inputs are white."""

ROUNDS = 3
"""Descents, each until it stops halving what is left: noise stays, so they are short."""


def with_skip(
    net: Network,
    samples: Samples,
    bias: bool,
    covariance: Array,
    *,
    open_units: Index | None = None,
    fixed_width: bool = False,
) -> Network | None:
    """A network with a skip connection that fits noisy labels as well as `net`, which has none, but
    with fewer units; None where there is none. `covariance` (m, m) of the noise; `open_units`
    have weights that labels do not tell, such as a unit along an input of two values. With
    `fixed_width`, one of as many units that fits better, and leaves what does not depend on the
    inputs.

    Cost: some dozens of products over up to `LOOKED_AT` rows, where there is anything to be tried.
    """
    if net.skip or not net.n_units or not net.activation.reversible:
        return None
    few = samples.take(choose_rows(samples, LOOKED_AT, np.random.default_rng(0)))
    metric = whitener(covariance)
    problem = Problem(few, np.arange(few.n), bias, metric, skip=True)
    points = problem.points(net.V, net.b)
    before = float(((few.left(net(few.X)) @ metric) ** 2).sum())
    every = np.arange(net.n_units)
    if fixed_width:
        found, residual = _fitted(problem, points)
        better = before - float(np.vdot(residual, residual)) > _edge(problem, residual, net, every)
        left = dependence(residual, problem.strict.features) <= DEPENDENT
        return found if better and left else None
    needed = _needed(net, few, points)
    firmly = needed if open_units is None else np.setdiff1d(needed, open_units)
    for kept in (firmly, needed) if len(firmly) < len(needed) else (needed,):
        if len(kept) < net.n_units:
            found, residual = _fitted(problem, points[kept])
            worse = float(np.vdot(residual, residual)) - before
            if worse <= _edge(problem, residual, net, kept):
                return found
    return None


def _fitted(problem: Problem, points: Array) -> tuple[Network, Array]:
    """The network with a skip connection next to some hyperplanes, and what it leaves."""
    if not len(points):
        found = problem.network(np.zeros((0, problem.X.shape[1])), np.zeros(0))
        return found, problem.strict.target
    fit = polish(problem.strict, points, problem.floor)
    for _ in range(ROUNDS):
        fit = polish(problem.strict, fit.point, problem.floor)
    return problem.network(*problem.hyperplanes(fit.point)), fit.residual


def _edge(problem: Problem, residual: Array, net: Network, kept: Index) -> float:
    """How much the units that are not kept may explain, of noise alone."""
    (n, m), D = residual.shape, problem.strict.features.shape[1]
    spare = max(1, n * m - len(kept) * (D + m) - m * D)
    gone = max(1, net.n_units - len(kept))
    return float(unit_edge(D, m) * gone * np.vdot(residual, residual) / spare)


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
