"""Short polylines from a piece of the boundary whose normal is known, to one hyperplane."""

from __future__ import annotations

import numpy as np

from unrelu.extraction.hard_labels.asking import Asking
from unrelu.extraction.hard_labels.segments import Bend, Segment
from unrelu.extraction.hard_labels.slope_jumps import Direction
from unrelu.extraction.hard_labels.state import State
from unrelu.numerics.arrays import Array

ASIDE = 1e-2
"""Sine of the angle between a bend's own edge and the way to another place of its hyperplane, from
which on that place says something of the hyperplane."""

PARALLEL = 1e-2
"""Sine of the angle of two hyperplanes up to which one is not looked for along the other."""

STEP = 0.5
"""First step, as a share of the distance to the hyperplane."""


def connecting(state: State, bend: Bend) -> list[Asking[list[Bend]]]:
    """From both sides of a bend, whose normals are known, to the nearest known hyperplane: how
    slopes change across it relates them. The ways are parallel to the bend's own hyperplane."""
    sides = bend.before, bend.behind
    both = np.stack([side.full for side in sides if side.full is not None])
    tasks = []
    for side in sides:
        each = [_way(side.point, both, row.v, row.b) for row in state.planes.rows]
        ways = [way for way in each if way is not None]
        if ways:
            tasks.append(_to(state, side, min(ways, key=lambda way: float(np.linalg.norm(way)))))
    return tasks


def confirming(state: State, bend: Bend, likely: Direction) -> list[Asking[list[Bend]]]:
    """To another place of the hyperplane that a bend is likely on, from another piece of the
    boundary, where no known hyperplane is in between."""
    v, b = likely.v, -float(likely.v @ bend.point)
    normals = np.stack([side.full for side in (bend.before, bend.behind) if side.full is not None])
    places: list[tuple[float, Segment, Array]] = []
    segments = {id(s): s for each in state.bends for s in (each.before, each.behind)}
    for side in segments.values():
        if side.full is None:
            continue
        way = _way(side.point, side.full[None], v, b)
        if way is None:
            continue
        far = float(np.linalg.norm(way))
        offset = side.point + way - bend.point
        apart = np.abs(normals @ offset).min() / np.linalg.norm(offset)
        if apart > ASIDE and far < state.tracer.far and _free(state, side.point, way):
            places.append((far, side, way))
    places.sort(key=lambda place: place[0])
    return [_to(state, side, way) for _, side, way in places[bend.tries[0] :][:1]]


def _way(start: Array, normals: Array, v: Array, b: float) -> Array | None:
    """The shortest way from there to v·x + b = 0, orthogonal to the normals; None if they are as
    good as parallel."""
    basis = np.linalg.qr(normals.T)[0]
    along = v - basis @ (basis.T @ v)
    size = float(along @ along)
    return np.asarray(-(v @ start + b) / size * along) if size > PARALLEL**2 else None


def _free(state: State, start: Array, way: Array) -> bool:
    V, b = state.planes.V, state.planes.b
    return bool(((V @ start + b) * (V @ (start + way) + b) > 0).all())


def _to(state: State, side: Segment, way: Array) -> Asking[list[Bend]]:
    step = STEP * float(np.linalg.norm(way))
    return state.tracer.trace_from(side, side.point, way, step, most=1)
