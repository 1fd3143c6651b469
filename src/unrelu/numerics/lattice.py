"""Subset sums of real vectors, by lattice reduction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def subset(vectors: Array, total: Array, bits: int = 36) -> NDArray[np.bool_] | None:
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
    marks = np.vstack(
        [
            np.hstack([-2 * np.eye(k, dtype=int), np.zeros((k, 1), dtype=int)]),
            np.ones((1, k + 1), dtype=int),
        ]
    )
    for head in _short(marks, np.vstack([vectors, -total]) / size, bits):
        if (np.abs(head) == 1).all():
            chosen = head[:k] * head[k] == -1
            if np.abs(chosen @ vectors - total).max() <= np.ldexp(size * (k + 1), -bits):
                return np.asarray(chosen)
    return None


def vanishing_subsets(vectors: Array, bits: int = 36) -> list[NDArray[np.bool_]]:
    """Non-empty sets of rows of `vectors` (k, q) that add up to zero, as far as short vectors of
    the lattice (e_j, K v_j) show them.

    >>> [s.tolist() for s in vanishing_subsets(np.array([[1.0], [np.pi], [-1.0]]))]
    [[True, False, True]]
    """
    k = len(vectors)
    size = float(np.abs(vectors).max(initial=0.0)) or 1.0
    found = []
    for head in _short(np.eye(k, dtype=int), vectors / size, bits):
        if len(np.unique(head[head != 0])) == 1 and np.abs(head).max() == 1:
            chosen = head != 0
            if np.abs(chosen @ vectors).max() <= np.ldexp(size * k, -bits):
                found.append(chosen)
    return found


def _short(marks: NDArray[np.int_], vectors: Array, bits: int) -> list[NDArray[np.int_]]:
    """The marks of an LLL-reduced basis of the lattice spanned by (marks_j, 2^bits vectors_j)."""
    from flint import fmpz_mat

    weights = np.rint(np.ldexp(vectors, bits)).astype(object)
    rows = [[int(x) for x in (*mark, *weight)] for mark, weight in zip(marks, weights, strict=True)]
    reduced = fmpz_mat(rows).lll()
    width = marks.shape[1]
    heads = ([int(reduced[i, j]) for j in range(width)] for i in range(len(rows)))
    bounded = (head for head in heads if max(map(abs, head)) <= 2)
    return [np.array(head) for head in bounded]
