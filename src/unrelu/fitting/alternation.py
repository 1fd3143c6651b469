"""Row-space alternation: one unit at a time, of labels in a basis of their span."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from unrelu.activations import Activation
from unrelu.fitting.scaled_rows import Rows
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.rank import column_space
from unrelu.samples import Samples

STEPS = 30
"""Starts in a row without a new unit after which the search ends, before the first unit and after
it, and steps of each. Half of the starts and more end in a unit, but for those that are active on
nearly every sample."""


NEW = 1e-6
"""Part of a unit, as a share of it, that must lie outside the span of those found before."""


HEIGHTS = np.geomspace(1e-4, 30.0, 45)
"""Where z of the middle active sample may lie, in white inputs: the scales that are tried."""


COARSE = 0.2
"""Relative residual above which a fixed point is not worth a finer search for its scale."""


LOOKED_AT = 40
"""Starts that are looked at for another unit: true ones end half of them and more."""

UNIT = 1e-5
"""Relative residual up to which a fixed point is a unit, to be polished. A search over α knows the
least square to half the digits; local minima have residuals of some per cent."""


OVERFLOW = np.errstate(over="ignore", invalid="ignore", divide="ignore")
"""Activations overflow on the way; what is not finite is no unit."""


def _start(rows: Rows, rng: np.random.Generator) -> Mask:
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
    rows: Rows, P: Array, known: Array, activation: Activation, pattern: Mask
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
        if repeated and not fine and not activation.homogeneous:
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
    if activation.homogeneous:
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


def another_unit(samples: Samples, net: Network, biased: bool, rng: np.random.Generator) -> bool:
    """Whether one of `LOOKED_AT` starts ends in a unit that the network has not."""
    rows = Rows.of(samples, biased)
    P, constants = basis_of_labels(rows, samples.eps)
    free, Z = np.eye(P.shape[1])[:, :constants], rows.white.features
    patterns = Z @ rows.white.to_features(rows.rows_of(net)).T > 0
    for _ in range(LOOKED_AT):
        unit = alternate(rows, P, free, net.activation, _start(rows, rng))
        if unit is not None and ((Z @ unit[1] > 0)[:, None] != patterns).any(axis=0).all():
            return True
    return False
