"""From bends to hyperplanes: which normals are measured, and where further bends are looked for."""

from __future__ import annotations

import numpy as np

from unrelu.extraction.hard_labels.asking import Asking, run, together
from unrelu.extraction.hard_labels.crossing import confirming, connecting
from unrelu.extraction.hard_labels.normals import Lost, full_normal
from unrelu.extraction.hard_labels.segments import Bend, Segment
from unrelu.extraction.hard_labels.spreading import spread_normals
from unrelu.extraction.hard_labels.state import State
from unrelu.extraction.hard_labels.views import SIGMAS, normals_of

FINE = 2.0**-49
"""Relative width of the points that normals come from."""

BESIDE, SHORT, OVER = 6, 2, 3.0
"""Short polylines for one bend that shows no hyperplane yet, and their bends."""

PATIENCE = 14
"""Normals and polylines in vain, until a network is tried with what there is."""

ANYWHERE = 3
"""Polylines from where a normal is known, to begin with."""

OPEN = 1
"""Bends with both normals that show no hyperplane yet, at which more polylines are worth more."""

ROOM = 0.1
"""Length of arms, as a share of the distance to the next bend."""

ASIDE = 8.0
"""How far from a segment its two sides are asked, in errors of its line there."""

SCATTERED = 0.5
"""Standard deviation of a normal from points that scatter, in the largest error that they may be
taken to have: they are bisected to twice their scatter, and slopes are differences of two."""

LONG, LONGEST = 0.7, 3.0
"""The same where points scatter, and the distance up to which that is counted."""


def find_hyperplanes(state: State) -> None:
    """Normals, and polylines through where they are known, until all bends are explained or
    nothing more is to be learnt from them."""
    _explain(state)
    idle, count = 0, len(state.planes.rows)
    while unexplained := state.unexplained(state.bends):
        idle = idle + 1 if len(state.planes.rows) == count else 0
        count = len(state.planes.rows)
        if idle > PATIENCE:
            return
        views = [bend for bend in unexplained if normals_of(bend) is not None]
        known, segment = _next_segment(state)
        segment = known or segment
        if known is not None and len(views) < OPEN:
            _measure(state, known)
        elif not _look_beside(state, views):
            if segment is None:
                return
            _measure(state, segment)
        _explain(state)


def _look_beside(state: State, views: list[Bend]) -> bool:
    """Short polylines to other bends of the hyperplanes of these: where these are likely to be,
    to known hyperplanes, or behind them; without any, a few more in any direction. False if that
    has been tried often enough."""
    state.classes.queries.stage = "polylines"
    tasks: list[Asking[list[Bend]]] = []
    before = len(state.planes.rows)
    likely = {id(state.bends[i]): way for i, way in state.planes.likely(state.bends).items()}
    for bend in views:
        if bend.tries[0] >= BESIDE or not state.planes.rows:
            continue
        toward = likely.get(id(bend))
        more = [] if toward is None else confirming(state, bend, toward)
        bend.tries[0] += 1
        if more:
            tasks += more
        elif toward is not None and bend.tries[0] == BESIDE:
            state.planes.suppose(bend, toward)
        elif bend.tries[0] == 1:
            tasks += connecting(state, bend)
        else:
            tasks.append(_beside(state, bend))
    if len(state.planes.rows) > before:
        return True
    if not tasks and state.anywhere < ANYWHERE:
        state.anywhere += 1
        segments = {id(s): s for bend in state.bends for s in (bend.before, bend.behind)}
        known = [s for s in segments.values() if s.full is not None]
        if known:
            s = known[state.rng.integers(len(known))]
            direction = state.rng.standard_normal(state.n_inputs)
            tasks.append(state.tracer.trace_from(s, s.point, direction, 0.1 * s.base))
    if tasks:
        state.polylines += run(together(tasks), state.classes)
    return bool(tasks)


def _beside(state: State, bend: Bend) -> Asking[list[Bend]]:
    """From next to the bend, across a known hyperplane, to where the bend's own is met again:
    there the boundary has other normals."""
    normals, p = normals_of(bend), bend.point
    assert normals is not None, "only bends with normals on both sides"
    side = (bend.before, bend.behind)[state.rng.integers(2)]
    E = state.rng.standard_normal((BESIDE, state.n_inputs))
    basis = np.linalg.qr(normals.T)[0]
    E -= E @ basis @ basis.T
    E /= np.linalg.norm(E, axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        at = -(state.planes.V @ p + state.planes.b)[:, None] / (state.planes.V @ E.T)
    at = np.vstack([at, -at])
    at[at < 0.3 * state.scale] = np.inf
    plane, number = np.unravel_index(int(at.argmin()), at.shape)
    far = float(at[plane, number])
    if not np.isfinite(far):
        return []
    e = E[number] if plane < len(state.planes.rows) else -E[number]
    away = side.point - p
    room = float(np.linalg.norm(away))
    aside = min(0.3 * room, 0.2 * far) * away / room
    assert side.full is not None, "as above"
    start = p + aside
    start -= (start - side.point) @ side.full * side.full
    task = state.tracer.trace_from(side, start, OVER * far * e - aside, 0.5 * far, most=SHORT)
    return (yield from task)


def _measure(state: State, segment: Segment) -> None:
    state.classes.queries.stage = "normals"
    middle, room = segment.middle()
    if _expected(state, segment):
        return
    # The longer the arms, the less do slopes scatter; the shorter, the rarer are bends.
    arm = LONG * min(LONGEST * state.scale, room) if state.noise else ROOM * min(state.scale, room)
    task = full_normal(
        *(state.found, middle, segment.tangent, segment.normal),
        *(arm, segment.classes, max(FINE, state.finest), state.rng),
        off=ASIDE * segment.off * float(np.linalg.norm(middle - segment.point)),
    )
    try:
        segment.full, segment.error = run(task, state.classes)
    except Lost:
        segment.lost = True
    else:
        segment.error *= SCATTERED if state.noise else 1.0


def _expected(state: State, segment: Segment) -> bool:
    """Whether the normal is that of the network so far, which is wrong only elsewhere: then it has
    the segment's tangent in its plane."""
    if state.scores is None:
        return False
    n = state.scores.normal(segment.middle()[0], segment.classes)
    if n is None or state.scores.error > state.planes.limits.trusted:
        return False
    allowed = SIGMAS * (segment.off + state.scores.error)
    if abs(float(n @ segment.tangent)) > allowed or n @ segment.normal < 0:
        return False
    segment.full, segment.error = n, state.scores.error
    return True


def _explain(state: State) -> None:
    bends, before = state.bends, -1
    while len(state.planes.rows) > before:
        before = len(state.planes.rows)
        for polyline in state.polylines:
            run(spread_normals(polyline, state.planes, state.found, state.finest), state.classes)
        state.planes.add_from(bends)


def _next_segment(state: State) -> tuple[Segment | None, Segment | None]:
    """Segments next to a bend that is not explained: one whose other side is known, and any; the
    first, or where points scatter, the clearest bends."""
    best: list[Segment | None] = [None, None]
    most = [-1.0, -1.0]
    for polyline in sorted(state.polylines, key=len, reverse=True):
        for bend in state.unexplained(polyline):
            sides = (bend.before, bend.behind)
            if any(side.lost for side in sides) or normals_of(bend) is not None:
                continue
            known = any(side.full is not None for side in sides)
            open_side = bend.before if bend.before.full is None else bend.behind
            number, clear = (0 if known else 1), bend.clear if state.noise else 0.0
            if clear > most[number]:
                best[number], most[number] = open_side, clear
    return best[0], best[1]
