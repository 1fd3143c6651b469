"""Arrays of real numbers from whatever NumPy or a tensor library can make one of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.errors import InputError, InputTypeError
from unrelu.inputs.tensors import as_array


def real_numbers(name: str, value: ArrayLike, advice: str = "") -> NDArray[Any]:
    """As an array of a real type, without a copy if it is one; memory maps stay memory maps. The
    caller checks the shape.

    Raises InputError for rows of different lengths, and InputTypeError, with the advice, for other
    data than real numbers.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise InputTypeError(f"{name}: got a masked array, expected plain numbers: drop such rows")
    try:
        value = as_array(value)
    except InputTypeError as error:
        raise InputTypeError(f"{name}: {error}, expected real numbers") from error
    try:
        array = np.asanyarray(value) if isinstance(value, np.memmap) else np.asarray(value)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{name}: got a ragged sequence, expected a table of numbers") from error
    if array.dtype.kind not in "fiub":
        raise InputTypeError(
            f"{name}: got data of type {array.dtype}, expected real numbers{advice}"
        )
    return array
