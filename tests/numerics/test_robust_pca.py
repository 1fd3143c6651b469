"""Low rank plus sparse: planted, split, compared."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from unrelu.numerics.robust_pca import Split, pursuit, split, typical

Array = NDArray[np.float64]
Marks = NDArray[np.bool_]
EPS = float(np.finfo(np.float64).eps)


def spoilt_table(
    n: int, m: int, rank: int, share: float, *, rows: bool, size: float, seed: int
) -> tuple[Array, Array, Marks]:
    """The table, its low-rank part and the marks of what was replaced."""
    rng = np.random.default_rng(seed)
    low = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, m))
    wrong = np.broadcast_to(rng.random((n, 1 if rows else m)) < share, (n, m))
    errors = size * np.sqrt(rank) * rng.standard_normal((n, m))
    return np.where(wrong, low + errors, low), low, wrong


def assert_split(found: Split | None, low: Array, wrong: Marks, scale: float | Array = 1) -> None:
    """Right rank; where a row is not given up, every mark right and L to a thousand roundings."""
    assert found is not None
    assert found.rank == np.linalg.matrix_rank(low)
    kept = ~found.lost
    assert (found.wrong == wrong)[kept].all()
    assert found.wrong[found.lost].all()
    assert (np.abs(found.low_rank - low) / scale)[kept].max() <= 1000 * EPS * np.abs(
        low / scale
    ).max()


@pytest.mark.parametrize("size", [1.0, 100.0])
@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_exact(share: float, rows: bool, size: float) -> None:
    table, low, wrong = spoilt_table(300, 40, 4, share, rows=rows, size=size, seed=1)
    found = split(table)
    assert_split(found, low, wrong)
    assert found is not None
    # Given up are wrong rows, and those of whose 36 entries to spare more than half are wrong.
    chance = share if rows else float(binom.sf(18, 40, share))
    assert found.lost.mean() <= chance + 5 * np.sqrt(chance / 300)


def test_canary() -> None:
    table, low, wrong = spoilt_table(300, 30, 3, 0.1, rows=False, size=100.0, seed=2)
    found = split(table)
    assert_split(found, low, wrong)
    other = wrong.copy()
    other[0, 0] = ~other[0, 0]
    for low_, wrong_ in ((low * (1 + 1e-12), wrong), (low, other), (low[:, :2] @ low[:2], wrong)):
        with pytest.raises(AssertionError):
            assert_split(found, low_, wrong_)


def test_small_errors_are_found_beside_large_ones() -> None:
    table, low, wrong = spoilt_table(400, 40, 4, 0.05, rows=False, size=100.0, seed=3)
    table, small = table.copy(), np.array([[3, 7], [50, 1], [99, 30]])
    wrong = wrong.copy()
    table[tuple(small.T)] += 1e-10
    wrong[tuple(small.T)] = True
    assert_split(split(table), low, wrong)


def test_columns_in_different_units() -> None:
    table, low, wrong = spoilt_table(400, 40, 4, 0.2, rows=False, size=10.0, seed=4)
    units: Array = 10.0 ** np.random.default_rng(0).integers(-6, 6, 40).astype(np.float64)
    assert_split(split(table * units), low * units, wrong, units)


def test_what_half_of_the_rows_have_in_common_is_not_all() -> None:
    """On half of the rows one of the factors is zero, so those have one rank less."""
    rng = np.random.default_rng(5)
    factors = np.maximum(rng.standard_normal((400, 4)), 0.0)
    low = factors @ rng.standard_normal((4, 30))
    wrong = rng.random(low.shape) < 0.2
    table = np.where(wrong, 50 * rng.standard_normal(low.shape), low)
    assert_split(split(table), low, wrong)


def test_tables_that_are_mostly_zero() -> None:
    """Typical entries of a row may be zero; nothing divides by them."""
    rng = np.random.default_rng(8)
    table = np.where(rng.random((100, 10)) < 0.2, rng.standard_normal((100, 10)), 0.0)
    for zeros in (table, np.zeros((100, 10))):
        found = split(zeros)
        assert found is None or np.isfinite(found.low_rank).all()


def test_no_low_rank_part() -> None:
    table = np.random.default_rng(6).standard_normal((150, 10))
    found = split(table)
    assert found is None or found.share < 0.5


def test_pursuit_is_a_start() -> None:
    """Right in nearly all entries, to about its tolerance; a few it leaves off by per cents, so
    that the alternation is not only there for the last digits."""
    table, low, _ = spoilt_table(300, 40, 4, 0.1, rows=False, size=1.0, seed=7)
    off = np.abs(pursuit(table) - low)
    assert np.median(off) <= 1e-6
    assert (off <= 1e-4).mean() >= 0.98


def test_typical_size_ignores_a_minority_and_zeros() -> None:
    column = np.r_[np.zeros(64), np.full(26, 2.0), np.full(10, 1e9)]
    assert typical(column[:, None]).tolist() == [2.0]
    assert typical(np.r_[np.full(70, 3.0), np.full(30, 1e9)][:, None]).tolist() == [3.0]
    assert typical(np.zeros((5, 1))).tolist() == [1.0]
