"""Inputs that reach back in time: windows of frames."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from unrelu.errors import InputError
from unrelu.inputs.frames import plain
from unrelu.inputs.numbers import real_numbers
from unrelu.inputs.options import check_count
from unrelu.numerics.arrays import Array, holds_numbers


def lagged(frames: ArrayLike, lags: int) -> Array:
    """Windows of so many frames (n, d), (n - lags + 1, lags d): row i has frames i to i + lags - 1,
    the oldest first, and belongs to counts[i + lags - 1], so counts[lags - 1:] are the labels.

    No memory is copied where the frames are one block of rows in float64 (fits make a copy of their
    own); the windows cannot be written to. Raises InputError for frames that are no table, and for
    more lags than frames; InputTypeError for frames that are no real numbers, and lags that are no
    whole number.

    >>> lagged([[1, 2], [3, 4], [5, 6]], 2)
    array([[1., 2., 3., 4.],
           [3., 4., 5., 6.]])
    """
    check_count("lags", lags)
    given = frames if holds_numbers(frames) else real_numbers("frames", plain("frames", frames))
    table = np.ascontiguousarray(given, dtype=np.float64)
    if table.ndim != 2:
        raise InputError(f"frames: got an array of shape {table.shape}, expected (frames, pixels)")
    n, d = table.shape
    if not 1 <= lags <= n:
        raise InputError(f"lags: got {lags}, expected 1 to {n}, the number of frames")
    return np.asarray(sliding_window_view(table.reshape(-1), lags * d)[::d])
