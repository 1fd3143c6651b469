"""Is a function of the user's a rectified activation, and is its inverse one?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.numerics.arrays import Array
from unrelu.wording.streams import kind_of


def vetted(phi: Callable[[Array], Array], inverse: Callable[[Array], Array]) -> float | None:
    """The degree of homogeneity of phi, None if it has none; or what is wrong with the pair."""
    for name, function in (("phi", phi), ("phi_inverse", inverse)):
        if not callable(function):
            raise InputTypeError(
                f"{name}: got {kind_of(function)}, expected a function of an array"
            )
    z = np.concatenate([np.geomspace(1e-6, 0.1, 40, endpoint=False), np.linspace(0.1, 8.0, 80)])
    y = _asked("phi", phi, z)
    finite = np.isfinite(y)
    if not finite[z <= 2].all():
        at = int(finite.argmin())
        raise InputError(f"phi: got {y[at]} at {z[at]:.3g}, expected a finite number")
    # Beyond 2 it may overflow, or be as flat as floats can tell.
    still = (z <= 2) | (finite & np.append(True, np.diff(y) != 0))
    stop = len(z) if still.all() else int(still.argmin())
    z, y = z[:stop], y[:stop]
    if not (y > 0).all():
        at = int((y <= 0).argmax())
        raise InputError(
            f"phi: got {y[at]:.3g} at {z[at]:.3g}, expected positive values for z > 0: only what "
            "is zero up to a point and positive after it shows where a unit begins"
        )
    if not (np.diff(y) > 0).all():
        at = int((np.diff(y) <= 0).argmax())
        raise InputError(
            f"phi: got {y[at]:.9g} at {z[at]:.3g} and {y[at + 1]:.9g} at {z[at + 1]:.3g}, expected "
            "increasing values: others are not one-to-one, or fall"
        )
    turned = _asked("phi", phi, z[::-1])[::-1]
    if not np.allclose(turned, y, rtol=1e-12, atol=0.0):
        raise InputError("phi: got another value of a number among others, expected entry by entry")
    back = _asked("phi_inverse", inverse, y)
    # y is known to rounding only, and where phi is flat z is known to less.
    steepness = np.gradient(y, z)
    allowed = 1e-9 * z + 1e3 * np.finfo(np.float64).eps * (y / steepness)
    wrong = ~(np.abs(back - z) <= allowed)
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            f"phi_inverse: got {back[at]:.15g} for phi({z[at]:.15g}), expected {z[at]:.15g} back"
        )
    bend = np.diff(np.log(y)) / np.diff(np.log(z))
    if np.ptp(bend) > 1e-9 * bend.max():
        return None
    degree = float((np.log(y[-1]) - np.log(y[0])) / (np.log(z[-1]) - np.log(z[0])))
    if abs(degree - 1) < 1e-9:
        raise InputError("phi: got a multiple of z, which is the ReLU: use 'relu'")
    return degree


def _asked(name: str, function: Callable[[Array], Array], values: Array) -> Array:
    try:
        with np.errstate(all="ignore"):
            answer: Any = np.asarray(function(values.copy()))
    except Exception as error:
        raise InputError(
            f"{name}: got {type(error).__name__} ({error}), expected values"
        ) from error
    if answer.dtype.kind not in "fiu" or answer.shape != values.shape:
        raise InputError(
            f"{name}: got an array of {answer.dtype} with shape {answer.shape} for numbers of "
            f"shape {values.shape}, expected as many real numbers"
        )
    return np.asarray(answer, dtype=np.float64)
