"""Which side of its hyperplane is each unit active on?

A fit with a free affine term, Y = f(XVᵀ + b)Uᵀ + XWᵀ + c, leaves the side of every unit open,
because u f(z) = u f(−z) + u z. If the samples were made without an affine term, W is what the
units turned the wrong way have left there:

    W = −Σ g_j v_jᵀ,   g_j = 0 (right way round), or u_j (turn it round),

or any other vector g_j where two units share one hyperplane and face each other:
(u − g) f(z) + g f(−z). The constant is no help, the output biases take it.

Unknown g_j ∈ {0, u_j} are a linear system when the u_j v_jᵀ are independent (at most m d of them)
and a subset sum otherwise; free g_j are a linear system for independent v_j. Of a few units all
subsets are looked at, so that W and the weights need not be known to more than a few digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.lattice import subset

NEAR = 0.1
"""A share a_j of u_j counts as 0 or 1 within this distance. The system is solved to rounding
where it is exact and to the noise where it is not, so anything in between is a third thing."""


ALL_SUBSETS = 14
"""Units of which all sets are looked at: some milliseconds."""

ALONE = 0.1
"""Share of what the next best set leaves that the best one may."""

BITS = (36, 24, 16)
"""Of the weights in a lattice: as they come from float64 labels, and from coarser ones."""


@dataclass(frozen=True, eq=False)
class Oriented:
    """Hidden weights and biases (k', ·), turned, pairs included; `affine` (m, d) is what no
    choice of sides explains (zero up to rounding when there is nothing of the kind)."""

    V: Array
    b: Array
    affine: Array


def orient(V: Array, b: Array, U: Array, W: Array) -> Oriented:
    """Turn the units (V, b) with output weights U (m, k) so that they explain W (m, d)."""
    k, d = V.shape
    m = len(U)
    terms = (U.T[:, :, None] * V[:, None, :]).reshape(k, m * d)
    total = -W.ravel()
    size = float(np.abs(terms).max(initial=0.0)) or 1.0

    if k <= m * d:
        shares, _, rank, _ = np.linalg.lstsq(terms.T, total)
        turned = shares > 0.5
        near = np.abs(shares - turned).max(initial=0.0) < NEAR
        if rank == k and near and _small(total - turned @ terms, size):
            return _turned(V, b, turned, np.zeros_like(W))
    if k <= d:
        paired = _with_pairs(V, b, U, W, size)
        if paired is not None:
            return paired
    chosen = _subset(terms, total, size) if k > m * d else None
    if chosen is not None:
        return _turned(V, b, chosen, np.zeros_like(W))
    # Nothing explains W: turn what lowers it most and hand over the rest.
    shares = np.linalg.lstsq(terms.T, total)[0]
    turned = shares > 0.5
    return _turned(V, b, turned, W + (turned @ terms).reshape(m, d))


def _subset(terms: Array, total: Array, size: float) -> Mask | None:
    """Which terms (k, q) add up to the total: the best of all sets, where it is by far the best,
    or the result of a lattice reduction, which takes more digits."""
    k = len(terms)
    if k > ALL_SUBSETS:
        found = (subset(terms, total, bits) for bits in BITS)
        return next((chosen for chosen in found if chosen is not None), None)
    sums = np.zeros((1, terms.shape[1]))
    for term in terms:
        sums = np.vstack([sums, sums + term])
    rest = np.abs(sums - total).max(axis=1)
    first, second = np.argpartition(rest, 1)[:2] if k else (0, 0)
    best, next_best = rest[first], rest[second]
    if best < min(1e-3 * size, ALONE * next_best):
        return np.asarray((first >> np.arange(k)) & 1 == 1)
    return None


def _small(rest: Array, size: float) -> bool:
    return bool(np.abs(rest).max(initial=0.0) < 1e-3 * size)


def _turned(V: Array, b: Array, turned: Mask, affine: Array) -> Oriented:
    signs = np.where(turned, -1.0, 1.0)
    return Oriented(V * signs[:, None], b * signs, affine)


def _with_pairs(V: Array, b: Array, U: Array, W: Array, size: float) -> Oriented | None:
    """Free g_j for independent v_j: units with 0 < g_j ≠ u_j come as a pair of opposite units."""
    g = -np.linalg.lstsq(V.T, W.T)[0]  # (k, m): W = −gᵀV
    if not _small(W + g.T @ V, size):
        return None
    strength = np.linalg.norm(U, axis=0)
    stays = np.linalg.norm(g, axis=1) < 1e-3 * strength
    turns = np.linalg.norm(g - U.T, axis=1) < 1e-3 * strength
    signs = np.where(turns, -1.0, 1.0)
    pairs = ~stays & ~turns
    return Oriented(
        np.vstack([V * signs[:, None], -V[pairs]]),
        np.concatenate([b * signs, -b[pairs]]),
        np.zeros_like(W),
    )
