"""Hidden weights that are smooth over the inputs: over pixels of a picture, over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.inputs.options import check_count, check_limit
from unrelu.numerics.arrays import Array
from unrelu.wording.streams import kind_of

ROUGH = 0.02
"""Share of the variance of smooth weights that differs from one input to the next: without it,
weights a little less smooth would be next to impossible."""


@dataclass(frozen=True)
class Smooth:
    """A prior for `recover(prior=...)`: hidden weights of a unit vary smoothly over the inputs.

    Weights at places s and t of the grid of inputs have the correlation exp(-Σ (s_i - t_i)² /
    2 ℓ_i²), but for a share of 0.02 that no other place knows of. How large they are is left open,
    and so are biases and output weights.

    shape : of the grid that the inputs are on, in the order of `numpy.reshape`: (10, 10) for frames
        of 10 x 10 pixels, (20,) for 20 lags, (5, 20) for windows of 5 frames with 20 pixels
        (`lagged`).
    length : ℓ, in steps of the grid, one for all axes or one for each; 0 for weights that know
        nothing of each other along an axis. None for those that the samples make likeliest.

    Raises InputError and InputTypeError for numbers that cannot be meant.

    Source: smoothness priors of receptive fields by evidence (Sahani and Linden 2003; Park and
    Pillow 2011).

    >>> Smooth((2, 3)).covariance((1.0, 0.0)).round(2)[0]
    array([1.  , 0.  , 0.  , 0.59, 0.  , 0.  ])
    """

    shape: tuple[int, ...]
    length: float | tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        shape: Any = self.shape
        shape = (shape,) if isinstance(shape, (int, np.integer)) else shape
        if not isinstance(shape, Sequence) or isinstance(shape, str):
            raise InputTypeError(f"shape: got {kind_of(shape)}, expected whole numbers")
        if not shape:
            raise InputError("shape: got no numbers, expected one for each axis of the grid")
        for each in shape:
            check_count("shape", each)
        object.__setattr__(self, "shape", tuple(int(each) for each in shape))
        if self.length is None:
            return
        given = self.length if isinstance(self.length, Sequence) else [self.length] * len(shape)
        for number in given:
            check_limit("length", number)
        if len(given) != len(shape) or not all(math.isfinite(number) for number in given):
            raise InputError(
                f"length: got {self.length} for {len(shape)} axes, expected a finite number, or "
                "one for each"
            )
        object.__setattr__(self, "length", tuple(float(number) for number in given))

    @property
    def size(self) -> int:
        """How many inputs the grid has."""
        return math.prod(self.shape)

    def covariance(self, lengths: Sequence[float]) -> Array:
        """(d, d), of weights of size one, for a length along each axis."""
        smooth: Array = np.eye(1)
        for n, length in zip(self.shape, lengths, strict=True):
            smooth = np.asarray(np.kron(smooth, _kernel(n, length)), np.float64)
        return np.asarray((1 - ROUGH) * smooth + ROUGH * np.eye(len(smooth)))


def _kernel(n: int, length: float) -> Array:
    apart = np.subtract.outer(np.arange(n), np.arange(n))
    if length == 0:
        return np.eye(n)
    return np.asarray(np.exp(-(apart**2) / (2 * length**2)))
