"""Inputs whose answers show values well: where a link is not saturated."""

from __future__ import annotations

import math

import numpy as np

from unrelu.extraction.heads.head import Asked
from unrelu.links.behind import vagueness
from unrelu.links.link import Link
from unrelu.numerics.arrays import Array
from unrelu.numerics.grids import Grid

FURTHER = 0.5
"""Share of an input that the next one of the chain renews (Cotter et al. 2013: the proposal of the
preconditioned Crank–Nicolson sampler, which leaves Gaussian inputs Gaussian)."""

MOST_ASKED = 8
"""Queries for each input wanted, after which there is no hope of more."""

BEST = 0.1
"""Share of the inputs, the best ones, that the chain goes on from where too few are good."""


def chained(X: Array, noise: Array) -> Array:
    """The next inputs of the chain."""
    return np.asarray(math.sqrt(1 - FURTHER**2) * X + FURTHER * noise)


def informative(
    asked: Asked, link: Link, grid: Grid | None, n: int, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Up to n Gaussian inputs whose answers show their values well, and these answers; and all
    inputs and answers. A chain through the region where they do continues from those that are found
    at random."""
    X, Y = asked.queries(asked.random_inputs(n))
    vague = vagueness(link, grid, Y)
    while (vague <= 1).sum() < n and len(X) < MOST_ASKED * n:
        order = np.argsort(vague, kind="stable")
        good = max(int((vague <= 1).sum()), math.ceil(BEST * n))
        base = X[order[rng.integers(min(good, len(X)), size=n)]]
        moved = chained(base, asked.scale * rng.standard_normal(base.shape))
        more_X, more_Y = asked.queries(moved.astype(np.float32).astype(np.float64))
        X, Y = np.vstack([X, more_X]), np.vstack([Y, more_Y])
        vague = vagueness(link, grid, Y)
    kept = np.flatnonzero(vague <= 1)[:n]
    return X[kept], Y[kept], X, Y
