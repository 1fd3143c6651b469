"""Which inputs are the same, and how coarse they are together."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu.checks.counting import column_grain, distinct_rows, grain
from unrelu.samples import Samples


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_inputs_that_are_the_same_count_once(biased: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    plain = rng.integers(-1, 2, (300, 4)) * (10.0 ** rng.integers(-9, 9, 4) if biased else 1.0)
    generic = rng.standard_normal((300, 4))
    generic[200:] = generic[:100] * (1 + 1e-14) * (1 if biased else 3)
    size = np.abs(plain).max(axis=1, keepdims=True)
    rays = plain if biased else plain / np.where(size == 0, 1.0, size)
    for X, distinct in ((plain, len(np.unique(rays, axis=0))), (generic, 200)):
        found = distinct_rows(Samples.of(X, X[:, :1]), biased)
        assert len(found) == distinct < 300
        assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("biased", [True, False])
def test_the_grain_of_inputs_is_that_of_all_of_them_together(biased: bool) -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(1, 2 ** (each + 2), 400) for each in range(4)]).astype(float)
    grains = sorted(column_grain(column) for column in X.T)
    labels = rng.standard_normal((400, 1))
    together = grain(Samples.of(X, labels), biased)
    assert together >= np.prod(grains if biased else grains[1:]) * (1 - 1e-12)
    if biased:
        assert together == pytest.approx(np.prod(grains), rel=1e-12)
