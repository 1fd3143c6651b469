"""Kinks on lines: where a piecewise linear function, followed along a line, changes its slope.

Take values and slopes at both ends of an interval. If the two tangents are one line, there is no
kink inside. If they meet inside and the function passes through the point where they meet, there is
exactly one. Otherwise split the interval. A kink costs about a dozen queries.

The values may contain rounding errors, whose size is measured first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from unrelu.numerics.arrays import Array, Index, Mask

Ask = Callable[[Array], tuple[Array, Array]]
"""Points (n, d) -> the points as the oracle got them (rounded, if it takes float32), values."""

Tolerance = Callable[[Array], Array]
"""Points (n, d) -> how far values there may be off by rounding."""

TRIPLES = 8
"""Second differences from which rounding is measured. A kink within a few of them does no harm."""

SHARE, COARSE_SHARE = 1 / 16, 1 / 3
"""Share of an interval, or of the distance from the origin, over which the slope at an end is
taken: a kink there does not show before the interval is split. Where rounding is coarse, longer, to
keep it small."""

KEPT = 1 / 4
"""Share of an interval up to which the slope at an end is taken as for the interval it was split
from, which saves a query."""

APART = 4.0
"""Length of an interval, in terms of how far off known kinks may be, from which on two of them can
be told apart."""

FAINT = 4.0
"""Multiple of what rounding allows below which two kinks cannot be distinguished."""

INSET = 0.1
"""Share of a piece, at both ends, over which the kinks there may be off."""

_PAIR = slice(None, -1), slice(1, None)

MOST_OPEN = 4096
"""Open intervals beyond which a function is considered not to be piecewise linear."""


@dataclass(frozen=True, eq=False)
class Line:
    """x(t) = start + t direction, for |t| up to `reach`."""

    start: Array
    direction: Array
    reach: float

    def at(self, t: Array) -> Array:
        return self.start + t[:, None] * self.direction


@dataclass(frozen=True, eq=False)
class Kinks:
    """The kinks on a line: positions (s,) in order, slope jumps (s, m), and by how much rounding
    may have changed these, `within` and `errors` (s,); intervals (·, 2) that could not be resolved;
    `linear`: whether the search finished; `evaluated`: where the function was evaluated."""

    at: Array
    jumps: Array
    within: Array
    errors: Array
    unclear: Array
    linear: bool
    evaluated: Array

    @property
    def count(self) -> int:
        """Of kinks, those in an interval that could not be resolved included: two at least."""
        return len(self.at) + 2 * len(self.unclear)

    def take(self, some: Mask) -> Kinks:
        kept = (self.at[some], self.jumps[some], self.within[some], self.errors[some])
        return Kinks(*kept, self.unclear, self.linear, self.evaluated)


@dataclass(frozen=True, eq=False)
class Remains:
    """What may remain of known units that were subtracted, at their kinks `at` (k,) on a line,
    which are off by up to `within`: a `step` of the values, at a point of norm one, and a `bend` of
    the slope, (k,) each. `norms`: of the start and the direction of the line. `coarse`: whether
    this is so much that others may hide behind several of them."""

    at: Array
    within: Array
    step: Array
    bend: Array
    norms: tuple[float, float]
    coarse: bool

    @classmethod
    def none(cls) -> Remains:
        empty = np.zeros(0)
        return cls(empty, empty, empty, empty, norms=(0.0, 0.0), coarse=False)

    def between(self, low: Array, high: Array) -> Array:
        """(s,): by how much they may bend the function between the ends of intervals. Where others
        may hide behind them, nothing is allowed, so that the interval is split."""
        length = high - low
        inside = (self.at + self.within > low[:, None]) & (self.at - self.within < high[:, None])
        step, bend = np.sqrt(inside @ (np.column_stack([self.step, self.bend]) ** 2)).T
        apart = inside & (APART * self.within < length[:, None])
        step *= self.norms[0] + self.norms[1] * np.maximum(np.abs(low), np.abs(high))
        hiding = self.coarse & (apart.sum(axis=1) > 1)
        return np.asarray(np.where(hiding, 0.0, np.hypot(step, bend * length)))


def measure_bend(ask: Ask, d: int, scale: float, step: float, rng: np.random.Generator) -> float:
    """Second differences near the origin, as the standard deviation of one value: rounding, noise,
    or the curvature of a smooth function. The step should be so short that it spans few kinks."""
    base = scale * rng.standard_normal((TRIPLES, d))
    aside = step * scale * rng.standard_normal((TRIPLES, d))
    _, values = ask(np.vstack([base - aside, base, base + aside]))
    left, middle, right = np.split(values, 3)
    bend = np.sqrt(((left - 2 * middle + right) ** 2).mean(axis=1) / 6)
    return float(np.median(bend))


@dataclass(frozen=True, eq=False)
class Tangents:
    """Tangents at both ends of s intervals: `ends` (2, s), values `y` (2, s, m) and slopes
    (2, s, m) there, the errors of these, (2, s) each, and what `remains` (s,) of known units."""

    ends: Array
    y: Array
    slope: Array
    error: Array
    slope_error: Array
    remains: Array

    @property
    def length(self) -> Array:
        return np.asarray(self.ends[1] - self.ends[0])

    def take(self, some: Index) -> Tangents:
        return Tangents(
            *(
                array[..., some, :] if array.ndim > 2 else array[..., some]
                for array in vars(self).values()
            )
        )

    def gaps(self) -> tuple[Array, Array]:
        """(2, s): how far each tangent misses the value at the other end, and how far it may."""
        along = self.slope * np.array([1.0, -1.0])[:, None, None] * self.length[:, None]
        gap = np.abs(along + self.y - self.y[::-1]).max(axis=2)
        allowed = np.hypot(np.hypot(self.error, self.error[::-1]), self.slope_error * self.length)
        return gap, np.hypot(allowed, self.remains)

    def meeting(self) -> Array:
        """(s,): the t with y_l + s_l (t − l) = y_r + s_r (t − r), for all outputs at once by least
        squares."""
        bend = self.slope[0] - self.slope[1]
        low, high = (self.y[i] - self.slope[i] * self.ends[i][:, None] for i in (0, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((bend * (high - low)).sum(axis=1) / (bend**2).sum(axis=1))

    def agree_at(self, t: Array) -> Mask:
        """(s,): whether both tangents have the same values at t, in all outputs. Of several, the
        tangents around two kinks hardly ever do."""
        away = t - self.ends
        low, high = self.y + self.slope * away[..., None]
        allowed = np.hypot(*np.hypot(self.error, self.slope_error * np.abs(away)))
        allowed = np.hypot(allowed, self.remains)
        return np.asarray(np.abs(low - high).max(axis=1) <= allowed)

    def off(self, meet: Array) -> Array:
        """(s,): how far the places where tangents meet may be off."""
        far = np.hypot(self.error, self.slope_error * np.abs(meet - self.ends)).max(axis=0)
        bend = np.abs(self.slope[0] - self.slope[1]).max(axis=1)
        return np.asarray(np.hypot(far, self.remains) / bend)

    def unresolvable(self) -> Mask:
        """Intervals too short to split: every change of slope there is a few times rounding. A jump
        is split until its place is known as accurately as floats allow."""
        gap, allowed = self.gaps()
        bend = np.abs(self.slope[0] - self.slope[1]).max(axis=1)
        faint = (gap <= FAINT * allowed).all(axis=0)
        faint &= bend * self.length <= FAINT * allowed.max(axis=0)
        size = np.maximum(np.abs(self.ends).max(axis=0), 1.0)
        scale = np.maximum(np.abs(self.y).max(axis=(0, 2)), np.finfo(np.float64).tiny)
        return np.asarray(faint | (self.length * scale < FAINT * self.error.max(axis=0) * size))


def kinks_on(
    ask: Ask,
    line: Line,
    tolerance: Tolerance,
    remains: Remains | None = None,
    share: float = SHARE,
) -> Kinks:
    """The kinks on a line, but those that are no larger than what remains of known units. All open
    intervals are treated at once: a level of splits is one batch of queries."""
    remains = remains or Remains.none()
    inner = min(1.0, line.reach)
    edges = np.unique([-line.reach, -inner, inner, line.reach])
    low, high = edges[:-1], edges[1:]
    kept = np.full((2, len(low)), np.inf)
    found: list[tuple[float, Array, float, float]] = []
    unclear: list[tuple[float, float]] = []
    evaluated: list[Array] = []
    while len(low):
        if len(low) > MOST_OPEN:
            none = np.zeros(0)
            nothing = none, np.zeros((0, 0)), none, none, np.zeros((0, 2))
            return Kinks(*nothing, linear=False, evaluated=np.concatenate(evaluated))
        # Rounding grows with the distance from the origin, so slopes are taken over a share of it.
        ends = np.stack([low, high])
        step = share * np.minimum(high - low, np.maximum(np.abs(ends), 1.0))
        step = np.where(kept <= KEPT * (high - low), kept, step)
        step[1] *= -1
        evaluated.append(np.concatenate([ends.ravel(), (ends + step).ravel()]))
        tangents = _tangents(ask, line, tolerance, ends, step, remains)

        gap, allowed = tangents.gaps()
        bent = np.asarray(~(gap <= allowed).all(axis=0))
        meet = tangents.meeting()
        single = np.flatnonzero(bent & (meet > low + step[0]) & (meet < high + step[1]))
        single = single[tangents.take(single).agree_at(meet[single])]
        if len(single):
            one = _is_one(ask, line, tolerance, tangents.take(single), meet[single])
            single = single[one]
            jumps = tangents.slope[1, single] - tangents.slope[0, single]
            sure = tangents.take(single)
            numbers = (meet[single], sure.off(meet[single]), np.hypot(*sure.slope_error))
            meets, withins, sizes = (each.tolist() for each in numbers)
            found += zip(meets, jumps, withins, sizes, strict=True)

        bent[single] = False
        end = tangents.unresolvable() & bent
        unclear += zip(low[end].tolist(), high[end].tolist(), strict=True)
        split = bent & ~end
        middle = _between(low[split], high[split])
        fresh = np.full(len(middle), np.inf)
        kept = np.hstack([np.stack([step[0, split], fresh]), np.stack([fresh, -step[1, split]])])
        low, high = np.concatenate([low[split], middle]), np.concatenate([middle, high[split]])
    found.sort(key=lambda kink: kink[0])
    at, jumps, within, errors = (
        map(np.array, zip(*found, strict=True)) if found else [np.zeros(0)] * 4
    )
    intervals = np.array(unclear).reshape(-1, 2)
    everywhere = np.concatenate(evaluated)
    return Kinks(at, jumps, within, errors, intervals, linear=True, evaluated=everywhere)


def _tangents(
    ask: Ask, line: Line, tolerance: Tolerance, ends: Array, step: Array, remains: Remains
) -> Tangents:
    """By differences over the steps (2, s) into the intervals."""
    points = line.at(np.concatenate([ends.ravel(), (ends + step).ravel()]))
    values = ask(points)[1].reshape(2, *ends.shape, -1)
    error = tolerance(points).reshape(2, *ends.shape)
    slope = (values[1] - values[0]) / step[..., None]
    return Tangents(
        ends, values[0], slope, error[0], np.hypot(*error) / np.abs(step), remains.between(*ends)
    )


def _is_one(ask: Ask, line: Line, tolerance: Tolerance, tangents: Tangents, meet: Array) -> Mask:
    """Whether there is a single kink where the tangents meet. Just before it, the function must be
    on the left tangent, just behind it on the right one. To look at the meeting point alone would
    not suffice: the tangents around two kinks in opposite directions may meet outside of them, on
    the function."""
    ends, slope = tangents.ends, tangents.slope
    error = np.hypot(tangents.error, tangents.slope_error * np.abs(meet - ends)).max(axis=0)
    allowed = np.hypot(np.hypot(tolerance(line.at(meet)), error), tangents.remains)
    # Far enough to distinguish the two tangents.
    aside = 4 * allowed / np.abs(slope[1] - slope[0]).max(axis=1)
    inside = (meet - aside > ends[0]) & (meet + aside < ends[1])
    near = np.where(inside, np.stack([meet - aside, meet + aside]), ends)
    _, values = ask(line.at(near.ravel()))
    expected = tangents.y + slope * (near - ends)[..., None]
    off = np.abs(values.reshape(2, len(meet), -1) - expected).max(axis=2)
    return np.asarray(inside & (off <= allowed).all(axis=0))


def sharpened(ask: Ask, line: Line, tolerance: Tolerance, kinks: Kinks) -> Kinks:
    """The kinks with slopes taken over whole pieces, from one kink to the next, and where these
    meet. Those next to a piece that is not straight, or to an end of the line, stay. Three queries
    a piece."""
    if len(kinks.at) < 2:
        return kinks
    low, high = kinks.at[:-1], kinks.at[1:]
    ends = np.stack([low + INSET * (high - low), high - INSET * (high - low)])
    places = np.vstack([ends, ends.mean(axis=0, keepdims=True)])
    points = line.at(places.ravel())
    values = ask(points)[1].reshape(*places.shape, -1)
    error = tolerance(points).reshape(places.shape)
    slope = (values[1] - values[0]) / (ends[1] - ends[0])[:, None]
    off = np.abs(values[0] + values[1] - 2 * values[2]).max(axis=1)
    straight = off <= 2 * error.max(axis=0)
    pieces = Tangents(
        np.stack([places[2, :-1], places[2, 1:]]),
        np.stack([values[2, :-1], values[2, 1:]]),
        np.stack([slope[:-1], slope[1:]]),
        np.stack([error[2, :-1], error[2, 1:]]),
        np.stack([np.hypot(*error[:2, some]) / (ends[1] - ends[0])[some] for some in _PAIR]),
        np.zeros(len(low) - 1),
    )
    meet = pieces.meeting()
    good = straight[:-1] & straight[1:] & (meet > ends[1, :-1]) & (meet < ends[0, 1:])
    own = 1 + np.flatnonzero(good)
    at, jumps = kinks.at.copy(), kinks.jumps.copy()
    within, errors = kinks.within.copy(), kinks.errors.copy()
    at[own], jumps[own] = meet[good], (slope[1:] - slope[:-1])[good]
    within[own] = pieces.off(meet)[good]
    errors[own] = np.hypot(*pieces.slope_error[:, good])
    everywhere = np.concatenate([kinks.evaluated, places.ravel()])
    return replace(kinks, at=at, jumps=jumps, within=within, errors=errors, evaluated=everywhere)


def _between(low: Array, high: Array) -> Array:
    """The middle; the geometric one if the ends are far apart on one side of the origin, so that a
    reach of a million costs only a few more splits than one of a thousand."""
    near = np.minimum(np.abs(low), np.abs(high))
    far = np.maximum(np.abs(low), np.abs(high))
    wide = (low * high > 0) & (far > 4 * near)
    return np.where(wide, np.sign(low) * np.sqrt(near * far), (low + high) / 2)
