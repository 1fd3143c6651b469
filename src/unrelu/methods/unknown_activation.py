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

Step 2 needs only a rough v, so the law of X need not be Gaussian. Units found before are added
freely to h in steps 1 to 3, so that no start ends in one of them again: with N their values,
w minimises ‖P w + N c‖ on the inactive rows over ‖w‖ = 1, P shrunk to what is orthogonal to N.

Cost: O(l (D + k²)) a step on l <= MOST_ROWS rows; ten or so to a start, and a start or two to a
unit. Where units are active on a small share of the rows, with biases, it takes more starts.

Directions: F_j is a monotone function of v_j·x, so v_j lies in the cone

    X v <= −b where F_j = 0,  X v > −b elsewhere,  (x_i − x_l)·v > 0 where F_ij > F_lj

whose middle is taken (`numerics.interior`). With n rows it is about d/n² wide. The scales of F_j
and v_j are not in it; what F_j = a_j φ(b_j z) have in common is found by `numerics.registration`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.curve import Curve
from unrelu.methods.problem import with_constant
from unrelu.methods.rectified import ROUNDINGS
from unrelu.network import Network
from unrelu.numerics.interior import Middle, middle
from unrelu.numerics.rank import column_space, left_inverse
from unrelu.numerics.registration import Shifts, register
from unrelu.numerics.whitening import Whitened, whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Marks = NDArray[np.bool_]

MOST_ROWS = 5000
"""Rows that are looked at: at this many a direction is good to 1e-5 or so."""

STARTS = 200
"""In a row without a new unit, after which the search ends."""

STEPS = 40

RESOLVED = 4096.0
"""Roundings of the largest value of a unit, by which two values must differ to be in order."""

NEW = 1e-6
"""Distance of a unit, of unit length, from the span of those found before."""

PER_KNOT = 20
"""Points that a knot of the curve is the mean of, so that their errors average out; and at most
so many knots."""

MOST_KNOTS = 250

CLEAR = 10.0
"""Standard errors by which a height is above 0 whose logarithm is used."""


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
class Shape:
    """Directions and the common curve.

    network : in its canonical form, see `fit`.
    hidden : Hidden, columns of F and U scaled as those of the network.
    errors : (k,) radians, the root mean square of what the order of F leaves open; infinite for
        a unit that no hyperplane and monotone curve explains.
    shifts : of the logarithms of the two scales of each unit.
    """

    network: Network
    hidden: Hidden
    errors: Array
    shifts: Shifts


def find_hidden(samples: Samples, *, bias: bool, rng: np.random.Generator) -> Hidden:
    """As many units as the labels have rank, or those that are found."""
    rows = samples.spread(MOST_ROWS)  # the same ones that a certificate holds to their order
    taken = samples.take(rows)
    Y = taken.Y
    if bias:
        varied = np.ptp(Y, axis=0) > 4 * samples.eps * np.abs(Y).max(axis=0)
        space = column_space(with_constant(Y[:, varied]), samples.eps)
    else:
        space = column_space(Y, samples.eps)
    rank = space.shape[1] - bias
    nothing = np.zeros((len(rows), 0)), np.zeros((samples.m, 0)), np.zeros(samples.m)
    if rank < 1:
        return Hidden(rows, *nothing, 0, 0)
    scale = np.linalg.norm(Y, axis=0)
    values = np.linalg.svd(Y[:, scale > 0] / scale[scale > 0], compute_uv=False)
    sizes = np.linalg.norm(Y / np.where(scale > 0, scale, 1.0), axis=1)
    noise = ROUNDINGS * samples.eps * (sizes + np.sqrt((sizes**2).mean())) / values[rank - 1]
    inputs = whiten(with_constant(taken.X))

    found: list[Array] = []
    starts, idle = 0, 0
    free, rest = np.zeros((len(Y), 0)), space
    while len(found) < rank and idle < STARTS:
        starts, idle = starts + 1, idle + 1
        # Every other start does without the units found: one of either kind may lead nowhere.
        kind = (free, rest) if idle % 2 else (free[:, :0], space)
        h = _from_start(inputs, space, *kind, noise, bias, rng)
        if h is None or np.linalg.norm(h - free @ (free.T @ h)) < NEW:
            continue
        found, idle = [*found, h], 0
        basis, _ = np.linalg.qr(np.column_stack(found))
        free = basis
        left = space - basis @ (basis.T @ space)
        rest = np.linalg.svd(left, full_matrices=False)[0][:, : space.shape[1] - len(found)]
    if not found:
        return Hidden(rows, *nothing, rank, starts)
    F = np.column_stack(found)
    design = with_constant(F) if bias else F
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
            design = with_constant(design) if bias else design
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
    space: Array,
    free: Array,
    rest: Array,
    noise: Array,
    bias: bool,
    rng: np.random.Generator,
) -> Array | None:
    """Values h (l,) >= 0 of a unit, of unit length, or None."""
    Z = inputs.features
    n, least = len(Z), space.shape[1] + 2
    v = rng.standard_normal(Z.shape[1] - 1)
    heights = Z[:, :-1] @ v
    # With biases a unit may be off for any share of the samples.
    count = int(rng.uniform(0.05, 0.95) * n)
    off: Marks | None = None
    for _ in range(STEPS):
        before = off
        off = _smallest(heights, count) if bias else heights <= 0
        if off.sum() < least or off.all():
            return None
        if before is not None and np.array_equal(before, off):
            break
        h = _null(rest, free, off)
        # The features are [X 1] R⁻¹, R triangular: the last one is what makes up for the constant.
        slope = inputs.to_rows(Z.T @ h)
        slope[-1] = 0.0
        heights = Z @ inputs.to_features(slope)
    assert off is not None
    count = max(least, int(rng.uniform(0.7, 0.95) * off.sum()))
    for _ in range(STEPS):
        before, off = off, _smallest(np.abs(h), count)
        h = _null(rest, free, off)
        if np.array_equal(before, off):
            break
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
    return np.where(off, 0.0, h)


