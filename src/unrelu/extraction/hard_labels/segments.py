"""Straight pieces of a boundary in a plane, and the bends between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from unrelu.extraction.hard_labels.asking import Asking
from unrelu.numerics.arrays import Array, Index


def orthonormal(tangent: Array, normal: Array) -> tuple[Array, Array]:
    """Two directions that are orthogonal but for rounding: without the rounding. It would grow from
    bend to bend."""
    normal = normal / np.linalg.norm(normal)
    tangent = tangent - tangent @ normal * normal
    return tangent / np.linalg.norm(tangent), normal


@dataclass(eq=False)
class Segment:
    """A straight piece of the boundary in a plane: a point, the tangent, the normal towards class
    classes[0]; the bends at which it ends; the boundary's normal in all inputs, once known, and how
    far it may be off. The tangent comes from two points, `base` apart, which have these `numbers`
    and were bisected to the relative `width`.
    `same`: another segment on the same piece of the boundary, where there is one.
    """

    point: Array
    tangent: Array
    normal: Array
    classes: tuple[int, int]
    base: float
    numbers: Index
    width: float
    ends: list[Array] = field(default_factory=list)
    full: Array | None = None
    error: float = 0.0
    lost: bool = False
    same: Segment | None = None

    @property
    def off(self) -> float:
        """How far the tangent may be off."""
        return self.width * (1 + float(np.abs(self.point).max())) / self.base

    @property
    def part(self) -> float:
        """Length of the part of the boundary's normal that is in the plane."""
        assert self.full is not None, "only where the normal is known"
        return float(self.full @ self.normal)

    def through(self, point: Array, other: Array, numbers: Index, width: float) -> None:
        """Take the line through these two points."""
        along, across = (other - point) @ self.tangent, (other - point) @ self.normal
        self.base, turn = float(np.hypot(along, across)), across / along
        tangent, normal = self.tangent + turn * self.normal, self.normal - turn * self.tangent
        self.tangent, self.normal = orthonormal(tangent, normal)
        self.point, self.numbers, self.width = point, numbers, width

    def middle(self) -> tuple[Array, float]:
        """A point far from both ends, and how far."""
        along = sorted(float((end - self.point) @ self.tangent) for end in self.ends)
        if len(along) > 1:
            at, room = (along[0] + along[1]) / 2, (along[1] - along[0]) / 2
        elif along:
            room = max(1.0, abs(along[0]))
            at = along[0] - np.sign(along[0]) * room
        else:
            at, room = 0.0, 1.0
        return self.point + at * self.tangent, room


@dataclass(frozen=True, eq=False)
class Bend:
    """A point where the boundary bends between two classes, and about how far it may be off; the
    segments on both sides; how often others of its hyperplane were looked for."""

    point: Array
    error: float
    before: Segment
    behind: Segment
    tries: list[int] = field(default_factory=lambda: [0])

    @property
    def clear(self) -> float:
        """How well the normals on both sides show the hyperplane: the sine of the bend times the
        length that they can be measured on."""
        turn = abs(float(self.before.normal @ self.behind.tangent))
        return turn * min(self.before.middle()[1], self.behind.middle()[1])


FURTHER, WINDOW = 0.5, (0.7, 2.5)
"""The second point of a new segment: how far behind the first, relative to the arc's radius, and
where it is looked for."""


def further(
    one: tuple[Array, Array, Index], origin: Array, radius: float
) -> Asking[tuple[Array, Array, Index] | None]:
    """What encloses a second point of a new segment, somewhat further from where it comes."""
    inner, outer, pair = one
    a = (inner[0] + outer[0]) / 2
    away = (a - origin) / np.linalg.norm(a - origin)
    side = inner[0] - outer[0]
    side = side - side @ away * away
    side /= np.linalg.norm(side)
    reach = FURTHER * radius
    for window in WINDOW:
        X = a + reach * away
        off = window * reach * side
        classes = yield np.stack([X + off, X - off])
        if classes[0] == pair[0, 0] and classes[1] != pair[0, 0]:
            return (X + off)[None], (X - off)[None], np.array([[pair[0, 0], classes[1]]])
    return None
