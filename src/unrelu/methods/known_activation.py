"""Row-space recovery for a known activation other than the ReLU (rank(Y) = k ≤ m).

In the column space of Y (with output biases, of [Y 1]) only the multiples of f_j = f(X v_j + b_j)
have their support inside that of f_j (BJW Lemma 33), whatever phi is. So the two-step form:

1. for a sign pattern s, w makes P w as small as can be on the inactive rows, P an orthonormal
   basis of that space: the right singular vector of the smallest singular value;
2. phi⁻¹(P w / α) is linear in x on the active rows: v by least squares. The scale α is 1 if f is
   homogeneous; else it is the one unknown that leaves the least relative residual;
3. the next pattern is 1[X v > 0], until it repeats.

Most units are found without phi, by their zeros alone (`hidden_values`): then step 2 is all that is
left. The others are looked for from random patterns. What is known to lie in the space, the units
found so far and the constant, may be added freely, so that no start ends in a unit found before.
That helps to find units that are rarely hit, and hinders others (measured: the last ones, for √z),
so half of the starts do without. All weights are polished in the end, see `scaled_rows`.

Assumes nothing on the law of X. Cost of a step: O(l (D² + k²)) on l = 4 (D + m) + 200 rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from unrelu.activations import Activation
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.problem import Missed, choose_rows
from unrelu.fitting.scaled_rows import Rows, refined
from unrelu.methods.hidden_values import Hidden, find_hidden
from unrelu.network import Network
from unrelu.numerics.laws import coarse
from unrelu.numerics.rank import column_space
from unrelu.samples import Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Marks = NDArray[np.bool_]

ROWS_PER_UNKNOWN, MORE_ROWS = 4, 200
"""As in `row_space`."""

PATIENCE, PATIENCE_THEN, STEPS = 40, 200, 30
"""Starts in a row without a new unit after which the search ends, before the first unit and after
it, and steps of each. Half of the starts and more end in a unit, but for those that are active on
nearly every sample."""

NEW = 1e-6
"""Part of a unit, as a share of it, that must lie outside the span of those found before."""

HEIGHTS = np.geomspace(1e-4, 30.0, 45)
"""Where z of the middle active sample may lie, in white inputs: the scales that are tried."""

COARSE = 0.2
"""Relative residual above which a fixed point is not worth a finer search for its scale."""

UNIT = 1e-5
"""Relative residual up to which a fixed point is a unit, to be polished. A search over α knows the
least square to half the digits; local minima have residuals of some per cent."""

LOOKED_AT = 40
"""Starts that are looked at for other units: true ones end half of them and more."""


OVERFLOW = np.errstate(over="ignore", invalid="ignore", divide="ignore")
"""Activations overflow on the way; what is not finite is no unit."""


@OVERFLOW
def find(
    samples: Samples,
    activation: Activation,
    *,
    bias: bool,
    rng: np.random.Generator,
    missed: Missed,
) -> Candidate | None:
    """As many units as the labels have rank, or None; a candidate may lack some. While units are
    missing, and while other rows are left unexplained, more rows join."""
    dimension = samples.d + bias
    chosen = choose_rows(samples, ROWS_PER_UNKNOWN * (dimension + samples.m) + MORE_ROWS, rng)
    starts = 0
    best: Network | None = None
    while True:
        rows = Rows.of(samples.take(chosen), bias)
        if not rows.white.independent and len(chosen) < samples.n:
            chosen = np.arange(samples.n)
            continue
        hidden = find_hidden(samples.take(chosen), bias=bias, rng=rng)
        units, rank, used = collect(rows, hidden, activation, samples.eps, rng)
        starts += used
        if units:
            net = rows.network(np.array(units), activation)
            if len(units) == rank:
                net = refined(net, rows, samples.eps)
            if best is None or net.n_units >= best.n_units:
                best = net
        if len(chosen) == samples.n:
            break
        if len(units) < rank:
            more = choose_rows(samples, 4 * len(chosen), rng)
        else:
            assert best is not None, "units have been found"
            more = missed(best)
            more = more if len(more) <= len(chosen) else rng.choice(more, len(chosen), False)
        before, chosen = len(chosen), np.union1d(chosen, more)
        if len(chosen) == before:
            break
    stats = {"starts": starts, "rows": len(chosen)}
    return None if best is None else Candidate(best, chosen, stats)


def collect(
    rows: Rows, hidden: Hidden, activation: Activation, eps: float, rng: np.random.Generator
) -> tuple[list[Array], int, int]:
    """Rows (v, b) of the units found, in scaled inputs; the rank of the labels; starts spent."""
    P, constants = basis_of_labels(rows, eps)
    rank = P.shape[1] - constants
    known = np.eye(P.shape[1])[:, :constants]
    found: list[Array] = []
    proposed = (_of_values(rows, hidden.rows, F, P, activation) for F in hidden.F.T)
    starts, idle = hidden.starts, 0
    while len(found) < rank and idle < (PATIENCE_THEN if found else PATIENCE):
        unit = next(proposed, None)
        if unit is None:
            freed = known if idle % 2 == 0 else known[:, :constants]
            unit = alternate(rows, P, freed, activation, _start(rows, rng))
            starts, idle = starts + 1, idle + 1
        if unit is not None:
            w, a = unit
            if np.linalg.norm(w - known @ (known.T @ w)) < NEW * np.linalg.norm(w):
                continue
            found, idle = [*found, rows.white.to_rows(a)], 0
            known = np.linalg.qr(np.column_stack([known, w]))[0]
    return found, rank, starts


def _of_values(
    rows: Rows, seen: Index, F: Array, P: Array, activation: Activation
) -> tuple[Array, Array] | None:
    """The unit (w, a) with hidden values F on the rows `seen`, if this activation makes them."""
    active, Z = F > 0, rows.white.features
    if active.sum() < Z.shape[1]:  # they leave its direction open
        return None
    left, a = _direction(Z[seen[active]], F[active], activation, rows.bias, 1e-10)
    if a is None or not left < UNIT:
        return None
    values = activation(Z @ a) / rows.sizes
    w = P.T @ (values / np.linalg.norm(values))
    return (w, a) if np.isfinite(w).all() else None


@OVERFLOW
def others(samples: Samples, net: Network, *, bias: bool, rng: np.random.Generator) -> str:
    """What there is to fear of other units that explain few samples: in words, or nothing.

    That chance does it is counted for inputs of no structure. Where all inputs take few values, as
    the corners of a cube do, they have some; elsewhere starts are looked at that end in a unit
    which the network has not."""
    if coarse(samples.X):
        return (
            "but with inputs of so few values other networks may do so, too, and with this "
            "activation they are not all looked for: more samples, or other inputs, would tell"
        )
    rows = Rows.of(samples, bias)
    P, constants = basis_of_labels(rows, samples.eps)
    free, Z = np.eye(P.shape[1])[:, :constants], rows.white.features
    patterns = Z @ rows.white.to_features(rows.rows_of(net)).T > 0
    for _ in range(LOOKED_AT):
        unit = alternate(rows, P, free, net.activation, _start(rows, rng))
        if unit is None:
            continue
        if ((Z @ unit[1] > 0)[:, None] != patterns).any(axis=0).all():
            return "but there is another unit that explains them, too"
    return ""


def _start(rows: Rows, rng: np.random.Generator) -> Marks:
    """The pattern of a random hyperplane; with biases, on for any share of the samples."""
    height = rows.white.features @ rng.standard_normal(rows.X.shape[1])
    bar = float(np.quantile(height, rng.uniform(0.05, 0.95))) if rows.bias else 0.0
    return np.asarray(height > bar)


def basis_of_labels(rows: Rows, eps: float) -> tuple[Array, int]:
    """An orthonormal basis of the space of the labels, and how many constants it begins with."""
    Z = rows.white.features
    labels = rows.Y / rows.sizes[:, None]
    free = np.zeros((len(Z), 0))
    if rows.bias:
        ones = 1 / rows.sizes[:, None]
        free = ones / np.linalg.norm(ones)
        labels = labels - free @ (free.T @ labels)
    # A column that varies by rounding only has become noise of length 1 in the basis.
    kept = np.linalg.norm(labels, axis=0) > len(Z) * eps * np.linalg.norm(
        rows.Y / rows.sizes[:, None], axis=0
    )
    P = np.column_stack([free, column_space(labels[:, kept], eps)])
    return P, free.shape[1]


def alternate(
    rows: Rows, P: Array, known: Array, activation: Activation, pattern: Marks
) -> tuple[Array, Array] | None:
    """The unit (w, a) that a sign pattern leads to, or None."""
    Z = rows.white.features
    seen: set[bytes] = set()
    fine = False
    for _ in range(STEPS):
        off = ~pattern
        if off.sum() < max(1, P.shape[1] - 1) or pattern.sum() < Z.shape[1]:
            return None
        w = _smallest(P[off], known)
        h = (P @ w) * rows.sizes
        if h[pattern].sum() < 0:
            w, h = -w, -h
        accuracy = 1e-10 if fine else 1e-3
        left, a = _direction(Z[pattern], h[pattern], activation, rows.bias, accuracy)
        if a is None:
            return None
        previous, pattern = pattern, Z @ a > 0
        repeated = np.array_equal(previous, pattern)
        if repeated and not fine and activation.degree is None:
            if left > COARSE:
                return None
            fine, seen = True, set()
        elif repeated:
            rest = np.linalg.norm(P[off] @ w)  # the new part of P w has length 1
            return (w, a) if left < UNIT and rest < UNIT and off.any() else None
        else:
            mark = np.packbits(pattern).tobytes()
            if mark in seen:
                return None
            seen.add(mark)
    return None


def _smallest(P: Array, known: Array) -> Array:
    """w with P w as small as can be; of length 1, but for what is `known`, orthonormal columns."""
    others = np.linalg.qr(np.column_stack([known, np.eye(len(known))]))[0][:, known.shape[1] :]
    others = others[:, : len(known) - known.shape[1]]
    left, values, right = np.linalg.svd(P @ known, full_matrices=False)
    seen = values > UNIT  # others vanish on these rows, and are free there
    left = left[:, seen]
    image = P @ others
    inner = left.T @ image
    rest = image - left @ inner
    wide = len(rest) < rest.shape[1]  # there is a null vector that the thin form leaves out
    a = np.linalg.svd(rest, full_matrices=wide)[2][-1]
    t = right[seen].T @ ((inner @ a) / values[seen])
    return np.asarray(others @ a - known @ t)


def _direction(
    Z: Array, h: Array, activation: Activation, bias: bool, accuracy: float
) -> tuple[float, Array | None]:
    """a with h = α phi(Z a) for some α, as nearly as can be, and the residual of Z a, relative to
    what is to be explained: with biases, a constant is not. `accuracy`: of the logarithm of z."""
    basis, values, right = np.linalg.svd(Z, full_matrices=False)
    kept = values > max(Z.shape) * np.finfo(np.float64).eps * values[0]
    basis, values, right = basis[:, kept], values[kept], right[kept]

    def off(scale: float | Array) -> tuple[Array, Array]:
        """Residuals of z = phi⁻¹(h / scale) from the column space of Z, and z."""
        heights = np.abs(h)[:, None] / np.atleast_1d(scale)
        z = np.sign(h)[:, None] * activation.inverse(heights)
        rest = z - basis @ (basis.T @ z)
        size = np.linalg.norm(z - z.mean(axis=0) if bias else z, axis=0)
        left = np.linalg.norm(rest, axis=0) / np.where(size > 0, size, 1.0)
        return np.where(np.isfinite(left), left, np.inf), z

    middle = float(np.median(np.abs(h)))
    if not middle > 0:
        return np.inf, None
    if activation.degree is not None:
        left, z = off(middle)
    else:
        with np.errstate(all="ignore"):
            scales = middle / activation(HEIGHTS)
            left, z = off(scales)
        at = int(left.argmin())
        if not np.isfinite(left[at]):
            return np.inf, None
        low, high = np.log(HEIGHTS[[max(at - 1, 0), min(at + 1, len(HEIGHTS) - 1)]])

        def objective(log_height: float) -> float:
            with np.errstate(all="ignore"):
                scale = middle / activation(np.exp([log_height]))
                return float(min(off(scale)[0][0], 1e6))

        best = minimize_scalar(
            objective, bounds=(low, high), method="bounded", options={"xatol": accuracy}
        )
        with np.errstate(all="ignore"):
            left, z = off(middle / activation(np.exp([best.x])))
    if not np.isfinite(z).all():
        return np.inf, None
    return float(left[0]), right.T @ ((basis.T @ z[:, 0]) / values)
