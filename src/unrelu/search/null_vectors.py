"""Hidden values without knowing the activation: null vectors on inactive rows, when rank(Y) = k.

Whatever f is, the columns f_j of F = f(XVᵀ + b) span col(Y) (with output biases, with the ones
that of [Y 1]), and the only vectors of it that vanish where f_j does are its multiples (BJW Lemma
33). With P a basis of it, w = the null vector of P on the inactive rows of unit j gives f_j = P w.
From any half-space of inactive rows:

1. w = the smallest right singular vector of P on them, h = P w;
2. v = slope of the regression of h on [X 1], for Gaussian X parallel to v_j whatever f is (Stein);
   as many rows as before, with the smallest x·v, are the next inactive ones; until they stay;
3. then v is dropped: the inactive rows are those with the smallest |h|, a little fewer than before;
   until they stay. When h vanishes on them to rounding, that is a unit, exactly.

Rows may be divided by the size of their labels: null vectors stay, and where f grows fast, a few
rows are no longer all that counts. Every other pair of starts does so. In step 2 h is clipped, for
the same reason: the slope is parallel to v_j whatever is done to the values.

Step 2 needs only a rough v, so the law of X need not be Gaussian. Units found before are added
freely to h in steps 1 to 3, so that no start ends in one of them again: with N their values,
w minimises ‖P w + N c‖ on the inactive rows over ‖w‖ = 1, P shrunk to what is orthogonal to N.

Cost: O(l (D + k²)) a step on l <= MOST_ROWS rows; ten or so to a start, and a start or two to a
unit. Where units are active on a small share of the rows, with biases, it takes more starts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.complete.faces import ROUNDINGS
from unrelu.numerics.arrays import Array, Index, Mask, divisors
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rank import column_space, left_inverse, null_combination
from unrelu.numerics.whitening import Whitened, whiten, with_constant
from unrelu.samples import Samples

MOST_ROWS = 5000
"""Rows that are looked at: at this many a direction is good to 1e-5 or so."""

STARTS = 200
"""In a row without a new unit, after which the search ends."""

STEPS = 40

REACH = 3.0
"""Times the median of its values on active rows at which h is clipped where its slope is taken."""

VANISHING = 1e-9
"""Size on the inactive rows, of unit length on all, at which a unit found before is zero there."""

NEW = 1e-6
"""Distance of a unit, of unit length, from the span of those found before."""


@dataclass(frozen=True, eq=False)
class Hidden:
    """Hidden values F (l, k) on `rows`, and U (m, k), c (m,) with Y = F Uᵀ + c; `rank` of Y, k if
    all units were found."""

    rows: Index
    F: Array
    U: Array
    c: Array
    rank: int
    starts: int


@dataclass(frozen=True, eq=False)
class _LabelSpan:
    """The span of the labels, rows divided by `sizes`: an orthonormal basis."""

    space: Array
    sizes: Array

    def parts(self, found: list[Array]) -> tuple[Array, Array]:
        """Orthonormal bases of the units found, and of the rest."""
        if not found:
            return self.space[:, :0], self.space
        free = np.linalg.qr(np.column_stack(found) / self.sizes[:, None])[0]
        left = self.space - free @ (free.T @ self.space)
        count = self.space.shape[1] - len(found)
        return free, np.linalg.svd(left, full_matrices=False)[0][:, :count]


def find_hidden(
    samples: Samples, *, bias: bool, rng: np.random.Generator, most: int = STARTS
) -> Hidden:
    """As many units as the labels have rank, or those that are found, with at most so many starts
    in a row without a new one."""
    rows = samples.spread(MOST_ROWS)  # the same ones that a certificate holds to their order
    taken = samples.take(rows)
    Y = taken.Y
    scale = np.linalg.norm(Y, axis=0)
    if bias:
        varied = np.ptp(Y, axis=0) > 4 * samples.eps * np.abs(Y).max(axis=0)
        columns = with_constant(Y[:, varied])
    else:
        columns = Y
    sizes = np.linalg.norm(Y / divisors(scale), axis=1)
    spans = [
        _LabelSpan(column_space(columns / size[:, None], samples.eps), size)
        for size in (np.ones(len(Y)), np.hypot(sizes, np.median(sizes) or 1.0))
    ]
    rank = min(span.space.shape[1] for span in spans) - bias
    no_units = np.zeros((len(rows), 0)), np.zeros((samples.m, 0)), np.zeros(samples.m)
    if rank < 1:
        return Hidden(rows, *no_units, 0, 0)
    values = np.linalg.svd(Y[:, scale > 0] / scale[scale > 0], compute_uv=False)
    noise = ROUNDINGS * samples.eps * (sizes + np.sqrt((sizes**2).mean())) / values[rank - 1]
    inputs = whiten(with_constant(taken.X))

    found: list[Array] = []
    starts, idle = 0, 0
    while len(found) < rank and idle < most:
        check_deadline()
        starts, idle = starts + 1, idle + 1
        span = spans[idle // 2 % 2]
        # Every other start does without the units found: one of either kind may lead nowhere.
        free, rest = span.parts(found if idle % 2 else [])
        h = _from_start(inputs, span, free, rest, noise, bias, rng)
        if h is None:
            continue
        others = spans[0].parts(found)[0]
        if np.linalg.norm(h - others @ (others.T @ h)) < NEW * np.linalg.norm(h):
            continue
        found, idle = [*found, h], 0
    if not found:
        return Hidden(rows, *no_units, rank, starts)
    F = np.column_stack(found)
    design = with_constant(F, bias)
    weights = np.linalg.lstsq(design, Y)[0]
    weights += np.linalg.lstsq(design, Y - design @ weights)[0]
    c = weights[-1] if bias else np.zeros(Y.shape[1])
    U = np.asarray(weights[: len(found)].T)
    if len(found) == rank:
        F, U, c = _refined(F, U, c, Y, 64 * noise, bias)
    return Hidden(rows, F, U, c, rank, starts)


def _refined(
    F: Array, U: Array, c: Array, Y: Array, noise: Array, bias: bool
) -> tuple[Array, Array, Array]:
    """What is left of f_j on its zero rows is a combination of the others and (with biases) a
    constant, which is taken off: F ← F − F A − 1 a, U ← U (I − A)⁻ᵀ, c ← c + U a. Twice, from the
    labels themselves; zeros are then exactly so."""
    k = F.shape[1]
    off = F == 0
    for _ in range(2):
        F = (Y - c) @ left_inverse(U).T
        A, a = np.zeros((k, k)), np.zeros(k)
        sizes = np.linalg.norm(F, axis=0)
        for j in range(k):
            others = np.arange(k) != j
            design = (F[:, others] / sizes[others])[off[:, j]]
            design = with_constant(design, bias)
            # Rows are as good as the rounding of their labels.
            weights = 1 / noise[off[:, j], None]
            left = np.linalg.lstsq(design * weights, F[off[:, j], j, None] * weights)[0][:, 0]
            A[others, j] = left[: k - 1] / sizes[others]
            a[j] = left[-1] if bias else 0.0
        if not np.abs(A).max() < 0.1 / k:  # no rounding: those are not units
            break
        U = np.asarray(np.linalg.solve(np.eye(k) - A, U.T).T)
        c = np.asarray(c + U @ a)
    F = (Y - c) @ left_inverse(U).T
    return np.where(off, 0.0, F), U, c


def _from_start(
    inputs: Whitened,
    span: _LabelSpan,
    free: Array,
    rest: Array,
    noise: Array,
    bias: bool,
    rng: np.random.Generator,
) -> Array | None:
    """Values h (l,) >= 0 of a unit, of unit length, or None."""
    Z, space, noise = inputs.features, span.space, noise / span.sizes
    n, least = len(Z), space.shape[1] + 2
    v = rng.standard_normal(Z.shape[1] - 1)
    heights = Z[:, :-1] @ v
    # With biases a unit may be off for any share of the samples.
    count = int(rng.uniform(0.05, 0.95) * n)
    off: Mask | None = None
    for _ in range(STEPS):
        check_deadline()
        before = off
        off = _smallest(heights, count) if bias else heights <= 0
        if off.sum() < least or off.all():
            return None
        if before is not None and np.array_equal(before, off):
            break
        h = _null(rest, free, off, rough=True)
        # The features are [X 1] R⁻¹, R triangular: the last one is what makes up for the constant.
        values = h * span.sizes
        most = REACH * np.median(np.abs(values[~off]))
        slope = inputs.to_rows(Z.T @ np.clip(values, -most, most))
        slope[-1] = 0.0
        heights = Z @ inputs.to_features(slope)
    assert off is not None
    count = max(least, int(rng.uniform(0.7, 0.95) * off.sum()))
    for _ in range(STEPS):
        check_deadline()
        before, off = off, _smallest(np.abs(h), count)
        if np.array_equal(before, off):
            break
        h = _null(rest, free, off, rough=True)
    h = _null(rest, free, off)
    # The true zero rows, and the null vector of the space itself on them.
    for _ in range(3):
        largest = np.abs(h[off]).max()
        if largest > np.sqrt(noise.max()) ** 1.5:
            return None
        off = np.abs(h) <= np.maximum(16 * noise, 4 * largest)
        if off.sum() < least:
            return None
        _, sizes, turn = np.linalg.svd(space[off], full_matrices=False)
        if len(sizes) > 1 and not sizes[-2] > 1e-6 * sizes[0]:
            return None
        h = space @ turn[-1]
        h *= np.sign(h.sum()) or 1.0
    off = np.abs(h) <= 16 * noise
    if off.sum() < least or off.all() or (h < -16 * noise).any():
        return None
    h = np.where(off, 0.0, h * span.sizes)
    return np.asarray(h / np.linalg.norm(h))


def _smallest(values: Array, count: int) -> Mask:
    smallest = np.zeros(len(values), dtype=bool)
    smallest[np.argpartition(values, count - 1)[:count]] = True
    return smallest


def _null(rest: Array, free: Array, off: Mask, *, rough: bool = False) -> Array:
    """h = rest · w + free · c that is smallest on the rows `off`, over ‖w‖ = 1; Σ h > 0."""
    w, c = null_combination(rest[off], free[off], VANISHING, rough=rough)
    h = rest @ w + free @ c
    return np.asarray(-h if h.sum() < 0 else h)
