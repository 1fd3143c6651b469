"""Hyperplanes of units from the bends of the boundary.

Let n₀, n₁ be the normals on both sides of a bend p. The boundary's slope changes by a multiple of
the unit's v, so v is in their span, and v is orthogonal to q − p for any other bend q of the same
hyperplane. In the plane of n₀ and n₁, these q − p all have the direction orthogonal to v: the
angles of bends of one hyperplane agree, and those of others are anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import gammainc

from unrelu.extraction.hard_labels.asking import Asking
from unrelu.extraction.hard_labels.boundary import Boundary
from unrelu.extraction.hard_labels.segments import Bend, Segment
from unrelu.numerics.arrays import Array, Index, Mask

AGREEING = 2
"""Bends of one hyperplane, besides the first, that are needed; the normals of a second place that
hold its v count as well."""

FALSE_ALARM, CROWD = 1e-4, 30.0
"""Largest probability that some angles agree by chance: with λ of the others expected within their
errors, that c or more are is P(Poisson(λ) ≥ c). λ is that of uniform angles, and of the number seen
within so many times the errors."""

ON_ANOTHER = 1e-5
"""Angle between v and a normal below which q is only on the same straight piece as p."""

GRAZING = 1e-2
"""Sine of the angle between a hyperplane and a segment below which the segment's normal is not
known from that of the one before."""

DIFFERENT = 1e-2
"""Sine of the angle between two spans from which on they are different."""

WITHIN = 1e-6
"""Sine of the angle between a hyperplane and a segment that runs in it."""

SIGMAS = 4.0
"""Errors that are allowed for."""


@dataclass(frozen=True)
class Limits:
    """How exact bends and normals are, and have to be.

    near, farthest : distance of a bend from its hyperplane, relative to its size, that is always
        allowed, and that never is. least : error of an offset between bends, relative to its
        length. widest : error of an angle that tells nothing any more. spanned : distance of v from
        a span that holds it. trusted : error of a normal up to which it need not be measured.
    """

    near: float = 3e-9
    farthest: float = 1e-6
    least: float = 3e-11
    widest: float = 1e-6
    spanned: float = 1e-6
    trusted: float = 1e-9

    @classmethod
    def of(cls, noise: float) -> Limits:
        """For points of boundaries that are off by this, relative to their size."""
        if not noise:
            return cls()
        return cls(30 * noise, 1e-3, 3 * noise, 1e-2, 3e3 * noise, 3e2 * noise)


@dataclass(frozen=True, eq=False)
class Hyperplane:
    """v·x + b = 0, ‖v‖ = 1; v may be off by about `error`."""

    v: Array
    b: float
    error: float


@dataclass(frozen=True, eq=False)
class Places:
    """Bends as points (n, d), and how far each may be off."""

    points: Array
    errors: Array

    @classmethod
    def of(cls, bends: Sequence[Bend], d: int) -> Places:
        points = np.array([bend.point for bend in bends]).reshape(-1, d)
        return cls(points, np.array([bend.error for bend in bends]))

    def take(self, rows: Index | Mask) -> Places:
        return Places(self.points[rows], self.errors[rows])


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

    def add_from(self, bends: list[Bend]) -> None:
        """Add all hyperplanes that bends with normals on both sides, and all others, show, and
        sharpen those known."""
        places = Places.of(bends, self.n_inputs)
        views = {i: view for i, bend in enumerate(bends) if (view := View.of(bend)) is not None}
        for i, view in views.items():
            on = self.of(bends)
            own = int(on[i])
            if own < 0:
                found = self._shown(view, places.take(on < 0), list(views.values()))
                if found is not None:
                    self.rows.append(found)
            else:
                found = _through(view, places.take(on == own), self.rows[own].v, self.limits)
                if found is not None and found.error < 0.5 * self.rows[own].error:
                    self.rows[own] = found

    def _shown(self, view: View, places: Places, views: list[View]) -> Hyperplane | None:
        """The hyperplane on which most of the places are, if there can be no doubt about it."""
        limits = self.limits
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
        agree = _apart(angles, view.angle_of(best)) < 2 * SIGMAS * spread
        return _mean(view, angles[agree], spread[agree], best)


def _through(view: View, places: Places, v: Array, limits: Limits) -> Hyperplane | None:
    """The hyperplane through a view and places that are known to be on it."""
    seen = view.angles(places, limits)
    return _mean(view, seen.values, seen.spread, v) if len(seen.values) else None


def _mean(view: View, angles: Array, spread: Array, about: Array) -> Hyperplane:
    first = view.angle_of(about)
    off = (angles - first + np.pi / 2) % np.pi - np.pi / 2
    weight = spread**-2
    v = view.directions(np.array([first + float(off @ weight / weight.sum())]))[0]
    return Hyperplane(v, -float(v @ view.point), view.error + float(weight.sum() ** -0.5))


@dataclass(frozen=True, eq=False)
class Angles:
    """Angles (n,) of v in a span, how far each may be off, and the offsets (n, 2) they are
    orthogonal to."""

    values: Array
    spread: Array
    offsets: Array

    def agreeing(self) -> tuple[Array, Array]:
        """How many agree with each, itself included, and how many others are expected to by chance.
        Bends that are close to each other, as on one edge, agree for that alone: they count once.
        """
        apart = _apart(self.values, self.values[:, None])
        window = SIGMAS * (self.spread + self.spread[:, None])
        agree = apart < window
        along = np.column_stack([-np.sin(self.values), np.cos(self.values)])
        place = np.where(agree, along @ self.offsets.T, np.inf)
        order = place.argsort(axis=1)
        off = (self.spread * np.linalg.norm(self.offsets, axis=1))[order]
        place = np.take_along_axis(place, order, axis=1)
        with np.errstate(invalid="ignore"):
            count = (np.diff(place, axis=1) > CROWD * off[:, 1:]).sum(axis=1)
        count += agree.all(axis=1)  # one more than steps, of which one may be to infinity
        around = (apart < CROWD * window).sum(axis=1) - agree.sum(axis=1)
        return count, (2 * window / np.pi).sum(axis=1) + around / CROWD


@dataclass(frozen=True, eq=False)
class View:
    """A bend with the normals on both sides, and an orthonormal basis (2, d) of their span; any v
    in the span may be off by `error`, and the bend itself by `off`."""

    point: Array
    normals: Array
    basis: Array
    error: float
    off: float

    @classmethod
    def of(cls, bend: Bend) -> View | None:
        normals = normals_of(bend)
        if normals is None:
            return None
        basis = np.linalg.qr(normals.T)[0].T
        sine = abs(float(np.linalg.det(normals @ basis.T)))
        error = (bend.before.error + bend.behind.error) / sine
        return cls(bend.point, normals, basis, error, bend.error)

    def directions(self, angles: Array) -> Array:
        return np.asarray(np.column_stack([np.cos(angles), np.sin(angles)]) @ self.basis)

    def angle_of(self, v: Array) -> float:
        x, y = self.basis @ v
        return float(np.arctan2(y, x))

    def angles(self, places: Places, limits: Limits) -> Angles:
        """Angles of the v that are orthogonal to the offsets of places. Places that are on a
        segment of this bend, or seen edge-on, are left out."""
        flat = (places.points - self.point) @ self.basis.T
        size = np.linalg.norm(flat, axis=1)
        length = np.linalg.norm(places.points - self.point, axis=1)
        off = np.maximum(
            places.errors + self.off + self.error * length, limits.least * (1 + length)
        )
        kept = off < limits.widest * size
        flat, spread = flat[kept], off[kept] / size[kept]
        angles = np.arctan2(flat[:, 0], -flat[:, 1]) % np.pi
        own = [self.angle_of(n) for n in self.normals]
        away = np.min([_apart(angles, angle) for angle in own], axis=0)
        free = away > np.maximum(ON_ANOTHER, SIGMAS * spread)
        return Angles(angles[free], spread[free], flat[free])

    def shared(self, V: Array, others: list[View], limits: Limits) -> Mask:
        """Which rows of V, in the span, are also in that of another view: that is no chance, unless
        the spans are the same, or v is a normal that both have."""
        bases = np.stack([other.basis for other in others])
        normals = np.stack([other.normals for other in others])
        beyond = self.basis - np.einsum("ij,vkj,vkl->vil", self.basis, bases, bases)
        tilt = np.linalg.norm(beyond, ord=2, axis=(1, 2))  # sine of the larger angle of the spans
        inside = 1 - (np.einsum("vkj,nj->nvk", bases, V) ** 2).sum(axis=2)
        own = np.maximum(
            np.abs(np.einsum("vkj,nj->nvk", normals, V)).max(axis=2),
            np.abs(V @ self.normals.T).max(axis=1)[:, None],
        )
        held = (inside < limits.spanned**2) & (own < 1 - ON_ANOTHER) & (tilt > DIFFERENT)
        # Spans that have a normal in common hold whatever is near to it.
        clear = np.sqrt(np.maximum(1 - own**2, 0)) * tilt > CROWD * limits.spanned
        return np.asarray((held & clear).any(axis=1))


def _apart(angles: Array, angle: Array | float) -> Array:
    """Distances of directions without sign."""
    off = np.abs(angles - angle) % np.pi
    return np.asarray(np.minimum(off, np.pi - off))


def normals_of(bend: Bend) -> Array | None:
    """(2, d), if both are known."""
    before, behind = bend.before.full, bend.behind.full
    return None if before is None or behind is None else np.stack([before, behind])


def spread_normals(
    bends: list[Bend], known: Hyperplanes, found: Boundary, width: float
) -> Asking[None]:
    """Normals across bends of known hyperplanes: n − (n·t)/(v·t) v, for the tangent t behind, which
    is sharpened before."""
    on = known.of(bends)
    changed = True
    while changed:
        changed = False
        for number in np.flatnonzero(on >= 0):
            bend, plane = bends[number], known.rows[on[number]]
            for here, there in ((bend.before, bend.behind), (bend.behind, bend.before)):
                if here.full is None or there.full is not None:
                    continue
                across = np.array([plane.v @ there.tangent, plane.v @ there.normal])
                if abs(across[0]) < GRAZING * np.linalg.norm(across):
                    continue
                point, other = yield from found.refine(there.numbers, width)
                there.through(point, other, there.numbers)
                sharp = width * (1 + float(np.abs(point).max())) / there.base
                full, error = _normal_behind(here, there, plane, sharp)
                if error < known.limits.trusted:
                    there.full, there.error = full, error
                    changed = True


def _normal_behind(
    here: Segment, there: Segment, plane: Hyperplane, sharp: float
) -> tuple[Array, float]:
    """The normal of `there`, whose tangent is off by `sharp`, and its error to first order."""
    assert here.full is not None, "it is known on this side"
    v, t = plane.v, there.tangent
    across = float(v @ t)
    share = float(here.full @ t) / across
    n = here.full - share * v
    size = max(float(np.linalg.norm(n)), 1e-300)  # zero on the hyperplane itself
    error = here.error * (1 + 1 / abs(across)) + sharp * (1 + abs(share)) / abs(across)
    error += abs(share) * plane.error * (1 + 1 / abs(across))
    return (n if n @ there.normal > 0 else -n) / size, error / size
