"""Networks that explain the same samples with other sides, found by looking for them.

With the sides of all units given, labels are linear in the hidden weights w_j = (v_j, b_j): for
output weights U, Y = Σ_j (s_j∘X̄ w_j) u_jᵀ + 1 cᵀ. Counting says how unlikely it is that other
sides explain generic labels. In two cases they do whatever the labels are:

reversed  f(z) = f(−z) + z: a unit may be active on the other side if the others take up the linear
          function u z. They do where that lies in the column space of the equations, as when two
          units with parallel u are active on complementary samples: both change by the same.
pivotal   samples without which the equations lose rank. Their labels are explained whatever they
          are, so nothing confirms the sides of the units there, nor on several such sets together.

With a skip connection X Wᵀ is among the unknowns. Then every unit may be turned round, which is no
other network, and only what is pivotal is examined.

Neither is an ambiguity as long as the samples contradict the network that comes of it. So it is
solved for, and tried on all samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
from scipy.optimize import linprog

from unrelu.checks.case import Case
from unrelu.checks.finding import Finding, listed, undetermined
from unrelu.checks.nearby_fits import sets_of_units
from unrelu.checks.redundant_units import reversed_units
from unrelu.checks.scales import DIGITS, FINE, SAME, column_scale, hidden_by, typical_size
from unrelu.checks.sides import sides_of
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.numerics.arrays import Array, Index, Mask, divisors, unit_columns
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples
from unrelu.wording.streams import counted

MOST_UNKNOWNS = 240
"""Hidden weights, and entries of a linear function: a hundredth of a second's work."""

MOST_EFFORT = 1e9
"""Operations that may go into samples that show each unit."""

ROWS = 3
"""Equations to an unknown, at least; with fewer rows more candidates are tried, none is missed."""

MOST_CHOICES = 1000
"""Sides on several pivotal sets together that are tried: a second's work, for a dozen samples."""

ROUNDINGS = 1000
"""Of the usual label, in the weights of a rival."""


def rival(net: Network, samples: Samples, biased: bool, skip: bool = False) -> Index | None:
    """Units that have other sides in another network that explains all samples, if one is found;
    all units, if floats do not tell (inputs of very different sizes).

    net : canonical, explains the samples; `skip`: whether networks with W compete. Cost: a singular
    value decomposition of some three rows to each of k (d + 1) unknowns, and one more for each
    candidate; nothing for more than `MOST_UNKNOWNS`.
    """
    dimension = samples.d + biased
    outputs = np.linalg.matrix_rank(net.U) if net.n_units else 0
    unknowns = (net.n_units + int(outputs)) * dimension + samples.m * (biased + skip * samples.d)
    if net.n_units == 0 or unknowns > MOST_UNKNOWNS:
        return None
    wanted = max(ROWS * unknowns, 100)
    while True:
        rows = samples.spread(wanted)
        system = _System(net, samples.take(rows), biased, skip)
        if _rank(J := system.equations(system.active)) == J.shape[1]:
            break
        if len(rows) == samples.n:
            return np.arange(net.n_units)
        if len(rows) * unknowns**2 > MOST_EFFORT:
            return None
        wanted *= 4  # a unit that is hardly ever active
    sides = system.sides(net)
    for pattern in system.candidates():
        check_deadline()
        other = system.solve(pattern)
        if other is not None and _explains(other, samples) and system.sides(other) != sides:
            return np.flatnonzero((pattern != system.active).any(axis=0))
    return None


