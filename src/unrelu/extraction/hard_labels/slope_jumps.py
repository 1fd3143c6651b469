"""Directions of hyperplanes from how much slopes change across them.

Let G = ∇(F_A − F_B) on a straight piece of the boundary between A and B, and g ν its part in the
plane of a polyline: ν is the segment's normal there, g is unknown. Across the hyperplane of unit j,
in the direction of t, G changes by sign(v_j·t) δ_j v_j, where δ_j = u_Aj − u_Bj is the same
everywhere. So a bend on a known hyperplane, with the segments (t₀, ν₀) and (t₁, ν₁), shows

    δ_j / g₀ = −(ν₀·t₁) / |v_j·t₁|,    g₁ / g₀ = ν₀·ν₁ + (δ_j / g₀) sign(v_j·t₁) (v_j·ν₁).

These ratios connect segments with hyperplanes. Where both sides of an unknown bend are connected
otherwise, and the boundary's normals n₀, n₁ in all inputs are known there, G = g n / (n·ν) is known
up to a common factor, and v ∝ G₁ − G₀.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.extraction.hard_labels.segments import Bend, Segment
from unrelu.numerics.arrays import Array, Index

STEEPEST = 1e3
"""Ratio of slopes above which nothing is learnt from them."""


@dataclass(frozen=True, eq=False)
class Direction:
    """Of a hyperplane, of length 1, and about how far it may be off."""

    v: Array
    error: float


@dataclass(frozen=True)
class _Value:
    """A slope g, or a jump δ, relative to the others of its `part`, and its relative error."""

    value: float
    error: float
    part: int


Links = dict[Hashable, list[tuple[Hashable, float, float]]]
"""Of each slope or jump: another one, its ratio to that, and the ratio's relative error."""


def directions(bends: Sequence[Bend], V: Array, errors: Array, on: Index) -> dict[int, Direction]:
    """Of the hyperplanes of bends that are on none of those known, (V, errors): `on` (n,) is the
    number of the known one, or −1."""
    values = _connected(_links(bends, V, errors, on))
    found: dict[int, Direction] = {}
    for number in np.flatnonzero(on < 0).tolist():
        sides = bends[number].before, bends[number].behind
        before, behind = (_gradient(side, values) for side in sides)
        if before is not None and behind is not None and before.part == behind.part:
            change = behind.G - before.G
            size = float(np.linalg.norm(change))
            found[number] = Direction(change / size, (before.off + behind.off) / size)
    return found


@dataclass(frozen=True, eq=False)
class _Gradient:
    """G, relative to the others of its part, and how far it may be off."""

    G: Array
    off: float
    part: int


def _gradient(side: Segment, values: dict[Hashable, _Value]) -> _Gradient | None:
    slope = values.get(id(side))
    if slope is None or side.full is None:
        return None
    G = slope.value / side.part * side.full
    off = float(np.linalg.norm(G)) * (slope.error + side.error)
    return _Gradient(G, off, slope.part)


def _links(bends: Sequence[Bend], V: Array, errors: Array, on: Index) -> Links:
    links: Links = defaultdict(list)
    for number in np.flatnonzero(on >= 0).tolist():
        bend, v = bends[number], V[on[number]]
        before, behind = bend.before, bend.behind
        t, across = behind.tangent, float(v @ behind.tangent)
        turn = float(before.normal @ t)
        jump = -turn / abs(across) if across else np.inf
        ratio = float(before.normal @ behind.normal) + jump * np.sign(across) * float(
            v @ behind.normal
        )
        if not 1 / STEEPEST < abs(jump) < STEEPEST or not 1 / STEEPEST < ratio < STEEPEST:
            continue
        sharp = before.off + behind.off
        error = sharp * (1 / abs(turn) + 1 / abs(across)) + errors[on[number]] / abs(across)
        one, other = sorted(bend.before.classes)
        sign = 1.0 if bend.before.classes == (one, other) else -1.0
        unit = (int(on[number]), one, other)
        _link(links, id(before), unit, sign * jump, error)
        _link(links, id(before), id(behind), ratio, error)
        _link(links, unit, id(behind), ratio / (sign * jump), error)
    for side in {id(s): s for bend in bends for s in (bend.before, bend.behind)}.values():
        if side.same is not None:
            parts = side.same.part, side.part
            _link(links, id(side.same), id(side), parts[1] / parts[0], side.error / parts[0])
    return links


def _link(links: Links, one: Hashable, other: Hashable, ratio: float, error: float) -> None:
    links[one].append((other, ratio, error))
    links[other].append((one, 1 / ratio, error))


def _connected(links: Links) -> dict[Hashable, _Value]:
    """All slopes and jumps, those that are connected relative to one of them, each along the path
    with the smallest error."""
    values: dict[Hashable, _Value] = {}
    for part, root in enumerate(links):
        if root in values:
            continue
        waiting: list[tuple[float, int, float, Hashable]] = [(0.0, 0, 1.0, root)]
        count = 1
        while waiting:
            error, _, value, node = heapq.heappop(waiting)
            if node in values:
                continue
            values[node] = _Value(value, error, part)
            for other, factor, more in links[node]:
                if other not in values:
                    heapq.heappush(waiting, (error + more, count, value * factor, other))
                    count += 1
    return values
