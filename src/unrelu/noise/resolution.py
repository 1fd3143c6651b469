"""The least noise that labels are credited with."""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.samples import Samples


def resolution(samples: Samples) -> Array:
    """The least noise (m,) that the labels of an output are credited with, three quarters of the
    digits that they have: one that is constant, or explained to rounding, would otherwise have
    all the weight. For an output of zeros, that of the largest."""
    size = np.sqrt((np.asarray(samples.Y, np.float64) ** 2).mean(axis=0))
    size = np.where(size > 0, size, size.max() or 1.0)
    return np.asarray(samples.eps**0.75 * size)
