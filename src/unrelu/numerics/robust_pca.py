"""Low rank plus sparse: a table of which many entries, or whole rows, are grossly wrong.

Y = L + S with L of small but unknown rank r, S arbitrary where it is not zero. Two steps:

1. Principal component pursuit, min ‖L‖_* + λ‖S‖₁ (Candès, Li, Ma, Wright 2011), by the inexact
   augmented Lagrangian method (Lin, Chen, Ma 2010). Convex, so it needs no start and no rank. In
   a tall table whole rows are sparse, too. It is good to seven digits.
2. Alternating least squares at the rank that it shows, one less and one more: rows and columns
   of the factors are fitted in turn, reweighted while entries that are off show themselves, then
   to those alone that are right, within a multiple of the median. The median goes to rounding,
   and with it what counts as wrong, so errors far smaller than L are found as well.

Assumes less than half of the entries wrong, and L spread out: no row or column of its own. What
comes out is checked against the table, not believed: see `Split.share`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from unrelu.numerics.arrays import Array, Mask, divisors
from unrelu.numerics.deadline import check_deadline

GROWTH = 1.2
"""Of the penalty, per step: at 1.5 the iteration freezes at three digits."""

PURSUIT = 1e-7
"""Relative misfit at which the pursuit ends: the rank and most of the support show long before."""

CLIP = 10.0
"""Entries beyond so many typical sizes are cut down first. Those that were right are wrong for
the pursuit, and right again afterwards; the others have fewer orders of magnitude to cross."""

TRIM = 10.0
"""Entries off by more than so many medians are wrong: seven standard deviations of a Gaussian."""

SMALL = float(np.finfo(np.float64).tiny)
"""Keeps divisions by what may be zero finite."""

SHRINK = 0.7
"""Of the width δ of the weights, per round, at least."""

HALFWAY = 1e-6
"""Width at which the weights have done their work: their squares still fit into a double."""

ROUNDS = 200
"""Alternations at most; each shrinks the error by about the share of wrong entries."""

MOST_UPDATES = 300
"""Steps of the pursuit at most: GROWTH takes the penalty beyond any rounding by then."""


@dataclass(frozen=True, eq=False)
class Split:
    """L = left @ right.T, (n, r) and (m, r); `wrong` (n, m): the entries of S; rows `lost` (n,)
    agree with L in too few entries to determine the others (all theirs count as wrong).
    `share` of the entries in rows that are not lost that agree with L to rounding."""

    left: Array
    right: Array
    wrong: Mask
    lost: Mask
    share: float

    @property
    def rank(self) -> int:
        return int(self.right.shape[1])

    @property
    def low_rank(self) -> Array:
        return np.asarray(self.left @ self.right.T)


def split(table: Array, eps: float = float(np.finfo(np.float64).eps)) -> Split | None:
    """Low-rank part and wrong entries of the table (n, m); None when no rank below m shows.

    Columns may come in different units. Cost: some hundred products of O(n m²), then O(n m r²)
    each for a few dozen alternations.

    >>> rng = np.random.default_rng(0)
    >>> table = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 20))
    >>> table[3, 4] += 7.0
    >>> found = split(table)
    >>> found.rank, np.argwhere(found.wrong)
    (2, array([[3, 4]]))
    """
    size = typical(table)
    scaled = table / size
    # Rows at one size, too, so that a large one is no outlier; small ones keep some of theirs.
    length = np.median(np.abs(scaled), axis=1, keepdims=True)
    # Of a row that is mostly zeros the size is that of the columns.
    length = divisors(np.maximum(length, 0.1 * float(np.median(length))))
    scaled /= length
    clipped = np.clip(scaled, -CLIP, CLIP)
    start = pursuit(clipped)
    # Rows that the pursuit explains in most entries show the rank; wrong ones only add to it.
    sure = start[np.median(np.abs(clipped - start), axis=1) <= 1e-3]
    sure = sure if len(sure) > table.shape[1] else start
    best: Split | None = None
    directions = np.linalg.svd(sure, full_matrices=False)[2].T
    least = 1 / table.shape[1]
    ranks = _ranks(sure)
    for rank in ranks:
        found = alternate(scaled, directions[:, :rank], eps, start)
        best = found if best is None or found.share > best.share else best
        if best.share > 0.5:
            break
    # So near the end, a wrong column is held by rows that follow it; from afar it is not.
    for rank in dict.fromkeys([best.rank, *ranks[:1]] if best is not None else ()):
        if best is None or best.lost.mean() <= least:
            break
        found = alternate(scaled, directions[:, :rank], eps)
        best = found if found.share > best.share else best
    # A direction too many fits errors, and shows as rows that are given up.
    while best is not None and best.rank > 1 and best.lost.mean() > least:
        found = alternate(scaled, directions[:, : best.rank - 1], eps, start)
        if found.share < best.share - least:
            break
        best = found
    # What most rows have in common may be a part of the space only: go on with what the others
    # have in common. One rank more always explains a little more, up to an entry in each row.
    while best is not None and best.share > 0.25 and best.lost.mean() > least:
        if best.rank + 1 >= min(table.shape):
            break
        wider = _widened(clipped, best)
        found = alternate(scaled, wider, eps)
        if found.share <= best.share + least:
            break
        best = found
    if best is None:
        return None
    return replace(best, left=best.left * length, right=best.right * size[:, None])


def typical(table: Array) -> Array:
    """Size of each column that a third of its entries cannot change: what six in ten of them stay
    below; where that is zero, the median of those that are not."""
    sizes = np.abs(table)
    size = np.quantile(sizes, 0.6, axis=0)
    for column in np.flatnonzero(~(size > 0)):
        some = sizes[sizes[:, column] > 0, column]
        size[column] = np.median(some) if len(some) else 1.0
    return np.asarray(size)


def pursuit(table: Array) -> Array:
    """The low-rank part by principal component pursuit, to `PURSUIT` of the table."""
    n, m = table.shape
    weight = 1 / math.sqrt(max(n, m))
    spectral = float(np.linalg.norm(table, 2)) or 1.0
    norm = float(np.linalg.norm(table)) or 1.0
    dual = table / max(spectral, float(np.abs(table).max()) / weight)
    sparse = np.zeros_like(table)
    penalty = 1.25 / spectral
    for _ in range(MOST_UPDATES):
        check_deadline()
        low = _shrink_spectrum(table - sparse + dual / penalty, 1 / penalty)
        rest = table - low + dual / penalty
        sparse = np.sign(rest) * np.maximum(np.abs(rest) - weight / penalty, 0.0)
        gap = table - low - sparse
        if np.linalg.norm(gap) <= PURSUIT * norm:
            break
        dual += penalty * gap
        penalty *= GROWTH
    return low


def _shrink_spectrum(table: Array, by: float) -> Array:
    """Singular values lowered by `by`, through the smaller Gram matrix: only values above `by`
    matter, and those are far from the rounding of a square."""
    if table.shape[0] < table.shape[1]:
        return _shrink_spectrum(table.T, by).T
    squares, vectors = np.linalg.eigh(table.T @ table)
    values = np.sqrt(np.maximum(squares, 0.0))
    keep = values > by
    vectors = vectors[:, keep]
    return np.asarray((table @ (vectors * (1 - by / values[keep]))) @ vectors.T)


def _ranks(low: Array) -> list[int]:
    """Ranks to be tried: where the spectrum of the pursuit's answer drops most, first."""
    values = np.linalg.svd(low, compute_uv=False)
    values = values[values > 1e-6 * values.max(initial=0.0)]
    padded = np.append(values, 1e-6 * values.max(initial=1.0))
    drops = padded[:-1] / padded[1:]
    order = np.argsort(-drops)[:4] + 1
    return [int(rank) for rank in order if rank < min(low.shape)]


