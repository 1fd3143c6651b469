"""What the covariance of the weights shows of each unit and of pairs of units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import chdtrc, fdtrc

from unrelu.inference.fisher import Model
from unrelu.inference.notes import DOUBTFUL, TOGETHER
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.folding import Sums
from unrelu.samples import Samples, input_deviation
from unrelu.wording.lines import aligned

UNITS_SHOWN = 30

NEAR = 0.5
"""Least cosine between two units that are compared: beyond 60° no linearisation would hold."""

NO_ANGLE = 1e-12
"""Radians that are due to rounding."""


@dataclass(frozen=True)
class UnitEstimate:
    """One unit of an estimate.

    strength, strength_error : ‖u‖ and its standard error.
    angle_error : root mean square error of the direction of v, in radians.
    bias, bias_error : b (for ‖v‖ = 1, if f is homogeneous) and its standard error.
    active : share of the samples on which the unit is active.
    near_kink : samples closer to the unit's kink than the standard error of that distance, as a
        share of those on which it is active. On which side they are is uncertain, while the errors
        assume it known.
    wald, p_value : Wald statistic of u = 0 (asymptotically χ² with m degrees of freedom), and its
        p-value, from the F distribution.
    determined : whether the samples determine the unit. If not, the errors are those of the part
        that they determine.

    The direction of a superfluous unit is fitted to the noise, which the test ignores: a large p
    means that the unit may be left out, but a small one does not prove that it exists.
    """

    unit: int
    strength: float
    strength_error: float
    angle_error: float
    bias: float
    bias_error: float
    active: float
    near_kink: float
    wald: float
    p_value: float
    determined: bool


LOST, UNKNOWN = 10.0, 1e3
"""Standard error of the output weights of a unit, in terms of these, from which on nothing is known
of the unit, as where two units share a kink and simulated fits move weights between them at will;
and the error of its hidden weights then, which could be anything."""


def hidden_errors(
    net: Network, units: Sequence[UnitEstimate], samples: Samples, *, idle: Sequence[int] = ()
) -> Array:
    """(k,): the error of the hidden weights, as one number per unit: of the direction in radians
    or, with one input, of the breakpoint in standard deviations of the input. `UNKNOWN` for a unit
    whose output weights are `LOST`, or which is `idle`: which may not be there."""
    lost = np.array([unit.strength_error > LOST * unit.strength for unit in units], dtype=bool)
    lost[list(idle)] = True
    if net.n_inputs > 1:
        errors = np.array([unit.angle_error for unit in units])
    else:
        bias = np.array([unit.bias_error for unit in units])
        sizes = divisors(np.linalg.norm(net.V, axis=1))
        errors = np.asarray(bias / sizes / input_deviation(samples))
    return np.where(lost, np.maximum(errors, UNKNOWN), errors)


def near_kink(units: Sequence[UnitEstimate]) -> Array:
    return np.array([unit.near_kink for unit in units])


def unit_lines(units: Sequence[UnitEstimate], biased: bool) -> list[tuple[str, str]]:
    """As labelled lines, the first of them the column heads; empty if there are no units."""
    if not units:
        return []
    cells = _cells(units[:UNITS_SHOWN], biased)
    lines = aligned([row[1:] for row in cells])
    rows = [(row[0], line) for row, line in zip(cells, lines, strict=True)]
    if len(units) > UNITS_SHOWN:
        rows.append(("…", f"and {len(units) - UNITS_SHOWN} more"))
    return rows


def _cells(units: Sequence[UnitEstimate], biased: bool) -> list[list[str]]:
    """The units, below the column heads."""
    angles = any(unit.angle_error > NO_ANGLE for unit in units)  # none with one input
    heads = ["unit", "‖u‖", "±", *["v ± rad"] * angles, *(["bias", "±"] if biased else [])]
    cells = [[*heads, "active", "Wald u=0", "p"]]
    for unit in units:
        bias = [f"{unit.bias:.4g}", f"{unit.bias_error:.2g}"] if biased else []
        cells.append(
            [
                str(unit.unit),
                f"{unit.strength:.4g}",
                f"{unit.strength_error:.2g}",
                *[f"{unit.angle_error:.2g}" if unit.determined else "?"] * angles,
                *bias,
                f"{100 * unit.active:.2g}%",
                f"{unit.wald:.3g}",
                f"{unit.p_value:.1g}" if unit.p_value > 1e-16 else "<1e-16",
            ]
        )
    return cells


@dataclass(frozen=True, eq=False)
class Spread:
    """Covariance (p, p) of the unknowns of `inference.fisher`, in terms of the weights.
    `tangents` (k, D, t) map the tangent coordinates of a unit to its row of A, `lift` to its
    (v, b), which `factor` (D, D) takes to the row."""

    model: Model
    covariance: Array
    factor: Array
    tangents: Array
    lift: Array

    @classmethod
    def of(cls, model: Model, factor: Array, covariance: Array) -> Spread:
        """`factor` (D, D): [x b's 1] = zᵀ factor, as in `numerics.whitening`."""
        tangents = model.tangents()
        k, D, t = tangents.shape
        flat = tangents.transpose(1, 0, 2).reshape(D, k * t)
        lifted = solve_triangular(factor, flat) if flat.size else flat
        lift = lifted.reshape(D, k, t).transpose(1, 0, 2)
        return cls(model, covariance, factor, tangents, lift)

    def of_hyperplane(self, j: int) -> Array:
        """(D, D), in white coordinates: of row j of A up to its scale. So it does not depend on the
        coordinates in which v has unit length."""
        a, T, t = self.model.A[j], self.tangents[j], self.lift.shape[2]
        tangent = T - np.outer(a, a @ T) / (a @ a)
        block = self.covariance[j * t : (j + 1) * t, j * t : (j + 1) * t]
        return np.asarray(tangent @ block @ tangent.T)

    def of_rows(self, i: int, j: int) -> Array:
        """(D, D): covariance of (v, b) of unit i with that of unit j."""
        t = self.lift.shape[2]
        block = self.covariance[i * t : (i + 1) * t, j * t : (j + 1) * t]
        return np.asarray(self.lift[i] @ block @ self.lift[j].T)

    def from_white(self, covariance: Array) -> Array:
        """(D, D): of rows in white coordinates to rows (v, b)."""
        half = solve_triangular(self.factor, covariance)
        return np.asarray(solve_triangular(self.factor, half.T))

    def of_output(self, o: int) -> Array:
        """(q, q): of the weights (and the constant) of output o."""
        _, _, _, q = self.model.shape
        start = self.model.hidden_unknowns + o * q
        return self.covariance[start : start + q, start : start + q]

    def of_linear(self, o: int) -> Array:
        """(D, D): of row o of W, and of c, where there is a linear term."""
        k = len(self.model.A)
        return self.from_white(self.of_output(o)[k:, k:])

    def of_column(self, j: int) -> Array:
        """(m, m): of the output weights of unit j."""
        _, _, _, q = self.model.shape
        start = self.model.hidden_unknowns + j
        return self.covariance[start::q, start::q]


def standard_errors(net: Network, spread: Spread, biased: bool, held: Index) -> Network:
    """In the shape of the network. Part of the hidden weights of `held` units is unknown, and hence
    their length, which is set to one."""
    k, _, m, _ = spread.model.shape
    variances = np.array([np.diag(spread.of_rows(j, j)) for j in range(k)])
    variances = variances.reshape(k, len(spread.factor))
    rows = np.sqrt(np.maximum(variances, 0.0))
    outputs = np.array([np.diag(spread.of_output(o)) for o in range(m)])
    outputs = np.sqrt(np.maximum(outputs, 0.0))
    d, W = net.n_inputs, None
    if spread.model.linear:
        linear = np.sqrt(np.maximum([np.diag(spread.of_linear(o)) for o in range(m)], 0.0))
        W, outputs[:, k:] = linear[:, :d], linear[:, d:].sum(axis=1, keepdims=True)
    length = _lengths(rows[:, :d], held)
    weights = np.column_stack([net.V, net.b])[:, : rows.shape[1]]
    rows = np.hypot(rows, (1 - 1 / length)[:, None] * weights)
    outputs[:, :k] = np.hypot(outputs[:, :k], (length - 1) * net.U)
    return Network(
        rows[:, :d],
        outputs[:, :k],
        rows[:, d] if biased and k else None,
        outputs[:, k] if biased else None,
        net.activation,
        W,
    )


def _lengths(errors: Array, held: Index) -> Array:
    """(k,): of v, of length one, plus its error, at right angles. By this factor v shrinks and u
    grows when v is normalised: an error of second order, which dominates for `held` units."""
    length = np.ones(len(errors))
    length[held] = np.hypot(1.0, np.linalg.norm(errors[held], axis=1))
    return length


def estimate_units(
    net: Network,
    spread: Spread,
    errors: Network,
    samples: Samples,
    tail: float,
    undetermined: Index,
    held: Index,
) -> tuple[UnitEstimate, ...]:
    """`errors` as from `standard_errors`; `tail` the degrees of freedom of the noise."""
    active, near = _sides(net, spread, samples)
    length = _lengths(errors.V, held)
    angles = _angles(net, spread, errors)
    found = []
    for j, u in enumerate(net.U.T):
        covariance, strength = spread.of_column(j), float(np.linalg.norm(u))
        wald, rank = _wald(u, covariance)
        known = float(np.sqrt(max(u @ covariance @ u, 0.0))) / strength
        found.append(
            UnitEstimate(
                unit=j,
                strength=strength,
                strength_error=float(np.hypot(known, strength * (length[j] - 1))),
                angle_error=float(angles[j]),
                bias=float(net.b[j]),
                bias_error=float(errors.b[j]),
                active=float(active[j]) / samples.n,
                near_kink=float(near[j] / max(active[j], 1.0)),
                wald=wald,
                p_value=_p_value(wald, rank, tail),
                determined=j not in undetermined,
            )
        )
    return tuple(found)


def _angles(net: Network, spread: Spread, errors: Network) -> Array:
    """Root mean square error (k,) of directions: of v at right angles to itself, as a share of its
    length."""
    if net.activation.homogeneous:
        return np.array([float(np.linalg.norm(row)) for row in errors.V])
    d, found = net.n_inputs, []
    for j, v in enumerate(net.V):
        length = float(np.linalg.norm(v))
        across = np.eye(d) - np.outer(v, v) / length**2
        covariance = across @ spread.of_rows(j, j)[:d, :d] @ across
        found.append(math.sqrt(max(float(np.trace(covariance)), 0.0)) / length)
    return np.array(found)


def _sides(net: Network, spread: Spread, samples: Samples) -> tuple[Array, Array]:
    """(k,): on how many samples each unit is active, and on which side of how many it is uncertain.
    O(n k D²)."""
    covariances = tuple(spread.from_white(spread.of_hyperplane(j)) for j in range(net.n_units))
    sums = samples.summed(Sides(net, covariances))
    return sums["active"], sums["near"]


@dataclass(frozen=True, eq=False)
class Sides:
    """Of a cell, for `_sides`: covariances (D, D) of each (v, b)."""

    net: Network
    covariances: tuple[Array, ...]

    def __call__(self, _start: int, X: Array, _Y: Array) -> Sums:
        Z, near = self.net.preactivations(X), np.zeros(self.net.n_units)
        columns = np.column_stack([X, np.ones(len(X))])
        for j, covariance in enumerate(self.covariances):
            known = columns[:, : len(covariance)]
            near[j] = (Z[:, j] ** 2 < ((known @ covariance) * known).sum(axis=1)).sum()
        return {"active": (Z > 0).sum(axis=0).astype(np.float64), "near": near}


def alike(net: Network, spread: Spread) -> list[tuple[int, int]]:
    """Pairs whose (v, b) a Wald test does not distinguish. O(k² D³) at worst."""
    rows = np.column_stack([net.V, net.b])[:, : spread.lift.shape[1]]
    pairs = []
    directions = net.V
    if not net.activation.homogeneous:
        directions = net.V / np.linalg.norm(net.V, axis=1, keepdims=True)
    for i, j in np.argwhere(np.triu(directions @ directions.T > NEAR, 1)):
        apart = rows[i] - rows[j]
        mixed = spread.of_rows(i, j)
        covariance = spread.of_rows(i, i) + spread.of_rows(j, j) - mixed - mixed.T
        # The trace bounds the variance in every direction, which settles most pairs.
        if apart @ apart > 9 * np.trace(covariance):
            continue
        wald, rank = _wald(apart, covariance)
        if np.isfinite(wald) and (rank == 0 or chdtrc(rank, wald) > DOUBTFUL):
            pairs.append((int(i), int(j)))
    return pairs


def tied(spread: Spread) -> list[tuple[int, int]]:
    """Pairs whose output weights have errors with a correlation above `TOGETHER` in some output."""
    k, _, m, _ = spread.model.shape
    largest = np.zeros((k, k))
    for o in range(m):
        block = spread.of_output(o)[:k, :k]
        size = np.sqrt(np.maximum(np.diag(block), 0.0))
        scale = np.where(size > 0, size, np.inf)
        largest = np.maximum(largest, np.abs(block / scale[:, None] / scale))
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(largest > TOGETHER, 1))]


def _wald(value: Array, covariance: Array) -> tuple[float, int]:
    """valueᵀ C⁺ value and the rank of C. Infinite for C = 0 and a value other than zero."""
    if not covariance.any():
        return (float("inf") if value.any() else 0.0), 0
    size = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.where(size > 0, 1.0 / divisors(size), 0.0)
    values, vectors = np.linalg.eigh(covariance * scale[:, None] * scale)
    sure = values > np.sqrt(np.finfo(np.float64).eps) * values.max(initial=0.0)
    along = vectors[:, sure].T @ (value * scale)
    return float((along**2 / values[sure]).sum()), int(sure.sum())


def _p_value(wald: float, rank: int, tail: float) -> float:
    """Of the value zero. The dimension is the rank of the errors: outputs may share their noise or
    have none."""
    if rank == 0:
        return 0.0 if wald else 1.0
    return float(fdtrc(rank, tail, wald / rank))
