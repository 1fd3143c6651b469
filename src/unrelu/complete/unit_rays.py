"""All units of samples with rank(Y) = k, and so all networks: the rays of R, one by one.

What R is, and why the networks are the sets of k of its rays that are independent modulo the
constant, is explained in `row_space_tree`. R is a union of cones, one to a sign pattern. A cone of
dimension two or more makes the networks a continuum, as any unit belongs to some basis of what R
spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from unrelu.complete.row_space_tree import Cone, Unit, Vector, unit_at
from unrelu.numerics.complementarity import Effort, broken_pair, look
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rational_lp import Farkas, Point, feasible
from unrelu.numerics.rationals import product, to_matrix


@dataclass(frozen=True)
class Continuum:
    """Two units whose sum is one as well: all that lies between them are units."""

    units: tuple[Unit, Unit]


def rays(of: Cone, effort: Effort) -> list[Unit] | Continuum:
    """All units, one for each ray of R, or a continuum of them; the constant itself is left out.

    The search tree again, but where the point found is a unit, so that there is nothing to split,
    another direction is looked for under the same equations: none, and the ray is the only one
    there; else the sum of both is a unit too, a continuum, or has a pair to split.

    Raises OutOfTimeError and TooManyNodesError when `effort` is spent.
    """
    rank = of.P.shape[1]
    system, level = of.system, of.level
    total = dict(enumerate(of.P[list(of.samples)].sum(axis=0).tolist()))
    found: dict[Vector, Unit] = {}
    waiting: list[frozenset[int]] = [frozenset([level])]
    while waiting:
        check_deadline()
        held = waiting.pop()
        effort.spend()
        # P w ≥ 0 and not 0, so that it adds up to something positive: to 1, at the right scale.
        system.replace(level, total, Fraction(1))
        outcome = look(system, of.sides, held, effort.deadline)
        if isinstance(outcome, Farkas):
            continue
        if isinstance(outcome, Point):
            w = outcome.values[:rank]
            other = None if _single(of, held) else _another(of, held, w, effort)
            if other is None:
                unit = unit_at(of, outcome)
                found.setdefault(unit.w, unit)
                continue
            both = _sum(outcome, other)
            split = broken_pair(of.system, of.sides, both)
            if split is None:
                return Continuum((unit_at(of, outcome), unit_at(of, both)))
            outcome = split
        pair, nearer = outcome
        waiting += [held | {int(of.sides[pair, side])} for side in (1 - nearer, nearer)]
    units = list(found.values())
    return [unit for unit in units if not (of.constant and not any(unit.w[:-1]))]


def pinned(of: Cone, unit: Unit) -> bool:
    """Whether no other v than this gives the unit its values f(X̄ v) on the samples.

    Those that do are a polytope, X̄_i v fixed where active and ≤ 0 elsewhere; it is a point iff no
    direction out of v keeps to the rows that are tight there."""
    height = product(of.X, np.array([unit.v], dtype=np.object_).T)[:, 0]
    active, tight = of.X[height > 0], of.X[height == 0]
    dimension = of.X.shape[1]
    if len(active) and to_matrix(active).rank() == dimension:
        return True
    equal = [*active.tolist(), [Fraction(0)] * dimension]
    for axis in np.eye(dimension, dtype=int).tolist():
        for sign in (1, -1):
            equal[-1] = [Fraction(sign * entry) for entry in axis]
            levels = [Fraction(0)] * len(active) + [Fraction(1)]
            direction = feasible((-tight).tolist(), [Fraction(0)] * len(tight), equal, levels)
            if isinstance(direction, Point):
                return False
    return True


def bases(of: Cone, units: list[Unit]) -> Iterator[Sequence[Unit]]:
    """Sets of units that are independent, modulo the constant, and as many as there can be."""
    rank = of.P.shape[1]
    fixed = [[Fraction(int(j == rank - 1)) for j in range(rank)]] if of.constant else []
    stack: list[tuple[int, tuple[Unit, ...]]] = [(0, ())]
    while stack:
        check_deadline()
        start, chosen = stack.pop()
        size = len(fixed) + len(chosen)
        if size == rank:
            yield chosen
            continue
        for place in range(len(units) - (rank - size), start - 1, -1):
            more = (*chosen, units[place])
            rows = np.array([*fixed, *(list(unit.w) for unit in more)], dtype=np.object_)
            if to_matrix(rows).rank() == len(rows):
                stack.append((place + 1, more))


def _single(of: Cone, held: frozenset[int]) -> bool:
    """Whether the samples held inactive leave just one line of w."""
    inactive = [row // 2 for row in held if row != of.level and row % 2 == 0]
    rank = int(of.P.shape[1])
    if len(inactive) < rank - 1 or rank == 1:
        return rank == 1
    chosen = of.P[[of.samples[pair] for pair in inactive]]
    return int(to_matrix(chosen).rank()) == rank - 1


def _another(of: Cone, held: frozenset[int], w: Vector, effort: Effort) -> Point | None:
    """A point under the same equations whose own w is no multiple of w; exact, as is None."""
    pivot = next(j for j, entry in enumerate(w) if entry)
    for j in range(len(w)):
        if j == pivot:
            continue
        for sign in (1, -1):
            across = {j: w[pivot], pivot: -w[j]}
            of.system.replace(of.level, across, Fraction(sign))
            answer = of.system.decide(held, deadline=effort.deadline)
            if isinstance(answer, Point):
                return answer
    return None


def _sum(one: Point, other: Point) -> Point:
    return Point(tuple(a + b for a, b in zip(one.values, other.values, strict=True)))
