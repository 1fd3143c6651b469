"""All units at once, from a few affine pieces of a network.

Where no hyperplane is crossed, a network is affine. With sides s_rj, 1 where unit j is active on
piece r and 0 elsewhere, its slopes are

    G_r = Σ_j s_rj u_j v_jᵀ + W,    W what units on the other side leave.

Given the output weights u_j, that is linear in the v_j and in W: r m equations for k + m unknown
vectors, with one matrix for all coordinates,

    A = [s_rj U_oj, 1 where the column is that of output o],    a row for each piece r and output o,

and the values at one point of each piece say the same of the b_j and c. So one output takes k + 1
pieces, and m outputs take little more than k / m + 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve, qr, solve_triangular

from unrelu.numerics.arrays import Array, divisors, unit_columns
from unrelu.numerics.conjugate_gradients import conjugate_gradients

STEPS = 5
"""Gauss–Newton steps at most."""

MOST_PRODUCTS = 200
"""Products for one of them at most."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """A point (r, d) of each piece, `values` (r, m) there, `slopes` (r, m, d), and how accurately
    these are known, relative to each other: `weights` (r,)."""

    points: Array
    values: Array
    slopes: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Planes:
    """Units with hidden weights V (k, d) of any length, b (k,) and U (m, k), and what is affine
    besides, W (m, d) and c (m,). `spread` (k,): the errors of the entries of a row of V if those of
    slopes of weight one have size one."""

    V: Array
    b: Array
    U: Array
    W: Array
    c: Array
    spread: Array

    def moved(self, step: Planes) -> Planes:
        """These weights plus those of a step."""
        return Planes(
            self.V + step.V,
            self.b + step.b,
            self.U + step.U,
            self.W + step.W,
            self.c + step.c,
            self.spread,
        )

    def left(self, sides: Array, pieces: Pieces) -> tuple[Array, Array]:
        """What units on these sides (r, k) leave of the slopes and of the values."""
        active = sides[:, None] * self.U
        heights = pieces.points @ self.V.T + self.b
        values = np.einsum("rmj,rj->rm", active, heights) + pieces.points @ self.W.T + self.c
        return pieces.slopes - (active @ self.V + self.W), pieces.values - values


def solve(sides: Array, U: Array, pieces: Pieces, *, affine: bool, bias: bool) -> Planes:
    """V, b, W and c by least squares, given U (m, k) and the sides (r, k). Without `affine`, W is
    zero; without `bias`, b and c are. The `spread` of rows that are not determined is infinite.

    O(r m (k + m) (k + m + d))."""
    (m, k), d = U.shape, pieces.slopes.shape[2]
    none = Planes(
        np.zeros((k, d)), np.zeros(k), U, np.zeros((m, d)), np.zeros(m), np.full(k, np.inf)
    )
    solver = _Solver.of(sides, U, pieces.weights, affine)
    if solver is None:
        return none
    found = _hidden_step(none, sides, pieces, solver, bias)
    return none if found is None else replace(found, spread=solver.spread[:k])


def polish(planes: Planes, sides: Array, pieces: Pieces, *, affine: bool, bias: bool) -> Planes:
    """Hidden and output weights together, from some that are nearly right: Gauss–Newton steps,
    while each at least halves what slopes are off by."""
    best, least = planes, np.inf
    for _ in range(STEPS):
        slopes, values = planes.left(sides, pieces)
        size = float(np.linalg.norm(slopes * pieces.weights[:, None, None]))
        if not size < 0.5 * least:
            break
        best, least = planes, size
        left = replace(pieces, slopes=slopes, values=values)
        step = gauss_newton(planes, sides, left, affine=affine, bias=bias)
        if step is None:
            break
        planes = planes.moved(step)
    return best


def gauss_newton(
    planes: Planes,
    sides: Array,
    left: Pieces,
    *,
    affine: bool,
    bias: bool,
    probe: Array | None = None,
) -> Planes | None:
    """The changes of all weights that make up for what is `left` of slopes and values, to first
    order, by weighted least squares of the slopes; None where these do not determine them.

    Those of U come first, what V and W can do projected off, by conjugate gradients: each step
    costs products of O(r m k d). The preconditioner is the normal matrix of U alone, which is the
    same for every output: Σ_r w_r² s_rj s_rl v_j·v_l. `probe` (m, k) goes into the right side, in
    units of the roots of its diagonal; with it, the result is None unless all of U is determined
    but the lengths of its columns.
    """
    solver = _Solver.of(sides, planes.U, left.weights, affine)
    if solver is None:
        return None
    active, V = sides * left.weights[:, None], planes.V
    gram = (active.T @ active) * (V @ V.T)
    gram[np.diag_indices(len(gram))] *= 1 + 10 * len(gram) * np.finfo(np.float64).eps
    U = np.zeros_like(planes.U)
    if len(U) > 1:  # the weights of one output are the lengths of the rows
        try:
            factor = cho_factor(gram, check_finite=False)
        except np.linalg.LinAlgError:  # units on one hyperplane, say
            return None

        def pull(change: Array) -> Array:
            change = solver.off_range(change.reshape(-1, V.shape[1])).reshape(change.shape)
            return np.asarray(((change @ V.T) * active[:, None]).sum(axis=0))

        right = pull(left.slopes * left.weights[:, None, None])
        if probe is not None:
            columns = unit_columns(planes.U)
            probe = probe - columns * (columns * probe).sum(axis=0)
            right = right + probe * np.sqrt(np.diag(gram))
        U, done = conjugate_gradients(
            lambda U: pull((active[:, None] * U) @ V),
            right,
            lambda U: np.asarray(cho_solve(factor, U.T, check_finite=False).T),
            tolerance=1e-3,
            most=MOST_PRODUCTS,
        )
        if probe is not None and not done:
            return None
    (m, k), d = U.shape, V.shape[1]
    none = Planes(np.zeros((k, d)), np.zeros(k), U, np.zeros((m, d)), np.zeros(m), planes.spread)
    slopes, values = _of_outputs(planes, U, sides, left.points)
    rest = replace(left, slopes=left.slopes - slopes, values=left.values - values)
    step = _hidden_step(replace(none, U=planes.U), sides, rest, solver, bias)
    return None if step is None else replace(step, U=U)


def _of_outputs(planes: Planes, U: Array, sides: Array, points: Array) -> tuple[Array, Array]:
    """What a change of U does to slopes and values."""
    active = sides[:, None] * U
    values = np.einsum("rmj,rj->rm", active, points @ planes.V.T + planes.b)
    return active @ planes.V, values


def _hidden_step(
    planes: Planes, sides: Array, pieces: Pieces, solver: _Solver, bias: bool
) -> Planes | None:
    """V, b, W and c next to some, for their U; None where nothing determines b and c, as of a unit
    that is active on all pieces."""
    k, m = len(planes.V), len(planes.U)
    slopes, _ = planes.left(sides, pieces)
    found = solver(slopes.reshape(-1, slopes.shape[2]))
    W = planes.W + found[k : k + m] if len(found) > k else planes.W
    planes = replace(planes, V=planes.V + found[:k], W=W)
    if not bias:
        return planes
    constant = solver if len(found) > k else _Solver.of(sides, planes.U, pieces.weights, True)
    if constant is None:
        return None
    found = constant(planes.left(sides, pieces)[1].reshape(-1, 1))[:, 0]
    return replace(planes, b=planes.b + found[:k], c=planes.c + found[k:])


@dataclass(frozen=True, eq=False)
class _Solver:
    """Least squares with the matrix A, columns brought to one size: QR. `spread`: the errors of the
    unknowns if the equations of weight one have errors of size one."""

    q: Array
    upper: Array
    sizes: Array
    weights: Array

    @classmethod
    def of(cls, sides: Array, U: Array, weights: Array, affine: bool) -> _Solver | None:
        """None where A is singular."""
        r, m = len(sides), len(U)
        A = sides[:, None] * U
        if affine:
            A = np.concatenate([A, np.tile(np.eye(m), (r, 1, 1))], axis=2)
        A = (A * weights[:, None, None]).reshape(r * m, A.shape[2])
        if A.shape[0] < A.shape[1]:
            return None
        sizes = divisors(np.linalg.norm(A, axis=0))
        q, upper = qr(A / sizes, mode="economic", check_finite=False)
        smallest = np.abs(np.diag(upper)).min(initial=1.0)
        if not smallest > 10 * max(A.shape) * np.finfo(np.float64).eps:
            return None
        return cls(np.asarray(q), np.asarray(upper), sizes, np.repeat(weights, m))

    def __call__(self, right: Array) -> Array:
        right = self.q.T @ (right * self.weights[:, None])
        found = solve_triangular(self.upper, right, check_finite=False)
        return np.asarray(found / self.sizes[:, None])

    def off_range(self, right: Array) -> Array:
        """What no unknowns explain of equations that have their weights already."""
        return np.asarray(right - self.q @ (self.q.T @ right))

    @property
    def spread(self) -> Array:
        inverse = solve_triangular(self.upper, np.eye(len(self.upper)), check_finite=False)
        return np.asarray(np.linalg.norm(inverse, axis=1) / self.sizes)
