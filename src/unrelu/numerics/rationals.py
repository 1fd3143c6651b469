"""Rational numbers: arrays of `fractions.Fraction` outside, python-flint's matrices inside.

Integers, Fractions and Decimals are taken at their word, and so are floats: each is a dyadic
rational, and that one is meant.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.errors import InputError, InputTypeError
from unrelu.numerics.arrays import Array
from unrelu.wording.streams import kind_of

if TYPE_CHECKING:
    from flint import fmpq_mat

Rationals = NDArray[Any]
"""An array of `fractions.Fraction`, as numpy objects."""


def as_fractions(name: str, value: ArrayLike) -> Rationals:
    """The same numbers as Fractions, without any rounding.

    value : array or nested sequence of integers, floats, Fractions, Decimals or flint's fmpq.

    Raises InputError for NaN and infinity and for ragged sequences, InputTypeError for whatever
    is no real number; `name` is what the messages call it.

    >>> as_fractions("Y", [1, 0.5, Fraction(1, 3)])
    array([Fraction(1, 1), Fraction(1, 2), Fraction(1, 3)], dtype=object)
    """
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"{name}: got a ragged sequence, expected a table of numbers") from error
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise InputError(f"{name}: got values that are not finite, expected real numbers")
        if array.dtype.itemsize > 8:
            raise InputTypeError(
                f"{name}: got data of type {array.dtype}, expected at most float64"
            )
        array = array.astype(np.float64)
    elif array.dtype.kind not in "iubO":
        raise InputTypeError(f"{name}: got data of type {array.dtype}, expected rational numbers")
    fractions = np.empty(array.shape, dtype=np.object_)
    # .tolist() turns numpy's scalars into Python's.
    fractions.ravel()[:] = [_fraction(name, number) for number in array.ravel().tolist()]
    return fractions


def with_ones(columns: Rationals, biased: bool = True) -> Rationals:
    """The columns and, with biases, one of ones."""
    ones = np.full((len(columns), int(biased)), Fraction(1), dtype=np.object_)
    return np.hstack([columns, ones])


def _fraction(name: str, number: Any) -> Fraction:
    if isinstance(number, (float, Rational, Decimal, np.floating)):
        try:
            return Fraction(float(number) if isinstance(number, np.floating) else number)
        except (ValueError, OverflowError) as error:
            raise InputError(f"{name}: got {number}, expected finite numbers") from error
    if type(number).__name__ in ("fmpq", "fmpz"):
        return (
            Fraction(int(number.p), int(number.q))
            if hasattr(number, "q")
            else Fraction(int(number))
        )
    raise InputTypeError(f"{name}: got {kind_of(number)}, expected rational numbers")


def is_rational(array: NDArray[Any]) -> bool:
    """Whether an array holds objects, so Fractions, and not floats."""
    return array.dtype.kind == "O"


def rounded(array: Rationals) -> Array:
    """Each to the nearest float64; what is beyond their range becomes infinite."""
    return np.reshape([_rounded(number) for number in array.ravel()], array.shape).astype(
        np.float64
    )


def _rounded(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def to_matrix(array: Rationals) -> fmpq_mat:
    """A matrix of python-flint, for products, ranks and solutions over ℚ."""
    from flint import fmpq, fmpq_mat

    rows, columns = array.shape
    entries = [fmpq(number.numerator, number.denominator) for number in array.ravel()]
    return fmpq_mat(rows, columns, entries)


def to_fractions(matrix: fmpq_mat) -> Rationals:
    """And back."""
    array = np.empty(matrix.nrows() * matrix.ncols(), dtype=np.object_)
    array[:] = [Fraction(int(entry.p), int(entry.q)) for entry in matrix.entries()]
    return array.reshape(matrix.nrows(), matrix.ncols())


def product(left: Rationals, right: Rationals) -> Rationals:
    """left @ right over ℚ; python-flint clears the denominators first."""
    return to_fractions(to_matrix(left) * to_matrix(right))
