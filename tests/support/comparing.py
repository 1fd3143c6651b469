"""Comparisons of networks to the last bit; `test_support` shows that they see one."""

from __future__ import annotations

import numpy as np

from unrelu.network import Network


def identical(one: Network, other: Network) -> bool:
    """Whether two networks have the same activation and, bit for bit, the same weights; units and
    scales as they stand."""
    return one.activation == other.activation and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("V", "U", "b", "c", "W")
    )
