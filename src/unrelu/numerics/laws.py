"""What samples say of the law they were drawn from: standard, symmetric, Gaussian, on a lattice?

Each score is in standard errors of what a sample of that law shows by chance.
"""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array

FEW_VALUES = 10
"""Values that an input takes at most where it counts as a lattice's."""


def isotropy(X: Array) -> float:
    """How far rows of X (n, d) are from centred with a covariance s² I: for Gaussian rows every
    singular value of X/s lies within √n ± (√d + t) but for a share e^(−t²/2) of samples
    (Davidson and Szarek 2001), and so does the norm of √n times the mean within √d + t. The
    larger of the two t, s² the mean square of the entries. O(n d²).

    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> isotropy(X) < 5 < isotropy(X * [1, 1, 2])
    True
    """
    n, d = X.shape
    size = np.sqrt((X**2).mean()) or 1.0
    values = np.linalg.svd(X / size, compute_uv=False)
    spread = np.abs(values - np.sqrt(n)).max()
    offset = np.sqrt(n) * np.linalg.norm(X.mean(axis=0) / size)
    return float(max(spread, offset) - np.sqrt(d))


def asymmetry(Z: Array) -> float:
    """How far the odd functions z_i, z_i |z_i| and z_i ‖z‖² of rows of Z (n, d) are from mean zero,
    at most.

    >>> Z = np.random.default_rng(0).standard_normal((500, 3))
    >>> asymmetry(Z) < 5 < asymmetry(Z**2)
    True
    """
    scores = []
    for odd in (Z, Z * np.abs(Z), Z * (Z**2).sum(axis=1, keepdims=True)):
        spread = odd.std(axis=0) + np.finfo(np.float64).tiny
        scores.append(np.abs(odd.mean(axis=0)) / spread * np.sqrt(len(Z)))
    return float(np.max(scores))


def non_normality(Z: Array) -> float:
    """How far white and centred rows of Z (n, d), ZᵀZ = n I, are from Gaussian: skewness and
    kurtosis of all coordinates at once, E[z ‖z‖²] and E‖z‖⁴ (Mardia 1970, Móri, Rohatgi and
    Székely 1993), and the kurtosis of each. O(n d).

    >>> rng = np.random.default_rng(0)
    >>> normal, uniform = rng.standard_normal((2000, 3)), rng.uniform(-1, 1, (2000, 3))
    >>> white = [(X - X.mean(axis=0)) / X.std(axis=0) for X in (normal, uniform)]
    >>> non_normality(white[0]) < 5 < non_normality(white[1])
    True
    """
    n, d = Z.shape
    squares = (Z**2).sum(axis=1)
    kurtosis = (squares**2).mean() / (d * (d + 2)) * (n + 1) / (n - 1) - 1
    kurtosis *= np.sqrt(n * d * (d + 2) / 8)
    skewness = n * float((((Z.T @ squares) / n) ** 2).sum()) / (2 * (d + 2))  # χ² of d degrees
    skewness = (skewness - d) / np.sqrt(2 * d)
    single = np.abs((Z**4).mean(axis=0) - 3).max() / np.sqrt(24 / n)
    return float(max(abs(kurtosis), skewness, single))


def coarse(X: Array) -> bool:
    """Whether every column of X (n, d) takes few values, as −1 and 1, or the digits.

    >>> coarse(np.array([[1.0, -1.0], [-1.0, 1.0]])), coarse(np.arange(20.0)[:, None])
    (True, False)
    """
    return all(len(np.unique(column)) <= FEW_VALUES for column in X.T)
