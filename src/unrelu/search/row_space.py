"""Row-space search: one unit at a time, when the labels show every unit (rank(Y) = k ≤ m).

Random sign patterns lead to units by alternation in the span of the labels, see
`fitting.alternation`, until there are as many as the labels have rank; then the whole network is
polished. With a skip connection a unit may come out either way round.

With an activation other than the ReLU, most units are found by their zeros alone (`null_vectors`);
then their directions are all that is left. Not to end in a unit found before helps to find units
that are rarely hit, and hinders others (measured: the last ones, for √z), so half of the starts do
without.

No assumption on the law of X or on κ(V). Cost of a step: O(l (D² + D k) + D³ + k³) on
l = 4 (D + m) + 200 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.affine_term import affine
from unrelu.fitting.alternation import (
    OVERFLOW,
    UNIT,
    LabelSpace,
    alternate,
    alternate_together,
    direction,
)
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.problem import Missed, Problem, choose_rows
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.rank import beyond_affine, column_space
from unrelu.numerics.whitening import power_of_two, whiten, with_constant
from unrelu.samples import Samples
from unrelu.search.null_vectors import STARTS, Hidden, find_hidden

ROWS_PER_UNKNOWN = 4
"""A unit has D + k unknowns; with 4 rows to each, nearly every random start ends in a unit."""

MORE_ROWS = 200
"""On top: where there are few unknowns, chance leaves some unit with too few active rows."""

SCARCE = 600, 60
"""Starts in a row without a new unit after which the search ends, and steps of each: near the
smallest possible n one start in a hundred may succeed, until the first few units are found."""

AMPLE = 15, 20
"""The same for the first unit with ROWS_PER_UNKNOWN, where five or six steps are usual: if none
of so many starts ends in a unit, the labels do not have as many units as rank."""

AT_ONCE = 32
"""Starts at most that take their steps together."""

CURVED, CURVED_FIRST = (200, 30), (40, 30)
"""The same for other activations: half of the starts and more end in a unit, but for those that are
active on nearly every sample."""


def label_rank(
    samples: Samples, bias: bool, rng: np.random.Generator, *, skip: bool = False
) -> int:
    """Rank of the labels; with output biases, of what varies in them; with a skip connection, of
    what is not linear in the inputs. A few rows tell, unless nothing varies there."""
    rows = choose_rows(samples, 8 * (samples.d + samples.m + 1), rng)
    if skip:
        return _rank_beyond(samples, rows, bias)
    rank = _rank(samples, rows, bias)
    if rank == 0 and len(rows) < samples.n:
        first = np.asarray(samples.Y[0], np.float64) * bias
        more = _rows_off(samples, lambda _: first, 4 * samples.eps * np.abs(first), len(rows))
        rank = _rank(samples, np.union1d(rows, more), bias)
    return rank


def _rank(samples: Samples, rows: Index, bias: bool) -> int:
    Y = samples.take(rows).Y
    if not bias:
        return int(column_space(Y, samples.eps).shape[1])
    constant = np.ptp(Y, axis=0) <= 4 * samples.eps * np.abs(Y).max(axis=0)
    return int(column_space(with_constant(Y[:, ~constant]), samples.eps).shape[1]) - 1


def _rank_beyond(samples: Samples, rows: Index, bias: bool) -> int:
    taken = samples.take(rows)
    X = taken.X / power_of_two(taken.X)
    white = whiten(with_constant(X, bias))
    if not white.independent and len(rows) < samples.n:
        return _rank_beyond(samples, np.arange(samples.n), bias)
    rank = int(beyond_affine(taken.Y, white.features, samples.eps).shape[1])
    if rank or len(rows) == samples.n:
        return rank
    tolerance = samples.eps**0.75 * np.abs(samples.take(samples.spread(1000)).Y).max(axis=0)
    more = _rows_off(samples, affine(taken, bias), tolerance, len(rows))
    return _rank_beyond(samples, np.union1d(rows, more), bias) if len(more) else 0


def _rows_off(
    samples: Samples, predict: Callable[[Array], Array], tolerance: Array, most: int
) -> Index:
    """Some rows, at most so many, whose labels are further off the prediction than a tolerance."""
    for rows, X, Y in samples.blocks():
        off = np.flatnonzero((np.abs(Y - predict(X)) > tolerance).any(axis=1))
        if len(off):
            return np.asarray(rows.start + off[:most])
    return np.arange(0)


@OVERFLOW
def find(
    samples: Samples,
    *,
    bias: bool,
    rng: np.random.Generator,
    missed: Missed,
    skip: bool = False,
    activation: Activation = RELU,
    quick: bool = False,
) -> Candidate | None:
    """Collect as many units as the labels have rank; polish the whole network.

    A few rows are enough, unless a unit is rarely active: while units are missing, and while
    other rows are left unexplained, more rows join. A candidate that lacks units is a start for
    the general route; None, no unit at all, means that these labels do not have as many units as
    rank. `skip`: a linear term may be added. `quick`: with a tenth of the starts, for labels that
    are said to be noisy.
    """
    dimension = samples.d + bias
    rows = choose_rows(samples, ROWS_PER_UNKNOWN * (dimension + samples.m) + MORE_ROWS, rng)
    starts = 0
    best: Network | None = None
    while True:
        problem = Problem(samples, rows, bias, skip=skip, activation=activation)
        rows = problem.rows
        space = LabelSpace.of(problem, samples.eps)
        units, rank, used = collect(space, samples.take(rows), rng, quick=quick)
        starts += used
        if units:
            V, b = problem.hyperplanes(np.array(units))
            net = space.network(V, b, refine=len(units) == rank)
            if best is None or net.n_units >= best.n_units:
                best = net
        if len(rows) == samples.n or (not units and activation.piecewise_linear):
            break
        if best is None or len(units) < rank:
            more = choose_rows(samples, 4 * len(rows), rng)
        else:
            more = missed(best)
            more = more if len(more) <= len(rows) else rng.choice(more, len(rows), replace=False)
        before, rows = len(rows), np.union1d(rows, more)
        if len(rows) == before:
            break
    return None if best is None else Candidate(best, rows, {"starts": starts, "rows": len(rows)})


def collect(
    space: LabelSpace, samples: Samples, rng: np.random.Generator, *, quick: bool = False
) -> tuple[list[Array], int, int]:
    """Whitened hyperplanes of the units found, the rank of the labels, and the starts spent.
    `samples` are those of the problem."""
    (n, dimension), rank = space.problem.strict.features.shape, space.rank
    found: list[Array] = []
    proposed: Iterator[Array] = iter(())
    starts, idle, curved = 0, 0, not space.problem.activation.piecewise_linear
    if curved:
        most = STARTS // 10 if quick else STARTS
        hidden = find_hidden(samples, bias=space.problem.bias, rng=rng, most=most)
        starts, proposed = hidden.starts, _of_values(space, hidden)
        (patience, steps), later = CURVED_FIRST, CURVED
    else:
        ample = n >= ROWS_PER_UNKNOWN * (dimension + rank)
        (patience, steps), later = AMPLE if ample else SCARCE, SCARCE
    patience = patience // 10 if quick else patience
    known = space.known
    without = parts = space.parts(known)
    while len(found) < rank and idle < patience:
        unit = next(proposed, None)
        if unit is not None:
            units: list[Array | None] = [unit]
        elif curved:
            at_large = without if idle % 2 == 1 else parts
            units = [alternate(space, at_large, space.start(rng), steps)]
            starts, idle = starts + 1, idle + 1
        else:  # the longer none has led anywhere, the more of them
            patterns = [space.start(rng) for _ in range(min(idle + 1, AT_ONCE))]
            units = alternate_together(space, parts, patterns, steps)
            starts, idle = starts + len(units), idle + len(units)
        for unit in units:
            longer = None if unit is None else space.extended(known, unit)
            if unit is not None and longer is not None and len(found) < rank:
                found, idle = [*found, unit], 0
                known, parts = longer, space.parts(longer)
                patience, steps = later
    return found, rank, starts


def _of_values(space: LabelSpace, hidden: Hidden) -> Iterator[Array]:
    """The units with these hidden values, if this activation makes them."""
    Z, problem = space.problem.strict.features, space.problem
    for F in hidden.F.T:
        active = F > 0
        if active.sum() < Z.shape[1]:  # they leave its direction open
            continue
        features = Z[hidden.rows[active]]
        left, unit = direction(features, F[active], problem.activation, problem.bias, 1e-10)
        if unit is not None and left < UNIT:
            yield unit