class _System:
    """The equations of some samples that lie on no kink, each of length one."""

    def __init__(self, net: Network, samples: Samples, biased: bool, skip: bool) -> None:
        X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
        Z = net.preactivations(X)
        self.scale = column_scale(samples)
        size = np.linalg.norm(X / self.scale, axis=1) + biased
        reach = size[:, None] * np.linalg.norm(net.V * self.scale, axis=1) + np.abs(net.b)
        sure = (np.abs(Z) > SAME * reach).all(axis=1) & (size > 0)
        columns = with_constant(X / self.scale, biased)
        self.net, self.biased, self.skip = net, biased, skip
        self.coarse, self.near = samples.eps > FINE, hidden_by(samples.eps, SAME)
        self.length = size[sure]
        self.X = columns[sure] / self.length[:, None]
        self.Y = Y[sure] / self.length[:, None]
        self.constant = self.X[:, net.n_inputs :]
        self.active: Mask = Z[sure] > 0

    def equations(self, pattern: Mask) -> Array:
        """(n m, p) for (v, b) unit by unit, and c; with a skip connection, W and c by output."""
        J = Jacobian(self.X, pattern, self.net.U, self.X if self.skip else self.constant)
        return J.dense().reshape(self.Y.size, -1)

    def candidates(self) -> Iterator[Mask]:
        if not len(self.X):
            return
        J = self.equations(self.active)
        k = self.net.n_units
        if not self.skip:
            yield from self._reversed(J)
        m = self.Y.shape[1]
        basis = _range(J).reshape(len(self.X), m, -1)
        pivotal = []
        for rows in self._groups():
            block = basis[rows].reshape(len(rows) * m, -1)
            if np.linalg.norm(block, 2) ** 2 > 1 - self.near:
                pivotal.append(rows)
        together = 1
        while together < len(pivotal) and _choices(k, len(pivotal), together + 1) <= MOST_CHOICES:
            together += 1
        for size in range(1, together + 1):
            for groups in combinations(pivotal, size):
                for changes in product(_sets(k), repeat=size):
                    pattern = self.active.copy()
                    for rows, units in zip(groups, changes, strict=True):
                        pattern[rows[:, None], units] ^= True
                    yield pattern

    def _reversed(self, J: Array) -> Iterator[Mask]:
        k, d = self.net.n_units, self.net.n_inputs
        span = np.linalg.svd(self.net.U)[0][:, : np.linalg.matrix_rank(self.net.U)]
        linear = np.einsum("id,oq->iodq", self.X[:, :d], span).reshape(len(J), -1)
        if self._in_range(J, linear):
            for units in _sets(k):
                pattern = self.active.copy()
                pattern[:, units] ^= True
                yield pattern

    def _in_range(self, J: Array, linear: Array) -> bool:
        """Whether some linear function is in the column space of the equations, to rounding."""
        if not self.coarse:
            return bool(_rank(np.hstack([J, linear])) < _rank(J) + linear.shape[1])
        basis = _range(J)
        left, values, _ = np.linalg.svd(linear, full_matrices=False)
        left = left[:, values > SAME * values.max(initial=0.0)]
        rest = left - basis @ (basis.T @ left)
        smallest = np.linalg.svd(rest, compute_uv=False).min(initial=1.0)
        return left.shape[1] < linear.shape[1] or bool(smallest <= np.sqrt(self.near))

    def _groups(self) -> Iterator[Index]:
        """Samples on the same sides of all units, and single ones."""
        group = np.unique(self.active, axis=0, return_inverse=True)[1].ravel()
        for number in range(group.max() + 1):
            yield np.flatnonzero(group == number)
        for row in np.flatnonzero(np.bincount(group)[group] > 1):
            yield np.array([row])

    def sides(self, net: Network) -> list[tuple[float, ...]]:
        """Of the units in any order, each with the direction of its output weights; with a skip
        connection up to turning, so that the first sample is on."""
        V = np.column_stack([net.V * self.scale, net.b])[:, : self.X.shape[1]]
        directions = unit_columns(net.U)
        on = self.X @ V.T > 0
        active = (on == on[:1] if self.skip else on).astype(float)
        units = np.column_stack([np.round(directions.T, 6) + 0.0, active.T])
        return sorted(map(tuple, units.tolist()))

    def solve(self, pattern: Mask) -> Network | None:
        """With these sides, to half of the digits; None if there is none."""
        A, y = self.equations(pattern), self.Y.ravel()
        size = divisors(np.linalg.norm(A, axis=0))
        A = A / size
        found, _, rank, _ = np.linalg.lstsq(A, y, rcond=SAME)
        if np.abs(A @ found - y).max() > self.near * np.abs(y).max():
            return None
        if rank < A.shape[1]:  # any of many: one on the sides that are asked for, if there is one
            (n, k), D = pattern.shape, self.X.shape[1]
            by_unit = np.zeros((n, k, k, D))
            for j in range(k):
                by_unit[:, j, j] = np.where(pattern[:, j, None], -self.X, self.X)
            constants = np.zeros((n * k, A.shape[1] - k * D))
            outside = np.hstack([by_unit.reshape(n * k, k * D), constants])
            largest = float(np.abs(y).max()) or 1.0
            answer = linprog(
                np.zeros(A.shape[1]),
                A_ub=outside / size,
                b_ub=np.zeros(len(outside)),
                A_eq=A,
                b_eq=y / largest,
                bounds=(None, None),
                method="highs",
            )
            if answer.status != 0:
                return None
            start = np.asarray(answer.x) * largest
            found = start + np.linalg.lstsq(A, y - A @ start, rcond=SAME)[0]
        found = found / size
        k, d, D, m = self.net.n_units, self.net.n_inputs, self.X.shape[1], self.Y.shape[1]
        rows, rest = found[: k * D].reshape(k, D), found[k * D :].reshape(m, -1)
        W = rest[:, :d] / self.scale if self.skip else None
        b, c = (rows[:, d], rest[:, -1]) if self.biased else (None, None)
        return Network(rows[:, :d] / self.scale, self.net.U, b, c, W=W)


