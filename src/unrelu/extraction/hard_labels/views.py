"""What a bend shows of its hyperplane.

Let n₀, n₁ be the normals on both sides of a bend p. The boundary's slope changes by a multiple of
the unit's v, so v is in their span, and v is orthogonal to q − p for any other bend q of the same
hyperplane. In the plane of n₀ and n₁, these q − p all have the direction orthogonal to v: the
angles of bends of one hyperplane agree, and those of others are anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.extraction.hard_labels.segments import Bend
from unrelu.numerics.arrays import Array, Index, Mask

CROWD = 30.0
"""Errors of an angle within which others are counted, for how many agree by chance."""

ON_ANOTHER = 1e-5
"""Angle between v and a normal below which q is only on the same straight piece as p."""

DIFFERENT = 1e-2
"""Sine of the angle between two spans from which on they are different."""

SIGMAS = 4.0
"""Errors that are allowed for."""


@dataclass(frozen=True)
class Limits:
    """How exact bends and normals are, and have to be.

    near, farthest : distance of a bend from its hyperplane, relative to its size, that is always
        allowed, and that never is. least : error of an offset between bends, relative to its
        length. widest : error of an angle that tells nothing any more. spanned : distance of v from
        a span that holds it. trusted : error of a normal up to which it need not be measured.
    same : distance of hyperplanes, with their b, that are one. random : whether errors of normals
        are random, so that their part along a single direction is less than the whole by √d.
    """

    near: float = 3e-9
    farthest: float = 1e-6
    least: float = 3e-11
    widest: float = 1e-6
    spanned: float = 1e-6
    trusted: float = 1e-9
    same: float = 1e-6
    random: bool = False

    @classmethod
    def of(cls, noise: float) -> Limits:
        """For points of boundaries that are off by this, relative to their size."""
        if not noise:
            return cls()
        return cls(30 * noise, 1e-3, 3 * noise, 1e-2, 3e3 * noise, 3e2 * noise, 3e3 * noise, True)


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
        distance = apart(self.values, self.values[:, None])
        window = SIGMAS * (self.spread + self.spread[:, None])
        agree = distance < window
        along = np.column_stack([-np.sin(self.values), np.cos(self.values)])
        place = np.where(agree, along @ self.offsets.T, np.inf)
        order = place.argsort(axis=1)
        off = (self.spread * np.linalg.norm(self.offsets, axis=1))[order]
        place = np.take_along_axis(place, order, axis=1)
        with np.errstate(invalid="ignore"):
            count = (np.diff(place, axis=1) > CROWD * off[:, 1:]).sum(axis=1)
        count += agree.all(axis=1)  # one more than steps, of which one may be to infinity
        around = (distance < CROWD * window).sum(axis=1) - agree.sum(axis=1)
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
        lean = self.error / np.sqrt(self.basis.shape[1]) if limits.random else self.error
        off = np.maximum(places.errors + self.off + lean * length, limits.least * (1 + length))
        kept = off < limits.widest * size
        flat, spread = flat[kept], off[kept] / size[kept]
        angles = np.arctan2(flat[:, 0], -flat[:, 1]) % np.pi
        own = [self.angle_of(n) for n in self.normals]
        away = np.min([apart(angles, angle) for angle in own], axis=0)
        free = away > np.maximum(ON_ANOTHER, SIGMAS * spread)
        return Angles(angles[free], spread[free], flat[free])

    def shared(self, V: Array, others: list[View], limits: Limits) -> Mask:
        """Which rows of V, in the span, are also in that of another view: that is no chance, unless
        the spans are the same, or v is a normal that both have."""
        bases = np.stack([other.basis for other in others])
        normals = np.stack([other.normals for other in others])
        beyond = self.basis - (self.basis @ bases.transpose(0, 2, 1)) @ bases
        tilt = np.linalg.norm(beyond, ord=2, axis=(1, 2))  # sine of the larger angle of the spans
        inside = 1 - ((bases @ V.T) ** 2).sum(axis=1).T
        own = np.maximum(
            np.abs(normals @ V.T).max(axis=1).T,
            np.abs(V @ self.normals.T).max(axis=1)[:, None],
        )
        held = (inside < limits.spanned**2) & (own < 1 - ON_ANOTHER) & (tilt > DIFFERENT)
        # Spans that have a normal in common hold whatever is near to it.
        clear = np.sqrt(np.maximum(1 - own**2, 0)) * tilt > CROWD * limits.spanned
        return np.asarray((held & clear).any(axis=1))


def apart(angles: Array, angle: Array | float) -> Array:
    """Distances of directions without sign."""
    off = np.abs(angles - angle) % np.pi
    return np.asarray(np.minimum(off, np.pi - off))


def normals_of(bend: Bend) -> Array | None:
    """(2, d), if both are known."""
    before, behind = bend.before.full, bend.behind.full
    return None if before is None or behind is None else np.stack([before, behind])
