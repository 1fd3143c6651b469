"""Checks of options that several front doors share."""

from __future__ import annotations

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.wording.streams import kind_of


def generator(rng: int | np.random.Generator | None) -> np.random.Generator:
    expected = "expected a non-negative whole number or a numpy Generator"
    try:
        return np.random.default_rng(rng)
    except TypeError as error:
        raise InputTypeError(f"rng: got {kind_of(rng)}, {expected}") from error
    except ValueError as error:
        raise InputError(f"rng: got {rng}, {expected}") from error


def seeded(rng: int | np.random.Generator | None) -> tuple[np.random.Generator, dict[str, int]]:
    """A generator, and the whole number that makes it again, as {"seed": …}: what was given, or
    drawn for None. Of a Generator nobody knows one."""
    if rng is None:
        rng = int(generator(None).integers(2**32))
    known = {"seed": int(rng)} if isinstance(rng, (int, np.integer)) else {}
    return generator(rng), known


def check_flag(name: str, value: object) -> None:
    if not isinstance(value, (bool, np.bool_)):
        raise InputTypeError(f"{name}: got {kind_of(value)}, expected True or False")


def check_units(n_units: object, or_type: str = "", or_value: str = "", least: int = 1) -> None:
    if isinstance(n_units, bool) or not isinstance(n_units, (int, np.integer)):
        raise InputTypeError(f"n_units: got {kind_of(n_units)}, expected a whole number{or_type}")
    if n_units < least:
        raise InputError(f"n_units: got {n_units}, expected {least} or more{or_value}")


def check_limit(name: str, limit: object) -> None:
    if isinstance(limit, bool) or not isinstance(limit, (int, float, np.integer, np.floating)):
        raise InputTypeError(f"{name}: got {kind_of(limit)}, expected a number")
    if not limit >= 0:
        raise InputError(f"{name}: got {limit}, expected 0 or more")
