"""Units by where many lines meet them: planted, found to rounding, and none on top."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from support.rounding import planted_single, single

from unrelu import Network
from unrelu.extraction.kinks import measure_bend
from unrelu.extraction.lines import Rounding, Units
from unrelu.extraction.meetings import Met, Rough, all_met, settled

Array = NDArray[np.float64]


def test_units_in_few_inputs_and_no_others() -> None:
    d, k, m = 5, 40, 6
    truth = planted_single(d, k, m, seed=0, decades=0.0)
    values, rng = single(truth), np.random.default_rng(1)

    def ask(X: Array) -> tuple[Array, Array]:
        X = X.astype(np.float32).astype(np.float64)
        return X, values(X).astype(np.float64)

    size = Rounding(measure_bend(ask, d, 1.0, 2.0**-13, rng), np.sqrt(d))
    units = all_met(ask, d, m, scale=1.0, reach=10.0, rounding=size, rng=rng)
    assert len(units.b) >= 0.9 * k
    own, _ = nearest(units, truth)
    assert len(np.unique(own)) == len(own)
    assert np.median(apart(units, truth)) < 1e-4
    assert apart(units, truth).max() < 1e-2
    U = (truth.U * np.linalg.norm(truth.V, axis=1))[:, own]
    assert np.median(np.linalg.norm(units.U - U, axis=0) / np.linalg.norm(U, axis=0)) < 0.02


def test_kinks_of_others_do_not_move_a_hyperplane() -> None:
    """A fifth of the kinks are elsewhere; with as many as determine it, there is no unit."""
    rng = np.random.default_rng(2)
    d, n, u = 4, 25, rng.standard_normal(5)
    row = np.append(rng.standard_normal(d), 0.3)
    row /= np.linalg.norm(row[:d])
    met = on_hyperplane(row, u, n, rng)
    met.points[::5, :d] += 0.05 * row[:d]
    off = row + 0.02 * rng.standard_normal(d + 1)
    rough = Rough(off[None], np.eye(d + 1)[None] * 1e3, u[None])
    found = settled(met, rough, 1.0)
    assert len(found.b) == 1
    assert np.linalg.norm(np.append(found.V[0], found.b[0]) - row) < 1e-4
    few = Met(met.points[1:4], met.jumps[1:4], met.line[1:4], met.direction[1:4])
    assert not len(settled(few, rough, 1.0).b)


def on_hyperplane(row: Array, u: Array, n: int, rng: np.random.Generator) -> Met:
    """A kink on each of n lines."""
    d = len(row) - 1
    points, direction = rng.standard_normal((n, d)), rng.standard_normal((n, d))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    points -= ((points @ row[:d] + row[d]) / (direction @ row[:d]))[:, None] * direction
    jumps = np.abs(direction @ row[:d])[:, None] * u
    return Met(np.column_stack([points, np.ones(n)]), jumps, np.arange(n), direction)


def nearest(units: Units, truth: Network) -> tuple[NDArray[np.intp], Array]:
    lengths = np.linalg.norm(truth.V, axis=1)
    rows = np.column_stack([truth.V, truth.b]) / lengths[:, None]
    found = np.column_stack([units.V, units.b])
    sides = [np.linalg.norm(found[:, None] - side * rows, axis=2) for side in (1, -1)]
    distances = np.minimum(*sides)
    return distances.argmin(axis=1), distances.min(axis=1)


def apart(units: Units, truth: Network) -> Array:
    return nearest(units, truth)[1]
