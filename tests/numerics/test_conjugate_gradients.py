"""Conjugate gradients solve what they should, and use their preconditioner."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu.numerics.conjugate_gradients import conjugate_gradients

Array = NDArray[np.float64]


@pytest.mark.parametrize("rank", [8, 5])
def test_systems_are_solved_also_singular_ones(rank: int) -> None:
    rng = np.random.default_rng(rank)
    root = rng.standard_normal((8, rank))
    N, right = root @ root.T, root @ rng.standard_normal(rank)
    x, done = conjugate_gradients(lambda y: N @ y, right, lambda y: y, tolerance=1e-12, most=100)
    assert done
    assert np.linalg.norm(N @ x - right) < 1e-9 * np.linalg.norm(right)
    short, done = conjugate_gradients(lambda y: N @ y, right, lambda y: y, tolerance=1e-12, most=2)
    assert not done
    assert np.linalg.norm(N @ short - right) > 1e-6 * np.linalg.norm(right)  # the canary


def test_a_good_preconditioner_takes_one_product() -> None:
    rng = np.random.default_rng(0)
    root = rng.standard_normal((8, 8))
    N, right, products = root @ root.T, rng.standard_normal(8), 0

    def product(y: Array) -> Array:
        nonlocal products
        products += 1
        return np.asarray(N @ y)

    inverse = np.linalg.inv(N)
    x, _ = conjugate_gradients(product, right, lambda y: inverse @ y, tolerance=1e-6, most=100)
    assert np.linalg.norm(N @ x - right) < 1e-6 * np.linalg.norm(right)
    assert products <= 2


def test_no_solution_is_no_solution() -> None:
    rng = np.random.default_rng(0)
    root = rng.standard_normal((8, 5))
    N, right = root @ root.T, rng.standard_normal(8)
    _, done = conjugate_gradients(lambda y: N @ y, right, lambda y: y, tolerance=1e-6, most=1000)
    assert not done