def _smallest(values: Array, count: int) -> Marks:
    marks = np.zeros(len(values), dtype=bool)
    marks[np.argpartition(values, count - 1)[:count]] = True
    return marks


def _null(rest: Array, free: Array, off: Marks) -> Array:
    """h = rest · w + free · c that is smallest on the rows `off`, over ‖w‖ = 1; Σ h > 0."""
    triangle: Array = np.linalg.qr(np.column_stack([free[off], rest[off]]), mode="r")  # type: ignore[assignment]
    q = free.shape[1]
    w = np.linalg.svd(triangle[q:, q:])[2][-1]
    h = rest @ w
    if q:
        h += free @ np.linalg.lstsq(triangle[:q, :q], -triangle[:q, q:] @ w)[0]
    return np.asarray(-h if h.sum() < 0 else h)


def fit(hidden: Hidden, samples: Samples, *, bias: bool, rng: np.random.Generator) -> Shape | None:
    """Directions, scales and the curve of all units; None where no curve can be drawn at all.

    The form of the network: φ(z) = z at the median z of all active samples, the ‖v_j‖ have
    geometric mean 1, and units come by falling ‖u_j‖. Where φ is a power to what is visible, all
    ‖v_j‖ are 1.
    """
    X = samples.take(hidden.rows).X
    X = with_constant(X) if bias else X
    k = hidden.F.shape[1]
    falls = [_falls(X, F) for F in hidden.F.T]
    fall = sum(falls) > k / 2
    V, errors = np.zeros((k, X.shape[1])), np.full(k, np.inf)
    heights, slack = np.zeros_like(hidden.F), np.zeros_like(hidden.F)
    for j, F in enumerate(hidden.F.T):
        seen = direction(X, F, rng, fall=fall, resolution=RESOLVED * samples.eps)
        if seen is None:
            return None
        d = samples.d
        length = float(np.linalg.norm(seen.direction[:d]))
        V[j] = seen.direction / length
        heights[:, j] = X @ V[j]
        slack[:, j] = np.linalg.norm(X @ seen.factor, axis=1) / length
        part = seen.factor[:d] / length
        part = part - np.outer(V[j, :d], V[j, :d] @ part)
        errors[j] = np.linalg.norm(part)
    return _drawn(hidden, samples.d, V, errors, heights, slack, bias)


