"""The precision of an oracle's answers."""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array


def decimal_places(Y: Array) -> int | None:
    """Decimals that all answers are rounded to, if few: random numbers have no zeros there."""
    if not Y.any():
        return None
    return next((p for p in range(1, 7) if np.array_equal(np.round(Y, p), Y)), None)


def in_single(Y: Array) -> bool:
    """Are all answers float32 numbers, or as few digits as those are written with?"""
    with np.errstate(over="ignore"):
        single = Y.astype(np.float32)
    if np.array_equal(single, Y):
        return bool((np.round(Y) != Y).any())
    return all(
        float(str(small)) == full
        for small, full in zip(single.ravel(), Y.ravel().tolist(), strict=True)
    )
