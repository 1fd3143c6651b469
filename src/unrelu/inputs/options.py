"""Checks of arguments that several functions of the library share."""

from __future__ import annotations

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.wording.streams import kind_of

FOREVER = 1e15
"""Seconds."""


def generator(rng: int | np.random.Generator | None) -> np.random.Generator:
    expected = "expected a non-negative whole number or a numpy Generator"
    try:
        return np.random.default_rng(rng)
    except TypeError as error:
        raise InputTypeError(f"rng: got {kind_of(rng)}, {expected}") from error
    except ValueError as error:
        raise InputError(f"rng: got {rng}, {expected}") from error


def seeded(rng: int | np.random.Generator | None) -> tuple[np.random.Generator, dict[str, int]]:
    """A generator, and its seed as {"seed": …}: the given one, or a random one for None. A given
    Generator has no known seed."""
    if rng is None:
        rng = int(generator(None).integers(2**32))
    known = {"seed": int(rng)} if isinstance(rng, (int, np.integer)) else {}
    return generator(rng), known


def check_flag(name: str, value: object) -> None:
    if not isinstance(value, (bool, np.bool_)):
        raise InputTypeError(f"{name}: got {kind_of(value)}, expected True or False")


def check_units(n_units: object, or_type: str = "", or_value: str = "", least: int = 1) -> None:
    check_count("n_units", n_units, or_type, or_value, least)


def check_count(
    name: str, value: object, or_type: str = "", or_value: str = "", least: int = 1
) -> None:
    """A whole number, `least` or more; `or_type` and `or_value` name other possibilities."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputTypeError(f"{name}: got {kind_of(value)}, expected a whole number{or_type}")
    if value < least:
        raise InputError(f"{name}: got {value}, expected {least} or more{or_value}")


def check_limit(name: str, limit: object) -> None:
    """A number, 0 or more."""
    if isinstance(limit, bool) or not isinstance(limit, (int, float, np.integer, np.floating)):
        raise InputTypeError(f"{name}: got {kind_of(limit)}, expected a number")
    if not limit >= 0:
        raise InputError(f"{name}: got {limit}, expected 0 or more")


def check_seconds(name: str, limit: object) -> None:
    """A time above zero, or None."""
    if limit is None:
        return
    check_limit(name, limit)
    if not 0 < float(limit) < FOREVER:  # type: ignore[arg-type]
        raise InputError(f"{name}: got {limit}, expected seconds above 0, or None")
