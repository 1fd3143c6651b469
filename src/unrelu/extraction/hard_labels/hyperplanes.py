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

from unrelu.extraction.hard_labels.asking import Asking
from unrelu.extraction.hard_labels.boundary import Boundary
from unrelu.extraction.hard_labels.segments import Bend, Segment
from unrelu.numerics.arrays import Array, Index, Mask

AGREEING = 2
"""Bends of one hyperplane, besides the first, that make it certain; the normals of a second place
that hold its v count as well."""

CROWD, MANY = 100.0, 6
"""Without any other bend up to so many times the distance that two may have. More bends than that
are no chance in any crowd."""

ON_ANOTHER = 1e-5
"""Angle between v and a normal below which q is only on the same straight piece as p."""

GRAZING = 1e-2
"""Sine of the angle between a hyperplane and a segment below which the segment's normal is not
known from that of the one before."""

DIFFERENT = 1e-2
"""Sine of the angle between two spans from which on they are different."""

WIDEST, LEAST = 1e-6, 3e-11
"""Largest error of an angle that tells anything; least error of an offset, relative."""

SIGMAS, FARTHEST = 4.0, 1e-6
"""Errors that are allowed for, and how far a bend may be from its hyperplane at all."""

TRUSTED = 1e-9
"""Error of a normal above which it is measured instead."""

SPANNED = 1e-6
"""Distance of v from the span of other normals, relative to what bends may be off."""


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
    """Those found. Bends that are off by no more than their errors allow, or by less than `near`
    relative to their size, belong to one."""

    near: float
    n_inputs: int
    rows: list[Hyperplane] = field(default_factory=list)

    @property
    def V(self) -> Array:
        return np.array([row.v for row in self.rows]).reshape(-1, self.n_inputs)

    @property
    def b(self) -> Array:
        return np.array([row.b for row in self.rows])

    def of(self, bends: Sequence[Bend]) -> Index:
        """(n,): the hyperplane that each of the bends is on, or −1."""
        return self.at(Places.of(bends, self.n_inputs))

    def at(self, places: Places) -> Index:
        if not len(places.points) or not self.rows:
            return np.full(len(places.points), -1)
        size = 1 + np.linalg.norm(places.points, axis=1)
        off = np.abs(places.points @ self.V.T + self.b)
        errors = np.array([row.error for row in self.rows])
        allowed = SIGMAS * (places.errors[:, None] + size[:, None] * errors)
        off /= np.minimum(np.maximum(allowed, self.near * size[:, None]), FARTHEST * size[:, None])
        nearest = off.argmin(axis=1)
        return np.where(off[np.arange(len(off)), nearest] < 1, nearest, -1)

    def add_from(self, bends: list[Bend]) -> None:
        """Add all hyperplanes that bends with normals on both sides, and all others, show, and
        sharpen those known."""
        places = Places.of(bends, self.n_inputs)
        views = [view for bend in bends if (view := View.of(bend)) is not None]
        for view in views:
            on = self.at(places)
            own = int(self.at(Places(view.point[None], np.array([view.off])))[0])
            if own < 0:
                found = self._shown(view, places.take(on < 0), views)
                if found is not None:
                    self.rows.append(found)
            else:
                found = _through(view, places.take(on == own), self.rows[own].v)
                if found is not None and found.error < 0.5 * self.rows[own].error:
                    self.rows[own] = found

    def _shown(self, view: View, places: Places, views: list[View]) -> Hyperplane | None:
        """The hyperplane on which most of the places are, if there can be no doubt about it."""
        angles, spread = view.angles(places)
        best, most = None, 0
        for angle, own in zip(angles, spread, strict=True):
            apart = _apart(angles, angle) / (SIGMAS * (spread + own))
            count, crowd = int((apart < 1).sum()), int((apart < CROWD).sum())
            v = view.direction(angle)
            sure = (count >= AGREEING and crowd == count) or count > MANY
            if count > most and (sure or any(view.shares(v, o, self.near) for o in views)):
                best, most = v, count
        if best is None:
            return None
        agree = _apart(angles, view.angle_of(best)) < 2 * SIGMAS * spread
        return _mean(view, angles[agree], spread[agree], best)


def _through(view: View, places: Places, v: Array) -> Hyperplane | None:
    """The hyperplane through a view and places that are known to be on it."""
    angles, spread = view.angles(places)
    return _mean(view, angles, spread, v) if len(angles) else None


def _mean(view: View, angles: Array, spread: Array, about: Array) -> Hyperplane:
    first = view.angle_of(about)
    off = (angles - first + np.pi / 2) % np.pi - np.pi / 2
    weight = spread**-2
    v = view.direction(first + float(off @ weight / weight.sum()))
    return Hyperplane(v, -float(v @ view.point), view.error + float(weight.sum() ** -0.5))


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

    def direction(self, angle: float) -> Array:
        return np.asarray(np.array([np.cos(angle), np.sin(angle)]) @ self.basis)

    def angle_of(self, v: Array) -> float:
        x, y = self.basis @ v
        return float(np.arctan2(y, x))

    def angles(self, places: Places) -> tuple[Array, Array]:
        """Angles of the v that are orthogonal to the offsets of places, and how far they may be
        off. Places that are on a segment of this bend, or seen edge-on, are left out."""
        flat = (places.points - self.point) @ self.basis.T
        size = np.linalg.norm(flat, axis=1)
        length = np.linalg.norm(places.points - self.point, axis=1)
        off = np.maximum(places.errors + self.off + self.error * length, LEAST * (1 + length))
        kept = off < WIDEST * size
        flat, spread = flat[kept], off[kept] / size[kept]
        angles = np.arctan2(flat[:, 0], -flat[:, 1]) % np.pi
        own = [self.angle_of(n) for n in self.normals]
        free = np.min([_apart(angles, angle) for angle in own], axis=0) > ON_ANOTHER
        return angles[free], spread[free]

    def shares(self, v: Array, other: View, near: float) -> bool:
        """Whether another view has v in its span, too: that is no chance, unless the spans are the
        same, or v is a normal that both have."""
        within = float(np.linalg.norm(v - other.basis.T @ (other.basis @ v)))
        beyond = self.basis - self.basis @ other.basis.T @ other.basis
        own = max(np.abs(self.normals @ v).max(), np.abs(other.normals @ v).max())
        different = bool(np.abs(beyond).max() > DIFFERENT and own < 1 - ON_ANOTHER)
        return different and within < SPANNED + 100 * near


def _apart(angles: Array, angle: float) -> Array:
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
                if error < TRUSTED:
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
    size = float(np.linalg.norm(n))
    error = here.error * (1 + 1 / abs(across)) + sharp * (1 + abs(share)) / abs(across)
    error += abs(share) * plane.error * (1 + 1 / abs(across))
    return (n if n @ there.normal > 0 else -n) / size, error / size
