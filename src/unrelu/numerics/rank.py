"""Numerical rank: where singular values stop being data and start being rounding."""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array, unit_columns


def column_space(columns: Array, eps: float = float(np.finfo(np.float64).eps)) -> Array:
    """Orthonormal basis of the column space, its width the rank: singular values above
    max(shape) · eps · the largest, after scaling columns to unit norm so that outputs in
    different units count alike.

    >>> column_space(np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])).shape
    (3, 1)
    """
    left, values, _ = np.linalg.svd(unit_columns(columns), full_matrices=False)
    bar = max(columns.shape) * eps * values.max(initial=0.0)
    return np.asarray(left[:, values > bar])


def beyond_affine(Y: Array, features: Array, eps: float) -> Array:
    """Orthonormal basis (n, r) of what varies in labels (n, m) beyond the column space of white
    features (n, D). Residuals are known to the rounding of the labels that they are left from:
    smaller ones count as zero, and the smaller they are, the coarser is the rank."""
    rest = Y
    for _ in range(2):
        rest = rest - features @ (features.T @ rest / len(Y))
    before, after = np.linalg.norm(Y, axis=0), np.linalg.norm(rest, axis=0)
    varied = after > max(features.shape) * eps * before
    if not varied.any():
        return np.zeros((len(Y), 0))
    rest, lost = rest[:, varied], float((before[varied] / after[varied]).max())
    basis = column_space(rest, eps * max(1.0, lost))
    return np.asarray(basis - features @ (features.T @ basis / len(Y)))


def left_inverse(columns: Array) -> Array:
    """The pseudoinverse D of independent columns U, with D U = I to rounding: a Newton step after
    the singular value decomposition, which alone leaves cond(U) roundings.

    >>> left_inverse(np.array([[2.0], [0.0]]))
    array([[0.5, 0. ]])
    """
    inverse = np.linalg.pinv(columns)
    return np.asarray(inverse + (np.eye(len(inverse)) - inverse @ columns) @ inverse)


def null_combination(
    rest: Array, free: Array, bar: float, *, rough: bool = False
) -> tuple[Array, Array]:
    """w of length 1 and c such that rest w + free c is as small as can be. Combinations of the
    columns of `free` below `bar` are taken for zero: they help nothing. `rough`: to half of the
    digits, from products of the columns, in a third of the time.

    >>> w, c = null_combination(np.array([[1.0], [0.0]]), np.array([[-2.0], [0.0]]), 1e-9)
    >>> np.allclose(2 * c, w)
    True
    """
    if rough:
        return _from_products(rest, free, bar)
    left, values, right = np.linalg.svd(free, full_matrices=False)
    kept = values > bar
    left = left[:, kept]
    inner = left.T @ rest
    outer = rest - left @ inner
    wide = len(outer) < outer.shape[1]  # there is a null vector that the thin form leaves out
    w = np.linalg.svd(outer, full_matrices=wide)[2][-1]
    return w, np.asarray(-right[kept].T @ ((inner @ w) / values[kept]))


def _from_products(rest: Array, free: Array, bar: float) -> tuple[Array, Array]:
    values, right = np.linalg.eigh(free.T @ free)
    kept = values > max(bar**2, len(values) * float(np.finfo(np.float64).eps))
    right = right[:, kept] / np.sqrt(values[kept])
    inner = right.T @ (free.T @ rest)
    w = np.linalg.eigh(rest.T @ rest - inner.T @ inner)[1][:, 0]
    return w, np.asarray(-right @ (inner @ w))
