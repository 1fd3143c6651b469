"""Hyperplanes first, orientation last: the general route, for any number of units and outputs.

A ReLU unit f(z) = z/2 + |z|/2 is a kink along a hyperplane plus an affine function, so with a
free affine term the orientation of a unit does not matter. That takes nearly all bad minima out
of the search:

1. fit an over-wide model with a free affine term from a random start (`kinks`, `descent`);
2. reduce it: drop units by importance, until the residual is at rounding and none can go;
3. orient the units so that the affine term is explained by them (`orientation`);
4. take the last steps without the affine term.

Applies to any samples. Cost: a few thousand products of O(n k (d + m)). What it wants from a
random start, measured: four to five equations (n m) per unknown (k (d + m)).
"""

from __future__ import annotations

import logging
import math

import numpy as np
from numpy.typing import NDArray

from unrelu.methods.candidate import Candidate
from unrelu.methods.descent import polish, reduce, search
from unrelu.methods.kinks import Fit, unit_rows
from unrelu.methods.orientation import orient
from unrelu.methods.problem import Problem, choose_rows, misfits
from unrelu.network import Network
from unrelu.samples import Samples

Array = NDArray[np.float64]

OVERWIDE = 1.3
"""Width of a search over the number of units it looks for: surplus units are what keeps a
descent from getting stuck."""

log = logging.getLogger(__name__)

GROWTH = 1.5
"""Step from one width to the next while the number of units is unknown."""

REDUCIBLE = 1e-3
"""Relative residual from which on units are dropped: the hyperplanes that matter are then in
place to a few per cent, and what is left of the surplus shows as small importance."""

EQUATIONS_PER_UNKNOWN = 6
"""Rows beyond this are not looked at: they would cost time and add nothing to the search."""

MOST_STARTS = 60

PATIENCE = 3e10
"""Operations that may go into fresh starts after the first pass over the widths, when that pass
itself took fewer: a second or two."""


def find(
    samples: Samples,
    *,
    n_units: int | None,
    least: int,
    bias: bool,
    rng: np.random.Generator,
    known: Network | None = None,
) -> Candidate:
    """Search at growing widths until a reduced fit is at rounding; orient it; polish it.

    `least` units are needed at least (the rank of the labels). `known` units, found by another
    method, take part in the start.

    A stalled fit is not thrown away: its most important hyperplanes start the next, wider one.
    A reduced fit that is not at rounding has lost a unit, or never saw it, and gets new random
    ones. When no wider fit could be told from interpolation, fresh starts follow.
    """
    widths = Widths(samples, bias, n_units or max(3, least), min(least, samples.m))
    width = widths.at_least(math.ceil(OVERWIDE * known.n_units) if known is not None else 0)
    rows = choose_rows(samples, widths.rows(width), rng)
    problem = Problem(samples, rows, bias)
    rows = problem.rows
    start = np.zeros((0, widths.dimension)) if known is None else problem.points(known.V, known.b)
    target = REDUCIBLE
    best: tuple[float, Problem, Fit] | None = None
    starts, idle, operations, first_pass = 0, 0, 0.0, 0.0

    while True:
        if len(rows) != len(problem.rows):
            hyperplanes = problem.hyperplanes(start)
            problem = Problem(samples, rows, bias)
            rows = problem.rows
            start = problem.points(*hyperplanes)
        fresh = rng.standard_normal((max(0, width - len(start)), widths.dimension))
        fit, products = search(problem.loose, np.vstack([start, unit_rows(fresh)]), target)
        reduced = problem.loose.relative(fit) <= REDUCIBLE
        if reduced:
            fit, used = reduce(problem.loose, fit, problem.floor)
            products += used
        relative = problem.loose.relative(fit)
        log.info(
            "width %d, %d rows: %d units, residual %.1e", width, len(rows), fit.width, relative
        )
        starts += 1
        operations += products * widths.operations(len(rows), width)
        gained = best is None or relative < 0.1 * best[0]
        idle = idle + 1 if reduced and not gained else 0
        if best is None or relative < best[0]:
            best = relative, problem, fit

        if relative <= 10 * problem.floor:
            net, notes = finish(problem, fit)
            before, rows = len(rows), np.union1d(rows, misfits(net, samples, len(rows)))
            if len(rows) == before or starts > MOST_STARTS:
                break
            # Right on those rows, wrong on others: something that they do not show.
            best, idle = None, 0
            start, target = fit.point, REDUCIBLE
            width = widths.at_least(fit.width + 2)
        elif idle > 3 or starts > MOST_STARTS:
            net, notes = finish(best[1], best[2])
            break
        elif reduced:
            start, target = fit.point, relative / 10
            width = widths.at_least(math.ceil(1.15 * fit.width) + 1)
        elif width < widths.last:
            order = np.argsort(-problem.loose.importance(fit))
            start, target = fit.point[order[: math.ceil(0.7 * width)]], REDUCIBLE
            width = widths.at_least(math.ceil(GROWTH * width))
        else:
            first_pass = first_pass or operations
            if operations > max(2 * first_pass, PATIENCE):
                net, notes = finish(best[1], best[2])
                break
            start, target = start[:0], REDUCIBLE
            width = int(rng.integers(widths.first, widths.last, endpoint=True))
        if len(rows) < widths.rows(width):
            rows = np.union1d(rows, choose_rows(samples, widths.rows(width), rng))
    stats = {"starts": starts, "operations": operations, "rows": len(rows)}
    return Candidate(net, rows, stats, notes)


