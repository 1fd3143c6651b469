"""Could units of another activation than the ReLU be replaced by others, all weights known?

That the weights are pinned says that no network near this one explains the samples. Two kinds of
others are far away, and explain them whatever the labels:

powers    c = 2, 3, ... Where units are active on the same samples, all that is seen of them is the
          form Σ u_j z_j^c. Kruskal's condition says when no other so many terms have that sum: for
          a tensor u ⊗ v ⊗ ... ⊗ v of c + 1 factors, r terms of which any κ_u columns u and any κ_v
          rows v are independent are the only ones if

              κ_u + c κ_v >= 2 r + c.

          Without it they may not be: the squares of seven linear forms in four variables have an
          eighth in their span (the octads of Cayley). Other exponents know no such identities:
          the powers of distinct forms are independent.
your own  A function that bends at other places than 0 may be a sum of itself, scaled and shifted:
          for f(z) = max(z, 0) + max(z − 1, 0), f(2z) = 2 f(z) + 2 f(z − ½) − f(2z − 2). Only
          units with parallel hyperplanes bend in the same places, so no others take part.

Source of the condition: Kruskal (1977) for three factors, Sidiropoulos and Bro (2000) for more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from unrelu.checks.case import Case
from unrelu.checks.finding import Finding, listed, undetermined
from unrelu.checks.scales import SAME, column_scale, typical_size
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, divisors, unit_rows
from unrelu.numerics.deadline import check_deadline
from unrelu.samples import Samples
from unrelu.wording.streams import counted

MOST_SETS = 20_000
"""Sets of units whose independence is examined; what takes more counts as dependent."""

PARALLEL = 1e-9

WHOLE = 1e-6
"""How far the degree of a function of your own, which is measured, may be off."""


def replaceable(net: Network, samples: Samples, biased: bool) -> tuple[Index, str] | None:
    """Units that others might replace, and why; None where none can be."""
    if not net.activation.smooth:
        units = _parallel(net.V * column_scale(samples))
        if len(units):
            return units, (
                "have parallel hyperplanes, and a function of your own may have more kinks than "
                "the one at 0, so that they may be sums of others"
            )
    degree = net.activation.degree
    if degree is not None and abs(degree - round(degree)) < WHOLE:
        for units, constant in _together(net, samples, biased):
            check_deadline()
            if not _kruskal(net, samples, units, biased, constant, round(degree)):
                return units, "are active on the same samples, where others may have the same sum"
    return None


def _parallel(V: Array) -> Index:
    unit = unit_rows(V)
    near = np.minimum(
        np.abs(unit[:, None] - unit[None]).max(axis=2),
        np.abs(unit[:, None] + unit[None]).max(axis=2),
    )
    np.fill_diagonal(near, 1.0)
    return np.flatnonzero((near <= PARALLEL).any(axis=1))


def _together(net: Network, samples: Samples, biased: bool) -> Iterator[tuple[Index, bool]]:
    """Sets of two units or more that are active on the same samples; whether a constant may be
    part of their sum, as it may be where no sample has all units off."""
    counts, off = np.zeros((net.n_units, net.n_units)), False
    for _, X, _ in samples.blocks():
        active = (net.preactivations(np.asarray(X, np.float64)) > 0).astype(np.float64)
        counts += active.T @ active
        off = off or not active.any(axis=1).all()
    own = np.diag(counts)
    same = (counts == own) & (counts == own[:, None])
    for row in np.unique(same, axis=0):
        units = np.flatnonzero(row)
        if len(units) > 1:
            yield units, biased and not off


def _kruskal(
    net: Network, samples: Samples, units: Index, biased: bool, constant: bool, degree: int
) -> bool:
    U = (net.U[:, units] / divisors(typical_size(samples.Y))[:, None]).T
    V = net.V[units] * column_scale(samples)
    rows = np.column_stack([V, net.b[units]]) if biased else V
    if constant:  # 1 is the power of a form, too, with output weights that could be any
        rows = np.vstack([rows, np.eye(rows.shape[1])[-1]])
    outer = 1 if constant else _kruskal_rank(U)
    return outer + degree * _kruskal_rank(rows) >= 2 * len(rows) + degree


def _kruskal_rank(rows: Array) -> int:
    """The largest number of which any so many rows are independent, at least 1 (if none is 0)."""
    rows = unit_rows(rows)
    largest = int(min(rows.shape))
    if largest == len(rows) and _independent(rows):
        return largest
    for number in range(2, largest + 1):
        sets = combinations(range(len(rows)), number)
        few = math.comb(len(rows), number) <= MOST_SETS
        if not (few and all(_independent(rows[list(some)]) for some in sets)):
            return number - 1
    return largest


def _independent(rows: Array) -> bool:
    values = np.linalg.svd(rows, compute_uv=False)
    return bool(values.min() > SAME * values.max())


def replaceable_units(case: Case) -> Finding | None:
    """Whether other units might replace some of these, for an activation other than the ReLU."""
    found = replaceable(case.net, case.samples, case.biased)
    if found is None:
        return None
    units, why = found
    return undetermined(
        "replaceable",
        f"{listed(units)} {why}: it is not decided whether other networks of "
        f"{counted(case.net.n_units, 'unit')} explain the samples, too; this one does",
        units=units,
    )
