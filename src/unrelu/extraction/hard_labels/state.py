"""The state of an extraction from labels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from unrelu.checks.class_boundaries import Predictions
from unrelu.checks.finding import Finding
from unrelu.extraction.hard_labels.boundary import FINEST, Boundary, widths
from unrelu.extraction.hard_labels.classes import Classes
from unrelu.extraction.hard_labels.hyperplanes import Hyperplanes
from unrelu.extraction.hard_labels.output_layer import Scores
from unrelu.extraction.hard_labels.segments import Bend
from unrelu.extraction.hard_labels.tracing import Tracer
from unrelu.extraction.hard_labels.views import Limits
from unrelu.network.decision_boundary import BoundaryPoints
from unrelu.numerics.arrays import Array, largest_entries

TRACED = 2.0**-40
"""Relative width to which points of polylines are bisected: they tell hyperplanes apart, and more
digits come from others."""


@dataclass(eq=False)
class State:
    """Points of boundaries, polylines and hyperplanes, and the best network so far with its latest
    predictions.

    scale, reach, biased : as in `unrelu.extract`. noise : relative distance from a boundary within
    which labels are not reliable. wrong : chords on which predictions were wrong. refusal : why
    nothing can be found. anywhere : polylines started in any direction. density : points that each
    class gets, relative to what should do. within : the state of a search in a subspace.
    """

    classes: Classes
    scale: float
    reach: float
    biased: bool
    rng: np.random.Generator
    found: Boundary = field(init=False)
    planes: Hyperplanes = field(init=False)
    polylines: list[list[Bend]] = field(default_factory=list)
    scores: Scores | None = None
    predictions: Predictions | None = None
    wrong: list[Array] = field(default_factory=list)
    refusal: Finding | None = None
    noise: float = 0.0
    anywhere: int = 0
    density: float = 1.0
    within: State | None = None

    def __post_init__(self) -> None:
        d = self.n_inputs
        self.found = Boundary(d)
        self.planes = Hyperplanes(Limits(), d)
        self.tracer = Tracer(self.found, TRACED, self.reach * self.scale * np.sqrt(d))

    def set_noise(self, noise: float) -> None:
        """Labels are reliable to this relative distance from a boundary only: nothing is looked at
        more closely."""
        self.noise = noise
        self.tracer.width = max(TRACED, 2 * noise)
        self.planes.limits = Limits.of(2 * noise)

    def in_subspace(self, basis: Array) -> State:
        """A search before any other, in coordinates of orthonormal rows (r, d). Inputs are as long
        as in all inputs, and classes are numbered as they turn up there."""
        scale = self.scale * float(np.sqrt(self.n_inputs / len(basis)))
        classes = Classes(self.classes.queries, basis)
        return State(classes, scale, self.reach, self.biased, self.rng)

    @property
    def subspace(self) -> Array | None:
        """Orthonormal rows (r, d), which span where the network was found."""
        return None if self.within is None else self.within.classes.basis

    def take_from(self, sub: State) -> None:
        """Take over the points of a search in a subspace."""
        basis, found = sub.classes.basis, sub.found
        assert basis is not None, "of a subspace"
        self.set_noise(sub.noise)
        for scattered in (False, True):
            rows = found.scattered == scattered
            ends = found.inner[rows] @ basis, found.outer[rows] @ basis
            self.found.add(*ends, found.pairs[rows], scattered)

    @property
    def finest(self) -> float:
        """Relative width to which points are bisected in the end."""
        return max(FINEST, 2 * self.noise)

    @property
    def n_inputs(self) -> int:
        return self.classes.n_inputs

    @property
    def searched(self) -> State:
        """Where polylines were followed: this one, or else in the subspace."""
        return self if self.polylines or self.within is None else self.within

    @property
    def bends(self) -> list[Bend]:
        return [bend for polyline in self.polylines for bend in polyline]

    def unexplained(self, bends: list[Bend]) -> list[Bend]:
        """Those on no known hyperplane."""
        return [bends[i] for i in np.flatnonzero(self.planes.of(bends) < 0)]

    def points(self) -> BoundaryPoints:
        """All points of boundaries, and how far each may be off."""
        inner, outer, X = self.found.inner, self.found.outer, self.found.points
        size = largest_entries(X)
        errors = np.maximum(widths(inner, outer) / 2, max(4 * FINEST, self.noise)) * size
        return BoundaryPoints(X, self.found.pairs, errors)
