"""Curve: an activation that is known by its graph alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from unrelu.activations.base import Activation
from unrelu.errors import InputError, InputTypeError
from unrelu.numerics.arrays import Array


@dataclass(frozen=True, eq=False, repr=False)
class Curve(Activation):
    """f(z) = 0 for z <= 0, straight from knot to knot for z > 0.

    knots : (p,) heights z, rising from 0.
    values : (p,) what f tends to at them, positive (that at 0 may be 0), all rising or all falling.

    f may jump at 0. Beyond the last knot it goes straight on if it rises, and stays what it is if
    it falls. Two are equal when their numbers are. Raises InputError, InputTypeError for numbers
    that are not such a curve.

    >>> ramp = Curve([0.0, 1.0, 2.0], [0.5, 1.0, 3.0])
    >>> ramp(np.array([-1.0, 0.0, 1.5, 3.0]))
    array([0., 0., 2., 5.])
    """

    knots: Array
    values: Array

    name = "curve"
    estimated = True
    smooth = False

    def __init__(self, knots: ArrayLike, values: ArrayLike) -> None:
        z, y = _line("knots", knots), _line("values", values)
        if z.shape != y.shape or len(z) < 2:
            raise InputError(
                f"values: got {len(y)} for {len(z)} knots, expected as many, and two or more"
            )
        if z[0] != 0 or not (np.diff(z) > 0).all():
            raise InputError("knots: got others, expected numbers that rise from 0")
        rises, falls = (np.diff(y) > 0).all(), (np.diff(y) < 0).all()
        if not (rises or falls) or y.min() < 0 or (falls and y.min() == 0):
            raise InputError("values: got others, expected positive ones that all rise or all fall")
        for name, line in (("knots", z), ("values", y)):
            line.setflags(write=False)
            object.__setattr__(self, name, line)

    @property
    def rises(self) -> bool:
        return bool(self.values[-1] > self.values[0])

    def __call__(self, z: Array) -> Array:
        z = np.asarray(z, dtype=np.float64)
        y = np.interp(z, self.knots, self.values)
        if self.rises:
            y += self._last_slope * np.maximum(z - self.knots[-1], 0.0)
        return np.where(z <= 0, 0.0, y)  # so that NaN stays NaN

    def slope(self, z: Array) -> Array:
        """f'(z) at z > 0, 0 elsewhere; at a knot, that before it."""
        z = np.asarray(z, dtype=np.float64)
        slopes = np.append(np.diff(self.values) / np.diff(self.knots), self._last_slope)
        if not self.rises:
            slopes[-1] = 0.0
        piece = np.clip(np.searchsorted(self.knots, z) - 1, 0, len(slopes) - 1)
        return np.where(z > 0, slopes[piece], 0.0)

    def inverse(self, y: Array) -> Array:
        """z > 0 with f(z) = y; NaN where there is none."""
        y = np.asarray(y, dtype=np.float64)
        order = slice(None) if self.rises else slice(None, None, -1)
        values, knots = self.values[order], self.knots[order]
        z = np.interp(y, values, knots, left=np.nan, right=np.nan)
        if self.rises:
            beyond = self.knots[-1] + (y - self.values[-1]) / self._last_slope
            z = np.where(y > self.values[-1], beyond, z)
        return np.where(z > 0, z, np.nan)

    def scaled(self, height: float, size: float) -> Curve:
        """z -> size · f(z / height)."""
        return Curve(height * self.knots, size * self.values)

    @property
    def _last_slope(self) -> float:
        return float((self.values[-1] - self.values[-2]) / (self.knots[-1] - self.knots[-2]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Curve):
            return NotImplemented
        return np.array_equal(self.knots, other.knots) and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.knots.tobytes(), self.values.tobytes()))

    def __reduce__(self) -> tuple[type[Curve], tuple[Array, Array]]:
        return Curve, (self.knots, self.values)

    def __repr__(self) -> str:
        return f"Curve({len(self.knots)} knots up to {self.knots[-1]:.3g})"


def _line(name: str, given: ArrayLike) -> Array:
    try:
        line = np.asarray(given)
    except ValueError as error:
        raise InputError(f"{name}: got a ragged sequence, expected numbers") from error
    if line.dtype.kind not in "fiu":
        raise InputTypeError(f"{name}: got data of type {line.dtype}, expected real numbers")
    if line.ndim != 1 or not np.isfinite(line).all():
        raise InputError(f"{name}: got shape {line.shape}, expected one row of finite numbers")
    return line.astype(np.float64)
