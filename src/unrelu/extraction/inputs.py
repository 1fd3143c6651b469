"""The inputs of queries once units are known: how many at random, and which around units."""

from __future__ import annotations

import math

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.counting import chance_equations
from unrelu.extraction.lines import Units
from unrelu.network.unknowns import count_unknowns
from unrelu.numerics.arrays import Array, Index
from unrelu.wording.status import Status

CLOSE = 3.0
"""Orders of magnitude of the distance of queries from a unit that is not determined."""


def enough(units: Units, outputs: int, bias: bool, eps: float, spare: float) -> int:
    """Number of random queries that give more equations than unknowns, `spare` times the minimum.
    `outputs`: the number of independent ones; `eps`: the rounding of answers."""
    k, d = units.V.shape
    D = d + bias
    unknowns = count_unknowns(k, d, outputs, biases=bias)
    n = unknowns // outputs
    for _ in range(3):  # what rules out chance grows with the logarithm of n
        n = math.ceil(spare * (unknowns + chance_equations(D, n, k, eps)) / outputs)
    return int(max(n, 3 * D))


def around_units(
    units: Units, X: Array, weak: Index, wanted: int, scale: float, rng: np.random.Generator
) -> Array:
    """Inputs about the foot of each hyperplane that has fewer than `wanted` of X (n, d) on either
    of its sides, and close to those of `weak` units."""
    active = (X @ units.V.T + units.b > 0).sum(axis=0)
    short = wanted - np.minimum(active, len(X) - active)
    blocks = [np.zeros((0, X.shape[1]))]
    for unit in np.flatnonzero(short > 0):
        foot = -units.b[unit] * units.V[unit]
        blocks.append(foot + scale * rng.standard_normal((2 * short[unit], X.shape[1])))
    for unit in weak:
        # Near it at all scales: another hyperplane may be very close.
        foot = -units.b[unit] * units.V[unit]
        size = scale * 10.0 ** -rng.uniform(0, CLOSE, (2 * wanted, 1))
        blocks.append(foot + size * rng.standard_normal((2 * wanted, X.shape[1])))
    return np.vstack(blocks).astype(np.float32).astype(np.float64)


def weak_units(units: Units, found: Certificate | None) -> Index:
    """Units that the last certificate found not to be determined."""
    if found is None or found.status != Status.UNDETERMINED or not len(units.b):
        return np.arange(0)
    rows = np.column_stack([units.V, units.b])
    weak = np.column_stack([found.network.V, found.network.b])[found.weak_units]
    apart = np.minimum(
        np.linalg.norm(rows - weak[:, None], axis=2),
        np.linalg.norm(rows + weak[:, None], axis=2),
    )
    return np.unique(apart.argmin(axis=1))
