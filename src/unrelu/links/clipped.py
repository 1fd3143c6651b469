"""Values clipped to [0, 1]. Where the answer is zero or one, the value is not seen."""

from __future__ import annotations

import numpy as np

from unrelu.links.link import Link
from unrelu.numerics.arrays import Array


def _inside(P: Array) -> Array:
    return np.where((P > 0) & (P < 1), 1.0, 0.0)


def _refuse(P: Array) -> str:
    inside = P.min() >= 0 and P.max() <= 1
    return "" if inside else "expected numbers between 0 and 1"


CLIPPED = Link(
    "clipped",
    "values, clipped to [0, 1]",
    forward=lambda F: np.clip(F, 0.0, 1.0),
    inverse=lambda P: P,
    error=lambda P, errors: np.where(_inside(P) > 0, errors, np.inf),
    target=lambda p: p,
    slope=_inside,
    low=0.0,
    high=1.0,
    refuse=_refuse,
    hides="units that act only where answers are cut off are not seen",
)
