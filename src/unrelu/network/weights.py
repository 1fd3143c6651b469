"""Arrays of weights, checked: float64, or Fractions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from unrelu.errors import InputError
from unrelu.inputs.frames import plain
from unrelu.inputs.numbers import real_numbers
from unrelu.inputs.tensors import as_array
from unrelu.numerics.arrays import Array, holds_numbers
from unrelu.numerics.rationals import Rationals, as_fractions

LARGEST = 1e70
"""Squares of anything up to here, times those of samples, are finite."""


def float_weights(name: str, value: ArrayLike, ndim: int) -> Array:
    """A fresh float64 array of the given number of axes, or a clean error."""
    array = value if holds_numbers(value) else real_numbers(name, plain(name, value))
    if array.ndim != ndim:
        raise InputError(f"{name}: got {array.ndim} axes, expected {ndim}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{name}: got values that are not finite, expected real numbers")
    if not (np.abs(array) <= LARGEST).all():
        raise InputError(f"{name}: got values beyond {LARGEST:g}, expected smaller ones: rescale")
    return array


def rational_weights(name: str, value: ArrayLike, ndim: int) -> Rationals:
    """The same as Fractions."""
    array = as_fractions(name, value)
    if array.ndim != ndim:
        raise InputError(f"{name}: got {array.ndim} axes, expected {ndim}")
    return array


def holds_objects(value: ArrayLike | None) -> bool:
    """Whether it is an array, or nested sequences, of other things than plain numbers."""
    if value is None or holds_numbers(value):
        return False
    try:
        return bool(np.asarray(as_array(value)).dtype.kind == "O")
    except ValueError:  # ragged, which is said where the shapes are checked
        return False
