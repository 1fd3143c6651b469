"""Units of a fit exchanged for others, where random starts hardly ever end in the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.fitting.problem import Problem
from unrelu.fitting.variable_projection import Fit
from unrelu.numerics.arrays import Array

EXCHANGES = 3
"""Exchanges of units, for each unit, that may fail one after the other before a fresh start. Where
samples are few a random start hardly ever ends in the network, at two equations to an unknown one
in a thousand; a fit whose weak units are exchanged gets there in a dozen steps."""

PAIRS = 0.4
"""Share of the exchanges that are of two units at once."""


@dataclass
class Exchanged:
    """The best fit of so many units, and how many exchanges have not made it any better."""

    fit: Fit | None = None
    idle: int = 0

    def helps(self, new: Fit) -> bool:
        """Whether exchanges go on, now that they have led to a new fit, or to a first one."""
        if self.fit is None or new.cost < (1 - 1e-6) * self.fit.cost:
            self.fit, self.idle = new, 0
        self.idle += 1
        return new.width > 1 and self.idle <= EXCHANGES * new.width

    def kept(self, problem: Problem, rng: np.random.Generator) -> Array:
        """The units but one or two, of which the weak are the likelier to go."""
        assert self.fit is not None, "there is one once exchanges help"
        odds = _odds(problem.loose.importance(self.fit))
        many = 1 + (rng.random() < PAIRS and self.fit.width > 2)
        gone = rng.choice(self.fit.width, many, replace=False, p=odds)
        return np.delete(self.fit.point, gone, axis=0)


def _odds(importance: Array) -> Array:
    """That units go, in inverse proportion to their importance; where that has no number, as of
    units that stand for each other, they are as weak as can be.

    >>> _odds(np.array([1.0, 3.0])), _odds(np.array([np.nan, 0.0]))
    (array([0.75, 0.25]), array([0.5, 0.5]))
    """
    known = np.where(np.isfinite(importance) & (importance > 0), importance, 0.0)
    odds = 1 / (known / (known.max() or 1.0) + np.finfo(np.float64).eps)
    return np.asarray(odds / odds.sum())


def through_misfits(problem: Problem, fit: Fit, fresh: Array, rng: np.random.Generator) -> Array:
    """Every second of some random hyperplanes moved to pass through a sample, drawn in proportion
    to its squared residual: where two hyperplanes lie close together and one is found, only the
    samples next to them show that another is missing."""
    squares = (np.asarray(fit.residual, np.float64) ** 2).sum(axis=1)
    if not squares.sum() > 0 or not len(fresh):
        return fresh
    moved = fresh.copy()
    rows = rng.choice(len(squares), len(moved[::2]), p=squares / squares.sum())
    Z = np.asarray(problem.loose.features[rows], np.float64)
    moved[::2] -= ((moved[::2] * Z).sum(axis=1) / (Z * Z).sum(axis=1))[:, None] * Z
    return moved
