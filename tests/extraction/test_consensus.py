"""Units that lines agree on: none that the model does not have, each once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

from unrelu import Network
from unrelu.extraction.consensus import agreed
from unrelu.extraction.kinks import Kinks, Line
from unrelu.extraction.lines import Units

Array = NDArray[np.float64]


def kinks_of(net: Network, line: Line, off: float, rng: np.random.Generator) -> Kinks:
    """The true ones, but for errors and for one that was not seen."""
    speed = net.V @ line.direction
    at = -(net.V @ line.start + net.b) / speed
    order = np.delete(np.argsort(at), rng.integers(len(at)))
    at = at[order] + off * rng.standard_normal(len(order))
    jumps = (net.U * np.abs(speed)).T[order]
    none = np.zeros((0, 2))
    return Kinks(at, jumps, np.full(len(at), off), none, linear=True, evaluated=at)


@pytest.mark.parametrize("seed", range(3))
def test_false_units_go_and_true_ones_become_sharper(seed: int) -> None:
    net = plant(4, 12, 1, 1, seed=seed, bias=0.5).truth.canonical()
    rng, off = np.random.default_rng(seed), 1e-6
    seen = []
    for _ in range(10):
        line = Line(rng.standard_normal(4), rng.standard_normal(4), 1e4)
        seen.append((line, kinks_of(net, line, off, rng)))
    V = net.V + 1e-3 * rng.standard_normal(net.V.shape)
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    between = (V[:6] + V[6:]) / np.linalg.norm(V[:6] + V[6:], axis=1, keepdims=True)
    found = Units(
        np.vstack([V, -V[:2], between]),  # two of them twice, on different sides
        np.concatenate([net.b, -net.b[:2], (net.b[:6] + net.b[6:]) / 2]),
        np.hstack([net.U, net.U[:, :2], net.U[:, :6] + net.U[:, 6:]]),
        np.full(20, 1e-3),
    )
    units = agreed(found, seen, off)
    rows, true = np.column_stack([units.V, units.b]), np.column_stack([net.V, net.b])
    apart = np.minimum(
        np.linalg.norm(rows[:, None] - true, axis=2), np.linalg.norm(rows[:, None] + true, axis=2)
    )
    assert apart.min(axis=1).max() < 0.01  # nothing else
    assert len(np.unique(apart.argmin(axis=1))) == len(rows)  # and nothing twice
    assert len(rows) >= 10
    assert np.median(apart.min(axis=1)) < 1e-4 < np.median(np.linalg.norm(V - net.V, axis=1))
