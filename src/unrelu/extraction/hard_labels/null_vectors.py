"""Outputs that are equal at points between classes: K with (K_A − K_B)·h(x) = 0 for features h.

With enough points there is one such K, but for its scale and for what is common to all classes: a
null vector. Groups of classes whose scales are independent have one each (`class_graph`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unrelu.extraction.hard_labels.class_graph import blocks
from unrelu.numerics.arrays import Array, Index, Mask

NOTHING = 1e-3
"""Ratio of the least two singular values of a null vector, and of what is nothing to what is."""

ROUGH = 100.0, 0.2
"""Tolerances that the ratio of these values may be, and the largest: hyperplanes that are known
roughly leave a rough null vector, which a fit to all points then decides on."""

APART = 10.0
"""Tolerances above which the second least singular value is not nothing."""

LEAST = 1e-3
"""Share of the size of an input below which its features are small, as where all units are off."""

SURPLUS = 8
"""Points beyond the unknowns, without which nothing is a null vector."""


@dataclass(frozen=True, eq=False)
class Inside:
    """Inputs X (n, d) of the `classes` (n,), which the largest output is to be that of."""

    X: Array
    classes: Index


@dataclass(frozen=True, eq=False)
class Solved:
    """K (m, f). `usable` (m, f): which of its entries any point depends on. `loose`: classes whose
    scale is independent of that of those before."""

    K: Array
    usable: Mask
    loose: Index


def difference(pairs: Index, rows: Array, m: int) -> Array:
    """(n, m, f): the row under the first class, and its negative under the second."""
    n, f = rows.shape
    A = np.zeros((n, m, f))
    each = np.arange(n)
    A[each, pairs[:, 0]] += rows
    A[each, pairs[:, 1]] -= rows
    return A


def null_vector(H: Array, pairs: Index, usable: Mask, tolerance: float) -> Array | None:
    """K (m, f) with (K_A − K_B)·h = 0 for all rows h of H (n, f) and pairs (A, B). Entries that are
    not `usable` (m, f) are zero, and the first usable one of each column is: the others are
    relative to it. None if there is no such K, or more than one."""
    m, f = usable.shape
    columns = usable.copy()
    columns[usable.argmax(axis=0), np.arange(f)] = False
    if len(pairs) < columns.sum() - 1 + SURPLUS:
        return None
    A = difference(pairs, H, m)[:, columns]
    scale = np.linalg.norm(A, axis=0)
    if not scale.all() or not A.size:
        return None
    _, sizes, right = np.linalg.svd(np.linalg.qr(A / scale, mode="r"))
    sizes = sizes / sizes[0]
    share = min(max(NOTHING, ROUGH[0] * tolerance), ROUGH[1])
    alone = len(sizes) < 2 or sizes[-1] <= share * sizes[-2] or sizes[-2] > APART * tolerance
    if sizes[-1] > tolerance or not alone:
        return None
    K = np.zeros((m, f))
    K[columns] = right[-1] / scale
    return np.asarray(K / np.abs(K).max())


def solve_blocks(
    features: Callable[[Array], Array],
    X: Array,
    pairs: Index,
    marks: list[Mask],
    inside: Inside,
    m: int,
    tolerance: float,
) -> Solved | None:
    """K for features h(x) of points X between classes `pairs`, one block of classes after another,
    each with 1 as its largest entry and the sign that inputs `inside` classes show. Column j can be
    used for a class if each of the masks (n, ≤f) marks it at one of its points. None if some class
    is not related to the others, or some block has no null vector of its own."""
    H = features(X)
    H /= np.maximum(np.linalg.norm(H, axis=1), LEAST * np.linalg.norm(X, axis=1))[:, None]
    f = H.shape[1]
    K, usable = np.zeros((m, f)), np.zeros((m, f), np.bool_)
    known, loose = np.arange(0), [np.arange(0)]
    for block in blocks(pairs, m):
        rows = np.isin(pairs, block).all(axis=1)
        among = np.searchsorted(block, pairs[rows])
        used = np.ones((len(block), f), np.bool_)
        for mark in marks:
            used[:, : mark.shape[1]] &= classes_where(mark[rows], among, len(block))
        part = null_vector(H[rows], among, used, tolerance)
        shared = np.isin(block, known)
        if part is None or (len(known) and not shared.any()):
            return None
        part *= _sign(part, features, inside, block)
        if len(known):
            part += K[block[shared]] - part[shared]
            used &= used[shared]
            usable[block[shared]] |= used[shared]
            loose.append(block[~shared])
        K[block[~shared]], usable[block[~shared]] = part[~shared], used[~shared]
        known = np.union1d(known, block)
    if len(known) < m:
        return None
    return Solved(K, usable, np.concatenate(loose))


def classes_where(marked: Mask, pairs: Index, m: int) -> Mask:
    """(m, k): whether any point of the class is marked, for each unit; marked: (n, k)."""
    rows = np.zeros((m, marked.shape[1]), np.bool_)
    for side in pairs.T:
        np.logical_or.at(rows, side, marked)
    return rows


def _sign(K: Array, features: Callable[[Array], Array], inside: Inside, block: Index) -> float:
    some = np.isin(inside.classes, block)
    F = features(inside.X[some]) @ K.T
    own = np.searchsorted(block, inside.classes[some])
    right = [(F.argmax(axis=1) == own).sum(), (F.argmin(axis=1) == own).sum()]
    return 1.0 if right[0] >= right[1] else -1.0
