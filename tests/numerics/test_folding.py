"""Sums that do not depend on who adds them."""

from __future__ import annotations

import numpy as np

from unrelu.numerics.folding import CELL, added, folded, grow, top


def add(a: np.float64, b: np.float64) -> np.float64:
    return a + b


def test_groups_of_a_power_of_two_give_the_same_bits() -> None:
    parts = [np.float64(x) for x in np.random.default_rng(0).standard_normal(37)]
    whole = folded(parts, add)
    for size in (1, 2, 4, 8, 16, 64):
        tree: list[tuple[int, np.float64]] = []
        for at in range(0, 37, size):
            grow(tree, size, folded(parts[at : at + size], add), add)
        assert top(tree, add) == whole
    assert sum(parts) != whole  # a canary: another order has other rounding
    assert CELL & (CELL - 1) == 0


def test_sums_by_name() -> None:
    parts = [{"a": np.ones(2), "b": np.array(number)} for number in range(5)]
    total = folded(parts, added)
    assert total["a"].tolist() == [5, 5]
    assert total["b"] == 10