class Widths:
    """Which widths make sense for these samples, and how many rows each deserves."""

    def __init__(self, samples: Samples, bias: bool, units: int, outputs: int) -> None:
        self.n, self.m = samples.n, outputs
        self.dimension = samples.d + bias
        # A model with more than 4 unknowns to 5 equations would only interpolate.
        equations = self.n * self.m / 1.25 - self.m * self.dimension
        self.last = max(1, int(equations / (self.dimension + self.m - 1)))
        self.first = min(self.last, math.ceil(OVERWIDE * units))

    def at_least(self, width: int) -> int:
        return min(self.last, max(self.first, width))

    def rows(self, width: int) -> int:
        unknowns = width * (self.dimension + self.m)
        wanted = math.ceil(EQUATIONS_PER_UNKNOWN * unknowns / (OVERWIDE * self.m))
        return min(self.n, max(wanted, 8 * self.dimension))

    def operations(self, rows: int, width: int) -> float:
        """Of one product by the Gauss–Newton matrix."""
        return 4.0 * rows * width * (self.dimension + self.m)


def finish(problem: Problem, fit: Fit) -> tuple[Network, tuple[str, ...]]:
    """Steps 3 and 4, and what there is to be said about them.

    The units are turned so that they explain the affine term, which then goes.

    What affine part is left over belongs to units that are active on every sample (or to a skip
    connection): the samples do not say where they switch off, so they are put far outside.
    """
    V, b = problem.hyperplanes(fit.point)
    U, W, _ = problem.weights(V, b, affine=True)
    oriented = orient(V, b, U, W)
    V, b = oriented.V, oriented.b
    notes: tuple[str, ...] = ()
    if oriented.affine.any():
        _, sizes, directions = np.linalg.svd(oriented.affine)
        rank = int((sizes > 1e-6 * np.linalg.norm(U)).sum())
        V, b = _with_linear_part(V, b, directions[:rank], problem)
        notes = (
            (
                f"a linear part of rank {rank} is left that no unit with a kink inside the data "
                "explains: units active on every sample, or a skip connection"
            ),
        )
        return problem.network(V, b), notes
    fit = polish(problem.strict, problem.points(V, b), problem.floor)
    net = problem.network(*problem.hyperplanes(fit.point))
    if problem.strict.relative(fit) <= 100 * problem.floor:
        net = problem.refined(net)
    return net, notes


def _with_linear_part(
    V: Array, b: Array, directions: Array, problem: Problem
) -> tuple[Array, Array]:
    if problem.bias:
        reach = np.abs(problem.X @ directions.T).max(axis=0, initial=0.0)
        return np.vstack([V, directions]), np.concatenate([b, 2 * reach])
    zeros = np.zeros(2 * len(directions))
    return np.vstack([V, directions, -directions]), np.concatenate([b, zeros])
