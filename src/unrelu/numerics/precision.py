"""Precision: how finely labels are known, read from their type or from the numbers themselves.

A log kept as text, in a database or in float64 arrays has lost the type of the model that answered,
but not its rounding: all numbers are float32 numbers, or have three decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.numerics.arrays import Array, Mask


@dataclass(frozen=True)
class Precision:
    """Labels are off by half of `eps` times their size, or by half of `step`, whatever their size.

    name : "float64", "float32", "3 decimals", ...
    eps : rounding unit of the numbers that the labels were computed or kept in.
    step : distance of neighbouring labels, where they were rounded to decimals; else zero.
    read_off : whether it was read from the labels, which might have so few digits for another
        reason; and not from their type.
    sure : whether there hardly is another reason.
    """

    name: str
    eps: float
    step: float = 0.0
    read_off: bool = False
    sure: bool = True


EPS = float(np.finfo(np.float64).eps)

DOUBLE = Precision("float64", EPS)

SHORT = {"float16": np.float16, "float32": np.float32}
"""Those that NumPy has: their shortest decimals are what text files hold."""

SPARE_BITS = 3
"""One number in 2³ has so many zeros at its end by chance."""

USED = 0.2
"""Share of the labels that have to use all bits (or digits) but `SPARE_BITS` (or one). Numbers that
are few-digit ones for another reason, such as whole or dyadic weights, use them rarely."""

MOST_DECIMALS = 8

LEVELS = 10
"""Values within the central nine tenths of the labels from which on whole numbers are rounded ones:
fewer are counts, or names of classes."""

FEWEST = 8
"""Labels other than zero from which anything is read off."""

FIRST, BLOCK = 1000, 1 << 17
"""Rows from which a kind is read off, and rows that are compared with it at a time."""


def precision_of(X: NDArray[Any], Y: NDArray[Any]) -> Precision:
    """Of the labels Y (n, m) at inputs X (n, d): that of the coarser type, or what is read off the
    labels where those are float64. Arithmetic is in float64 whatever the types are.

    Whole numbers and decimals that are so by type or by nature look like rounded ones: whoever uses
    what was read off has to try first whether labels are not meant as they stand.

    Cost: one pass over labels that look rounded, none over others."""
    short = [kind for kind in (X.dtype, Y.dtype) if kind.kind == "f" and kind.itemsize < 8]
    if short:
        kind = max(short, key=lambda kind: float(np.finfo(kind).eps))
        return Precision(kind.newbyteorder("=").name, float(np.finfo(kind).eps))
    if Y.dtype.kind != "f" and Y.dtype.itemsize == 1:  # marks, or class labels
        return DOUBLE
    return read_off(Y)


def read_off(Y: NDArray[Any]) -> Precision:
    """What the numbers of an array show of their precision."""
    few = np.asarray(Y[:: max(1, len(Y) // FIRST)], dtype=np.float64).ravel()
    found = next(
        (kind for kind in KINDS if few[few != 0].size >= FEWEST and _used(few, kind)), None
    )
    if found is None:
        return DOUBLE
    for start in range(0, len(Y), BLOCK):
        if not _holds(np.asarray(Y[start : start + BLOCK], dtype=np.float64).ravel(), found):
            return DOUBLE
    return found.precision


@dataclass(frozen=True)
class _Kind:
    """Floats of so many `bits`, in binary or as the shortest `digits` decimals that tell them
    apart; or so many `decimals`."""

    precision: Precision
    bits: int = 0
    digits: int = 0
    decimals: int = 0


def _floats(name: str, bits: int, digits: int = 0, sure: bool = True) -> _Kind:
    return _Kind(Precision(name, 2.0 ** (1 - bits), read_off=True, sure=sure), bits, digits)


def _decimal(count: int) -> _Kind:
    name = f"{count} decimal{'s' * (count > 1)}" if count else "whole numbers"
    return _Kind(Precision(name, EPS, 10.0**-count, read_off=True, sure=False), decimals=count)


PLAIN_DECIMALS = 3
"""Decimals that people round to without a thought. Multiples of 2⁻⁸, as large numbers of float16
are, have eight."""

KINDS = (
    _floats("bfloat16", 8),
    _floats("float16", 11),
    _floats("float16", 11, digits=5),
    _floats("float32", 24),
    _floats("float32", 24, digits=9),
    *map(_decimal, range(PLAIN_DECIMALS + 1)),
    _floats("float16", 11, sure=False),
    *map(_decimal, range(PLAIN_DECIMALS + 1, MOST_DECIMALS + 1)),
    _floats("float32", 24, sure=False),
)
"""Coarse ones before those of which they are a part. Where floats do not use their bits, sums may
have cancelled, or weights have few digits."""


def _holds(labels: Array, kind: _Kind) -> bool:
    """Whether all labels may be of the kind."""
    labels = labels[labels != 0]
    if not len(labels):
        return True
    if not kind.bits:
        return np.array_equal(np.round(labels, kind.decimals), labels)
    if kind.digits:
        return bool(_ends_by(labels, kind.digits).all())
    return bool(_zeros(labels).min() >= 53 - kind.bits)


def _used(labels: Array, kind: _Kind) -> bool:
    """Whether these few labels are of the kind and of no coarser one. Floats use their bits, surely
    if at all sizes: numbers with a common unit end sooner where they are small."""
    labels = labels[labels != 0]
    if not _holds(labels, kind):
        return False
    if not kind.bits:
        if kind.decimals and np.array_equal(np.round(labels, kind.decimals - 1), labels):
            return False
        low, high = np.quantile(labels, (0.05, 0.95))
        return bool(high - low > LEVELS * kind.precision.step and _varied(labels))
    labels = np.unique(labels)  # a value that repeats counts once
    if len(labels) < FEWEST:
        return False
    size = np.abs(labels)
    smaller = size <= np.median(size) / 2
    smaller = smaller if smaller.sum() >= FEWEST else size <= np.median(size)
    if kind.digits:
        with np.errstate(over="ignore"):
            short = labels.astype(SHORT[kind.precision.name])
        same = (float(str(a)) == b for a, b in zip(short, labels.tolist(), strict=True))
        used = ~_ends_by(labels, kind.digits - 2)
        return bool(used.mean() >= USED and used[smaller].mean() >= USED) and all(same)
    used = _zeros(labels) <= 53 - kind.bits + SPARE_BITS
    if not kind.precision.sure:
        integers = np.array_equal(np.round(labels), labels)  # counts, or names of classes
        return not integers and _varied(labels)
    on_a_grid = np.log2(size.max()) - _last_bits(labels).min() < kind.bits + SPARE_BITS
    return bool(used.mean() >= USED and used[smaller].mean() >= USED and not on_a_grid)


def _varied(labels: Array) -> bool:
    return len(np.unique(labels)) > min(LEVELS, len(labels) // 2)


def _zeros(labels: Array) -> Array:
    """At the end of each significand of 53 bits."""
    significands = np.ldexp(np.frexp(np.abs(labels))[0], 53).astype(np.int64)
    return np.asarray(np.log2((significands & -significands).astype(np.float64)))


def _last_bits(labels: Array) -> Array:
    """Exponents of the last bits that are not zero. Numbers on a grid, such as multiples of 1/4,
    are floats of few bits, too, but not of bits at all sizes."""
    return np.asarray(np.frexp(labels)[1] - 53 + _zeros(labels))


def _ends_by(labels: Array, digits: int) -> Mask:
    """Which labels have no more than so many significant decimal digits."""
    scaled = np.abs(labels) / 10.0 ** (np.floor(np.log10(np.abs(labels))) + 1 - digits)
    return np.asarray(np.abs(scaled - np.round(scaled)) <= 1e-6)
