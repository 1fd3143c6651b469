"""The units of a model along random lines, in all its inputs or in a subspace."""

from __future__ import annotations

import logging
import math

import numpy as np

from unrelu.extraction import lines
from unrelu.extraction.answers import decimal_places, in_single
from unrelu.extraction.directions import n_directions, random_basis
from unrelu.extraction.following import followed
from unrelu.extraction.kept import Kept
from unrelu.extraction.kinks import Ask, Kinks, Line, measure_bend
from unrelu.extraction.queries import Queries
from unrelu.numerics.arrays import Array

log = logging.getLogger(__name__)

QUIET = 2
"""Consecutive lines without a new unit after which all units are assumed to be found."""

FEW = 0.03
"""In single precision: share of new units that may be none, and how far kinks are off, relative to
their distance from the origin."""

FURTHER = 10.0
"""A line continues beyond the reach: it meets the hyperplanes there at all angles, and 10 times as
far out it has met all but 8% of them. The next line meets those."""

MOST_LINES = 24
"""Lines of one round; units that they miss have to be found by queries in other places."""

STEPS = 2.0**-13, 2.0**-26
"""Noise has the same second differences over both; over the second, those of smooth curves vanish.
In single precision, only the first leaves significant digits."""

EXACTLY = 200.0
"""Multiple of the rounding of one label beyond which it is noise: rounding adds up over the inputs
and units, but not to this."""


class LineSearch:
    """Lines so far, `count` of them, and the `units` found on them, in the coordinates of the first
    rows of `basis` if there is one. `starts`: answers that the last network missed; lines go
    through them. `noise`: by how much an answer differs when it is repeated, if it does."""

    def __init__(
        self, queries: Queries, kept: Kept, scale: float, reach: float, rng: np.random.Generator
    ) -> None:
        self.queries, self.kept, self.scale, self.reach = queries, kept, scale, reach
        self.units = lines.Units.empty(queries.n_inputs, 1)
        self.count, self.noise, self.starts, self.subtract = 0, 0.0, kept.X, True
        self.basis: Array | None = None
        self._rng = rng

    @property
    def rounding(self) -> float:
        """By how much rounding puts an answer off, on inputs of the usual norm."""
        return self._rounding.size

    def measure_rounding(self) -> bool:
        """Whether answers are piecewise linear up to rounding, in double or single precision. If
        not, sets `noise`, by how much an answer differs when the query is repeated."""
        d, m = self.kept.X.shape[1], self.kept.Y.shape[1]
        decimals = decimal_places(self.kept.Y)
        self.queries.single = decimals is None and in_single(self.kept.Y)
        self.subtract = not self.queries.single
        eps = float(np.finfo(np.float32 if self.queries.single else np.float64).eps)
        size = float(np.sqrt((self.kept.Y**2).mean()))
        rounding = max(0.5 * eps * size, float(np.finfo(np.float64).tiny))
        self.queries.stage = "rounding"
        bends = [
            measure_bend(self.queries, d, self.scale, step, self._rng)
            for step in STEPS[: 1 if self.queries.single else 2]
        ]
        self.units = lines.Units.empty(d, m)
        self._rounding = lines.Rounding(max(bends[0], rounding), self.scale * math.sqrt(d))
        most = EXACTLY * math.sqrt(d) * rounding
        if decimals is not None:
            bends.append(10.0**-decimals)
        self.noise = bends[-1] if bends[-1] > most else 0.0
        log.info("an answer is off by %s", ", ".join(f"{bend:.1e}" for bend in bends))
        return max(bends) <= most

    def know(self, units: lines.Units) -> None:
        """Look for other units than these, from now on; none: for all."""
        self.units, self.subtract = units, bool(len(units.b))

    def search(self) -> bool:
        """Search lines until no unit is new; false if the function is not piecewise linear."""
        quiet = 0
        self.queries.stage = "lines"
        for _ in range(MOST_LINES):
            line, rest = self._next_line(), self._rest(self.kept.ask_on_line)
            kinks = rest.kinks_on(line)
            if not self.count and kinks.linear:
                line = self._in_a_subspace(line, len(kinks.at))
            rest = self._rest(self.kept.ask_along)
            self.count += 1
            if self.queries.single:
                new = self._followed(kinks.take(lines.unknown(kinks, line, self.units)), line)
            else:
                new = lines.units_at(rest, line, kinks, self._rng)
            log.info(
                "line %d: %d kinks, %d new units, %d queries so far",
                *(self.count, len(kinks.at), len(new.b), self.queries.asked),
            )
            if not kinks.linear:
                return False
            self.units = rest.known.joined(new)
            self.queries.units = len(self.units.b)
            if not self.subtract:  # until hardly any unit is new
                self.subtract = len(new.b) <= FEW * len(self.units.b)
                continue
            quiet = 0 if len(new.b) else quiet + 1
            if quiet == QUIET:
                break
        return True

    def n_kinks(self) -> int:
        """How many kinks a line shows, more or less: as many as there are units."""
        self.queries.stage = "lines"
        line, self.count = self._next_line(), self.count + 1
        return self._rest(self.kept.ask_on_line).kinks_on(line).count

    def n_others(self) -> int:
        """How many kinks a few lines show that are not those of known units."""
        self.queries.stage = "lines"
        found = 0
        for _ in range(QUIET):
            line, self.count = self._next_line(), self.count + 1
            kinks = self._rest(self.kept.ask_on_line).kinks_on(line)
            found += int(lines.unknown(kinks, line, self.units).sum())
        return found

    def _followed(self, new: Kinks, line: Line) -> lines.Units:
        """The units behind new kinks, as lines about theirs show them."""
        rest = self._rest(self.kept.ask_on_line)
        return followed(new, self.units, line, rest.kinks_on, self._rounding, self._rng)

    def _next_line(self) -> Line:
        """A random line, in the subspace, if there is one, or through an answer that the last
        network missed."""
        r = self.units.V.shape[1]
        size = self.kept.norm / math.sqrt(r)
        start = np.asarray(size * self._rng.standard_normal(r))
        if len(self.starts):
            start = self.starts[self._rng.integers(len(self.starts))]
        direction = np.asarray(size * self._rng.standard_normal(r))
        return Line(start, direction, FURTHER * self.reach)

    def _rest(self, ask: Ask) -> lines.Rest:
        """What is asked on a line, in its coordinates, less the units that are known."""
        basis, single = self.basis, self.queries.single
        if basis is None:
            return lines.Rest(ask, self.units, self._rounding, single, self.subtract)
        rows = basis[: self.units.V.shape[1]]

        def along(a: Array) -> tuple[Array, Array]:
            return a, ask(a @ rows)[1]

        return lines.Rest(along, self.units, self._rounding, single, self.subtract)

    def _in_a_subspace(self, line: Line, kinks: int) -> Line:
        """The first line, in the coordinates of a subspace if one of much fewer dimensions is
        enough."""
        d, m = self.kept.X.shape[1], self.kept.Y.shape[1]
        r = n_directions(kinks, m)
        if 2 * r >= d:
            return line
        self.basis, start, direction = random_basis(line, self._rng)
        self.units = lines.Units.empty(r, m)
        return Line(start[:r], direction[:r], line.reach)
