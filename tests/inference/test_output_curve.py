"""A monotone curve behind a network of counts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu import InputError, Network, match, output_curve

Array = NDArray[np.float64]


def saturating(seed: int, n: int = 6000) -> tuple[Network, Array, Array, Array]:
    """Three orthogonal units, the mean of their counts, and counts."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((6, 3)))[0].T
    truth = Network(V, np.ones((1, 3)))
    X = rng.standard_normal((n, 6))
    mean = 4.0 * np.tanh(truth(X) / 1.5)
    return truth, X, mean, rng.poisson(mean).astype(np.float64)


@pytest.mark.parametrize("seed", range(2))
def test_the_curve_and_the_units_of_a_cell_that_saturates(seed: int) -> None:
    truth, X, mean, counts = saturating(seed)
    found = output_curve(truth, X, counts)
    assert found.p < 1e-6
    assert match(found.network, truth).hidden.max() < 0.15
    F = truth(X)
    scale = mean.std() / F.std()
    drive = (found.drive - mean.mean()) / scale + F.mean()
    true = 4.0 * np.tanh(np.maximum(drive, 0.0) / 1.5)
    size = np.ptp(mean)
    assert np.abs(found.mean - true).max() < 0.05 * size
    assert np.abs(found.mean - found.drive).max() > 0.05 * size  # no straight line
    assert (np.diff(found.mean) >= -1e-9).all()
    assert ((found.lower <= found.mean) & (found.mean <= found.upper)).all()
    assert np.abs(found(X) - mean).mean() < 0.05 * size


def test_units_that_stood_for_the_curve_are_left_out() -> None:
    truth, X, _, counts = saturating(2, 3000)
    row = np.random.default_rng(0).standard_normal(6)
    wide = Network(np.vstack([truth.V, row]), [[1.0, 1.0, 1.0, -0.1]], [0.0, 0.0, 0.0, -1.0])
    assert output_curve(wide, X, counts).network.n_units == 3


def test_a_sum_has_a_straight_curve() -> None:
    truth, X, _, _ = saturating(3)
    counts = np.random.default_rng(3).poisson(truth(X)).astype(np.float64)
    found = output_curve(truth, X, counts)
    assert np.abs(found.mean - found.drive).max() < 0.06 * np.ptp(truth(X))


def test_what_is_refused() -> None:
    truth, X, _, counts = saturating(0, 200)
    wrong: list[tuple[Network, Array, Array]] = [
        (truth, X, np.column_stack([counts, counts])),
        (truth, X[:, :5], counts),
        (truth, X, counts - 1),
        (truth, X, np.zeros((200, 1))),
        (Network(np.zeros((0, 6)), np.zeros((1, 0))), X, counts),
    ]
    for net, inputs, labels in wrong:
        with pytest.raises(InputError):
            output_curve(net, inputs, labels)
    with pytest.raises(InputError):
        output_curve(truth, X, counts, n_units=4)
