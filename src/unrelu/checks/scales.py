"""In which units things are measured: inputs and outputs may come in very different ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.numerics.arrays import Array, divisors
from unrelu.samples import Samples

SAME = 1e-8
"""Inputs closer than this, in scaled units, count as one: what distinguishes their labels is
too near to rounding to be an equation of its own."""


DIGITS = 0.7
"""Share of the digits that rounding leaves to what is fitted or estimated, sums and all."""

FINE = 1e-12
"""Rounding below which structure is looked for to fixed tolerances, far above it and far below
what chance makes."""


def hidden_by(eps: float, fine: float) -> float:
    """The size, relative to others, from which on a difference counts: `fine`, where rounding
    is so, else what is left of the digits."""
    return fine if eps < FINE else max(fine, eps**DIGITS)


def typical_size(columns: NDArray[Any]) -> Array:
    """Root mean square of each column over about a thousand rows."""
    step = max(1, len(columns) // 1000)
    return np.asarray(np.sqrt((np.asarray(columns[::step], np.float64) ** 2).mean(axis=0)))


def typical_sizes(Y: Array) -> Array:
    """Root mean square of each column over all rows; one where that is zero."""
    size = np.sqrt((Y**2).mean(axis=0)) if len(Y) else np.zeros(Y.shape[1])
    return divisors(size)


def column_scale(samples: Samples) -> Array:
    """Typical size of each input, powers of two so that scaling rounds nothing."""
    return np.exp2(np.round(np.log2(divisors(typical_size(samples.X)))))
