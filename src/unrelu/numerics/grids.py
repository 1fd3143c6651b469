"""What answers were rounded to: a grid of levels, read off the answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.precision import DOUBLE, read_off

LEAST_STEP = 1e-7
"""Smallest step of a grid, relative to the largest answer, that a common divisor shows."""

MOST_DECIMALS = 12
"""Beyond, doubles of a usual size have hardly more digits."""

OFF = 1e-6
"""By what share of a step answers may be off a grid: doubles are off by far less."""

SINGLE_BITS = 24
"""Of the significand of a float32."""

RULES = {
    "nearest": "to the nearest level",
    "toward zero": "toward zero",
    "down": "down",
    "up": "up",
}
"""How answers may have been rounded."""


@dataclass(frozen=True)
class Grid:
    """Levels l + k h for whole numbers k; or floats of so many `bits`, where the step depends on
    the size.

    name : for people. step : h; 0 for floats. offset : l. bits : of a significand.
    """

    name: str
    step: float = 0.0
    offset: float = 0.0
    bits: int = 0

    @property
    def single(self) -> bool:
        """Whether it is that of float32."""
        return self.bits == SINGLE_BITS

    def spacing(self, values: Array) -> Array:
        """The distance of the levels about the values."""
        if self.step:
            return np.full(np.shape(values), self.step)
        exponent = np.frexp(values)[1] - 1
        return np.asarray(np.ldexp(1.0, exponent - self.bits + 1))

    def between(self, values: Array) -> tuple[Array, Array]:
        """The levels next to the values, below and above."""
        if self.step:
            below = np.floor((values - self.offset) / self.step)
            return self._level(below), self._level(below + 1)
        spacing = self.spacing(values)
        below = np.floor(values / spacing)
        return np.asarray(below * spacing), np.asarray((below + 1) * spacing)

    def _level(self, number: Array) -> Array:
        """Divided by a whole number of levels to one where there is one: 3 / 1000 is the float next
        to 0.003, and 3 × 0.001 is not."""
        inverse = round(1 / self.step)
        whole = inverse > 0 and abs(inverse * self.step - 1) < 1e-12
        return np.asarray(self.offset + (number / inverse if whole else number * self.step))

    def largest(self, Y: Array) -> float:
        """The largest step between levels about these answers."""
        return float(self.spacing(np.asarray(np.abs(Y).max())))


LAG = {"nearest": (0.5, 0.5), "toward zero": (1.0, 1.0), "down": (1.0, 0.0), "up": (0.0, 1.0)}
"""How far an answer may be below and above the value, in steps."""


def thresholds(lower: Array, upper: Array, rule: str) -> Array:
    """The value at which answers step from one level to the next."""
    if rule == "nearest":
        return np.asarray(lower + 0.5 * (upper - lower))
    if rule == "down":
        return upper
    if rule == "up":
        return lower
    assert rule == "toward zero", "it is one of RULES"
    return np.asarray(np.where(upper > 0, upper, lower))


def grid_of(Y: Array) -> Grid | None:
    """The grid that all answers (n, m) lie on; None for doubles that have all their digits."""
    precision = read_off(Y)
    if precision.step:
        return Grid(precision.name, precision.step)
    if precision != DOUBLE:
        return Grid(precision.name, bits=1 - round(math.log2(precision.eps)))
    return _decimals(Y) or _common_divisor(Y)


def _decimals(Y: Array) -> Grid | None:
    """More decimals than labels of samples are credited with."""
    places = range(1, MOST_DECIMALS + 1)
    found = next((p for p in places if np.array_equal(np.round(Y, p), Y)), None)
    return None if found is None or not Y.any() else Grid(f"{found} decimals", 10.0**-found)


def _common_divisor(Y: Array) -> Grid | None:
    """Levels of one distance, found by Euclid's algorithm on the differences of answers."""
    levels = np.unique(Y)
    size = float(np.abs(levels).max(initial=0.0))
    if len(levels) < 3 or not size:
        return None
    tolerance = LEAST_STEP * size
    step = 0.0
    for gap in np.diff(levels):
        step, rest = max(step, float(gap)), min(step, float(gap))
        while rest > tolerance:
            step, rest = rest, step % rest
            rest = min(rest, step - rest)
        if step <= tolerance:
            return None
    zero = np.round(levels / step)
    offset = 0.0 if np.abs(levels / step - zero).max() < 1e-3 else float(levels[0])
    numbers = np.round((levels - offset) / step)
    step = float(numbers @ (levels - offset) / (numbers @ numbers))
    if np.abs((levels - offset) / step - numbers).max() > OFF:
        return None
    return Grid(f"multiples of {step:.3g}" if not offset else f"steps of {step:.3g}", step, offset)
