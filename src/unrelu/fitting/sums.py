"""All weights of a network at once, from answers at sums of points.

Inputs that can be chosen may be sums x = p + q of points of two sets. The height of a unit at x is
the sum of those at p and at q, so products by the Jacobian cost as much as d inputs for each point,
but for each answer no more than the units and outputs do:

    O(P k d + n k m),    P points and n answers,

where independent inputs take O(n k (d + m)). Answers come in blocks, every p of a block plus every
q of it. If there are several times as many points as inputs, a network is determined as well as
from independent inputs.

Gauss–Newton steps, by conjugate gradients. For inputs that are spread evenly, the normal matrix is
about

    (UᵀU ∘ C) ⊗ E[x xᵀ]  of the rows of V,    E[h hᵀ] ⊗ I  of the output weights,

where C_jl says how often units j and l are active together and h are hidden values: that is the
preconditioner. A skip connection counts as units that are always active, one to each output. What
is left between units takes a few dozen products, in single precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.numerics.conjugate_gradients import conjugate_gradients

Single = NDArray[np.float32]

SIDE = 32
"""Points of each set in a block: their products with V then cost about as much as all sums."""

FINE = 2.0**-16
"""Points are multiples of that, times the power of two just below their scale: single precision
then represents sums exactly."""

MOST_STEPS, MOST_PRODUCTS = 12, 60
"""Gauss–Newton steps, and products for each, at most."""

ENOUGH = 0.01
"""What a step gains, relative to what all weights explain by chance, that is not worth another."""

ACCURACY = 0.03
"""Of a step, relative to it."""

HALVINGS = 4
"""Of a step that makes answers worse."""

RIDGE = 1e-6
"""Of the preconditioner, relative to its diagonal."""

SAMPLES = 8
"""Blocks from which the preconditioner is made."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Points `first` and `second` (B, SIDE, d) of B blocks, and `answers` (B, SIDE, SIDE, m) at
    their sums."""

    first: Array
    second: Array
    answers: Array

    @classmethod
    def asked(
        cls,
        ask: Callable[[Array], Array],
        blocks: int,
        d: int,
        scale: float,
        rng: np.random.Generator,
        centres: Array | None = None,
    ) -> Sums:
        """At random points, so that sums have this scale, about the `centres` (blocks, d) if they
        are given, else about the origin."""
        points = scale / np.sqrt(2) * rng.standard_normal((blocks, 2, SIDE, d))
        if centres is not None:
            points[:, 0] += centres[:, None]
        grid = FINE * 2.0 ** math.floor(math.log2(scale))
        points = np.round(points / grid) * grid
        first, second = points[:, 0], points[:, 1]
        answers = [ask(inputs(*pair)) for pair in zip(first, second, strict=True)]
        return cls(first, second, np.array(answers).reshape(blocks, SIDE, SIDE, -1))

    @staticmethod
    def blocks(weights: int, d: int, m: int, each: float) -> int:
        """How many give so many answers to `each` weight, and a few points to each input."""
        return math.ceil(max(each * weights / (SIDE**2 * m), 3 * d / (2 * SIDE)))

    def with_finite(self, others: Sums) -> Sums:
        """These, and others whose answers are finite."""
        finite = np.isfinite(others.answers).all(axis=(1, 2, 3))
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return Sums(*(np.concatenate([own, more[finite]]) for own, more in pairs))

    def __len__(self) -> int:
        return len(self.first)

    def __iter__(self) -> Iterator[tuple[Array, Array, Array]]:
        return zip(self.first, self.second, self.answers, strict=True)


def inputs(first: Array, second: Array) -> Array:
    """The sums of a block, (SIDE², d)."""
    return np.asarray((first[:, None] + second[None]).reshape(-1, first.shape[1]))


@dataclass(frozen=True, eq=False)
class _Free:
    """Whether there are biases and a skip connection; else these are zero."""

    bias: bool
    affine: bool


@dataclass(frozen=True, eq=False)
class _Weights:
    """Rows (k, d + 1), with biases, output weights (m, k), and what is affine, (m, d + 1)."""

    rows: Array
    outer: Array
    affine: Array

    @classmethod
    def of(cls, net: Network) -> _Weights:
        return cls(np.column_stack([net.V, net.b]), net.U, np.column_stack([net.W, net.c]))

    def network(self, free: _Free) -> Network:
        lengths = np.linalg.norm(self.rows[:, :-1], axis=1)
        V, b = self.rows[:, :-1] / lengths[:, None], self.rows[:, -1] / lengths
        W = self.affine[:, :-1] if free.affine else None
        biases = {"b": b, "c": self.affine[:, -1]} if free.bias else {}
        return Network(V, self.outer * lengths, **biases, W=W)

    def moved(self, step: _Weights, share: float) -> _Weights:
        return _Weights(
            self.rows + share * step.rows,
            self.outer + share * step.outer,
            self.affine + share * step.affine,
        )

    @property
    def flat(self) -> Array:
        return np.concatenate([self.rows.ravel(), self.outer.ravel(), self.affine.ravel()])

    def like(self, flat: Array) -> _Weights:
        parts = np.split(flat, np.cumsum([self.rows.size, self.outer.size]))
        shapes = self.rows.shape, self.outer.shape, self.affine.shape
        return _Weights(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))

    def held(self, free: _Free) -> _Weights:
        """Without what is held at zero."""
        rows, affine = self.rows.copy(), self.affine.copy()
        if not free.bias:
            rows[:, -1], affine[:, -1] = 0.0, 0.0
        if not free.affine:
            affine[:, :-1] = 0.0
        return _Weights(rows, self.outer, affine)

    def count(self, free: _Free) -> int:
        """How many are fitted."""
        k, m, d = len(self.rows), len(self.affine), self.rows.shape[1] - 1
        return int(k * (d + free.bias + m) + m * (d * free.affine + free.bias))


def fitted(
    net: Network,
    sums: Sums,
    *,
    bias: bool,
    affine: bool = False,
    steps: int = MOST_STEPS,
    keep: Callable[[Network], None] = lambda _: None,
) -> Network:
    """The network of least squares next to one, or what comes of so many steps. Without `bias`, b
    and c are zero. With `affine`, it has a skip connection. `keep` is called with the network after
    each step."""
    free = _Free(bias, affine)
    weights = _Weights.of(net if affine else net.canonical())
    residuals = _residuals(weights, sums)
    cost = float(np.vdot(residuals, residuals))
    # By chance, p weights explain a share p / (n m) of the squares.
    enough = ENOUGH * weights.count(free) / residuals.size
    for _ in range(steps):
        step = _gauss_newton(weights, sums, residuals, free)
        for halving in range(HALVINGS):
            trial = weights.moved(step, 0.5**halving)
            left = _residuals(trial, sums)
            after = float(np.vdot(left, left))
            if after < cost:
                break
        else:
            break
        gained = 1 - after / cost
        weights, residuals, cost = trial, left, after
        keep(weights.network(free))
        if gained < enough:
            break
    return weights.network(free)


def row_errors(
    net: Network, sums: Sums, size: float, bias: bool, rng: np.random.Generator
) -> Array:
    """(k,): how far rows (v, b), v of length one, are off where answers have independent errors of
    this size. From one draw of these: with dozens of inputs, the norm of an error is known well."""
    weights = _Weights.of(net)
    noise = size * rng.standard_normal(sums.answers.shape)
    step = _gauss_newton(weights, sums, noise, _Free(bias, affine=False))
    off, lengths = step.rows, np.linalg.norm(net.V, axis=1)
    # A longer row with smaller output weights is the same unit, its bias included.
    along = (off[:, :-1] * net.V).sum(axis=1) / lengths**2
    off = off - along[:, None] * weights.rows
    return np.asarray(np.linalg.norm(off, axis=1) / lengths)


def _residuals(weights: _Weights, sums: Sums) -> Array:
    """What the network leaves of the answers."""
    left = np.empty_like(sums.answers)
    V, b = weights.rows[:, :-1], weights.rows[:, -1]
    W, c = weights.affine[:, :-1], weights.affine[:, -1]
    for number, (first, second, answers) in enumerate(sums):
        heights = (first @ V.T + b)[:, None] + second @ V.T
        linear = (first @ W.T + c)[:, None] + second @ W.T
        left[number] = answers - np.maximum(heights, 0.0, out=heights) @ weights.outer.T - linear
    return left


class _Normal:
    """JᵀJ, in single precision, and its preconditioner. Heights are kept, of points alone."""

    def __init__(self, weights: _Weights, sums: Sums, free: _Free) -> None:
        self._weights, self._kept = weights, free
        self._U = weights.outer.astype(np.float32)
        ones = np.ones((*sums.first.shape[:2], 1))
        self._first = np.concatenate([sums.first, ones], axis=2).astype(np.float32)
        self._second = np.concatenate([sums.second, 0 * ones], axis=2).astype(np.float32)
        rows = weights.rows.astype(np.float32)
        self._heights = [
            (p @ rows.T, q @ rows.T) for p, q in zip(self._first, self._second, strict=True)
        ]
        self._of_units, self._of_inputs, self._of_values = self._solvers()

    def _values(self, block: int) -> Single:
        """Hidden values (SIDE, SIDE, k) of a block."""
        first, second = self._heights[block]
        return np.asarray(np.maximum(first[:, None] + second, np.float32(0)))

    def _solvers(self) -> list[Callable[[Array], Array]]:
        """Those of UᵀU ∘ C, of the second moment of inputs, and of that of hidden values and the
        constant. What is linear counts as a unit of each output that is always active."""
        some = range(0, len(self._heights), max(1, len(self._heights) // SAMPLES))
        values = np.vstack([self._values(block).reshape(SIDE**2, -1) for block in some])
        active, total = (values > 0).astype(np.float32), len(self._heights) * SIDE**2
        U, share = self._weights.outer, total / len(active)
        if self._kept.affine:
            U = np.hstack([U, np.eye(len(U))])
            active = np.hstack([active, np.ones((len(active), len(U)), np.float32)])
        units = (U.T @ U) * (active.T @ active) * share
        hidden = np.column_stack([values, np.full(len(values), np.float32(self._kept.bias))])
        moments = (hidden.T @ hidden) * share
        points = [part.reshape(-1, part.shape[2]) for part in (self._first, self._second)]
        spread = sum(part.T @ part / len(part) for part in points)
        return [_solver(np.asarray(gram, np.float64)) for gram in (units, spread, moments)]

    def precondition(self, flat: Array) -> Array:
        part, k = self._weights.like(flat), self._weights.outer.shape[1]
        linear = part.affine[:, :-1] if self._kept.affine else part.affine[:0, :-1]
        rows = np.vstack([part.rows, np.pad(linear, ((0, 0), (0, 1)))])
        rows = self._of_units(self._of_inputs(rows.T).T)
        outer = self._of_values(np.column_stack([part.outer, part.affine[:, -1]]).T).T
        affine = np.zeros_like(part.affine)
        affine[: len(linear), :-1], affine[:, -1] = rows[k:, :-1], outer[:, -1]
        return _Weights(rows[:k], outer[:, :-1], affine).held(self._kept).flat

    def product(self, flat: Array) -> Array:
        """JᵀJ times a step."""
        step = self._weights.like(flat)
        rows, outer, affine = (np.float32(part) for part in (step.rows, step.outer, step.affine))
        total = self._nothing()
        for block, (p, q) in enumerate(zip(self._first, self._second, strict=True)):
            values = self._values(block)
            change = (p @ rows.T)[:, None] + q @ rows.T
            change *= values > 0
            moved = change @ self._U.T
            moved += values @ outer.T
            moved += (p @ affine.T)[:, None] + q @ affine.T
            self._pull(block, values, moved, total)
        return self._sum(total)

    def transposed(self, residuals: Array) -> Array:
        """Jᵀ times residuals."""
        total = self._nothing()
        for block, left in enumerate(residuals.astype(np.float32)):
            self._pull(block, self._values(block), left, total)
        return self._sum(total)

    def _nothing(self) -> list[Single]:
        weights = self._weights
        return [
            np.zeros(p.shape, np.float32) for p in (weights.rows, weights.outer, weights.affine)
        ]

    def _pull(self, block: int, values: Single, left: Single, total: list[Single]) -> None:
        """Adds Jᵀ times `left` (SIDE, SIDE, m) of a block."""
        rows, outer, affine = total
        first, second = self._first[block], self._second[block]
        outer += left.reshape(SIDE**2, -1).T @ values.reshape(SIDE**2, -1)
        affine += left.sum(axis=1).T @ first + left.sum(axis=0).T @ second
        on = left @ self._U
        on *= values > 0
        rows += on.sum(axis=1).T @ first + on.sum(axis=0).T @ second

    def _sum(self, total: list[Single]) -> Array:
        return _Weights(*(part.astype(np.float64) for part in total)).held(self._kept).flat


def _solver(gram: Array) -> Callable[[Array], Array]:
    diagonal = np.diag(gram)
    least = np.finfo(np.float32).eps * diagonal.max(initial=1.0)
    factor = cho_factor(gram + RIDGE * np.diag(np.maximum(diagonal, least)), check_finite=False)
    return lambda right: np.asarray(cho_solve(factor, right, check_finite=False))


def _gauss_newton(weights: _Weights, sums: Sums, residuals: Array, free: _Free) -> _Weights:
    normal = _Normal(weights, sums, free)
    size = float(np.abs(residuals).max()) or 1.0  # single precision has a limited range
    step, _ = conjugate_gradients(
        normal.product,
        normal.transposed(residuals / size),
        normal.precondition,
        tolerance=ACCURACY,
        most=MOST_PRODUCTS,
    )
    return weights.like(size * step)
