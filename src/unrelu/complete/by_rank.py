"""Networks whose output weights are unknown: complete if the labels have as large a rank as there
are units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from unrelu.checks.refuted import Refutation, in_units
from unrelu.complete import row_space_tree, unit_rays
from unrelu.complete.by_output_weights import by_signs
from unrelu.complete.refutations import by_row_space
from unrelu.complete.row_space_tree import Cone, Hyperplane, Unit
from unrelu.complete.solution_set import (
    LISTED,
    Case,
    Solutions,
    found,
    none,
    uncounted,
    undecided,
)
from unrelu.complete.unit_rays import Continuum
from unrelu.network import Network
from unrelu.numerics.complementarity import TooManyNodesError, Undecided
from unrelu.numerics.float_lp import OutOfTimeError
from unrelu.numerics.rationals import product, with_ones


def by_rank(case: Case) -> Solutions:
    """The units as rays of one set, see `row_space_tree`: complete if rank(Y) = k."""
    independent = row_space_tree.independent_columns(case.labels)
    columns = [j - case.bias for j in independent if not (case.bias and j == 0)]
    rank = len(columns)
    if rank > case.n_units:
        chosen = tuple(columns[: case.n_units + 1])
        return none(Refutation("rank", case.n_units, case.bias, columns=chosen))
    if rank < case.n_units:
        return _fewer(case, columns)
    units, of, end = _span(case, columns)
    if isinstance(end, Undecided):
        return undecided(f"{len(units)} of {rank} units are known: {end.reason}")
    if end is not None:
        return none(by_row_space(of, columns, end))
    net = _network(case, units)
    if not case.count:
        return found(net, f"a network with {in_units(rank)}")
    return _counted(case, of, net)


def _span(case: Case, columns: list[int]) -> tuple[list[Unit], Cone, Hyperplane | Undecided | None]:
    P = with_ones(case.Y[:, columns], case.bias)
    of = row_space_tree.cone(P, case.X, case.bias)
    units, end = row_space_tree.span(of, case.effort, case.rng)
    return units, of, end


def _fewer(case: Case, columns: list[int]) -> Solutions:
    """rank(Y) < k: perhaps rank(Y) units suffice. Otherwise, with one output, the signs."""
    rank, k = len(columns), case.n_units
    units, _, end = _span(case, columns) if columns else ([], None, None)
    if end is None:
        answer = found(_network(case, units), f"a network with {rank} of {k} units, and idle ones")
        return uncounted(answer, case, f"the labels have rank {rank} < {k}")
    if case.Y.shape[1] == 1:
        return by_signs(case)
    fewer = f"whether {rank} do is not known" if isinstance(end, Undecided) else f"{rank} do not"
    return undecided(
        f"whether {k} units explain the labels, whose rank is {rank}; {fewer}; with several "
        "outputs, more units than rank are searched for only where U is given"
    )


def _counted(case: Case, of: Cone, net: Network) -> Solutions:
    rank = case.n_units
    try:
        units = unit_rays.rays(of, case.effort)
        if isinstance(units, Continuum):
            return replace(
                found(net, "infinitely many networks: the units lie in a cone of dimension two"),
                count=math.inf,
                values_count=math.inf,
            )
        total, first = 0, list[Sequence[Unit]]()
        used: set[Unit] = set()
        for chosen in unit_rays.bases(of, units):
            case.effort.spend()
            total += 1
            used.update(chosen)
            if total <= LISTED:
                first.append(chosen)
        loose = sum(not unit_rays.pinned(of, unit) for unit in used)
    except (OutOfTimeError, TooManyNodesError):
        return found(net, f"a network with {rank} units; not counted: the time was up")
    networks = tuple(_network(case, chosen) for chosen in first)
    reason = f"{total} network{'s' if total > 1 else ''} with {in_units(rank)}"
    if len(networks) < total:
        reason += f", of which {len(networks)} are listed"
    if loose:
        reason += (
            f", counted by their hidden values: {loose} units have too few active samples "
            "for their hidden weights to be unique, so that the networks are infinitely many"
        )
    complete = not loose and len(networks) == total
    return Solutions(networks, math.inf if loose else total, total, complete, None, reason)


def _network(case: Case, units: Sequence[Unit]) -> Network:
    """The network with these units: F Uᵀ + 1 cᵀ = Y has a unique solution."""
    (d, k, m) = (case.X.shape[1] - case.bias, len(units), case.Y.shape[1])
    V = np.array([unit.v for unit in units], dtype=np.object_).reshape(k, d + case.bias)
    F = product(case.X, V.T)
    F[F < 0] = Fraction(0)
    outputs = row_space_tree.solve(with_ones(F, case.bias), case.Y)
    assert outputs is not None, "units that span the labels give them"
    U, c = outputs[:k].T.reshape(m, k), outputs[-1] if case.bias else None
    return Network(V[:, :d], U, V[:, d] if case.bias else None, c).canonical()
