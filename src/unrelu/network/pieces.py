"""All units at once, from a few affine pieces of a network.

Where no hyperplane is crossed, a network is affine. With sides s_rj, 1 where unit j is active on
piece r and 0 elsewhere, its slopes are

    G_r = Σ_j s_rj u_j v_jᵀ + W,    W what units on the other side leave.

Given the output weights u_j, that is linear in the v_j and in W: r m equations for k + m unknown
vectors, with one matrix for all coordinates,

    A = [s_rj U_oj, 1 where the column is that of output o],    a row for each piece r and output o,

and the values at one point of each piece say the same of the b_j and c. So one output takes k + 1
pieces, and m outputs take little more than k / m + 1.

Values are known far better than slopes, and say something of V, too, where there are more of them
than of the b_j and c: with errors H = A (AᵀA)⁻¹Aᵀ of slopes, one to each coordinate, what they
leave has the covariance I + H ∘ (p pᵀ), p the points, and generalised least squares weigh both.
That all slopes of a piece share the error of its value is neglected.

With weights w_r of the pieces, the normal matrix of the v_j is (UᵀU) ∘ P, P = Σ_r w_r² s_r s_rᵀ,
and that of row o of U is (V Vᵀ) ∘ P: no matrix of more than k + m columns is ever needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, qr, solve_triangular

from unrelu.numerics.arrays import Array, divisors, unit_columns
from unrelu.numerics.conjugate_gradients import conjugate_gradients

MOST_PRODUCTS = 200
"""Products for one Gauss–Newton step at most."""

HALF_THE_DIGITS = 1e8
"""By how much what is left of labels may be magnified in output weights that are determined."""

MOST_VALUES = 2000
"""Values up to which their covariance is made, in a second. Beyond, they say b and c alone."""

WELL_CONDITIONED = 1e-4
"""Pivot of the normal matrix, its diagonal one, down to which one refinement brings digits back."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """A point (r, d) of each piece, `values` (r, m) there, `slopes` (r, m, d), and how accurately
    these are known, relative to values: `weights` (r,), one over their errors."""

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

    O(r m k d + (k + m)³), and O(r m (k + m)²) where that is ill-conditioned."""
    (m, k), d = U.shape, pieces.slopes.shape[2]
    none = Planes(
        np.zeros((k, d)), np.zeros(k), U, np.zeros((m, d)), np.zeros(m), np.full(k, np.inf)
    )
    solver = _Solver.of(_Equations(sides, U, pieces.weights, affine))
    if solver is None:
        return none
    found = _hidden_step(none, sides, pieces, solver, bias)
    return none if found is None else replace(found, spread=solver.spread[:k])


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
    order: U by weighted least squares of the slopes, V and W by that of slopes and, where there are
    few, of values; None where the slopes do not determine them.

    Those of U come first, what V and W can do projected off, by conjugate gradients: each step
    costs products of O(k² (d + m)). The preconditioner is the normal matrix of U alone, which is
    the same for every output. `probe` (m, k) goes into the right side, in units of the roots of its
    diagonal; with it, the result is None unless all of U is determined but the lengths of its
    columns.
    """
    equations = _Equations(sides, planes.U, left.weights, affine)
    solver = _Solver.of(equations)
    if solver is None:
        return None
    U = np.zeros_like(planes.U)
    if len(U) > 1:  # the weights of one output are the lengths of the rows
        found = _outer_step(planes.V, equations, solver, left.slopes, probe)
        if found is None:
            return None
        U = found
    (m, k), d = U.shape, planes.V.shape[1]
    none = Planes(np.zeros((k, d)), np.zeros(k), U, np.zeros((m, d)), np.zeros(m), planes.spread)
    slopes, values = _of_outputs(planes, U, sides, left.points)
    rest = replace(left, slopes=left.slopes - slopes, values=left.values - values)
    step = _hidden_step(replace(none, U=planes.U), sides, rest, solver, bias)
    return None if step is None else replace(step, U=U)


def _outer_step(
    V: Array, equations: _Equations, solver: _Solver, slopes: Array, probe: Array | None
) -> Array | None:
    """The change of U. With x = (V, W), slopes change by A x + B(U), B(U)_ro = w_r Σ_j s_rj U_oj
    v_j, and BᵀB − BᵀA (AᵀA)⁻¹ AᵀB is what acts on U alone."""
    own, P, shared = equations.U, equations.products, equations.shared
    k = len(V)
    gram = (V @ V.T) * P
    sizes = np.sqrt(np.diag(gram))
    ridge = 10 * k * float(np.finfo(np.float64).eps) * np.diag(np.diag(gram))
    try:
        factor = cho_factor(gram + ridge, check_finite=False)
    except np.linalg.LinAlgError:  # units on one hyperplane, say
        return None

    def pulled(x: Array) -> Array:
        """BᵀA x."""
        along = own @ ((x[:k] @ V.T) * P)
        return np.asarray(along + shared * (x[k:] @ V.T) if len(x) > k else along)

    def pushed(U: Array) -> Array:
        """AᵀB(U)."""
        along = ((own.T @ U) * P) @ V
        return np.vstack([along, (shared * U) @ V]) if equations.affine else along

    right = -pulled(solver.normal(equations.transposed(slopes)))
    for on, weight, part in zip(equations.sides, equations.weights**2, slopes, strict=True):
        right += (part @ V.T) * (weight * on)
    if probe is not None:
        columns = unit_columns(own)
        probe = probe - columns * (columns * probe).sum(axis=0)
        right = right + probe * sizes
    U, done = conjugate_gradients(
        lambda U: U @ gram - pulled(solver.normal(pushed(U))),
        right,
        lambda U: np.asarray(cho_solve(factor, U.T, check_finite=False).T),
        tolerance=1e-3,
        most=MOST_PRODUCTS,
    )
    if probe is None:
        return U
    # Rounding may let the iteration converge where nothing determines U: it is then far off.
    far = np.linalg.norm(U * sizes) > HALF_THE_DIGITS * np.linalg.norm(right / divisors(sizes))
    return U if done and not far else None


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
    found = solver(slopes)
    W = planes.W + found[k : k + m] if len(found) > k else planes.W
    planes = replace(planes, V=planes.V + found[:k], W=W)
    values, constant = planes.left(sides, pieces)[1], solver
    if bias and len(found) == k:
        with_constants = _Solver.of(replace(solver.equations, affine=True))
        if with_constants is None:
            return None
        constant = with_constants
    if values.size <= MOST_VALUES:
        return _by_values(planes, values, pieces.points, solver, bias)
    if not bias:
        return planes
    found = constant(values[..., None])[:, 0]
    return replace(planes, b=planes.b + found[:k], c=planes.c + found[k:])


def _by_values(planes: Planes, values: Array, points: Array, solver: _Solver, bias: bool) -> Planes:
    """b, c, and changes of V and W, by generalised least squares of what values (r, m) are left."""
    (r, m), k = values.shape, len(planes.V)
    A = solver.equations.dense(weighted=False)
    H = A @ solver.normal(A.T) * np.kron(points @ points.T, np.ones((m, m)))
    covariance = cho_factor(H + np.eye(r * m), check_finite=False)
    rest = values.ravel()
    if bias:
        constants = np.hstack([A[:, :k], np.tile(np.eye(m), (r, 1))])
        known = cho_solve(covariance, constants, check_finite=False)
        found = np.linalg.lstsq(constants.T @ known, known.T @ rest)[0]
        rest = rest - constants @ found
        planes = replace(planes, b=planes.b + found[:k], c=planes.c + found[k:])
    pull = cho_solve(covariance, rest, check_finite=False).reshape(r, m, 1)
    moved = solver.normal(A.T @ (pull * points[:, None]).reshape(r * m, -1))
    W = planes.W + moved[k:] if len(moved) > k else planes.W
    return replace(planes, V=planes.V + moved[:k], W=W)


@dataclass(frozen=True, eq=False)
class _Equations:
    """The matrix A, its rows times the weights of their pieces, and its products."""

    sides: Array
    U: Array
    weights: Array
    affine: bool

    @property
    def shape(self) -> tuple[int, int]:
        m, k = self.U.shape
        return len(self.sides) * m, k + m * self.affine

    @property
    def products(self) -> Array:
        """P (k, k)."""
        weighted = self.sides * self.weights[:, None]
        return np.asarray(weighted.T @ weighted)

    @property
    def shared(self) -> Array:
        """Σ_r w_r² s_r (k,)."""
        return np.asarray(self.weights**2 @ self.sides)

    def dense(self, *, weighted: bool = True) -> Array:
        r, m = len(self.sides), len(self.U)
        A = self.sides[:, None] * self.U
        if self.affine:
            A = np.concatenate([A, np.tile(np.eye(m), (r, 1, 1))], axis=2)
        if weighted:
            A = A * self.weights[:, None, None]
        return np.asarray(A.reshape(r * m, A.shape[2]))

    def gram(self) -> Array:
        """AᵀA."""
        own = (self.U.T @ self.U) * self.products
        if not self.affine:
            return np.asarray(own)
        beside = self.U * self.shared
        return np.block([[own, beside.T], [beside, np.eye(len(self.U)) * (self.weights**2).sum()]])

    def product(self, x: Array) -> Array:
        """(r, m, q): A x, but for the weights."""
        k = self.U.shape[1]
        own = np.stack([self.U @ (on[:, None] * x[:k]) for on in self.sides])
        return own + x[k:] if self.affine else own

    def transposed(self, right: Array) -> Array:
        """Aᵀ times equations (r, m, q) that have no weights yet."""
        own = np.zeros((self.U.shape[1], right.shape[2]))
        for on, weight, part in zip(self.sides, self.weights**2, right, strict=True):
            own += (weight * on)[:, None] * (self.U.T @ part)
        if not self.affine:
            return own
        return np.vstack([own, np.einsum("r,rmq->mq", self.weights**2, right)])


@dataclass(frozen=True, eq=False)
class _Solver:
    """Least squares with the matrix A, columns brought to one size: by its normal matrix, with one
    step of refinement, where that is well-conditioned; else by QR. `upper` is the triangle of
    either, and `q`, of QR, may be missing. `spread`: the errors of the unknowns if the equations of
    weight one have errors of size one."""

    equations: _Equations
    sizes: Array
    upper: Array
    q: Array | None

    @classmethod
    def of(cls, equations: _Equations) -> _Solver | None:
        """None where A is singular."""
        rows, columns = equations.shape
        if rows < columns:
            return None
        gram = equations.gram()
        sizes = divisors(np.sqrt(np.diag(gram)))
        gram /= np.outer(sizes, sizes)
        try:
            upper = np.asarray(cholesky(gram, check_finite=False), np.float64)
        except np.linalg.LinAlgError:
            upper = np.zeros((1, 1))
        if np.diag(upper).min(initial=1.0) ** 2 > WELL_CONDITIONED:
            return cls(equations, sizes, upper, None)
        q, triangle = qr(equations.dense() / sizes, mode="economic", check_finite=False)
        smallest = np.abs(np.diag(triangle)).min(initial=1.0)
        if not smallest > 10 * max(rows, columns) * np.finfo(np.float64).eps:
            return None
        return cls(equations, sizes, np.asarray(triangle), np.asarray(q))

    def __call__(self, right: Array) -> Array:
        """The solution (k + m, q) of equations (r, m, q) that have no weights yet."""
        if self.q is not None:
            weighted = right * self.equations.weights[:, None, None]
            found = self.q.T @ weighted.reshape(-1, right.shape[2])
            found = solve_triangular(self.upper, found, check_finite=False)
            return np.asarray(found / self.sizes[:, None])
        found = self.normal(self.equations.transposed(right))
        rest = right - self.equations.product(found)
        return found + self.normal(self.equations.transposed(rest))

    def normal(self, right: Array) -> Array:
        """(AᵀA)⁻¹ times something."""
        found = cho_solve((self.upper, False), right / self.sizes[:, None], check_finite=False)
        return np.asarray(found / self.sizes[:, None])

    @property
    def spread(self) -> Array:
        inverse = solve_triangular(self.upper, np.eye(len(self.upper)), check_finite=False)
        return np.asarray(np.linalg.norm(inverse, axis=1) / self.sizes)