def _choices(k: int, groups: int, together: int) -> int:
    """Of sides on so many of the groups."""
    return math.comb(groups, together) * int(len(_sets(k)) ** together)


def _sets(k: int) -> list[list[int]]:
    return [units for units in sets_of_units(k, few=2) if units]


def _range(columns: Array) -> Array:
    left, values, _ = np.linalg.svd(unit_columns(columns), full_matrices=False)
    return np.asarray(left[:, values > SAME * values.max(initial=0.0)])


def _rank(columns: Array) -> int:
    return int(_range(columns).shape[1])


def _explains(net: Network, samples: Samples) -> bool:
    """Every label to `DIGITS` of what it is the sum of, and what rounding of the usual labels has
    left in the weights."""
    usual = ROUNDINGS * samples.eps * typical_size(samples.Y)
    for _, X, Y in samples.blocks():
        Z = net.preactivations(X)
        terms = np.maximum(Z, 0.0) @ np.abs(net.U.T) + np.abs(net.c) + np.abs(Y)
        terms += np.abs(X) @ np.abs(net.W.T)
        inputs = np.abs(X) @ np.abs(net.V.T) + np.abs(net.b)
        near = np.where(np.abs(Z) <= SAME * inputs, inputs, 0.0) @ np.abs(net.U.T)
        left = np.abs(np.maximum(Z, 0.0) @ net.U.T + (X @ net.W.T + net.c) - Y)
        if (left > samples.eps**DIGITS * (terms + near) + usual).any():
            return False
    return True


def rival_sides(case: Case) -> Finding | None:
    """Whether another network with other sides explains every sample to rounding."""
    net, samples, biased = case.net, case.samples, case.biased
    units = None
    if not case.skip:
        units = reversed_units(net, samples, biased, sides_of(case) or [], case.pinned.stated)
    if units is None:
        units = rival(net, samples, biased, case.skip)
    if units is None:
        return None
    return undetermined(
        "rival",
        f"another network of {counted(net.n_units, 'unit')} explains every sample to rounding as "
        f"well, with other sides of {listed(units)}",
        units=units,
    )
