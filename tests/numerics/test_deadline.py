"""Deadlines: they end computations, also nested ones, and nothing outside of their context."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu.numerics.conjugate_gradients import conjugate_gradients
from unrelu.numerics.deadline import DeadlinePassed, check_deadline, ending_at


def _solve() -> None:
    conjugate_gradients(lambda x: x, np.ones(2), lambda x: x, tolerance=1e-9, most=5)


def test_a_computation_ends_after_the_deadline_and_not_before() -> None:
    _solve()
    with ending_at(np.inf):
        _solve()
        with pytest.raises(DeadlinePassed), ending_at(-np.inf):
            _solve()
        check_deadline()
    check_deadline()


def test_a_later_deadline_inside_does_not_help() -> None:
    with pytest.raises(DeadlinePassed), ending_at(-np.inf), ending_at(np.inf):
        check_deadline()
