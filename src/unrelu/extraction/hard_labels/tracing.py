"""Polylines: the boundary of one class in a random plane, from bend to bend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.extraction.hard_labels.asking import Asking, together
from unrelu.extraction.hard_labels.boundary import Boundary, bisect
from unrelu.extraction.hard_labels.normals import Lost, slopes
from unrelu.extraction.hard_labels.segments import FURTHER, Bend, Segment, further, orthonormal
from unrelu.numerics.arrays import Array, Index

GROWTH = 3.0
"""Of steps along a segment, until they pass its end."""

NEAR = 1e-9
"""Distance from a line, relative to the step, at which the two sides are asked."""

ARC, CLEAR = 5, 0.15
"""Bisections of an arc before its chord is bisected, and how far (radians) it keeps from where it
would meet the segment that it starts on."""

HALVED = 2
"""How often the step that passes a segment's end is halved: where two bends are between, what comes
next costs 40 questions in vain."""

COARSE, ROUGHLY = 2.0**-12, 2
"""Share of the radius to which a new segment is known before it is checked, and at how many of the
places that are checked in the end."""

SHARPER = 3.0
"""Length of a segment, in distances of the two points that its tangent comes from, beyond which it
gets another one."""

STRAIGHT = 1e-7
"""Angle between two segments below which there is no bend."""

SURE = 4.0
"""The same in errors of that angle."""

SLACK, CLOSE = 0.1, 0.03
"""How far a bend may be outside of where it was enclosed, and how close to it both segments are
checked, as shares of what they were found from."""

FINEST_STEP = 1e-7
"""Share of a step down to which a bend is looked for."""

MOST = 40
"""Bends in one direction of one polyline."""

SAME = 1e-7
"""Two bends are one: the polyline is closed."""


Until = Callable[[Bend], bool]


@dataclass(eq=False)
class Tracer:
    """Where points go, and how fine: `width`, relative, of bisection; `far`, from where on nothing
    is followed."""

    found: Boundary
    width: float
    far: float

    def near(self, X: Array, step: float, base: float) -> float:
        """How far from a line, known from two points at the distance `base`, its two sides are
        asked: no nearer than it may be off, and not so far that a bend is overlooked."""
        return max(NEAR * step, 8 * self.width * float(np.abs(X).max()) * (1 + step / base))

    def trace(
        self,
        ends: tuple[Array, Array],
        classes: tuple[int, int],
        across: Array,
        until: Until | None = None,
    ) -> Asking[list[Bend]]:
        """All bends of the boundary through a point between `ends`, of two classes, in the plane of
        these and the direction `across`; on each side only up to one that is wanted, `until`."""
        first = yield from self._start(ends, classes, across)
        if first is None:
            return []
        step = 0.01 * float(np.linalg.norm(ends[0] - ends[1]))
        return (yield from self._along(first, (1.0, -1.0), step, MOST, until))

    def trace_from(
        self, known: Segment, start: Array, direction: Array, step: float, *, most: int = MOST
    ) -> Asking[list[Bend]]:
        """The same through a point of a segment whose full normal is known, in the plane of that
        and another direction; at most so many bends, and only in that direction if they are few."""
        n = known.full
        assert n is not None, "only where the normal is known"
        tangent = direction - direction @ n * n
        tangent /= np.linalg.norm(tangent)
        numbers = known.numbers[:1]
        first = Segment(
            *(start, tangent, n, known.classes, step, numbers, self.width),
            full=n,
            error=known.error,
            same=known,
        )
        sides = (1.0, -1.0) if most == MOST else (1.0,)
        return (yield from self._along(first, sides, step, most))

    def _along(
        self,
        first: Segment,
        sides: Sequence[float],
        step: float,
        most: int,
        until: Until | None = None,
    ) -> Asking[list[Bend]]:
        bends: list[Bend] = []
        tasks = [self._follow(first, side, step, most, bends, until) for side in sides]
        yield from together(tasks)
        return bends

    def _start(
        self, ends: tuple[Array, Array], classes: tuple[int, int], across: Array
    ) -> Asking[Segment | None]:
        inner, outer, pair = yield from bisect(
            ends[0][None], ends[1][None], np.array([classes]), self.width
        )
        number = self.found.add(inner, outer, pair, True)
        point, reached = (inner[0] + outer[0]) / 2, (int(pair[0, 0]), int(pair[0, 1]))
        chord = ends[0] - ends[1]
        size = float(np.linalg.norm(chord))
        chord /= size
        e = across - across @ chord * chord
        e /= np.linalg.norm(e)
        try:
            c, arm, beside = yield from slopes(
                *(self.found, point, chord, e[None], 0.01 * size / np.sqrt(len(e)), reached),
                *(self.width, True),
            )
        except Lost:
            return None
        tangent, normal = e + c[0] * chord, chord - c[0] * e
        length = float(np.linalg.norm(tangent))
        numbers = np.concatenate([number, beside])
        base = float(arm[0]) * length
        tangent, normal = tangent / length, normal / length
        return Segment(point, tangent, normal, reached, base, numbers, self.width)

    def _follow(
        self,
        segment: Segment,
        side: float,
        step: float,
        most: int,
        bends: list[Bend],
        until: Until | None,
    ) -> Asking[None]:
        """From bend to bend; those where only one of the classes changes its rival are no bends."""
        tangent = side * segment.tangent
        for _ in range(most):
            found = yield from self._next(segment, tangent, step)
            if found is None:
                return
            point, error, new, step = found
            segment.ends.append(point)
            scale = SAME * (1 + np.linalg.norm(point))
            if any(np.linalg.norm(point - bend.point) < scale for bend in bends):
                return  # met the other side: closed
            new.ends.append(point)
            if new.classes == segment.classes:
                bends.append(Bend(point, error, segment, new))
                if until is not None and until(bends[-1]):
                    return
            segment, tangent = new, new.tangent

    def _next(
        self, segment: Segment, tangent: Array, step: float
    ) -> Asking[tuple[Array, float, Segment, float] | None]:
        """The next bend along the tangent, the segment behind, and a step for that."""
        y = segment.point
        low, high = 0.0, step
        for _ in range(80):
            if high > self.far:
                return None
            past = yield from self._past(segment, y + high * tangent, high)
            if past is None:
                low, high = high, GROWTH * high
                continue
            for _ in range(HALVED):
                middle = (low + high) / 2
                ended = yield from self._past(segment, y + middle * tangent, middle)
                low, high, past = (middle, high, past) if ended is None else (low, middle, ended)
            found = yield from self._corner(segment, tangent, low, high, past)
            if found is not None:
                return found
            middle = (low + high) / 2
            while high - low > FINEST_STEP * high:
                past = yield from self._past(segment, y + middle * tangent, middle)
                if past is not None:
                    break
                low, middle = middle, (middle + high) / 2
            else:
                return None
            high = middle
        return None

    def _past(self, segment: Segment, X: Array, step: float) -> Asking[bool | None]:
        """None if the segment goes through X; else whether its first class is still there."""
        off = self.near(X, step, segment.base) * segment.normal
        classes = yield np.stack([X + off, X - off])
        if tuple(classes) == segment.classes:
            return None
        return bool(classes[0] == segment.classes[0])

    def _corner(
        self, segment: Segment, tangent: Array, low: float, high: float, extends: bool
    ) -> Asking[tuple[Array, float, Segment, float] | None]:
        """The bend between two steps along the tangent, if it is the only one there: two points of
        the segment behind, and both segments straight up to where they meet."""
        centre, radius = segment.point + low * tangent, high - low
        pair = yield from self._across_arc(segment, tangent, centre, radius, extends)
        if pair is None:
            return None
        inner, outer, second = pair
        coarse = max(self.width, COARSE * radius / (float(np.abs(inner).max()) + radius))
        first = np.array([[segment.classes[0], second]])
        one = yield from bisect(inner[None], outer[None], first, coarse)
        other = yield from further(one, centre + radius / 2 * tangent, radius)
        if other is None:
            return None
        other = yield from bisect(*other, coarse)
        ends = _both(one, other)
        span = (centre, tangent, radius)
        bend = yield from self._bend(segment, span, ends, 4 * COARSE * radius, ROUGHLY)
        if bend is None:
            return None
        ends = yield from bisect(*ends, self.width)
        if low > SHARPER * segment.base:
            yield from self._sharpen(segment, centre, low)
        bend = yield from self._bend(
            segment, span, ends, self.near(centre, radius, min(segment.base, FURTHER * radius))
        )
        if bend is None:
            return None
        point, error, made = bend
        made.numbers = self.found.add(*ends, True)
        return point, error, made, radius

    def _bend(
        self,
        segment: Segment,
        span: tuple[Array, Array, float],
        ends: tuple[Array, Array, Index],
        off: float,
        places: int = 5,
    ) -> Asking[tuple[Array, float, Segment] | None]:
        """Where a segment meets the line through two new points, enclosed by `ends`, if that is in
        the span (from, direction, length) and both are straight up to there, within `off`: that is
        checked at so many `places`."""
        inner, outer, pairs = ends
        centre, tangent, radius = span
        a, b = (inner + outer) / 2
        base = float(np.linalg.norm(b - a))
        along, across = (b - a) @ tangent / base, (b - a) @ segment.normal / base
        new = along * tangent + across * segment.normal
        normal = across * tangent - along * segment.normal
        normal *= np.sign((inner - outer)[0] @ normal)
        new, normal = orthonormal(new, normal)
        size = self.width * float(np.abs(a).max())
        least = max(STRAIGHT, SURE * size * (1 / base + 1 / segment.base))
        if abs(across) < least or (pairs[0] != pairs[1]).any():
            return None
        point = a - float((a - segment.point) @ segment.normal) / across * new
        if not -SLACK * radius <= (point - centre) @ tangent <= (1 + SLACK) * radius:
            return None
        before, behind = CLOSE * (centre - point), CLOSE * (a - point)
        both = (segment.normal + normal) / max(float(np.linalg.norm(segment.normal + normal)), 1e-3)
        X = np.stack([point + before, point + behind, (point + a) / 2, (a + b) / 2, point])
        offsets = off * np.stack([segment.normal, normal, normal, normal, both])
        X, offsets = X[:places], offsets[:places]
        classes = (yield np.vstack([X + offsets, X - offsets])).reshape(2, -1)
        first, second = segment.classes[0], int(pairs[0, 1])
        beyond = [segment.classes[1], second, second, second]  # and at the bend, either of them
        expected = beyond[: len(X)]
        if (classes[0] != first).any() or not np.array_equal(classes[1, :4], expected):
            return None
        if (classes[1, 4:] == first).any():
            return None
        arms = (
            np.linalg.norm(point - a) / base + np.linalg.norm(point - segment.point) / segment.base
        )
        error = float(self.width / 2 * np.abs(point).max() * (1 + arms) / abs(across))
        made = Segment(a, new, normal, (first, second), base, np.arange(0), self.width)
        return point, error, made

    def _sharpen(self, segment: Segment, X: Array, step: float) -> Asking[None]:
        """Take the segment's tangent from its first point and one near X, a step away."""
        off = self.near(X, step, segment.base) * segment.normal
        pairs = np.array([segment.classes])
        ends = yield from bisect((X + off)[None], (X - off)[None], pairs, self.width)
        number = self.found.add(*ends, True)
        other = (ends[0][0] + ends[1][0]) / 2
        numbers = np.append(segment.numbers[:1], number)
        segment.through(segment.point, other, numbers, self.width)

    def _across_arc(
        self, segment: Segment, tangent: Array, centre: Array, radius: float, extends: bool
    ) -> Asking[tuple[Array, Array, int] | None]:
        """Two inputs on a circle around a point of the segment, of its first class and of another,
        with the boundary that leaves the circle between them."""

        def at(angle: float) -> Array:
            along = -np.cos(angle) * tangent + np.sin(angle) * segment.normal
            return np.asarray(centre + radius * along)

        first = segment.classes[0]
        low, high = (np.pi, 2 * np.pi - CLEAR) if extends else (CLEAR, np.pi)
        classes: Index = yield np.stack([at(low), at(high)])
        if classes[0] != first or classes[1] == first:
            return None
        second = int(classes[1])
        for _ in range(ARC):
            middle = (low + high) / 2
            answer = yield at(middle)[None]
            if answer[0] == first:
                low = middle
            else:
                high, second = middle, int(answer[0])
        return at(low), at(high), second


def _both(
    one: tuple[Array, Array, Index], other: tuple[Array, Array, Index]
) -> tuple[Array, Array, Index]:
    inner, outer, pairs = (np.vstack(parts) for parts in zip(one, other, strict=True))
    return inner, outer, pairs
