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

The system has m d equations for k unknowns. Of wide networks it is never formed: the normal
equations have the matrix (UᵀU) ∘ (VVᵀ) and the right side −diag(UᵀWVᵀ).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.numerics.arrays import Array, Mask, divisors
from unrelu.numerics.lattice import subset

MOST_ENTRIES = 2e7
"""Of the linear system, up to which it is formed, for normal equations lose half of the digits."""

NEAR = 0.1
"""A share a_j of u_j counts as 0 or 1 within this distance. The system is solved to rounding
where it is exact and to the noise where it is not, so anything in between is a third thing."""


ALL_SUBSETS = 14
"""Units of which all sets are looked at: some milliseconds."""

MOST_TO_TURN = 120
"""Units of which a lattice is reduced: a second at 80 units, and the sixth power of it."""

ALONE = 0.1
"""Share of what the next best set leaves that the best one may."""

BITS = (36, 24, 22, 20, 18, 16)
"""Of the weights in a lattice: as they come from float64 labels, and from coarser ones."""

BY_CHANCE = 10
"""Bits by which a set of few bits must be determined beyond that some set fits by chance."""

FINER = 1e3
"""Times by which weights may be known better than their labels are explained, as many share in
each."""


@dataclass(frozen=True, eq=False)
class Oriented:
    """Hidden weights and biases (k', ·), turned, pairs included; `affine` (m, d) is what no
    choice of sides explains (zero up to rounding when there is nothing of the kind)."""

    V: Array
    b: Array
    affine: Array


def orient(V: Array, b: Array, U: Array, W: Array, unexplained: float = 0.0) -> Oriented:
    """Turn the units (V, b) with output weights U (m, k) so that they explain W (m, d). The share
    of the labels that is `unexplained` by the fit bounds the digits of its weights."""
    (k, d), m = V.shape, len(U)
    size = float((np.abs(U).max(axis=0) * np.abs(V).max(axis=1)).max(initial=0.0)) or 1.0
    shares, independent = _shares(V, U, W)
    turned = shares > 0.5
    left = W + (U * turned) @ V
    near = np.abs(shares - turned).max(initial=0.0) < NEAR
    if independent and near and _small(left, size):
        return _turned(V, b, turned, np.zeros_like(W))
    if k <= d:
        paired = _with_pairs(V, b, U, W, size)
        if paired is not None:
            return paired
    if m * d < k <= MOST_TO_TURN:
        chosen = _subset(_terms(V, U), -W.ravel(), size, unexplained)
        if chosen is not None:
            chosen = _weakest_again(chosen, _terms(V, U), -W.ravel())
            return _turned(V, b, chosen, np.zeros_like(W))
    # Nothing explains W: turn what lowers it most and hand over the rest.
    return _turned(V, b, turned, left)


def _terms(V: Array, U: Array) -> Array:
    """(k, m d): u_j v_jᵀ."""
    return np.asarray((U.T[:, :, None] * V[:, None, :]).reshape(len(V), -1))


def _shares(V: Array, U: Array, W: Array) -> tuple[Array, bool]:
    """The a_j (k,) for which W is nearest to −Σ a_j u_j v_jᵀ, and whether they are unique."""
    if W.size * len(V) <= MOST_ENTRIES:
        shares, _, rank, _ = np.linalg.lstsq(_terms(V, U).T, -W.ravel())
        return np.asarray(shares), bool(rank == len(V))
    sizes = divisors(np.linalg.norm(U, axis=0) * np.linalg.norm(V, axis=1))
    gram = (U.T @ U) * (V @ V.T) / np.outer(sizes, sizes)
    pull = -((U.T @ W) * V).sum(axis=1) / sizes
    values, vectors = np.linalg.eigh(gram)
    kept = values > len(V) * np.finfo(np.float64).eps * values.max()
    vectors = vectors[:, kept]
    return np.asarray(vectors @ (vectors.T @ pull / values[kept]) / sizes), bool(kept.all())


def _subset(terms: Array, total: Array, size: float, unexplained: float) -> Mask | None:
    """Which terms (k, q) add up to the total: the best of all sets, where it is by far the best,
    or the result of a lattice reduction, which takes more digits."""
    k = len(terms)
    if k > ALL_SUBSETS:
        # One of 2ᵏ sets meets q totals by chance, each to (k + 1) 2⁻ᵇⁱᵗˢ of the largest term.
        bits = np.array(BITS)
        decisive = terms.shape[1] * (bits - np.log2(k + 1)) - k > BY_CHANCE
        decisive &= np.ldexp(unexplained, bits) < FINER
        found = (
            subset(terms, total, bits) for bits, sure in zip(BITS, decisive, strict=True) if sure
        )
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


def _weakest_again(chosen: Mask, terms: Array, total: Array) -> Mask:
    """The sides with those of the weakest units as they explain most. A lattice has no digits for
    these."""
    weakest = np.argsort(np.linalg.norm(terms, axis=1))[:ALL_SUBSETS]
    others = chosen.copy()
    others[weakest] = False
    sums = (others @ terms - total)[None]
    for term in terms[weakest]:
        sums = np.vstack([sums, sums + term])
    best = int(np.linalg.norm(sums, axis=1).argmin())
    others[weakest] = (best >> np.arange(len(weakest))) & 1 == 1
    return others


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
