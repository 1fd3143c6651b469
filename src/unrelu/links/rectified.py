"""Rectified values: max(F, 0). Where the answer is zero, the value is not seen."""

from __future__ import annotations

import numpy as np

from unrelu.links.link import Link
from unrelu.numerics.arrays import Array


def _refuse(P: Array) -> str:
    return "" if P.min() >= 0 else "expected numbers from zero on"


RECTIFIED = Link(
    "rectified",
    "values, or zero where they are negative",
    forward=lambda F: np.maximum(F, 0.0),
    inverse=lambda P: P,
    error=lambda P, errors: np.where(P > 0, errors, np.inf),
    target=lambda p: p,
    slope=lambda p: np.where(p > 0, 1.0, 0.0),
    low=0.0,
    refuse=_refuse,
    hides="units that act only where answers are cut off are not seen",
)
