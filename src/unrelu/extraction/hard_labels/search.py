"""The stages of an extraction from labels: polylines, normals, hyperplanes, the output layer, a fit
to all points of the boundary, and predicted points, which are asked afterwards."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from unrelu.extraction.hard_labels.asking import Asking, run, together
from unrelu.extraction.hard_labels.boundary import FINEST, Boundary, bisect, widths
from unrelu.extraction.hard_labels.classes import Classes
from unrelu.extraction.hard_labels.hyperplanes import Hyperplanes, normals_of, spread_normals
from unrelu.extraction.hard_labels.normals import Lost, full_normal
from unrelu.extraction.hard_labels.output_layer import Scores, solve_output_layer
from unrelu.extraction.hard_labels.polish import polish
from unrelu.extraction.hard_labels.tracing import Bend, Segment, Tracer
from unrelu.extraction.hard_labels.verification import classes_of, predict
from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints
from unrelu.numerics.arrays import Array, Index

log = logging.getLogger(__name__)

TRACED = 2.0**-42
"""Relative width to which points of polylines are bisected: they tell hyperplanes apart, and more
digits come from others."""

FINE = 2.0**-49
"""Relative width of the points that normals come from."""

SIZES, LOOKED_AT = (4.0, 16.0, 64.0, 256.0, 1024.0), 200
"""Where a second class is looked for, if there is only one nearby, with how many inputs."""

NEAR = 3e-9
"""Distance of a bend from its hyperplane, relative to its size, up to which it belongs to it."""

FIRST, MOST_PLANES = 2, 200
"""Polylines before the first normals, and at most."""

OPEN = 1
"""Bends with both normals that show no hyperplane yet, at which more polylines are worth more."""

BESIDE, SHORT, OVER = 6, 4, 3.0
"""Short polylines for one bend that shows no hyperplane yet, and their bends."""

PATIENCE = 14
"""Normals and polylines in vain, until a network is tried with what there is."""

ANYWHERE = 3
"""Polylines from where a normal is known, to begin with."""

UNEXPLAINED = 3, 0.05
"""Bends, and share of them, that may be on no known hyperplane when a network is tried."""

ROOM = 0.3
"""Length of arms, as a share of the distance to the next bend."""

BORDER, BORDER_WIDTH = 8, 2.0**-9
"""Chords between two classes that seem to have no border, and how far they are bisected at first.
"""

DENSEST = 4.0
"""More points of each class than that do not help."""

DENSER = 4
"""Attempts to get an output layer with more and more points of each class."""

REFITS = 6
"""Fits, each with the points that the one before predicted wrongly."""

TRY, ENOUGH = 30, 200
"""Predicted points after a fit, and after the last one."""


@dataclass(eq=False)
class Search:
    """The state: points, polylines, hyperplanes, and the best network so far."""

    classes: Classes
    scale: float
    reach: float
    biased: bool
    rng: np.random.Generator
    found: Boundary = field(init=False)
    planes: Hyperplanes = field(init=False)
    polylines: list[list[Bend]] = field(default_factory=list)
    scores: Scores | None = None
    residuals: Array = field(default_factory=lambda: np.zeros(0))
    noise: float = 0.0
    anywhere: int = 0
    density: float = 1.0
    failed: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        d = self.n_inputs
        self.found = Boundary(d)
        self.planes = Hyperplanes(NEAR, d)
        self.tracer = Tracer(self.found, TRACED, self.reach * self.scale * np.sqrt(d))

    @property
    def n_inputs(self) -> int:
        return self.classes.queries.n_inputs

    @property
    def bends(self) -> list[Bend]:
        return [bend for polyline in self.polylines for bend in polyline]

    # Polylines.

    def trace(self, chords: Sequence[Array]) -> None:
        """Polylines through a point of each chord (2, d) whose ends are of different classes."""
        self.classes.queries.stage = "polylines"
        ends = np.array(chords).reshape(-1, 2, self.n_inputs)
        kinds = self.classes(ends.reshape(-1, self.n_inputs)).reshape(-1, 2)
        tasks = [
            self.tracer.trace(
                (chord[0], chord[1]),
                (int(kind[0]), int(kind[1])),
                self.rng.standard_normal(self.n_inputs),
            )
            for chord, kind in zip(ends, kinds, strict=True)
            if kind[0] != kind[1]
        ]
        if tasks:
            self.polylines += run(together(tasks), self.classes)

    def random_chords(self, count: int) -> list[Array]:
        """Pairs of inputs of different classes."""
        chords: list[Array] = []
        for _ in range(count):
            one, other = self.rng.choice(len(self.classes), 2, replace=False)
            ends = [self.classes.inside[c] for c in (one, other)]
            chords.append(np.stack([x[self.rng.integers(len(x))] for x in ends]))
        return chords

    # Normals and hyperplanes.

    def unexplained(self, bends: list[Bend]) -> list[Bend]:
        return [bends[i] for i in np.flatnonzero(self.planes.of(bends) < 0)]

    def find_hyperplanes(self) -> None:
        """Normals, and polylines through where they are known, until all bends are explained or
        nothing more is to be learnt from them."""
        self._explain()
        idle, count = 0, len(self.planes.rows)
        while unexplained := self.unexplained(self.bends):
            idle = idle + 1 if len(self.planes.rows) == count else 0
            count = len(self.planes.rows)
            if idle > PATIENCE:
                return
            views = [bend for bend in unexplained if normals_of(bend) is not None]
            known, segment = self._next_segment()
            if known and len(views) < OPEN:
                self._measure(known)
            elif not self._look_beside(views):
                if known or segment:
                    self._measure(known or segment)
                else:
                    return
            self._explain()

    def _look_beside(self, views: list[Bend]) -> bool:
        """Short polylines to other bends of the hyperplanes of these, behind known hyperplanes;
        without any, a few more in any direction. False if that has been tried often enough."""
        self.classes.queries.stage = "polylines"
        tasks = []
        for bend in views:
            if bend.tries[0] < BESIDE and self.planes.rows:
                bend.tries[0] += 1
                tasks.append(self._beside(bend))
        if not tasks and self.anywhere < ANYWHERE:
            self.anywhere += 1
            segments = {id(s): s for bend in self.bends for s in (bend.before, bend.behind)}
            known = [s for s in segments.values() if s.full is not None]
            if known:
                s = known[self.rng.integers(len(known))]
                direction = self.rng.standard_normal(self.n_inputs)
                tasks.append(self.tracer.trace_from(s, s.point, direction, 0.1 * s.base))
        if tasks:
            self.polylines += run(together(tasks), self.classes)
        return bool(tasks)

    def _beside(self, bend: Bend) -> Asking[list[Bend]]:
        """From next to the bend, across a known hyperplane, to where the bend's own is met again:
        there the boundary has other normals."""
        normals, p = normals_of(bend), bend.point
        assert normals is not None, "only bends with normals on both sides"
        side = (bend.before, bend.behind)[self.rng.integers(2)]
        E = self.rng.standard_normal((BESIDE, self.n_inputs))
        basis = np.linalg.qr(normals.T)[0]
        E -= E @ basis @ basis.T
        E /= np.linalg.norm(E, axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            at = -(self.planes.V @ p + self.planes.b)[:, None] / (self.planes.V @ E.T)
        at = np.vstack([at, -at])
        at[at < 0.3 * self.scale] = np.inf
        plane, number = np.unravel_index(int(at.argmin()), at.shape)
        far = float(at[plane, number])
        e = E[number] if plane < len(self.planes.rows) else -E[number]
        away = side.point - p
        room = float(np.linalg.norm(away))
        aside = min(0.3 * room, 0.2 * far) * away / room
        assert side.full is not None, "as above"
        start = p + aside
        start -= (start - side.point) @ side.full * side.full
        task = self.tracer.trace_from(
            side, start, OVER * far * e - aside, 0.5 * far, most=SHORT
        )
        return (yield from task)

    def _measure(self, segment: Segment) -> None:
        self.classes.queries.stage = "normals"
        middle, room = segment.middle()
        task = full_normal(
            *(self.found, middle, segment.tangent, segment.normal),
            *(ROOM * min(self.scale, room), segment.classes, FINE, self.rng),
        )
        try:
            segment.full, segment.error = run(task, self.classes)
        except Lost:
            segment.lost = True

    def _explain(self) -> None:
        bends, before = self.bends, -1
        while len(self.planes.rows) > before:
            before = len(self.planes.rows)
            for polyline in self.polylines:
                run(spread_normals(polyline, self.planes, self.found, FINEST), self.classes)
            self.planes.add_from(bends)

    def _next_segment(self) -> tuple[Segment | None, Segment | None]:
        """Segments next to a bend that is not explained: one whose other side is known, and any."""
        best: list[Segment | None] = [None, None]
        for polyline in sorted(self.polylines, key=len, reverse=True):
            for bend in self.unexplained(polyline):
                sides = (bend.before, bend.behind)
                if any(side.lost for side in sides) or normals_of(bend) is not None:
                    continue
                known = any(side.full is not None for side in sides)
                open_side = bend.before if bend.before.full is None else bend.behind
                number = 0 if known else 1
                best[number] = best[number] or open_side
        return best[0], best[1]

    # The network.

    def fill(self) -> None:
        """More points of classes that have few, on chords inside them."""
        self.classes.queries.stage = "points of rare classes"
        wanted = int(self.density * (len(self.planes.rows) + 12))
        for number in range(len(self.classes)):
            for _ in range(20):
                pairs = self.found.pairs[self.found.scattered]
                missing = wanted - int((pairs == number).any(axis=1).sum())
                if missing <= 0:
                    break
                self._chords_inside(number, missing)
        self._border_pairs()

    def _border_pairs(self) -> None:
        """Points between classes that none was found between, if they have a border: without, the
        scales of outputs are known apart only."""
        m = len(self.classes)
        have = {tuple(sorted(pair)) for pair in self.found.pairs.tolist()}
        missing = [(a, b) for a in range(m) for b in range(a) if (b, a) not in have]
        chords = []
        for a, b in missing:
            one, other = self.classes.inside[a], self.classes.inside[b]
            for _ in range(BORDER):
                ends = one[self.rng.integers(len(one))], other[self.rng.integers(len(other))]
                chords.append((*ends, a, b))
        if not chords:
            return
        inner, outer = (np.array([chord[i] for chord in chords]) for i in (0, 1))
        pairs = np.array([chord[2:] for chord in chords], dtype=np.intp)
        ends = run(bisect(inner, outer, pairs, BORDER_WIDTH), self.classes)
        fresh = [i for i, pair in enumerate(ends[2].tolist()) if tuple(sorted(pair)) not in have]
        ends = run(bisect(*(part[fresh] for part in ends)), self.classes)
        self.found.add(*ends, True)

    def _chords_inside(self, number: int, missing: int) -> None:
        inside = self.classes.inside[number]
        E = inside[self.rng.integers(len(inside), size=min(16, -(-missing // 2)))]
        D = self.rng.standard_normal(E.shape) * self.scale * self.rng.choice([1.0, 3.0]) - E
        P, both = np.vstack([E + D, E - D]), np.vstack([E, E])
        kinds = self.classes(P)
        out = np.flatnonzero(kinds != number)
        pair = np.column_stack([np.full(len(out), number), kinds[out]])
        ends = run(bisect(both[out], P[out], pair), self.classes)
        self.found.add(*ends, True)
        P[out] = ends[0]
        n = len(E)
        share = self.rng.random((n, 1))
        middle = share * P[:n] + (1 - share) * P[n:]
        self.classes.remember(middle, self.classes(middle))

    def points(self) -> BoundaryPoints:
        inner, outer, X = self.found.inner, self.found.outer, self.found.points
        size = np.abs(X).max(axis=1)
        errors = np.maximum(widths(inner, outer) / 2, max(4 * FINEST, self.noise)) * size
        return BoundaryPoints(X, self.found.pairs, errors)

    def solve(self) -> bool:
        """The output layer for the hyperplanes found, and the fit to all points."""
        points, V, b = self.points(), self.planes.V, self.planes.b
        m = len(self.classes)
        for skip in (False, True):
            scores = solve_output_layer(
                points.X, points.pairs, V, b, m, max(1e-7, 1e2 * self.noise), skip=skip
            )
            if scores is not None:
                break
        if scores is None:
            return False
        net = self._oriented(scores.network)
        if not net.skip and not scores.open_weights.all(axis=1).any():
            net, self.residuals = polish(net, points, biased=self.biased)
        self.scores = Scores(net, scores.gap, scores.open_weights)
        return True

    def _solved(self) -> bool:
        """Solve; if the points do not suffice, with more of them."""
        for _ in range(DENSER if len(self.classes) > 2 else 1):
            self.fill()
            if self.solve():
                return True
            self.density = min(1.4 * self.density, DENSEST)
        return False

    def _oriented(self, net: Network) -> Network:
        """The sign of all outputs, which a null vector leaves open."""
        X = np.vstack(self.classes.inside)
        kinds = np.repeat(np.arange(len(self.classes)), [len(x) for x in self.classes.inside])
        other = Network(net.V, -net.U, net.b, -net.c, W=-net.W)
        agree = [(classes_of(one, X) == kinds).mean() for one in (net, other)]
        return net if agree[0] >= agree[1] else other

    def misses(self, count: int, off: float, refined: int) -> list[Array] | None:
        """Chords on which predicted points of the boundary are not where they should be, after
        asking on both sides of each, `off` away. The first `refined` are bisected to the end."""
        assert self.scores is not None, "only after a fit"
        self.classes.queries.stage = "predicted points"
        net = self.scores.network
        guess = predict(net, count, [self.scale * s for s in (1.0, 4.0, 16.0)], self.rng)
        off_each = off * (1 + np.linalg.norm(guess.X, axis=1))[:, None] * guess.normals
        answers = self.classes(np.vstack([guess.X + off_each, guess.X - off_each]))
        n = len(guess.X)
        if n < count / 4:
            log.info("%d points predicted", n)
            return None
        good = (answers[:n] == guess.pairs[:, 0]) & (answers[n:] == guess.pairs[:, 1])
        rows = np.flatnonzero(good)[:refined]
        ends = run(
            bisect((guess.X + off_each)[rows], (guess.X - off_each)[rows], guess.pairs[rows]),
            self.classes,
        )
        self.found.add(*ends, True)
        bad = guess.chords[~good]
        if len(bad):
            kinds = self.classes(bad.reshape(-1, self.n_inputs)).reshape(-1, 2)
            apart = np.flatnonzero(kinds[:, 0] != kinds[:, 1])[:refined]
            ends = run(bisect(bad[apart, 0], bad[apart, 1], kinds[apart]), self.classes)
            self.found.add(*ends, True)
        return list(bad)

    def look_for_classes(self) -> bool:
        """Random inputs, further and further out, until there are two classes."""
        for size in SIZES:
            X = size * self.scale * self.rng.standard_normal((LOOKED_AT, self.n_inputs))
            self.classes.remember(X, self.classes(X))
            if len(self.classes) > 1:
                return True
        return False

    def run(self) -> bool:
        """All stages."""
        if len(self.classes) < 2 and not self.look_for_classes():
            return False
        chords = self.random_chords(FIRST)
        while len(self.polylines) < MOST_PLANES:
            self.trace(chords)
            self.find_hyperplanes()
            left = len(self.unexplained(self.bends))
            log.info(
                "%d polylines, %d hyperplanes, %d of %d bends unexplained, %d queries",
                len(self.polylines),
                len(self.planes.rows),
                left,
                len(self.bends),
                self.classes.queries.asked,
            )
            chords = self.random_chords(1)
            if not self.planes.rows or left > UNEXPLAINED[0] + UNEXPLAINED[1] * len(self.bends):
                continue
            misses = self._try()
            if misses is None:
                continue
            if not len(misses):
                return True
            picked = self.rng.permutation(len(misses))[:2]
            chords = [misses[i] for i in picked]
        return False

    def _try(self) -> list[Array] | None:
        """A network, and chords on which it is wrong; None if there is no network yet."""
        wrong: list[Array] | None = None
        for _ in range(REFITS):
            if not self._solved():
                return wrong
            misses = self.misses(TRY, 1e-8, 6)
            if misses is None or not len(misses):
                break
            log.info("%d of %d predicted points are wrong", len(misses), TRY)
            if wrong is not None and len(misses) >= max(len(wrong), 4):
                return misses
            wrong = misses
        else:
            return wrong
        misses = None if misses is None else self.misses(ENOUGH, 1e-10, 12)
        if misses is not None and not misses:
            self.solve()
        return misses
