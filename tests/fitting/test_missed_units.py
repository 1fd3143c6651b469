"""Units that a fit has missed are found in what it leaves, and those it can do without are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

from unrelu import Network
from unrelu.fitting import joint
from unrelu.fitting.missed_units import completed, shows_further, without_idle

Array = NDArray[np.float64]

NOISE = 1e-6
WORTH = (0.1 * NOISE) ** 2


def planted(seed: int, m: int = 2) -> tuple[Network, Array, Array]:
    """Eight units of five inputs, each ten times weaker than the one before, and answers that
    contain noise; the weakest adds about as much as that."""
    rng = np.random.default_rng(seed)
    net = plant(5, 8, m, 1, seed=seed, bias=0.5).truth.canonical()
    U = net.U * 10.0 ** -np.arange(8) / np.linalg.norm(net.U, axis=0)
    net = Network(net.V, U, net.b, net.c)
    X = rng.standard_normal((6000, 5))
    return net, X, net(X) + NOISE * rng.standard_normal((6000, m))


def apart(net: Network, truth: Network) -> Array:
    """(found, k): distances of hyperplanes, whatever the side."""
    rows, true = (np.column_stack([each.V, each.b]) for each in (net, truth))
    rows, true = (each / np.linalg.norm(each[:, :-1], axis=1)[:, None] for each in (rows, true))
    sides = [np.linalg.norm(rows[:, None] - side * true, axis=2) for side in (1, -1)]
    return np.asarray(np.minimum(*sides))


@pytest.mark.parametrize("known", [0, 3])
@pytest.mark.parametrize("seed", range(2))
def test_units_far_below_others_are_found_and_no_others(seed: int, known: int) -> None:
    truth, X, Y = planted(seed)
    start = Network(truth.V[:known], truth.U[:, :known], truth.b[:known])
    rng = np.random.default_rng(seed)
    net = completed(start, X, Y, bias=True, worth=WORTH, rng=rng)
    off = apart(net, truth)
    # A row is known to noise / (what the unit adds √n), times the conditioning of eight units.
    size = 0.3 * np.linalg.norm(truth.U, axis=0)
    bound = 30 * NOISE / (size * np.sqrt(len(X)))
    visible = size > NOISE
    assert (off.min(axis=0)[visible] < bound[visible]).all()
    assert visible.sum() == 6
    assert net.n_units <= 8
    assert off.min(axis=0)[~visible].min() > bound[0], "the canary"


def test_a_missing_unit_shows_and_rounding_does_not() -> None:
    truth, X, Y = planted(0)
    net = joint.fitted(
        joint.from_planes(truth.V, truth.b, X, Y, bias=True, affine=True),
        X,
        Y,
        bias=True,
        affine=True,
    )
    rng = np.random.default_rng(0)
    assert not shows_further(net, X, Y, bias=True, worth=WORTH, rng=rng)
    fewer = joint.from_planes(truth.V[:5], truth.b[:5], X, Y, bias=True, affine=True)
    assert shows_further(fewer, X, Y, bias=True, worth=WORTH, rng=rng)


@pytest.mark.parametrize(("gap", "units"), [(0.0, 5), (3e-4, 6)])
def test_a_unit_that_was_found_twice_is_one_unit_and_two_that_are_close_stay_two(
    gap: float, units: int
) -> None:
    truth, X, _ = planted(1)
    V, b = np.vstack([truth.V[:5], truth.V[:1]]), np.append(truth.b[:5], truth.b[0] + gap)
    U = np.random.default_rng(2).standard_normal((2, 6))
    net = Network(V, U, b)
    Y = net(X) + NOISE * np.random.default_rng(3).standard_normal((len(X), 2))
    b = np.append(b[:5], b[5] + 1e-4 * (gap == 0))  # as lines show it
    start = joint.from_planes(V, b, X, Y, bias=True, affine=True)
    fit = joint.fitted(start, X, Y, bias=True, affine=True)
    fewer = without_idle(fit, X, Y, bias=True, worth=WORTH)
    assert fewer.n_units == units
    assert np.sqrt(((fewer(X) - Y) ** 2).mean()) < 1.1 * NOISE