def direction(
    X: Array, F: Array, rng: np.random.Generator, *, fall: bool, resolution: float = 1e-12
) -> Middle | None:
    """The middle of the directions v with X v <= 0 where F = 0, X v > 0 elsewhere and there, F a
    rising (or falling) function of X v."""
    scale = np.sqrt((X**2).mean(axis=0))
    X = X / scale
    active = np.flatnonzero(F > 0)
    active = active[np.argsort(-F[active] if fall else F[active], kind="stable")]
    # Values that rounding may have exchanged are left out.
    apart = np.abs(np.diff(F[active], prepend=-np.inf, append=np.inf)) > resolution * F.max()
    clear = active[apart[:-1] & apart[1:]]
    if len(clear) < 2:
        return None
    rows = np.vstack([-X[F <= 0], X[active], np.diff(X[clear], axis=0)])
    rows = rows[rows.any(axis=1)]
    found = middle(rows[rng.permutation(len(rows))])
    if found is None:
        return None
    v, factor = found.direction / scale, found.factor / scale[:, None]
    length = float(np.linalg.norm(v))
    return Middle(v / length, factor / length)


def _falls(X: Array, F: Array) -> bool:
    """Whether F falls, rather than rises, with the height over the border of its zeros."""
    active = F > 0
    Z = X - X.mean(axis=0)
    heights = (Z @ np.linalg.lstsq(Z, active - active.mean())[0])[active]
    return bool((heights - heights.mean()) @ F[active] < 0) if active.any() else False


def _drawn(
    hidden: Hidden, d: int, V: Array, errors: Array, heights: Array, slack: Array, bias: bool
) -> Shape | None:
    pieces = []
    for F, z, s in zip(hidden.F.T, heights.T, slack.T, strict=True):
        clear = (F > 0) & (z > CLEAR * s)
        if clear.sum() < 4:
            return None
        pieces.append((np.log(z[clear]), np.log(F[clear]), s[clear] / z[clear]))
    shifts = register(pieces)
    z = np.concatenate([np.exp(x + b) for (x, _, _), b in zip(pieces, shifts.x, strict=True)])
    y = np.concatenate([np.exp(g - a) for (_, g, _), a in zip(pieces, shifts.y, strict=True)])
    doubt = np.concatenate([np.exp(x) * e for x, _, e in pieces])
    curve = _curve(z, y, 1 / (np.maximum(doubt, np.median(doubt) / 4) + 1e-9 * z) ** 2)
    if curve is None:
        return None
    usual = float(np.median(z))
    size = usual / float(curve(np.array([usual]))[0])
    curve = curve.scaled(1.0, size)
    a, b = np.exp(shifts.y) / size, np.exp(shifts.x)
    V, F, U = V * b[:, None], hidden.F / a, hidden.U * a
    order = np.lexsort([*V.T[::-1], -np.linalg.norm(U, axis=0)])
    V, F, U = V[order], F[:, order], U[:, order]
    net = Network(V[:, :d], U, V[:, d] if bias else None, hidden.c, curve)
    scaled = Hidden(hidden.rows, F, U, hidden.c, hidden.rank, hidden.starts)
    ordered = Shifts(shifts.x[order], shifts.y[order], shifts.errors[order], shifts.misfit)
    return Shape(net, scaled, errors[order], ordered)


def _curve(z: Array, y: Array, weights: Array) -> Curve | None:
    """Through means of neighbouring points, closer together at both ends; straight on to 0."""
    from scipy.optimize import isotonic_regression

    order = np.argsort(z)
    z, y, weights = z[order], y[order], weights[order]
    rises = y[len(y) // 2 :].mean() > y[: len(y) // 2].mean()
    count = int(np.clip(len(z) // PER_KNOT, 3, MOST_KNOTS))
    share = np.arange(count + 1) / count
    edges = np.unique((len(z) * (1 - (1 - share**1.5) ** 1.5)).astype(np.intp))
    sizes = np.add.reduceat(weights, edges[:-1])
    knots = np.add.reduceat(weights * z, edges[:-1]) / sizes
    values = np.add.reduceat(weights * y, edges[:-1]) / sizes
    monotone = isotonic_regression(values, weights=sizes, increasing=bool(rises))
    blocks = monotone.blocks[:-1]
    totals = np.add.reduceat(sizes, blocks)
    knots = np.add.reduceat(sizes * knots, blocks) / totals
    values = np.add.reduceat(sizes * values, blocks) / totals
    if len(knots) < 2:
        return None
    start = values[0] - (values[1] - values[0]) / (knots[1] - knots[0]) * knots[0]
    return Curve(np.append(0.0, knots), np.append(max(start, 0.0), values))
