"""Rational numbers as text: 3, -1/7, 0.25, 1e-3.

The length of a number is limited, so that no file takes an unreasonable amount of time or memory.
Long numbers are converted by python-flint, which takes quasi-linear time and is not subject to
Python's own limit of some thousand digits.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError
from unrelu.formats.naming import shortened
from unrelu.numerics.arrays import Mask
from unrelu.numerics.rationals import Rationals

MOST_DIGITS = 20_000
"""Of a numerator or a denominator. By Hadamard's bound, solving a thousand equations whose
coefficients have 64 bits takes no more; to reduce such a fraction takes about twice as long as to
read as many characters of short ones."""

MOST_EXPONENT = 1000
"""Powers of ten that a decimal may have. Those of float64 lie between -324 and 308; without a
limit, a dozen characters could stand for more digits than any memory holds."""

SHORT = 600
"""Digits that Python converts under every limit: the lowest is 640."""

EXPECTED = "an integer, a decimal or a fraction p/q"

READS_THEM = "exact=True, on the command line --exact, reads fractions"
"""Advice if text is found where floats were expected."""

NUMERAL = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<p>[0-9]+)/(?P<q>[0-9]+)"
    r"|(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?:[eE](?P<power>[+-]?[0-9]{1,9}))?)"
)


def rational(text: str) -> Fraction:
    """The number that a text represents, taken literally: 0.1 is 1/10.

    Raises ValueError, with a message that continues "got <text>, expected ", for everything other
    than an integer, a decimal or a fraction of integers, in ASCII digits, within `MOST_DIGITS` and
    `MOST_EXPONENT`.

    >>> rational("-0.5"), rational("2/6"), rational("1e3")
    (Fraction(-1, 2), Fraction(1, 3), Fraction(1000, 1))
    """
    found = NUMERAL.fullmatch(text)
    if found is None:
        raise ValueError(EXPECTED)
    if found["q"] is not None:
        q = _integer(found["q"])
        if q == 0:
            raise ValueError("a denominator other than zero")
        number = Fraction(_integer(found["p"]), q)
    else:
        part, power = found["part"] or "", int(found["power"] or 0)
        if not found["whole"] + part:
            raise ValueError(EXPECTED)
        if abs(power) > MOST_EXPONENT:
            raise ValueError(f"powers of ten up to {MOST_EXPONENT}")
        number = Fraction(_integer(found["whole"] + part))
        shift = power - len(part)
        if shift:
            number *= Fraction(10) ** shift
    return -number if found["sign"] == "-" else number


def numeral(number: Fraction) -> str:
    """The text of a number, the same for equal ones: p, or p/q in lowest terms.

    >>> numeral(Fraction(-2, 6)), numeral(Fraction(4))
    ('-1/3', '4')
    """
    p, q = _digits(number.numerator), _digits(number.denominator)
    return p if q == "1" else f"{p}/{q}"


def rationals(where: str, array: NDArray[Any]) -> Rationals:
    """The numbers of an array of text; `where` is its name in messages.

    Raises FileError, with its place, for an entry that is not a rational number.
    """
    flat = np.ascontiguousarray(array).ravel()
    foreign = np.flatnonzero(_foreign(flat))  # some codes make NumPy crash
    if len(foreign):
        raise FileError(f"{_place(where, array, foreign[0])}: got other text than ASCII")
    numbers = np.empty(flat.shape, dtype=np.object_)
    for i, entry in enumerate(flat.tolist()):
        text = entry if isinstance(entry, str) else entry.decode("ascii")
        try:
            numbers[i] = rational(text)
        except ValueError as error:
            raise FileError(
                f"{_place(where, array, i)}: got {shortened(text)!r}, expected {error}"
            ) from error
    return numbers.reshape(array.shape)


def numerals(where: str, array: Rationals) -> NDArray[np.bytes_]:
    """An array of numbers as one of byte strings, each as wide as the longest.

    Raises FileError for a number that `rational` would not read back.
    """
    texts = [numeral(number).encode() for number in array.ravel()]
    longest = max(map(len, texts), default=1)
    if longest > MOST_DIGITS:  # the two halves are looked at only where they may be too long
        digits = max(len(half.lstrip(b"-")) for text in texts for half in text.split(b"/"))
        if digits > MOST_DIGITS:
            raise FileError(
                f"{where}: got a number of {digits} digits, expected {MOST_DIGITS} at most"
            )
    return np.array(texts, dtype=f"S{longest}").reshape(array.shape)


def _integer(digits: str) -> int:
    if len(digits) <= SHORT:
        return int(digits)
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"at most {MOST_DIGITS} digits")
    from flint import fmpz

    return int(fmpz(digits))


def _digits(number: int) -> str:
    if number.bit_length() <= 3 * SHORT:
        return str(number)
    from flint import fmpz

    return str(fmpz(number))


def _foreign(flat: NDArray[Any]) -> Mask:
    """Which texts hold codes beyond ASCII."""
    code = np.dtype(np.uint8 if flat.dtype.kind == "S" else np.uint32)
    if not flat.nbytes:
        return np.zeros(flat.shape, dtype=bool)
    codes = flat.view(code.newbyteorder(flat.dtype.byteorder)).reshape(len(flat), -1)
    return np.asarray((codes > 127).any(axis=1))


def _place(where: str, array: NDArray[Any], at: int) -> str:
    return f"{where}[{', '.join(str(int(i)) for i in np.unravel_index(at, array.shape))}]"
