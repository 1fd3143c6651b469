"""Subset sums of real vectors, by lattice reduction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from unrelu.numerics.arrays import Array, Mask


def subset(vectors: Array, total: Array, bits: int = 36) -> Mask | None:
    """Which rows of `vectors` (k, q) add up to `total` (q,)? None when no subset is found.

    The lattice spanned by (−2 e_j, 0, K v_j) and (1, …, 1, 1, K total'), total' = −total, holds
    the short vector (±1, …, ±1, 1, ≈0) that belongs to the subset: the combination with
    a_j ∈ {0, 1} has entries 1 − 2 a_j and K (Σ a_j v_j − total). LLL finds it when k is small
    against q·bits (Lagarias and Odlyzko 1985; Coster et al. 1992 for the ±1 form). K = 2^bits
    after scaling to unit size; entries that are good to fewer bits give rounding noise in the
    last q columns, which the final check allows for.

    >>> subset(np.array([[1.0], [np.pi], [np.e]]), np.array([1.0 + np.e]))
    array([ True, False,  True])
    """
    k = len(vectors)
    size = float(np.abs(vectors).max(initial=0.0)) or 1.0
    identity = np.vstack(
        [
            np.hstack([-2 * np.eye(k, dtype=int), np.zeros((k, 1), dtype=int)]),
            np.ones((1, k + 1), dtype=int),
        ]
    )
    for row in _reduced(identity, np.vstack([vectors, -total]) / size, bits):
        head = row[: k + 1]
        if (np.abs(head) == 1).all():
            chosen = (head[:k] * head[k] == -1).astype(bool)
            if np.abs(chosen @ vectors - total).max() <= np.ldexp(size * (k + 1), -bits):
                return np.asarray(chosen)
    return None


MOST_RELATIONS = 16
"""Independent relations whose combinations are all examined."""


def vanishing_subsets(vectors: Array, bits: int = 42) -> list[NDArray[np.bool_]] | None:
    """All non-empty sets of rows of `vectors` (k, q) that add up to zero; None if undecided.

    A set is a vector of the lattice (e_j, 2^bits v_j) with 0/1 entries and nothing but rounding
    after them, so no longer than r = √(k + q (k/2)²). Of a reduced basis b_1, b_2, … such vectors
    lie in the span of b_1, …, b_i as soon as all later Gram–Schmidt lengths exceed r. A 0/1 point
    of that span is fixed by its values on i coordinates, so all of them can be tried. Where i is
    too large for that, there is no set if b_1 is so long that a vector of the length that a set
    has but for rare roundings, √(k + q k/3), would have been found: LLL comes within 1.022^k of
    the shortest vector (Gama and Nguyen 2008, measured), and a factor 2 is left to spare.

    >>> [s.tolist() for s in vanishing_subsets(np.array([[1.0], [np.pi], [-1.0]]))]
    [[True, False, True]]
    """
    k = len(vectors)
    size = float(np.abs(vectors).max(initial=0.0)) or 1.0
    basis = _reduced(np.eye(k, dtype=int), vectors / size, bits)
    lengths = np.abs(np.diag(np.linalg.qr(basis.T.astype(np.float64), mode="r")))
    longest = np.sqrt(k + vectors.shape[1] * (k / 2) ** 2)
    short = np.flatnonzero(lengths <= 2 * longest)  # twice, for the rounding of the lengths
    rank = int(short[-1]) + 1 if len(short) else 0
    kernel = basis[:rank, :k].astype(np.float64)
    if rank == 0:
        return []
    if rank > MOST_RELATIONS:
        usual = np.sqrt(k + k * vectors.shape[1] / 3)
        return [] if lengths[0] > 2 * usual * 1.022**k else None
    pivots = qr(kernel, mode="r", pivoting=True)[1][:rank]
    values = (np.arange(1, 2**rank)[:, None] >> np.arange(rank)) & 1
    points = values @ np.linalg.solve(kernel[:, pivots], kernel)
    sets = points[np.abs(points - np.rint(points)).max(axis=1) < 1e-6]
    sets = sets[((sets > -0.5) & (sets < 1.5)).all(axis=1)] > 0.5
    zero = np.abs(sets @ vectors).max(axis=1, initial=0.0) <= np.ldexp(size * k, -bits)
    return list(sets[zero])


def _reduced(labels: NDArray[np.int_], vectors: Array, bits: int) -> NDArray[np.object_]:
    """Rows of an LLL-reduced basis of the lattice spanned by (labels_j, 2^bits vectors_j)."""
    from flint import fmpz_mat

    weights = np.rint(np.ldexp(vectors, bits)).astype(object)
    rows = [[int(x) for x in pair] for pair in np.hstack([labels, weights])]
    table = np.array(fmpz_mat(rows).lll().tolist(), dtype=object)
    return np.asarray(np.frompyfunc(int, 1, 1)(table))
