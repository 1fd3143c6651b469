"""Common factors of symmetric matrices: M_i ≈ Aᵀ diag(w_i) A, with the same unit rows in A.

The rows of A (k, d) need not be orthogonal, k ≤ d, and are known up to sign and order. With two
slices the generalised eigenproblem M_1 x = λ M_2 x gives them (x are the columns of A⁺, Jennrich),
but multiplies the noise; it only supplies starts. The answer is the minimum of

    Σ_i ‖M_i − Aᵀ diag(w_i) A‖²   over A and all w

by variable projection (w eliminated) and Levenberg–Marquardt steps. With W = wᵀw, G = AAᵀ,
Γ = (G∘G)⁻¹ and a change P of A, C = PAᵀ, the product by the Gauss–Newton matrix is

    2 (W∘G) P + 2 (W∘Cᵀ) A − 4 ((W (C∘G) Γ)∘G) A,

O(k² d) whatever the number of slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.errors import InputError
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.levenberg import minimise

CONTRACTIONS = 12
"""Random pairs of contractions tried. A pair is bad when two of its k eigenvalues nearly agree,
which is common for large k, so a few are compared."""

REFINED = 3
"""The best of them that are refined. Which of them is nearest the minimum is not known before."""


@dataclass(frozen=True, eq=False)
class JointDiagonal:
    """`directions` (k, d), unit rows; `weights` (s, k); `misfit`, the norm of what is left of the
    slices as a share of their own norm."""

    directions: Array
    weights: Array
    misfit: float


def joint_diagonalise(
    slices: Array,
    k: int,
    *,
    rng: np.random.Generator,
    rows: Array | None = None,
    start: Array | None = None,
) -> JointDiagonal:
    """Unit rows of A (k, d) and weights (s, k) that best fit symmetric slices (s, d, d).

    `rows` (r, d): vectors that should lie in the span of A too, with errors of the size of those
    of the slices' entries; they only help to find the span. With `start` (k, d) no random pairs
    are tried. Exact slices give exact rows when no two columns of the weights are parallel;
    otherwise, as for a single slice, the rows that share a column are arbitrary within their span.
    Raises `InputError` for k out of range.

    Cost: O(s d³) for the span, O(s k³) for a step.
    """
    if not 1 <= k <= slices.shape[1]:
        raise InputError(f"k: got {k}, expected 1 to {slices.shape[1]}, the size of the slices")
    size = float(np.linalg.norm(slices))
    if size == 0.0:
        return JointDiagonal(np.eye(slices.shape[1])[:k], np.zeros((len(slices), k)), 0.0)
    basis = common_span(slices, k, rows)
    model = _Model(basis @ (slices / size) @ basis.T)
    if start is None:
        points = _starts(model, rng)
    else:
        points = [model.evaluate(model.retract(start @ basis.T, np.zeros((k, k))))]

    def enough(norms: list[float]) -> bool:
        # Rounding level, or three steps that together gained less than one in a thousand.
        return norms[-1] <= 1e-15 * k or (len(norms) > 3 and norms[-1] > 0.999 * norms[-4])

    ends = [
        minimise(model, point, size=1.0, steps=100, enough=enough)[0] for point in points[:REFINED]
    ]
    best = min(ends, key=lambda end: end.cost)
    outside = slices / size - basis.T @ model.slices @ basis
    misfit = float(np.hypot(np.sqrt(best.cost), np.linalg.norm(outside)))
    return JointDiagonal(best.point @ basis, size * best.weights, misfit)


def common_span(slices: Array, k: int, rows: Array | None = None, rounds: int = 6) -> Array:
    """Orthonormal rows (k, d): the subspace that holds most of the slices on both sides.

    Starts from the top eigenspace of RᵀR + Σ M², R the extra rows, where isotropic noise adds
    only a multiple of the identity; then M P M in place of M², P the current projection, leaves
    out the noise outside of it (higher-order orthogonal iteration; De Lathauwer 2000).
    """
    d = slices.shape[1]
    extra = np.zeros((d, d)) if rows is None else rows.T @ rows
    basis = np.eye(d)
    for _ in range(rounds if k < d else 1):
        check_deadline()
        half = (slices @ basis.T).transpose(1, 0, 2).reshape(d, -1)
        basis = np.linalg.eigh(extra + half @ half.T)[1][:, -k:].T
    return np.asarray(basis)


@dataclass(frozen=True, eq=False)
class _State:
    point: Array  # A (k, d), unit rows
    weights: Array  # (s, k)
    inverse: Array  # Γ (k, k)
    residual: Array  # (s, d, d)
    cost: float


class _Model:
    """The protocol of `levenberg.Model`."""

    def __init__(self, slices: Array) -> None:
        self.slices = slices

    def evaluate(self, point: Array) -> _State:
        inverse = np.asarray(np.linalg.pinv((point @ point.T) ** 2, hermitian=True))
        weights = self._forms(self.slices, point) @ inverse
        residual = self._off(self.slices, point, weights)
        correction = self._forms(residual, point) @ inverse  # undoes what Γ lost to rounding
        weights = weights + correction
        residual = self._off(residual, point, correction)
        return _State(point, weights, inverse, residual, float(np.vdot(residual, residual)))

    @staticmethod
    def _forms(slices: Array, point: Array) -> Array:
        """a_jᵀ M_i a_j (s, k)."""
        return np.asarray(((point @ slices) * point).sum(axis=2))

    @staticmethod
    def _off(slices: Array, point: Array, weights: Array) -> Array:
        return np.asarray(slices - (point.T * weights[:, None, :]) @ point)

    def descent(self, state: _State) -> Array:
        pulled = state.point @ state.residual  # (s, k, d)
        return self._tangent(state, 2 * np.einsum("sj,sjd->jd", state.weights, pulled))

    def normal(self, state: _State, step: Array) -> Array:
        A = state.point
        W, G, C = state.weights.T @ state.weights, A @ A.T, step @ A.T
        inner = W * C.T - 2 * (W @ (C * G) @ state.inverse) * G
        return self._tangent(state, 2 * ((W * G) @ step + inner @ A))

    def gram(self, state: _State) -> None:
        """By products alone."""

    def scale(self, state: _State) -> Array:
        size = np.sqrt(2 * (state.weights**2).sum(axis=0))
        return np.asarray(np.maximum(size, 1e-3 * size.max() + 1e-300)[:, None])

    def retract(self, point: Array, step: Array) -> Array:
        moved = point + step
        norms = np.linalg.norm(moved, axis=1, keepdims=True)
        # A row that lies outside the span altogether (a bad start) may be anything.
        moved = np.where(norms > 1e-12, moved, 1.0)
        return unit_rows(moved)

    @staticmethod
    def _tangent(state: _State, rows: Array) -> Array:
        along = (state.point * rows).sum(axis=1, keepdims=True)
        return np.asarray(rows - along * state.point)


def _starts(model: _Model, rng: np.random.Generator) -> list[_State]:
    """States reached by random pairs of contractions, best first."""
    from scipy.linalg import eig

    s, k, _ = model.slices.shape
    states = []
    for _ in range(CONTRACTIONS if s > 1 and k > 1 else 1):
        pair = np.tensordot(rng.standard_normal((2, s)), model.slices, axes=1)
        # A singular contraction makes eigenvalues infinite; the vectors remain. Noise makes some
        # complex: real and imaginary part of a pair span the same plane.
        vectors = eig(pair[0], pair[1])[1] if s > 1 else np.linalg.eigh(pair[0])[1]
        if np.iscomplexobj(vectors):
            same = np.append(False, np.isclose(vectors[:, 1:], vectors[:, :-1].conj()).all(axis=0))
            vectors = np.where(same, vectors.imag, vectors.real)
        if np.isfinite(vectors).all():
            rows = np.linalg.pinv(vectors)
            states.append(model.evaluate(model.retract(rows, np.zeros_like(rows))))
    if not states:
        turn = np.linalg.qr(rng.standard_normal((k, k)))[0]
        states.append(model.evaluate(turn))
    return sorted(states, key=lambda state: state.cost)
