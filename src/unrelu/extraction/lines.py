"""Kinks on lines: the units of a network that can be asked.

Along a line x(t) = a + t g a network is piecewise linear, with one kink for each unit, at
t = −(v·a + b)/(v·g): every unit shows, however rarely random inputs see it. Between kinks the
network is affine, and its gradients G on the two sides of a kink differ by ± u vᵀ, rank one. So

1. take values and slopes at both ends of an interval. If the tangents are one line, there is no
   kink inside; if they meet inside and the function passes through the point where they meet,
   there is exactly one; otherwise split the interval. A dozen queries to a kink.
2. ask for the gradient between neighbouring kinks: d + 2 queries, the last of them to check that
   no hyperplane was crossed. The jumps are the units, up to the side on which they are active.

Whatever is affine is not seen, so units known before are taken off the function with either side
active, and a line shows the others only. Pure functions of a callable; what it returns may be
off by rounding, whose size is measured first.

Source: the queries at which one unit switches are those of Carlini, Jagielski and Mironov
(CRYPTO 2020); jumps between neighbouring intervals save half of the gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from unrelu.numerics.arrays import Array, Mask

Ask = Callable[[Array], tuple[Array, Array]]
"""Points (n, d) -> the points as the oracle got them (rounded, where it takes float32), values."""

CONFIDENCE = 6.0
"""Standard deviations of rounding that count as rounding: thousands of values are compared."""

TRIPLES = 8
"""Second differences from which rounding is measured; a kink within a few of them is no harm."""

SHARE = 1 / 3
"""Of an interval, or of the distance from the origin, over which the slope at an end is taken:
long enough to keep rounding small, short enough that two kinks at an eighth of their distance
from each other do not need many splits."""

STEP = 1 / 16
"""Length of a gradient's displacements as a share of the distance to the nearer kink on the line.
A hyperplane at cosine c to the line is crossed by some of d displacements when c is below some
STEP √(2 log d) / √d."""

SHORTER = 4, 4
"""A gradient that has crossed a hyperplane is taken again with displacements so many times
shorter, and so many times at most."""

ROUNDINGS = 1e-12
"""Error that even the best known unit is credited with."""

ALIKE = 0.3
"""Difference of two jumps, as a share of the larger, up to which they may be of one unit."""

MOST_ERROR = 0.2
"""Of a unit: one that is known no better is not taken for one. A fit mends errors up to there."""

FAINT = 4.0
"""Times what rounding allows: kinks that bend a function by less cannot be told apart."""

MOST_OPEN = 4096
"""Open intervals after which a function is taken for one that is not piecewise linear."""


@dataclass(frozen=True, eq=False)
class Units:
    """Hyperplanes V (k, d), b (k,) of unit norm with kink weights U (m, k), and the relative error
    of each that rounding may have caused."""

    V: Array
    b: Array
    U: Array
    errors: Array

    @classmethod
    def none(cls, d: int, m: int) -> Units:
        return cls(np.zeros((0, d)), np.zeros(0), np.zeros((m, 0)), np.zeros(0))

    def and_(self, other: Units) -> Units:
        return Units(
            np.vstack([self.V, other.V]),
            np.concatenate([self.b, other.b]),
            np.hstack([self.U, other.U]),
            np.concatenate([self.errors, other.errors]),
        )

    def values(self, X: Array) -> Array:
        return np.asarray(np.maximum(X @ self.V.T + self.b, 0.0) @ self.U.T)


@dataclass(frozen=True)
class Rounding:
    """Size of the rounding of a value at x: `size` (1 + ‖x‖ / reach), reach the usual ‖x‖."""

    size: float
    reach: float

    def at(self, norms: Array) -> Array:
        return np.asarray(self.size * np.maximum(1.0, norms / self.reach))


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
    """On one line: positions (s,) in order and slope jumps (s, m); stretches (·, 2) that stayed
    unclear; `linear`: whether the search came to an end; `seen`: where the function was asked."""

    at: Array
    jumps: Array
    unclear: Array
    linear: bool
    seen: Array


def measure_bend(ask: Ask, d: int, scale: float, step: float, rng: np.random.Generator) -> float:
    """Second differences near the origin, over so short a step that few kinks lie within, as the
    standard deviation of one value: rounding, or noise, or the curvature of a smooth function."""
    base = scale * rng.standard_normal((TRIPLES, d))
    aside = step * scale * rng.standard_normal((TRIPLES, d))
    _, values = ask(np.vstack([base - aside, base, base + aside]))
    left, middle, right = np.split(values, 3)
    bend = np.sqrt(((left - 2 * middle + right) ** 2).mean(axis=1) / 6)
    return float(np.median(bend))


def find_units(
    ask: Ask,
    line: Line,
    known: Units,
    rounding: Rounding,
    rng: np.random.Generator,
    *,
    subtract: bool = True,
) -> tuple[Units, Kinks]:
    """The units, beside the known ones, whose kinks on the line could be told apart.

    With `subtract` the known ones are taken off first, which leaves few kinks to find; what their
    errors leave counts as rounding. Where those are large, as in float32, all kinks are found
    again and those of known units put aside.
    """
    off = known if subtract else Units.none(known.V.shape[1], len(known.U))

    def rest(X: Array) -> tuple[Array, Array]:
        X, Y = ask(X)
        return X, Y - off.values(X)

    def tolerance(X: Array) -> Array:
        norms = np.linalg.norm(X, axis=1)
        left = float(np.linalg.norm(np.linalg.norm(off.U, axis=0) * off.errors))
        return np.asarray(CONFIDENCE * (rounding.at(norms) + left * norms))

    kinks = kinks_on(rest, line, tolerance)
    new = _unknown(kinks, line, known)
    if not new.any():
        return Units.none(known.V.shape[1], len(known.U)), kinks
    units = _units_at(rest, line, kinks, new, tolerance, rng, careful=not subtract)
    return _without(units, known), kinks


def _unknown(kinks: Kinks, line: Line, known: Units) -> Mask:
    """Kinks that are neither those of known units nor what the errors of these leave behind."""
    if not len(kinks.at) or not len(known.b):
        return np.ones(len(kinks.at), dtype=bool)
    speed = known.V @ line.direction
    there = -(known.V @ line.start + known.b) / speed
    norms = np.linalg.norm(line.at(there), axis=1) / np.sqrt(len(line.start))
    errors = CONFIDENCE * known.errors + ROUNDINGS
    near = np.abs(kinks.at[:, None] - there) <= errors * np.maximum(norms, 1.0) / np.abs(speed)
    own = (known.U * np.abs(speed)).T
    size = np.linalg.norm(own, axis=1)
    left = np.linalg.norm(kinks.jumps, axis=1)[:, None] <= ALIKE * size
    same = np.linalg.norm(kinks.jumps[:, None] - own, axis=2) <= ALIKE * size
    return np.asarray(~(near & (left | same)).any(axis=1))


def _without(units: Units, known: Units) -> Units:
    """Those that are not known, within the errors of both, on either side."""
    if not len(known.b) or not len(units.b):
        return units
    rows, others = np.column_stack([units.V, units.b]), np.column_stack([known.V, known.b])
    apart = np.minimum(
        np.linalg.norm(rows[:, None] - others, axis=2),
        np.linalg.norm(rows[:, None] + others, axis=2),
    )
    size = np.maximum(1.0, np.abs(units.b))[:, None]
    new = (apart > CONFIDENCE * (units.errors[:, None] + known.errors + ROUNDINGS) * size).all(
        axis=1
    )
    return Units(units.V[new], units.b[new], units.U[:, new], units.errors[new])


def kinks_on(ask: Ask, line: Line, tolerance: Callable[[Array], Array]) -> Kinks:
    """Step 1, all open intervals at once: a level of splits is one batch of queries."""
    inner = min(1.0, line.reach)
    edges = np.unique([-line.reach, -inner, inner, line.reach])
    low, high = edges[:-1], edges[1:]
    found: list[tuple[float, Array]] = []
    unclear: list[tuple[float, float]] = []
    seen: list[Array] = []
    while len(low):
        if len(low) > MOST_OPEN:
            nothing = np.zeros(0), np.zeros((0, 0)), np.zeros((0, 2))
            return Kinks(*nothing, linear=False, seen=np.concatenate(seen))
        ends = np.stack([low, high])
        # Rounding grows with the distance from the origin, so slopes are taken over a share of it.
        step = np.minimum((high - low) * SHARE, np.maximum(np.abs(ends), 1.0) * SHARE)
        step[1] *= -1
        seen.append(np.concatenate([ends.ravel(), (ends + step).ravel()]))
        points = line.at(seen[-1])
        _, values = ask(points)
        shape = (2, 2, len(low))
        y = values.reshape(*shape, -1)
        error = tolerance(points).reshape(shape)
        slope = (y[1] - y[0]) / step[..., None]
        slope_error = np.hypot(error[0], error[1]) / np.abs(step)

        length = high - low
        gap = slope * np.array([1.0, -1.0])[:, None, None] * length[:, None] + y[0] - y[0, ::-1]
        allowed = np.hypot(np.hypot(error[0], error[0, ::-1]), slope_error * length)
        straight = (np.abs(gap).max(axis=2) <= allowed).all(axis=0)

        # y_l + s_l (t − l) = y_r + s_r (t − r), in all outputs at once by least squares.
        bend = slope[0] - slope[1]
        constant = y[0, 1] - slope[1] * high[:, None] - y[0, 0] + slope[0] * low[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            meet = (bend * constant).sum(axis=1) / (bend**2).sum(axis=1)
        inside = ~straight & (meet > low + step[0]) & (meet < high + step[1])
        single = np.flatnonzero(inside)
        if len(single):
            one = _is_one(
                ask,
                line,
                tolerance,
                meet[single],
                ends[:, single],
                y[0][:, single],
                slope[:, single],
                error[0][:, single],
                slope_error[:, single],
            )
            inside[single[~one]] = False
            single = single[one]
            found += zip(meet[single].tolist(), slope[1, single] - slope[0, single], strict=True)

        again = ~straight & ~inside
        # Too little is left to see more of it: all that bends there is a few times rounding. A
        # jump goes on bending, until its place is known as well as numbers can tell.
        faint = (np.abs(gap).max(axis=2) <= FAINT * allowed).all(axis=0)
        faint &= np.abs(bend).max(axis=1) * length <= FAINT * allowed.max(axis=0)
        size = np.maximum(np.maximum(np.abs(low), np.abs(high)), 1.0)
        scale = np.maximum(np.abs(y).max(axis=(0, 1, 3)), np.finfo(np.float64).tiny)
        tiny = faint | (length * scale < FAINT * error.max(axis=(0, 1)) * size)
        unclear += [
            (float(a), float(b)) for a, b in zip(low[again & tiny], high[again & tiny], strict=True)
        ]
        again &= ~tiny
        middle = _between(low[again], high[again])
        low, high = np.concatenate([low[again], middle]), np.concatenate([middle, high[again]])
    found.sort(key=lambda kink: kink[0])
    positions = np.array([t for t, _ in found])
    jumps = np.array([jump for _, jump in found])
    stretches = np.array(unclear).reshape(-1, 2)
    return Kinks(positions, jumps, stretches, linear=True, seen=np.concatenate(seen))


def _is_one(
    ask: Ask,
    line: Line,
    tolerance: Callable[[Array], Array],
    meet: Array,
    ends: Array,
    y: Array,
    slope: Array,
    error: Array,
    slope_error: Array,
) -> Mask:
    """Is there one kink where the tangents meet? Just before, the function must be on the left
    one, just behind on the right one. Looking at the meeting point alone would not do: that of two
    kinks in opposite directions lies outside of them, on the function."""
    tangent = np.hypot(error, slope_error * np.abs(meet - ends)).max(axis=0)
    allowed = np.hypot(tolerance(line.at(meet)), tangent)
    # Far enough for the two tangents to be told apart.
    aside = 4 * allowed / np.abs(slope[1] - slope[0]).max(axis=1)
    inside = (meet - aside > ends[0]) & (meet + aside < ends[1])
    near = np.stack([meet - aside, meet + aside])
    near = np.where(inside, near, ends)
    _, values = ask(line.at(near.ravel()))
    values = values.reshape(2, len(meet), -1)
    on = y + slope * (near - ends)[..., None]
    return np.asarray(inside & (np.abs(values - on).max(axis=2) <= allowed).all(axis=0))


def _between(low: Array, high: Array) -> Array:
    """The middle; geometric where the ends are far apart on one side of the origin, so that a
    reach of a million costs a few splits more than one of a thousand."""
    near = np.minimum(np.abs(low), np.abs(high))
    far = np.maximum(np.abs(low), np.abs(high))
    wide = (low * high > 0) & (far > 4 * near)
    return np.where(wide, np.sign(low) * np.sqrt(near * far), (low + high) / 2)


def _units_at(
    ask: Ask,
    line: Line,
    kinks: Kinks,
    new: Mask,
    tolerance: Callable[[Array], Array],
    rng: np.random.Generator,
    careful: bool,
) -> Units:
    """Step 2, for the new kinks. One whose neighbouring gradients could not be had is left for
    another line."""
    d = len(line.start)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    stretches = np.concatenate([[-line.reach], kinks.at, [line.reach]])
    unclear = (kinks.unclear[:, :1] < stretches[1:]) & (kinks.unclear[:, 1:] > stretches[:-1])
    wanted = (np.append(new, False) | np.append(False, new)) & ~unclear.any(axis=0)
    gradients = [
        _gradient(ask, line, low, high, turn, tolerance, rng, careful) if wanted[number] else None
        for number, (low, high) in enumerate(pairwise(stretches))
    ]
    rows, outputs, errors = [], [], []
    for number in np.flatnonzero(new):
        before, after = gradients[number], gradients[number + 1]
        if before is None or after is None:
            continue
        jump = after[0] - before[0]
        left, sizes, right = np.linalg.svd(jump, full_matrices=False)
        # What is not of rank one is error, too: of displacements that crossed other hyperplanes.
        error = float(np.linalg.norm([before[2], after[2], *sizes[1:]]))
        # One unit: also its jump of the slope along the line.
        along = jump @ line.direction - kinks.jumps[number]
        whole = np.linalg.norm(along) <= ALIKE * np.linalg.norm(kinks.jumps[number])
        if not (whole and error <= MOST_ERROR * sizes[0]):
            continue
        # The unit that is active behind the kink: u f(v·x + b) with G₁ − G₀ = u vᵀ, and both
        # affine functions agree on the hyperplane: G₁x + h₁ − G₀x − h₀ = u (v·x + b).
        turned = 1.0 if right[0] @ line.direction > 0 else -1.0
        u = turned * sizes[0] * left[:, 0]
        outputs.append(u)
        rows.append(np.append(turned * right[0], u @ (after[1] - before[1]) / (u @ u)))
        errors.append(error / sizes[0])
    m = kinks.jumps.shape[1]
    if not rows:
        return Units.none(d, m)
    table = np.array(rows)
    return Units(table[:, :d], table[:, d], np.array(outputs).T, np.array(errors))


def _gradient(
    ask: Ask,
    line: Line,
    low: float,
    high: float,
    turn: Array,
    tolerance: Callable[[Array], Array],
    rng: np.random.Generator,
    careful: bool,
) -> tuple[Array, Array, float] | None:
    """Gradient (m, d) and constant (m,) between two kinks, by differences along the rows of an
    orthogonal matrix, and the error of the gradient. In double precision short displacements lose
    nothing, and a sum of them all, with random signs, must lead where it says. In single precision
    (`careful`) each is as long as it can be, and its mirror image says whether it is too long."""
    half = (high - low) / 2
    # Between the last kink and the end of the line, near the kink: far out rounding is larger.
    if abs(low) >= line.reach or abs(high) >= line.reach:
        half = min(half, max(1.0, min(abs(low), abs(high))))
    centre = low + half if abs(low) < line.reach else high - half
    point = line.at(np.array([centre]))
    length = STEP * half * float(np.linalg.norm(line.direction))
    error = float(tolerance(point)[0])
    if careful:
        return _mirrored_gradient(ask, point, SHORTER[0] * length, turn, error)
    root = float(np.sqrt(len(turn)))
    signs = rng.choice([-1.0, 1.0], len(turn)) / root
    for _ in range(SHORTER[1]):
        X, values = ask(np.vstack([point, point + length * turn, point + length * (signs @ turn)]))
        moved, changed = X[1:] - X[0], values[1:] - values[0]
        solution = turn.T @ (changed[:-1] / length)
        off = np.abs(moved[-1] @ solution - changed[-1]).max()
        if off <= 2 * error:
            return solution.T, values[0] - X[0] @ solution, error * root / length / CONFIDENCE
        length /= SHORTER[0]
    return None


def _mirrored_gradient(
    ask: Ask, point: Array, length: float, turn: Array, error: float
) -> tuple[Array, Array, float] | None:
    """The same by central differences, each of its own length: where the second difference shows
    a kink, a shorter one."""
    lengths, left = np.full(len(turn), length), np.arange(len(turn))
    X, middle = ask(point)
    moved, changed = np.zeros_like(turn), np.zeros((len(turn), middle.shape[1]))
    for _ in range(SHORTER[1]):
        aside = lengths[left, None] * turn[left]
        asked, values = ask(np.vstack([point - aside, point + aside]))
        before, after = np.split(values, 2)
        straight = np.abs(before - 2 * middle + after).max(axis=1) <= 2.5 * error  # √6 and more
        there = left[straight]
        low, high = np.split(asked, 2)
        moved[there], changed[there] = (high - low)[straight], (after - before)[straight]
        left = left[~straight]
        if not len(left):
            solution = np.linalg.solve(moved, changed)
            size = float(np.sqrt((0.5 / lengths**2).sum())) * error / CONFIDENCE
            return np.asarray(solution.T), np.asarray(middle[0] - X[0] @ solution), size
        lengths[left] /= SHORTER[0]
    return None
