"""What one more unit would explain of residuals: the same search for many sets of them at once.

The best unit for residuals R (n, m), beside what a fit has already, is the largest of

    ‖Rᵀ h‖² / ‖h‖²,   h = f(Z a) less its part in col Q,

over directions a. Whether the largest is more than noise would show is told by the same search on
copies of R in which no unit is left (`width`), so the search need not find the very best, only do
the same for all. All sets and all their starts advance together, as one batch of products.

With one input there is no search: a kink between two neighbouring inputs is a direction, and these
are looked at one by one, and in pairs, for a step between two levels hardly gains by its first
kink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.numerics.arrays import Array, Mask, divisors
from unrelu.numerics.deadline import check_deadline

Floats = NDArray[np.floating[Any]]

STARTS, ROUNDS, INNER = 3, 10, 3
"""Random directions to a set of residuals; alternations between pattern and direction from each;
conjugate gradient steps for a direction. Measured against descents from 20 starts that are
followed to the end, the gain found in noise is 85% of theirs or more."""

PLACES = 100
"""Kinks that are looked at along one input."""

NEAR_NOTHING, BLURRED = 1e-9, 1e-6
"""Share of a column's square that must lie outside of the fit's own columns: less is rounding, in
double and in single precision."""


@dataclass(frozen=True, eq=False)
class Best:
    """For each of B sets of residuals: drops (w, B) of the sum of squares by the best unit and,
    where they were looked for, by the best two; rows of these, (B, 1, D) and (B, 2, D); and what is
    left without (B,)."""

    drops: Array
    rows: tuple[Array, ...]
    total: Array


def best_unit(features: Array, base: Array, residuals: Array, rng: np.random.Generator) -> Best:
    """features (n, D), white; base (n, q), orthonormal: what a fit has already; residuals
    (B, n, m).

    Cost: about 150 products O(n (D + q)) for each set.
    """
    residuals = residuals - base @ (base.T @ residuals)
    if features.shape[1] <= 2:
        return _best_of_all(features, base, residuals)
    return _best_found(features, base, residuals, rng)


def good_units(
    features: Array, base: Array, residual: Array, starts: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Units that explain much of one set of residuals (n, m), the best first: what each of them
    explains of the sum of squares, (starts,), and its rows (starts, D). Many may be the same."""
    residual = residual - base @ (base.T @ residual)
    drops, rows = _descended(features, base, residual[None], starts, rng)
    order = np.argsort(-drops[0], kind="stable")
    return drops[0, order], rows[0, order]


def _best_found(features: Array, base: Array, residuals: Array, rng: np.random.Generator) -> Best:
    total = np.einsum("bij,bij->b", residuals, residuals)
    drops, rows = _descended(features, base, residuals, STARTS, rng)
    found = rows[np.arange(len(rows)), drops.argmax(axis=1)][:, None]
    return Best(drops.max(axis=1)[None], (found,), total)


