"""The estimate of more samples than a fit can hold."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

import unrelu
from unrelu import Network
from unrelu.inference.all_samples import by_least_squares, estimate_on_all
from unrelu.inference.assessment import assess_linearised
from unrelu.inference.linearised import Linearised, linearised
from unrelu.noise.kind import Criterion
from unrelu.numerics.folding import folded
from unrelu.samples import CELL, Samples

Array = NDArray[np.float64]
N = 40_000


def fitted(*, bias: bool, skip: bool, form: str = "homoscedastic") -> tuple[Linearised, Samples]:
    """A fit to 2,000 of the samples, linearised, and all of them."""
    truth = plant(4, 2, 2, 1, seed=1, bias=0.5 * bias).truth
    W = np.array([[0.5, 0, 1, -1], [1, 0.3, 0, 0]]) if skip else None
    truth = Network(truth.V, truth.U, truth.b, truth.c, W=W)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, 4))
    Y = truth(X) + rng.standard_normal((N, 2)) * [0.1, 0.3]
    part = unrelu.recover(X[:2000], Y[:2000], 2, bias=bias, skip=skip, rng=0)
    assert part.network is not None
    assert part.noise is not None
    criterion = Criterion(form, part.noise.covariance)
    few = Samples.of(X[:2000], Y[:2000])
    return linearised(part.network, few, criterion, biased=bias, skip=skip), Samples.of(X, Y)


def assert_as_all(found: unrelu.Uncertainty, expected: unrelu.Uncertainty) -> None:
    """Within a twentieth of a standard error, and errors that are the same to a hundredth."""
    for name in ("V", "U", "b", "c", "W"):
        error = getattr(expected.stderr, name)
        apart = getattr(found.network, name) - getattr(expected.network, name)
        assert (np.abs(apart) <= 0.05 * error).all(), name
        assert np.allclose(getattr(found.stderr, name), error, rtol=0.01, atol=1e-12), name


@pytest.mark.parametrize(
    ("bias", "skip", "form"),
    [(True, False, "homoscedastic"), (False, False, "sandwich"), (True, True, "homoscedastic")],
)
def test_it_is_that_of_a_fit_to_all(bias: bool, skip: bool, form: str) -> None:
    linear, samples = fitted(bias=bias, skip=skip, form=form)
    assert by_least_squares(linear)
    part = assess_linearised(linear)
    found = estimate_on_all(linear, part, samples)
    assert found.passes <= 3
    assert found.left < 0.1
    whole = unrelu.recover(samples.X, samples.Y, 2, bias=bias, skip=skip, rng=0, form=form)
    assert whole.uncertainty is not None
    assert_as_all(found.uncertainty, whole.uncertainty)
    with pytest.raises(AssertionError):  # a canary: a part of the samples tells less
        assert_as_all(part, whole.uncertainty)


def test_sums_do_not_depend_on_who_adds_them() -> None:
    parts = [np.float64(x) for x in np.random.default_rng(0).standard_normal(37)]

    def add(a: np.float64, b: np.float64) -> np.float64:
        return a + b

    whole = folded(parts, add)
    for size in (1, 2, 4, 8, 16):
        groups = [folded(parts[at : at + size], add) for at in range(0, 37, size)]
        assert folded(groups, add) == whole
    assert CELL & (CELL - 1) == 0
