"""Hyperplanes of units from the bends of the boundary: those that are known, and which bends are on
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import gammainc

from unrelu.extraction.hard_labels.segments import Bend
from unrelu.extraction.hard_labels.slope_jumps import Direction, directions
from unrelu.extraction.hard_labels.views import SIGMAS, Limits, Places, View, apart
from unrelu.numerics.arrays import Array, Index

AGREEING = 2
"""Bends of one hyperplane, besides the first, that are needed; the normals of a second place that
hold its v count as well."""

FALSE_ALARM = 1e-4
"""Largest probability that some angles agree by chance: with λ of the others expected within their
errors, that c or more are is P(Poisson(λ) ≥ c). λ is the larger of that of uniform angles, and of
the number seen nearby."""

WITHIN = 1e-6
"""Sine of the angle between a hyperplane and a segment that runs in it."""

COARSEST = 100.0
"""Factor of the widest error of an angle, where the direction is known otherwise."""


@dataclass(frozen=True, eq=False)
class Hyperplane:
    """v·x + b = 0, ‖v‖ = 1; v may be off by about `error`. `supposed`: from a single bend."""

    v: Array
    b: float
    error: float
    supposed: bool = False


@dataclass(eq=False)
class Hyperplanes:
    """Those found. Bends that are off by no more than their errors allow, or by less than
    `limits.near` relative to their size, belong to one."""

    limits: Limits
    n_inputs: int
    rows: list[Hyperplane] = field(default_factory=list)

    @property
    def V(self) -> Array:
        return np.array([row.v for row in self.rows]).reshape(-1, self.n_inputs)

    @property
    def b(self) -> Array:
        return np.array([row.b for row in self.rows])

    def of(self, bends: Sequence[Bend]) -> Index:
        """(n,): the hyperplane that each of the bends is on, or −1. One that a segment of the bend
        runs in is not why the boundary bends, unless the other one runs in a second hyperplane:
        where outputs are equal if all units are off, the boundary itself is made of these."""
        near = self._near(Places.of(bends, self.n_inputs))
        if not near.size:
            return np.full(len(bends), -1)
        before, behind = (
            np.abs(np.array([side.tangent for side in sides]) @ self.V.T) < WITHIN
            for sides in zip(*((bend.before, bend.behind) for bend in bends), strict=True)
        )
        edge = np.column_stack([(near * side).max(axis=1) > 0 for side in (before, behind)])
        alone = (before | behind) & ~edge.all(axis=1, keepdims=True)
        near = np.where(alone, 0.0, near)
        nearest = near.argmax(axis=1)
        return np.where(near.max(axis=1) > 0, nearest, -1)

    def _near(self, places: Places) -> Array:
        """(n, k): 1 on a hyperplane, 0 where a place is further away than it may be off."""
        if not len(places.points) or not self.rows:
            return np.zeros((len(places.points), 0))
        size = 1 + np.linalg.norm(places.points, axis=1)
        off = np.abs(places.points @ self.V.T + self.b)
        errors = np.array([row.error for row in self.rows])
        allowed = SIGMAS * (places.errors[:, None] + size[:, None] * errors)
        off /= np.minimum(
            np.maximum(allowed, self.limits.near * size[:, None]),
            self.limits.farthest * size[:, None],
        )
        return np.asarray(np.maximum(1 - off, 0.0))

    def suppose(self, bend: Bend, direction: Direction) -> None:
        """Suppose that the hyperplane of a bend has this direction, until others are found on it,
        or no network has it."""
        v, error = direction.v, direction.error
        if error < self.limits.farthest:
            self._keep(Hyperplane(v, -float(v @ bend.point), error, supposed=True))

    def forget_supposed(self) -> None:
        self.rows = [row for row in self.rows if not row.supposed]

    def _keep(self, found: Hyperplane) -> None:
        """Add it, unless it is one of those found, whose error was larger than that."""
        row = np.append(found.v, found.b)
        for number, known in enumerate(self.rows):
            other = np.append(known.v, known.b)
            apart = min(float(np.linalg.norm(row - sign * other)) for sign in (1.0, -1.0))
            if apart < self.limits.same * (1 + abs(found.b)):
                better = min(found, known, key=lambda plane: plane.error)
                self.rows[number] = replace(better, error=max(better.error, apart))
                return
        self.rows.append(found)

    def likely(self, bends: list[Bend]) -> dict[int, Direction]:
        """Directions of the hyperplanes of bends that are on none of those found."""
        errors = np.array([row.error for row in self.rows])
        return directions(bends, self.V, errors, self.of(bends))

    def add_from(self, bends: list[Bend]) -> None:
        """Add all hyperplanes that bends with normals on both sides, and all others, show, and
        sharpen those known."""
        likely = self.likely(bends)
        places = Places.of(bends, self.n_inputs)
        views = {i: view for i, bend in enumerate(bends) if (view := View.of(bend)) is not None}
        for i, view in views.items():
            on = self.of(bends)
            own = int(on[i])
            if own < 0:
                others = list(views.values())
                found = self._shown(view, places.take(on < 0), others, likely.get(i))
                if found is not None:
                    self._keep(found)
            else:
                found = _through(view, places.take(on == own), self.rows[own].v, self.limits)
                if found is not None and found.error < 0.5 * self.rows[own].error:
                    self.rows[own] = found

    def _shown(
        self, view: View, places: Places, views: list[View], likely: Direction | None
    ) -> Hyperplane | None:
        """The hyperplane on which most of the places are, if there can be no doubt about it."""
        limits = self.limits
        confirmed = None if likely is None else _confirmed(view, places, likely, limits)
        if confirmed is not None:
            return confirmed
        seen = view.angles(places, limits)
        angles, spread = seen.values, seen.spread
        if not len(angles):
            return None
        count, chance = seen.agreeing()
        by_chance = len(angles) * gammainc(np.maximum(count - 1, 1), chance)
        sure = (count >= AGREEING) & (by_chance < FALSE_ALARM)
        if not sure.any():
            sure = view.shared(view.directions(angles), views, limits)
        if not sure.any():
            return None
        best = view.directions(angles[[np.where(sure, count, 0).argmax()]])[0]
        agree = apart(angles, view.angle_of(best)) < 2 * SIGMAS * spread
        return _mean(view, angles[agree], spread[agree], best)


def _through(view: View, places: Places, v: Array, limits: Limits) -> Hyperplane | None:
    """The hyperplane through a view and places that are known to be on it."""
    seen = view.angles(places, limits)
    return _mean(view, seen.values, seen.spread, v) if len(seen.values) else None


def _confirmed(view: View, places: Places, likely: Direction, limits: Limits) -> Hyperplane | None:
    """The hyperplane with a direction that is known otherwise, if it meets any of the places."""
    seen = view.angles(places, replace(limits, widest=COARSEST * limits.widest))
    first = view.angle_of(likely.v)
    agree = apart(seen.values, first) < SIGMAS * (seen.spread + likely.error)
    by_chance = 2 * SIGMAS / np.pi * (seen.spread + likely.error).sum()
    if not agree.any() or by_chance > FALSE_ALARM:
        return None
    values, spread = (
        np.append(seen.values[agree], first),
        np.append(seen.spread[agree], likely.error),
    )
    return _mean(view, values, spread, likely.v)


def _mean(view: View, angles: Array, spread: Array, about: Array) -> Hyperplane:
    first = view.angle_of(about)
    off = (angles - first + np.pi / 2) % np.pi - np.pi / 2
    weight = spread**-2
    v = view.directions(np.array([first + float(off @ weight / weight.sum())]))[0]
    return Hyperplane(v, -float(v @ view.point), view.error + float(weight.sum() ** -0.5))
