"""The worst case by enumeration, over ℚ: every sign pattern, then a chain of linear systems.

This is the algorithm by which Bakshi, Jayaram and Woodruff (COLT 2019, Theorem 11, Algorithms 2
and 3) prove that labels Y = f(X Vᵀ) Uᵀ of rank k, noiseless, with whatever X, can be explained in
time n^{O(k)}. It is here for what it is: the reference that faster methods are tested against.

With X̄ = [X 1] and G the constants when there are biases, X̄ = X and G = 0 when there are none,
let S = G + col(Y), r its dimension. r − dim G = k makes the hidden values f_1, …, f_k of any
network that explains the labels a basis of S modulo G. So with P (n, r) a basis of S, all of them
are among

    R = {P w ≠ 0 : P w = f(X̄ v) for some v},

and any k members of R that are independent modulo G make a network, by a linear solve for U, c.
A network exists iff R and G span S: the chain that takes a member outside the span of those taken
before, as long as there is one, never goes wrong.

R is found pattern by pattern. The active samples A of a member are {i : P_i w > 0}; there are
O(n^{r−1}) such sets over all w, and for each of them R holds

    P_i w = X̄_i v > 0  (i in A),    P_i w = 0 ≥ X̄_i v  (i not in A),

a *cell*. The paper solves 2n linear programs for each cell and each step of the chain, to find a
member outside a given span. Here each cell is written down once, by the rays that generate it,
and such a member is a generator. (Those on the boundary of a cell belong to R as well: P w = f(X̄ v)
is kept in the limit.) That gives more than one network: the cells of dimension 1 are single
solutions, one of dimension 2 holds infinitely many.

Everything is in integers, after common denominators. No tolerance, no random choice.

Assumptions: as many units as the labels have rank, samples that are exact as they are. A larger
rank excludes a network; a smaller one leaves undecided what is NP-hard, and is reported.

Where it stops, of itself: at 1,200 choices of r − 1 samples, r = k or, with biases, k + 1: 49
samples with r = 3, 20 with r = 4, 14 with r = 5 (without those that repeat another, or have labels
of zero). Beyond it reports that it has not decided; `facets` goes on, to eight units or so.

Cost: the square of that number of choices, n^O(k): see `enumerate_units`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import comb, inf, lcm

import numpy as np

from unrelu.errors import InputError
from unrelu.network import Network
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.integer_cones import (
    TooManyError,
    Vector,
    combined,
    dot,
    generators,
    null_space,
    planes,
    primitive,
    rank,
    sign_vectors,
)
from unrelu.numerics.rationals import Rationals, to_fractions, to_matrix, with_ones
from unrelu.samples import ExactSamples
from unrelu.wording.streams import counted

MOST_SUBSETS = 1200
"""Choices of r − 1 out of the planes P_i w = 0 that are still enumerated: 49 planes with r = 3,
20 with r = 4, 14 with r = 5; up to 20 seconds. The time grows with the square of that number."""

MOST_RAYS = 2000
"""Generators of a single cell: many of them means many inputs, few of them active."""

MOST_SIGNS = 50_000
"""Sign vectors, lower faces included: reached by a large r before the number of choices is."""

Values = tuple[Fraction, ...]


@dataclass(frozen=True)
class Cell:
    """Hidden values that one pattern allows: the non-negative combinations of `rays` that are
    positive on all of `active`.

    active : samples on which the unit is active.
    rays : (q, n) hidden values of the generators, each scaled so that its first non-zero is 1.
    hyperplanes : (q, d) or, with biases, (q, d + 1): a (v, b) for each ray.
    dimension : of the cell; 1 is a unit whose hidden values are fixed up to their scale.
    determined : whether hidden values have only one (v, b) each.
    """

    active: tuple[int, ...]
    rays: tuple[Values, ...]
    hyperplanes: tuple[Values, ...]
    dimension: int
    determined: bool


@dataclass(frozen=True)
class Enumeration:
    """What the enumeration found.

    exists : whether a network with this many units explains the labels; None is undecided.
    networks : over ℚ, as many of them as asked for; one if there are infinitely many.
    rays : the hidden values of all possible units, scaled so that the first non-zero is 1, the
        constants left out when there are biases. Of a cell of more dimensions only those that
        generate it.
    values_count : of networks, told apart by their hidden values (n, k) up to order and scale;
        infinite (`math.inf`) with a cell of two dimensions or more. None is undecided.
    count : of networks; infinite also where a unit's hidden weights are not determined.
    cells : the patterns that occur, with what they allow.
    patterns : how many were examined.
    reason : the outcome in words.
    """

    exists: bool | None
    networks: tuple[Network, ...]
    rays: tuple[Values, ...]
    values_count: float | None
    count: float | None
    cells: tuple[Cell, ...]
    patterns: int
    reason: str


def enumerate_units(
    samples: ExactSamples, n_units: int, bias: bool, *, listed: int = 1
) -> Enumeration:
    """All networks with `n_units` units that explain the samples, by the paper's enumeration.

    Y = f(X Vᵀ + b) Uᵀ + c over ℚ, f the ReLU, b = c = 0 unless `bias`.
    At most `listed` of the networks, one at least, are written out.

    Raises InputError for less than one unit.

    Assumes that the labels have as many units as rank (with biases, rank([1 Y]) − 1). A larger
    rank excludes a network, a smaller one leaves it undecided: that case is NP-hard. Nothing is
    assumed of X. Then the answer is complete: exists = False is a theorem about these samples
    (but leaves no witness other than the run itself).

    Cost: O(n^{r−1}) patterns, found with O(n^{2r−2}) compositions of signs, r = k or, with
    biases, k + 1; for each a double description in at most r + d dimensions, most of them
    empty by their rank. Undecided above MOST_SUBSETS, MOST_SIGNS or MOST_RAYS. Measured on one
    core, planted networks with d = 4: 0.04 s for n = 14, k = 3, twice that with biases; 1 s for
    n = 20, k = 3 with biases; 19 s for n = 12, k = 6. Arrangements in general position take
    longest: 6 s for n = 20, r = 4, 20 s for n = 14, r = 5. Beyond that, use the facets.

    Source: Bakshi, Jayaram, Woodruff, COLT 2019, Lemma 12, Algorithms 2 and 3, Theorem 11.

    >>> absolute_value = ExactSamples.of([[-2], [-1], [1], [3]], [[2, 0], [1, 0], [1, 1], [3, 3]])
    >>> found = enumerate_units(absolute_value, 2, bias=False)
    >>> found.networks, found.count
    ((Network(1 input, 2 units, 2 outputs, relu, rational),), 1)
    """
    if n_units < 1:
        raise InputError(f"n_units: got {n_units}, expected at least 1")
    inputs = with_ones(samples.X, bias)
    constant = inputs[:, samples.X.shape[1] :]
    basis = _independent_columns(np.hstack([constant, samples.Y]))
    units = len(basis) - bias
    if units != n_units:
        return _other_rank(units, n_units)
    P = list(zip(*basis, strict=True))
    columns, scales = _cleared(inputs)
    rows = list(zip(*columns, strict=True))

    size = comb(len(planes(P)), len(basis) - 1)
    if size > MOST_SUBSETS:
        return _undecided(
            f"too large: {size} choices of {len(basis) - 1} samples; the enumeration goes up to "
            f"{MOST_SUBSETS}"
        )
    cells: list[Cell] = []
    try:
        patterns = {positive for positive, _ in sign_vectors(P, MOST_SIGNS)}
        for pattern in sorted(patterns):
            check_deadline()
            active = [bool(pattern >> i & 1) for i in range(len(P))]
            cells.extend(_cells(active, P, rows, scales))
    except TooManyError as error:
        return _undecided(f"too large: {error}")
    return _concluded(samples, bias, tuple(cells), len(patterns), n_units, listed)


def _other_rank(units: int, n_units: int) -> Enumeration:
    if units < n_units:
        return _undecided(
            f"the labels have rank {units}, less than the {counted(n_units, 'unit')} asked for: "
            "this method needs them to be equal"
        )
    reason = (
        f"no network: the labels have rank {units}, more than {counted(n_units, 'unit')} can give"
    )
    return Enumeration(False, (), (), 0, 0, (), 0, reason)


def _undecided(reason: str) -> Enumeration:
    return Enumeration(None, (), (), None, None, (), 0, "undecided: " + reason)


def _cleared(columns: Rationals) -> tuple[list[Vector], list[int]]:
    """The columns, each times a common denominator, and these."""
    scales = [lcm(*(entry.denominator for entry in column)) for column in columns.T]
    pairs = zip(columns.T, scales, strict=True)
    return [tuple(int(entry * scale) for entry in column) for column, scale in pairs], scales


def _independent_columns(columns: Rationals) -> list[Vector]:
    """The first columns that span what all of them do, without denominators: P."""
    chosen: list[Vector] = []
    for column in _cleared(columns)[0]:
        if rank([*chosen, column]) > len(chosen):
            chosen.append(primitive(column))
    return chosen


def _cells(
    active: list[bool], P: list[Vector], inputs: list[Vector], scales: list[int]
) -> Iterator[Cell]:
    """The cell of a pattern, if there is one.

    The equations leave a subspace of pairs (w, v), the inequalities a cone in it. A point inside
    the cone is a sum of all generators, so P_i w > 0 there iff it is for one of them; and if
    that fails for an active sample, nothing has this pattern.
    """
    r, D = len(P[0]), len(inputs[0])
    inactive = [row for row, on in zip(P, active, strict=True) if not on]
    if not any(active) or rank(inactive) == r:
        return
    equations = [
        (*row, *(-entry if on else 0 for entry in x))
        for row, x, on in zip(P, inputs, active, strict=True)
    ]
    subspace = null_space(equations, r + D)
    if not subspace:
        return
    values = [
        (*row, *(0,) * D) if on else (*(0,) * r, *(-entry for entry in x))
        for row, x, on in zip(P, inputs, active, strict=True)
    ]
    inequalities = {primitive([dot(row, pair) for pair in subspace]) for row in values}
    rays, lines = generators(sorted(inequalities), len(subspace), MOST_RAYS)
    pairs = [combined(ray, subspace) for ray in rays]
    hidden = [tuple(dot(row, pair[:r]) for row in P) for pair in pairs]
    if not all(any(h[i] > 0 for h in hidden) for i, on in enumerate(active) if on):
        return
    members: dict[Values, Values] = {}
    for h, pair in zip(hidden, pairs, strict=True):
        if any(h):  # else a hyperplane that no sample is beyond
            first = next(filter(None, h))
            scaled = zip(pair[r:], scales, strict=True)
            v = tuple(Fraction(entry * scale, first) for entry, scale in scaled)
            members.setdefault(tuple(Fraction(entry, first) for entry in h), v)
    dimension = rank(hidden)
    yield Cell(
        tuple(i for i, on in enumerate(active) if on),
        tuple(members),
        tuple(members.values()),
        dimension,
        determined=dimension == rank(rays) + len(lines),
    )


def _concluded(
    samples: ExactSamples,
    bias: bool,
    cells: tuple[Cell, ...],
    patterns: int,
    n_units: int,
    listed: int,
) -> Enumeration:
    hyperplanes: dict[Values, Values] = {}
    open_weights = False
    for cell in cells:
        check_deadline()
        for ray, v in zip(cell.rays, cell.hyperplanes, strict=True):
            if not (bias and len(set(ray)) == 1):  # else the constants
                hyperplanes.setdefault(ray, v)
                open_weights |= not cell.determined
    rays = tuple(sorted(hyperplanes))
    integers = [_integers(ray) for ray in rays]
    constants = [(1,) * len(samples.X)] if bias else []
    found = rank(constants + integers) - bias
    if found < n_units:
        reason = (
            f"no network with {counted(n_units, 'unit')}: of {patterns} sign patterns "
            f"{len(cells)} allow units, and these have rank {found}"
        )
        return Enumeration(False, (), rays, 0, 0, cells, patterns, reason)

    continuum = any(cell.dimension > 1 for cell in cells)
    subsets = _subsets(integers, constants, n_units)
    networks = tuple(
        _network(samples, [(rays[j], hyperplanes[rays[j]]) for j in chosen], bias)
        for chosen in islice(subsets, 1 if continuum else max(listed, 1))
    )
    if continuum:
        reason = "infinitely many networks: hidden values are left open"
        return Enumeration(True, networks, rays, inf, inf, cells, patterns, reason)
    total = len(networks) + sum(1 for _ in subsets)
    reason = f"{counted(total, 'network')}, from {counted(len(rays), 'possible unit')}"
    if open_weights:
        reason += ", counted by their hidden values: some leave hidden weights open"
    count = inf if open_weights else total
    return Enumeration(True, networks, rays, total, count, cells, patterns, reason)


def _integers(ray: Values) -> Vector:
    scale = lcm(*(entry.denominator for entry in ray))
    return tuple(int(entry * scale) for entry in ray)


def _subsets(
    rays: list[Vector], span: list[Vector], size: int, start: int = 0
) -> Iterator[tuple[int, ...]]:
    """Sets of `size` rays that are independent, also of `span`.

    The first is what the paper's chain finds: each ray is the first outside the span of those
    before it, and by exchange one that was passed over would be of no use later.
    """
    if size == 0:
        yield ()
        return
    for j in range(start, len(rays) - size + 1):
        wider = [*span, rays[j]]
        if rank(wider) == len(wider):
            for others in _subsets(rays, wider, size - 1, j + 1):
                check_deadline()
                yield (j, *others)


def _network(samples: ExactSamples, units: list[tuple[Values, Values]], bias: bool) -> Network:
    """U and c by the normal equations of [F 1] (U c)ᵀ = Y; then every label is compared."""
    d, k = samples.X.shape[1], len(units)
    F = [list(ray) for ray, _ in units] + [[Fraction(1)] * len(samples.X)] * bias
    hidden = to_matrix(np.array(F, dtype=np.object_))
    gram = hidden * hidden.transpose()
    solved = to_fractions(gram.solve(hidden * to_matrix(samples.Y)))
    W = np.array([v for _, v in units], dtype=np.object_)
    b, c = (W[:, d], solved[k]) if bias else (None, None)
    found = Network(W[:, :d], solved[:k].T, b, c)
    assert (found(samples.X) == samples.Y).all(), "a network that does not explain its samples"
    return found
