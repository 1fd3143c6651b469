"""One active unit at a time: few outputs, any output weights (BJW Theorem 5, Algorithm 8).

A sample on which unit j alone is active has a label f(v_j·x) u_j, a positive multiple of the
column u_j. Labels of several active units fill cones of two dimensions or more, in which two are
never parallel by chance. So groups of exactly parallel labels are units: the common direction is
u_j, and the lengths t_i of its labels are a linear system v_j·x_i = t_i, solved by d samples.

Columns u and −u are allowed, but their labels need a step that the paper does not have: where both
units are active, and no other, the label (v₁ − v₂)·x u is parallel to u as well, although it is not
that of one unit. One group then holds two linear pieces, t = p·x or t = q·x. All its samples
satisfy (p·x − t)(q·x − t) = 0, a quadratic form in (x, t) that is found as a null vector of the
monomials and comes apart into p and q (generalised principal component analysis: Vidal, Ma and
Sastry 2005). They are (v₁, v₁ − v₂) in one order or the other, and the labels along −u say which.

Assumptions: no noise; V of full row rank; no column of U a positive multiple of another; every unit
alone on at least d samples, (d + 1)(d + 2)/2 for units with columns u and −u. The law of X plays
no part but in how many samples that takes: with V of orthonormal rows 2ᵏ d for Gaussian X, by the
theorem (kκ)^O(k) d. Cost: O(n m log n) for the groups, O(n k (d + m)²) for the systems.

Where it stops, measured with 2 outputs, 9 seeds of 10: V with orthonormal rows takes two to three
times 2ᵏ d samples (600 for d = 20, k = 4; 4,300 for d = k = 8). With Gaussian rows chance leaves
some unit alone on few of them: 170 for d = 5, k = 3, 2,000 for d = 8, k = 4, 49,000 for d = 8,
k = 6. And a label that is off by one part in 10¹¹ is in no group.

Beyond the paper: hidden biases are one more unknown of each system, and output biases are the label
that repeats, that of samples on which no unit is active.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.fitting.problem import Problem
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rank import column_space
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples

CHANCE = 2
"""Labels that may be parallel by chance: of n directions drawn at random in the plane, a pair is
within the tolerance with probability n² 10⁻¹², a triple with n³ 10⁻²⁴."""


@dataclass(frozen=True, eq=False)
class Line:
    """Labels along one direction and its opposite: their inputs, with a column of ones where there
    are biases, and their signed lengths."""

    inputs: Array  # (r, D)
    lengths: Array  # (r,)

    def side(self, sign: int) -> Line:
        kept = self.lengths * sign > 0
        return Line(self.inputs[kept], sign * self.lengths[kept])


def find(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    noise: bool,
    rng: np.random.Generator,  # noqa: ARG001 — nothing here is random
) -> Candidate:
    """A unit from every group of parallel labels; output weights by least squares on all samples.

    Raises `Unsuitable` where there are no such groups, where they are too small, and where one is
    not made by one unit or by two with opposite output weights.
    """
    if noise:
        raise Unsuitable("labels must be exact: noise leaves no two of them parallel")
    rows = np.arange(samples.n)
    taken = samples.take(rows)
    inputs = with_constant(taken.X, bias)
    Y = taken.Y - _repeated(taken.Y, samples.eps) if bias else taken.Y
    # Outputs in different units count alike.
    scale = np.exp2(np.round(np.log2(np.abs(Y).max(axis=0) + np.finfo(np.float64).tiny)))
    lines, sizes = parallel_labels(inputs, Y / scale, samples.eps)
    weights: list[Array] = []
    trouble: list[str] = []
    for line in lines:
        check_deadline()
        found, why = _units_of(line, samples.eps)
        weights += found
        if why:
            trouble.append(why)
    small = _small(sizes, max(inputs.shape[1], CHANCE + 1), samples.n)
    if not weights:
        raise Unsuitable("; ".join(trouble or [small]))
    hyperplanes = np.array(weights)
    problem = Problem(samples, rows, bias)
    V, b = hyperplanes[:, : samples.d], hyperplanes[:, samples.d :].sum(axis=1)
    norms = np.linalg.norm(V, axis=1)
    kinked = norms > samples.eps**0.75 * np.abs(hyperplanes).max()  # one that is not is constant
    if not kinked.any():
        raise Unsuitable("; ".join([*trouble, small]))
    V, b = V[kinked] / norms[kinked, None], b[kinked] / norms[kinked]
    net = problem.network(V, b)
    net = problem.refined(net)
    off = np.abs(taken.Y - net(taken.X)).max() / np.sqrt((taken.Y**2).mean())
    if off > samples.eps**0.75 or (n_units is not None and len(weights) < n_units):
        wanted = f" of {n_units}" if n_units is not None else ""
        alone = f"units that are alone on enough samples: {len(weights)}{wanted}; {small}"
        raise Unsuitable("; ".join([*trouble, alone]), net)
    return Candidate(net, rows, {"groups": int((sizes > 1).sum()), "largest_group": int(sizes[0])})


def parallel_labels(inputs: Array, Y: Array, eps: float) -> tuple[list[Line], Index]:
    """Lines with enough labels to be examined, and the sizes of all groups of exactly parallel
    labels, on one side of the origin each, the largest first.

    Directions count as equal when they share three quarters of their digits. Labels so short that
    their direction has fewer are left out: each is a sum of products that may be as large as those
    of the longest.
    """
    lengths = np.linalg.norm(Y, axis=1)
    long = np.flatnonzero(lengths > inputs.shape[1] * eps**0.25 * lengths.max(initial=0.0))
    if not len(long):
        return [], np.arange(0)
    directions = Y[long] / lengths[long, None]
    groups = _equal_rows(directions, eps**0.75)
    sizes = np.bincount(groups)
    order = np.argsort(-sizes, kind="stable")
    first = np.unique(groups, return_index=True)[1]
    enough = order[sizes[order] >= max(inputs.shape[1], CHANCE + 1)]
    lines: list[Line] = []
    used: set[int] = set()
    for group in enough.tolist():
        check_deadline()
        if group in used:
            continue
        along = directions @ directions[first[group]]
        apart = np.abs(directions - np.sign(along)[:, None] * directions[first[group]]).max(axis=1)
        members = np.flatnonzero(apart <= 4 * eps**0.75)
        used.update(groups[members].tolist())
        signed = np.sign(along[members]) * lengths[long[members]]
        lines.append(Line(inputs[long[members]], signed))
    return lines, sizes[order]


def _equal_rows(table: Array, tolerance: float) -> Index:
    """A number for every row, the same for rows that agree: sorted by one column after the other,
    and split wherever neighbours differ. O(n m log n)."""
    groups = np.zeros(len(table), dtype=np.intp)
    for column in table.T:
        order = np.lexsort((column, groups))
        new = (np.diff(groups[order]) > 0) | (np.diff(column[order]) > tolerance)
        groups[order] = np.concatenate([[0], np.cumsum(new)])
    return groups


def _repeated(Y: Array, eps: float) -> Array:
    """The label of the samples on which no unit is active, which is c: the only one that repeats.
    Zero if none does."""
    groups = _equal_rows(Y, eps**0.75 * np.abs(Y).max(initial=0.0))
    sizes = np.bincount(groups)
    if sizes.max() < 2:
        return np.zeros(Y.shape[1])
    return np.asarray(Y[groups == sizes.argmax()].mean(axis=0))


def _units_of(line: Line, eps: float) -> tuple[list[Array], str]:
    """Hyperplanes (D,) of the one or two units behind the labels of a line; what is wrong with it
    otherwise, in words."""
    dimension = line.inputs.shape[1]
    sides = [line.side(sign) for sign in (1, -1)]
    single = [_solved(side.inputs, side.lengths, eps) for side in sides]
    enough = [len(side.lengths) >= dimension for side in sides]
    if all(unit is not None or not many for unit, many in zip(single, enough, strict=True)):
        return [unit for unit in single if unit is not None], ""
    for p, q in _pairs(sides, single, eps):
        check_deadline()
        answer = np.maximum(line.inputs @ p, 0.0) - np.maximum(line.inputs @ q, 0.0)
        if np.abs(line.lengths - answer).max() <= eps**0.75 * np.abs(line.lengths).max():
            return [p, q], ""
    most, wanted = max(len(side.lengths) for side in sides), (dimension + 1) * (dimension + 2) // 2
    if most < wanted:
        return [], (
            "the labels parallel to one direction are not those of one unit; to tell two with "
            f"opposite output weights apart takes {wanted} on one side, and there are {most}"
        )
    return [], (
        "the labels parallel to one direction are neither those of one unit nor of two with "
        "opposite output weights: two columns of U may be positive multiples of each other, or too "
        "few samples show each part"
    )


def _pairs(
    sides: list[Line], single: list[Array | None], eps: float
) -> Iterator[tuple[Array, Array]]:
    """What the units with output weights u and −u may be. Where one of them is known from its own
    side, what it adds to the labels of the other is, too."""
    for side, (unit, other) in enumerate(zip(single, sides[::-1], strict=True)):
        if unit is not None:
            rest = other.lengths + np.maximum(other.inputs @ unit, 0.0)
            partner = _solved(other.inputs, rest, eps)
            if partner is not None:
                yield (unit, partner) if side == 0 else (partner, unit)
    for side, labels in enumerate(sides):
        for p, q in _two_pieces(labels, eps):
            check_deadline()
            yield (p, p - q) if side == 0 else (p - q, p)


def _solved(inputs: Array, lengths: Array, eps: float) -> Array | None:
    """The linear system of one unit, if it has one solution."""
    dimension = inputs.shape[1]
    if len(lengths) < dimension or column_space(inputs, eps).shape[1] < dimension:
        return None
    v = np.linalg.lstsq(inputs, lengths)[0]
    if np.abs(inputs @ v - lengths).max() > eps**0.75 * lengths.max():
        return None
    return np.asarray(v)


def _two_pieces(side: Line, eps: float) -> list[tuple[Array, Array]]:
    """p, q with t = p·x or t = q·x on every sample, in both orders; none if there are no such.

    With a = (p, −1) and b = (q, −1) the matrix of the form is abᵀ + baᵀ = ½ (ssᵀ − rrᵀ), s and r
    the sum and the difference; from its two eigenvectors come a and b up to scale, which their last
    entry has.
    """
    wanted = side.inputs.shape[1] + 1
    if len(side.lengths) < wanted * (wanted + 1) // 2:
        return []
    size = side.lengths.max()
    points = np.column_stack([side.inputs, side.lengths / size])
    width = points.shape[1]
    i, j = np.triu_indices(width)
    monomials = points[:, i] * points[:, j]
    scale = divisors(np.linalg.norm(monomials, axis=0))
    null = np.linalg.svd(monomials / scale, full_matrices=False)[2][-1] / scale
    form = np.zeros((width, width))
    form[i, j] = null
    form += form.T
    values, vectors = np.linalg.eigh(form)
    if not values[0] < 0 < values[-1]:
        return []
    plus = np.sqrt(values[-1]) * vectors[:, -1]
    minus = np.sqrt(-values[0]) * vectors[:, 0]
    planes = [plus + minus, plus - minus]
    if any(abs(plane[-1]) <= eps**0.5 * np.abs(plane).max() for plane in planes):
        return []
    planes = [-plane / plane[-1] for plane in planes]
    nearer = np.abs(points @ planes[0]) <= np.abs(points @ planes[1])
    pieces = []
    for own in (nearer, ~nearer):
        if own.sum() < width - 1:
            return []
        solution = np.linalg.lstsq(side.inputs[own], side.lengths[own])[0]
        pieces.append(np.asarray(solution))
    p, q = pieces
    return [(p, q), (q, p)]


def _small(sizes: Index, dimension: int, n: int) -> str:
    """What there is of groups that are too small."""
    sizes = sizes[(sizes >= 2) & (sizes < dimension)]
    if not len(sizes):
        return (
            f"on {n} samples there are no other two with parallel labels: no other unit is ever "
            "active alone, or the labels are not exact"
        )
    more = int(np.ceil(n * (dimension / sizes[-1] - 1)))
    return (
        f"groups of parallel labels with fewer than {dimension} samples: {len(sizes)} (the largest "
        f"with {sizes[0]}, the smallest with {sizes[-1]}); if each is a unit, about {more} more "
        "samples would do"
    )
