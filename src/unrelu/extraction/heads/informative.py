"""Inputs whose answers show values well: where a link is not saturated."""

from __future__ import annotations

import math

import numpy as np

from unrelu.extraction.grids import Grid
from unrelu.extraction.heads.head import Asked
from unrelu.links.link import Link
from unrelu.numerics.arrays import Array

VAGUE = 0.05
"""Largest error of a value, relative to a change of the answer by its own order of magnitude, that
rounding of the answer may make in it."""

FURTHER = 0.5
"""Share of an input that the next one of the chain renews (Cotter et al. 2013: the proposal of the
preconditioned Crank–Nicolson sampler, which leaves Gaussian inputs Gaussian)."""

MOST_ASKED = 8
"""Queries for each input wanted, after which there is no hope of more."""

BEST = 0.1
"""Share of the inputs, the best ones, that the chain goes on from where too few are good."""


def rounding_errors(link: Link, grid: Grid | None, Y: Array) -> Array:
    """Errors (n, m) of the values behind answers, as standard deviations of rounding."""
    eps = float(np.finfo(np.float64).eps)
    spacing = grid.spacing(Y) if grid else eps * np.abs(Y)
    with np.errstate(invalid="ignore"):
        return np.asarray(link.error(Y, spacing / math.sqrt(12)))


def vagueness(link: Link, grid: Grid | None, Y: Array) -> Array:
    """(n,): how far each answer is from showing its values well; up to one, it does."""
    if grid is None:
        inside = (link.low < Y) & (link.high > Y)
        with np.errstate(divide="ignore", invalid="ignore"):
            vague = np.where(inside, CLEAR / link.clarity(Y), np.inf)
        return np.asarray(vague.max(axis=1))
    errors = rounding_errors(link, grid, Y)
    vague = np.where(np.isfinite(link.inverse(Y)), errors / VAGUE, np.inf)
    bounded = np.isfinite(link.high)
    return np.asarray(vague.max(axis=1) if bounded else np.zeros(len(Y)))


CLEAR = 0.2
"""Least clarity of answers that are inverted: values then have all but a digit of theirs."""


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
