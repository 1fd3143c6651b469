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

from unrelu.numerics.arrays import Array, divisors
from unrelu.numerics.conjugate_gradients import conjugate_gradients

STEPS = 5
"""Gauss–Newton steps at most."""

MOST_PRODUCTS = 100
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

    def left(self, sides: Array, pieces: Pieces) -> tuple[Array, Array]:
        """What units on these sides (r, k) leave of the slopes and of the values."""
        active = sides[:, None] * self.U
        heights = pieces.points @ self.V.T + self.b
        values = np.einsum("rmj,rj->rm", active, heights) + pieces.points @ self.W.T + self.c
        return pieces.slopes - (active @ self.V + self.W), pieces.values - values


def solve(sides: Array, U: Array, pieces: Pieces, *, affine: bool, bias: bool) -> Planes:
    """V, b, W and c by least squares, given U (m, k) and the sides (r, k). Without `affine`, W is
    zero; without `bias`, b is, and c. The `spread` of rows that are not determined is infinite.

    O(r m (k + m) (k + m + d))."""
    (m, k), d = U.shape, pieces.slopes.shape[2]
    plain = Planes(
        np.zeros((k, d)), np.zeros(k), U, np.zeros((m, d)), np.zeros(m), np.full(k, np.inf)
    )
    solver = _Solver.of(sides, U, pieces.weights, affine)
    if solver is None:
        return plain
    return replace(_step(plain, sides, pieces, solver, bias), spread=solver.spread[:k])


def polish(planes: Planes, sides: Array, pieces: Pieces, *, affine: bool, bias: bool) -> Planes:
    """Hidden and output weights together, from some that are nearly right: Gauss–Newton steps,
    while each at least halves what slopes are off by.

    A step in U, what V and W can do projected off, is found by conjugate gradients: each costs
    products of O(r m k d). The preconditioner is the normal matrix of U alone, which is the same
    for every output: Σ_r w_r² s_rj s_rl v_j·v_l."""
    best, least = planes, np.inf
    for _ in range(STEPS):
        solver = _Solver.of(sides, planes.U, pieces.weights, affine)
        if solver is None:
            break
        planes = _step(planes, sides, pieces, solver, bias)
        slopes = planes.left(sides, pieces)[0] * pieces.weights[:, None, None]
        size = float(np.linalg.norm(slopes))
        if size < least:
            best = planes
        if not size < 0.5 * least:
            break
        least = size
        planes = replace(planes, U=planes.U + _output_step(planes, sides, pieces, solver, slopes))
    return best


def _output_step(
    planes: Planes, sides: Array, pieces: Pieces, solver: _Solver, slopes: Array
) -> Array:
    """A change of U (m, k) that, with V and W following, makes up for what is left of slopes."""
    active, V = sides * pieces.weights[:, None], planes.V
    gram = (active.T @ active) * (V @ V.T)
    gram[np.diag_indices(len(gram))] *= 1 + 10 * len(gram) * np.finfo(np.float64).eps
    try:
        factor = cho_factor(gram, check_finite=False)
    except np.linalg.LinAlgError:  # units that are on one hyperplane, say
        return np.zeros_like(planes.U)

    def pull(change: Array) -> Array:
        change = solver.off_range(change.reshape(-1, V.shape[1])).reshape(change.shape)
        # Σ_r active_rj change_rm· · v_j
        return np.asarray(((change @ V.T) * active[:, None]).sum(axis=0))

    return conjugate_gradients(
        lambda U: pull((active[:, None] * U) @ V),
        pull(slopes),
        lambda U: np.asarray(cho_solve(factor, U.T, check_finite=False).T),
        tolerance=1e-3,
        most=MOST_PRODUCTS,
    )


def _step(planes: Planes, sides: Array, pieces: Pieces, solver: _Solver, bias: bool) -> Planes:
    """V, b, W and c next to some, for their U."""
    k, m = len(planes.V), len(planes.U)
    slopes, _ = planes.left(sides, pieces)
    found = solver(slopes.reshape(-1, slopes.shape[2]))
    W = planes.W + found[k : k + m] if len(found) > k else planes.W
    planes = replace(planes, V=planes.V + found[:k], W=W)
    if not bias:
        return planes
    constant = solver if len(found) > k else _Solver.of(sides, planes.U, pieces.weights, True)
    if constant is None:
        return planes
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