def _widened(table: Array, found: Split) -> Array:
    """The columns' space with the direction that the rows outside it share most."""
    rest = np.abs(table - found.low_rank)
    others = found.lost if found.lost.any() else np.ones(len(table), dtype=np.bool_)
    left = _rows(table, found.right, _weights(rest, 1.0))
    off = (table - left @ found.right.T)[others]
    size = np.median(np.abs(off), axis=1, keepdims=True) + SMALL
    off = np.clip(off, -3.0 * size, 3.0 * size) / size  # off / size may overflow
    off -= off @ found.right @ found.right.T
    direction = np.linalg.svd(off, full_matrices=False)[2][:1].T
    return np.asarray(np.linalg.qr(np.hstack([found.right, direction]))[0])


def alternate(table: Array, right: Array, eps: float, start: Array | None = None) -> Split:
    """Reweighted, then trimmed alternating least squares from an orthonormal basis (m, r) of
    what the rows span. With the low-rank part as it seems, `start`, the weights begin there.

    Weights 1/(ρ² + δ²) of the residuals ρ come from Σ log(ρ² + δ²), which for δ to 0 counts the
    entries that are off; δ goes down with the median residual, so the first rounds are smooth.
    Unlike a mask they let go: an entry that seemed wrong comes back. Once all but the last digits
    of the columns' space are known each row is fitted to it anew, and a mask takes over.
    """
    m = table.shape[1]
    rank = right.shape[1]
    clipped = np.clip(table, -CLIP, CLIP)
    width = 1.0
    if start is None:
        rest = np.abs(clipped - _rows(clipped, right, np.ones_like(clipped)) @ right.T)
    else:
        rest = np.abs(clipped - start)
        width = max(HALFWAY, min(1.0, 3 * float(np.median(rest))))
    for _ in range(ROUNDS):
        check_deadline()
        left = _rows(clipped, right, _weights(rest, width))
        rest = np.abs(clipped - left @ right.T)
        # A wrong row still passes through r of its entries; they must not hold the space back.
        of_rows = _weights(np.median(rest, axis=1, keepdims=True), width)
        right = np.linalg.qr(_rows(clipped.T, left, (of_rows * _weights(rest, width)).T))[0]
        if width <= HALFWAY:
            break
        # From far away slowly: the median may be that of rows that ask for nothing new.
        settled = 3 * float(np.median(rest)) if start is not None else np.inf
        width = max(HALFWAY, min(SHRINK * width, settled))

    # A row, or a column, that has ended elsewhere is found when it starts anew.
    left = _anew(clipped, right)
    agree = np.abs(clipped - left @ right.T) <= 100 * HALFWAY
    kept = _enough(agree, rank)
    if kept.sum() > rank:
        right = np.linalg.qr(_anew(clipped[kept].T, left[kept]))[0]
        left = _anew(clipped, right)
    rest = np.abs(table - left @ right.T)
    floor = 16 * eps * math.sqrt(m) * (1 + np.linalg.norm(left, axis=1, keepdims=True))
    agree = rest <= 100 * HALFWAY
    bar, stalled = np.inf, 0
    for _ in range(ROUNDS):
        check_deadline()
        kept = _enough(agree, rank)
        if kept.sum() <= rank:
            break
        right = np.linalg.qr(_rows(table[kept].T, left[kept], agree[kept].T.astype(np.float64)))[0]
        left = _rows(table, right, agree.astype(np.float64))
        rest = np.abs(table - left @ right.T)
        before, bar = bar, TRIM * float(np.median(rest[kept][agree[kept]]))
        now = rest <= np.maximum(bar, floor)
        stalled = stalled + 1 if bar > before / 2 and (now == agree).all() else 0
        agree = now
        if stalled == 2:
            break
    return _marked(left, right, rest, agree)


