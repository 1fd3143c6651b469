"""Points between two classes as equations: how far each is from where two outputs are equal.

A point x between classes A and B has the distance r(x) = (F_A − F_B)(x) / ‖∇(F_A − F_B)(x)‖ from
that part of the boundary. With δ = U_A − U_B, z = Vx + b and the slopes s = f'(z), its derivative
by the weights is, to the order of r,

    dr = Σ_j s_j δ_j (dv_j·x + db_j) / g + Σ_j f(z_j) (dU_A − dU_B)_j / g + (dc_A − dc_B) / g,

with g = ‖Σ_j s_j δ_j v_j‖. Labels do not change with the scale of a unit, of all outputs, or with
what is added to all outputs: row 0 of U and c is fixed at zero, and a fit is made unique by
further equations, v_j·dv_j + b_j db_j − u_j·du_j = 0 and one for the size of U and c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.network.network import Network
from unrelu.numerics.arrays import Array, Index, Mask

AT_ONCE = 4096
"""Points whose gradients are held at once."""

FLAT = 1e-9
"""Share of the median slope up to which a difference of outputs is constant."""


@dataclass(frozen=True, eq=False)
class BoundaryPoints:
    """Inputs X (n, d) between classes pairs[:, 0] and pairs[:, 1], which are numbers of outputs;
    each is off by at most `errors` (n,)."""

    X: Array
    pairs: Index
    errors: Array

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Index | Mask) -> BoundaryPoints:
        return BoundaryPoints(self.X[rows], self.pairs[rows], self.errors[rows])


@dataclass(frozen=True, eq=False)
class Distances:
    """Signed distances (n,) of points from the boundary of a network with m >= 2 outputs: `slopes`
    (n, k) are s_j δ_j / g, `features` (n, k) f(z_j) / g, `steepness` (n,) g. Where both outputs are
    equal all around, as where all units are off and c_A = c_B, that is the distance from where the
    first unit turns on. Where their difference is another constant, it is infinite, and g
    is taken as 1."""

    net: Network
    points: BoundaryPoints
    distances: Array
    slopes: Array
    features: Array
    steepness: Array

    @classmethod
    def of(cls, net: Network, points: BoundaryPoints) -> Distances:
        X, (A, B) = points.X, points.pairs.T
        Z = net.preactivations(X)
        delta = net.U[A] - net.U[B]
        F = np.maximum(Z, 0)
        active = (Z > 0) * delta
        g = _steepness(net, active, points.pairs)
        value = (F * delta).sum(axis=1) + net.c[A] - net.c[B]
        if net.skip:
            value += ((net.W[A] - net.W[B]) * X).sum(axis=1)
        flat = g <= FLAT * np.median(g) if len(g) else g > 0
        tied = flat & (value == 0) & (delta != 0).any(axis=1)
        if tied.any():
            active[tied], value[tied] = _first_to_turn_on(Z[tied], delta[tied])
            g[tied] = np.linalg.norm(active[tied] @ net.V, axis=1)
            flat &= ~tied
        safe = np.where(flat, 1.0, g)
        distance = np.where(flat, np.inf, value / safe)
        return cls(net, points, distance, active / safe[:, None], F / safe[:, None], safe)

    @property
    def reach(self) -> Array:
        """(n,): how far the boundary moves if the terms of F_A − F_B change by their own size: with
        a relative rounding ε of these, points scatter by about ε times that."""
        net, (A, B) = self.net, self.points.pairs.T
        size = np.abs(self.points.X) @ np.abs(net.V).T + np.abs(net.b)
        terms = (np.abs(net.U[A] - net.U[B]) * size).sum(axis=1) + np.abs(net.c[A] - net.c[B])
        return np.asarray(terms / self.steepness)

    def jacobian(self, biased: bool) -> Array:
        """(n, p) for the unknowns of `moved`."""
        X, k = self.points.X, self.net.n_units
        n, m = len(X), self.net.n_outputs
        inputs = np.column_stack([X, np.ones(n)]) if biased else X
        hidden = (self.slopes[:, :, None] * inputs[:, None, :]).reshape(n, -1)
        rows = self.features
        if biased:
            rows = np.column_stack([rows, 1 / self.steepness])
        if self.net.skip:
            rows = np.column_stack([rows, X / self.steepness[:, None]])
        outputs = np.zeros((n, m, rows.shape[1]))
        each = np.arange(n)
        outputs[each, self.points.pairs[:, 0]] = rows
        outputs[each, self.points.pairs[:, 1]] -= rows
        assert hidden.shape[1] == k * inputs.shape[1], "one block for each unit"
        return np.column_stack([hidden, outputs[:, 1:].reshape(n, -1)])


def _steepness(net: Network, active: Array, pairs: Index) -> Array:
    """(n,) ‖∇(F_A − F_B)‖, block by block, since gradients are as large as the points."""
    g = np.zeros(len(active))
    for start in range(0, len(active), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        gradient = active[rows] @ net.V
        if net.skip:
            one, other = pairs[rows].T
            gradient += net.W[one] - net.W[other]
        g[rows] = np.linalg.norm(gradient, axis=1)
    return g


def _first_to_turn_on(Z: Array, delta: Array) -> tuple[Array, Array]:
    """(n, k) the δ_j of the units that turn on first, and δ_j z_j."""
    each = np.arange(len(Z))
    first = np.where(delta != 0, Z, -np.inf).argmax(axis=1)
    active = np.zeros_like(Z)
    active[each, first] = delta[each, first]
    return active, delta[each, first] * Z[each, first]


def gauge_equations(net: Network, biased: bool) -> Array:
    """(k + 1, p) equations that fix the scale of each unit and that of all outputs."""
    (k, d), m = net.V.shape, net.n_outputs
    rows = np.column_stack([net.V, net.b]) if biased else net.V
    outputs = np.hstack([net.U, net.c[:, None][:, :biased], net.W[:, : d * net.skip]])[1:]
    width = outputs.shape[1]
    E = np.zeros((k + 1, k * (d + biased) + (m - 1) * width))
    for j in range(k):
        E[j, j * (d + biased) : (j + 1) * (d + biased)] = rows[j]
    E[k, k * (d + biased) :] = outputs.ravel() / max(np.linalg.norm(outputs), 1e-300)
    return E


def output_biases(net: Network) -> Index:
    """Numbers of the unknowns that are output biases, where there are biases."""
    (k, d), m = net.V.shape, net.n_outputs
    width = k + 1 + d * net.skip
    return np.asarray(k * (d + 1) + k + width * np.arange(m - 1))


def moved(net: Network, step: Array, biased: bool) -> Network:
    """The network after a step (p,): rows of (V, b), then those of (U, c, W) but the first. Rows of
    V have unit length, and the largest output weight is 1."""
    (k, d), m = net.V.shape, net.n_outputs
    cut = k * (d + biased)
    hidden, outputs = step[:cut].reshape(k, -1), step[cut:].reshape(m - 1, -1)
    V, b = net.V + hidden[:, :d], net.b.copy()
    U, c, W = net.U.copy(), net.c.copy(), net.W.copy()
    U[1:] += outputs[:, :k]
    if biased:
        b += hidden[:, d]
        c[1:] += outputs[:, k]
    if net.skip:
        W[1:] += outputs[:, k + biased :]
    length = np.linalg.norm(V, axis=1)
    U = U * length
    size = np.abs(U).max()
    return Network(V / length[:, None], U / size, b / length, c / size, W=W / size)


@dataclass(frozen=True, eq=False)
class Factor:
    """QR of the equations of points, in units of their errors, and of gauges: the unknowns x that
    any point depends on, `seen` (p,), solve R (scale x) = target in the least-squares sense."""

    R: Array
    target: Array
    scale: Array
    seen: Mask

    @classmethod
    def of(cls, state: Distances, biased: bool, fixed: Index | None = None) -> Factor | None:
        """None if there are fewer equations than unknowns. Points where the network is constant
        are left out, and unknowns that are `fixed` are not seen."""
        kept = np.isfinite(state.distances)
        errors = state.points.errors[kept]
        J = state.jacobian(biased)[kept] / errors[:, None]
        if fixed is not None:
            J[:, fixed] = 0.0
        right = -state.distances[kept] / errors
        return cls.of_equations(J, right, gauge_equations(state.net, biased))

    @classmethod
    def of_equations(cls, J: Array, right: Array, gauge: Array) -> Factor | None:
        """Of equations J x = right, in units of their errors, and gauge x = 0."""
        scale = np.linalg.norm(J, axis=0)
        seen = scale > 0
        scale = scale[seen]
        gauge = gauge[:, seen] / scale
        gauge /= np.maximum(np.linalg.norm(gauge, axis=1, keepdims=True), 1e-300)
        right = np.concatenate([right, np.zeros(len(gauge))])
        if len(right) <= len(scale):
            return None
        system = np.column_stack([np.vstack([J[:, seen] / scale, gauge]), right])
        R = np.asarray(np.linalg.qr(system, mode="r"))
        p = len(scale)
        return cls(R[:p, :p], R[:p, p], scale, seen)

    @property
    def regular(self) -> bool:
        """Whether all unknowns are determined, to more than rounding."""
        diagonal = np.abs(np.diag(self.R))
        return bool(diagonal.min() > len(self.R) * np.finfo(np.float64).eps * diagonal.max())

    def errors(self) -> Array:
        """(p,) standard deviations of the unknowns, for equations with errors of deviation one;
        infinite for those that no equation depends on."""
        inverse = solve_triangular(self.R, np.eye(len(self.R)))
        error = np.full(len(self.seen), np.inf)
        error[self.seen] = np.linalg.norm(inverse, axis=1) / self.scale
        return error