def _descended(
    features: Array, base: Array, residuals: Array, starts: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Drops (B, starts) and rows (B, starts, D). Products in float32, for twice the speed: a gain
    may be off by a millionth. The residuals of a bad fit to labels with hardly any noise would
    overflow, so all are scaled."""
    (B, n, m), D = residuals.shape, features.shape[1]
    total = np.einsum("bij,bij->b", residuals, residuals)
    scale = divisors(np.sqrt(total / (n * m)))
    Z, Q, R = (
        np.asarray(a, np.float32) for a in (features, base, residuals / scale[:, None, None])
    )
    rows = _through_samples(Z, B * starts, rng)
    best, its = np.zeros(len(rows)), rows.copy()
    for _ in range(ROUNDS):
        check_deadline()
        hidden = Z @ rows.T
        active = hidden > 0
        hidden *= active
        inner = (hidden.T.reshape(B, starts, n) @ R).reshape(-1, m)
        square = np.einsum("ij,ij->j", hidden, hidden)
        own = Q.T @ hidden
        outside = square - np.einsum("ij,ij->j", own, own)
        sound = outside > BLURRED * np.maximum(square, n * BLURRED)
        size = np.einsum("ij,ij->i", inner, inner)
        gain = np.where(sound, size / np.where(sound, outside, 1.0), 0.0)
        its = np.where((gain > best)[:, None], rows, its)
        best = np.maximum(best, gain)
        along = (inner.reshape(B, starts, m) @ R.transpose(0, 2, 1)).reshape(-1, n).T
        rows = _unit(_direction(Z, Q, active, along, rows))
    drops = best.reshape(B, starts) * scale[:, None] ** 2
    return drops, its.reshape(B, starts, D).astype(np.float64)


def _through_samples(Z: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Random directions (count, D), each zero on one of the samples: where inputs are few, many a
    random direction is positive on all of them or on none, and stays so."""
    on = _unit(Z[rng.integers(len(Z), size=count)])
    rows = rng.standard_normal((count, Z.shape[1])).astype(np.float32)
    return _unit(rows - np.einsum("ij,ij->i", rows, on)[:, None] * on)


def _direction(Z: Floats, Q: Floats, active: Mask, target: Floats, rows: Floats) -> Floats:
    """Least squares of each column of the target on its active features, off the columns of Q: a
    few conjugate gradient steps from the best multiple of the present rows."""

    def normal(directions: Floats) -> Floats:
        change = (Z @ directions.T) * active
        change -= Q @ (Q.T @ change)
        return np.asarray((change * active).T @ Z)

    wanted = (target * active).T @ Z
    image = normal(rows)
    x = rows * _ratio(rows, wanted, rows, image)
    residual = wanted - image * _ratio(rows, wanted, rows, image)
    step = residual.copy()
    for _ in range(INNER):
        check_deadline()
        image = normal(step)
        length = _ratio(residual, residual, step, image)
        x += length * step
        before, residual = residual, residual - length * image
        step = residual + _ratio(residual, residual, before, before) * step
    sizes = np.linalg.norm(x, axis=1, keepdims=True)
    return np.where(np.isfinite(sizes) & (sizes > 0), x, rows)


def _ratio(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """(rows of a · rows of b) / (rows of c · rows of d), or zero."""
    over, under = np.einsum("ij,ij->i", a, b), np.einsum("ij,ij->i", c, d)
    return np.asarray(np.where(under > 0, over / np.where(under > 0, under, 1.0), 0.0))[:, None]


def _unit(rows: Floats) -> Floats:
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(sizes > 0, sizes, 1.0))


def _best_of_all(Z: Array, base: Array, residuals: Array) -> Best:
    """Along one input: every kink, and every pair of kinks."""
    B, n, m = residuals.shape
    rows = _along(Z)
    hidden = np.maximum(Z @ rows.T, 0.0)
    square = np.einsum("ij,ij->j", hidden, hidden)
    hidden -= base @ (base.T @ hidden)
    outside = np.einsum("ij,ij->j", hidden, hidden)
    sound = outside > NEAR_NOTHING * square
    sound = np.logical_and(sound, _first_sides(hidden, outside))
    rows, hidden = rows[sound], hidden[:, sound] / np.sqrt(outside[sound])
    total = np.einsum("bij,bij->b", residuals, residuals)
    if not len(rows):
        return Best(np.zeros((1, B)), (np.zeros((B, 1, Z.shape[1])),), total)
    inner = hidden.T @ residuals.transpose(1, 0, 2).reshape(n, -1)
    inner = inner.reshape(len(rows), B, m)
    one = (inner**2).sum(axis=2)
    drop, best = one.max(axis=0), rows[one.argmax(axis=0)][:, None]
    first, second = np.triu_indices(len(rows), 1)
    cosine = np.asarray((hidden.T @ hidden)[first, second])
    apart = np.flatnonzero(np.less(np.abs(cosine), 1 - NEAR_NOTHING**0.5))
    first, second, cosine = first[apart], second[apart], cosine[apart]
    if not len(first):
        return Best(drop[None], (best,), total)
    two, which = np.zeros(B), np.zeros(B, np.intp)
    for copy in range(B):
        a, b = inner[first, copy], inner[second, copy]
        both = (a**2).sum(axis=1) + (b**2).sum(axis=1) - 2 * cosine * (a * b).sum(axis=1)
        both /= 1 - cosine**2
        which[copy] = both.argmax()
        two[copy] = both[which[copy]]
    pairs = np.stack([rows[first[which]], rows[second[which]]], axis=1)
    return Best(np.vstack([drop, two]), (best, pairs), total)


def _first_sides(hidden: Array, outside: Array) -> Mask:
    """(r,): the first sides of kinks, and the second ones, the latter half, where these are not the
    same up to what the fit has already, such as a linear term."""
    half = hidden.shape[1] // 2
    sizes = np.sqrt(outside[:half] * outside[half:])
    along = np.abs(np.einsum("ij,ij->j", hidden[:, :half], hidden[:, half:]))
    return np.concatenate([np.ones(half, dtype=bool), along <= (1 - 1e-9) * sizes])


def _along(Z: Array) -> Array:
    """Unit rows (r, D), D ≤ 2, of both sides of each kink that lies between neighbouring inputs;
    of `PLACES` of these kinks, where there are more."""
    if Z.shape[1] == 1:
        return np.array([[1.0], [-1.0]])
    angles = np.unique(np.arctan2(Z[:, 1], Z[:, 0]) % np.pi)
    middle = (angles + np.append(angles[1:], angles[0] + np.pi)) / 2
    spread = np.unique(np.linspace(0, len(middle) - 1, min(PLACES, len(middle))).astype(np.intp))
    rows = np.column_stack([-np.sin(middle[spread]), np.cos(middle[spread])])
    return np.vstack([rows, -rows])