def _anew(table: Array, basis: Array) -> Array:
    """Coefficients of each row in the basis, whatever they have been before."""
    found, width = np.zeros((len(table), basis.shape[1])), CLIP
    while width > HALFWAY:
        rest = np.abs(table - found @ basis.T)
        found = _rows(table, basis, _weights(rest, width))
        width *= SHRINK
    return found


def _marked(left: Array, right: Array, rest: Array, agree: Mask) -> Split:
    kept = _enough(agree, right.shape[1])
    share = float(agree[kept].sum()) / rest.size
    return Split(left, right, ~(agree & kept[:, None]), ~kept, share)


def _enough(agree: Mask, rank: int) -> Mask:
    """Of the m − r entries that a row has beyond what its r coefficients fit, most agree."""
    m = agree.shape[1]
    return np.asarray(agree.sum(axis=1) >= rank + max(1, math.ceil((m - rank) / 2)))


def _weights(rest: Array, width: float) -> Array:
    return np.asarray(1 / (rest**2 + width**2))


def _rows(table: Array, basis: Array, weights: Array) -> Array:
    """For each row of the table the coefficients (·, r) of the basis (m, r) that fit its entries
    best with these weights. One correction takes back what the normal equations cost."""
    m, r = basis.shape
    weights = weights / (weights.max(axis=1, keepdims=True) + SMALL)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(m, r * r)
    grams = (weights @ products).reshape(-1, r, r)
    trace = np.trace(grams, axis1=1, axis2=2) / r
    grams[:, np.arange(r), np.arange(r)] += (1e-14 * trace + np.finfo(np.float64).tiny)[:, None]
    inverse = np.linalg.inv(grams)
    found = np.einsum("nij,nj->ni", inverse, (weights * table) @ basis)
    rest = weights * (table - found @ basis.T)
    return np.asarray(found + np.einsum("nij,nj->ni", inverse, rest @ basis))
