"""More points of classes that have few."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu.extraction.hard_labels import coverage
from unrelu.extraction.hard_labels.classes import Classes
from unrelu.extraction.hard_labels.coverage import fill
from unrelu.extraction.hard_labels.state import State
from unrelu.extraction.queries import Queries

Array = NDArray[np.float64]

D, THIN = 20, 0.02


def filled(density: float) -> State:
    """Points of a thin slab, which is known from one place in it."""
    queries = Queries(lambda X: (np.abs(X[:, 0]) < THIN) * 1.0, D, budget=100_000, batch=1000)
    state = State(Classes(queries), 1.0, 1000.0, True, np.random.default_rng(0))
    start = np.vstack([np.zeros((1, D)), np.ones((1, D))])
    state.classes.remember(start, state.classes(start))
    state.density = density
    fill(state)
    return state


def spread(state: State) -> float:
    """How far the points are from one another in the slab."""
    points = state.found.points[np.abs(state.found.points[:, 0]) < 2 * THIN]
    return float(points[:, 1:].std())


def test_inputs_of_a_rare_class_are_led_apart_where_points_did_not_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    apart = filled(density=1.4)
    assert (np.abs(apart.found.inner[:, 0]) < THIN).sum() + (
        np.abs(apart.found.outer[:, 0]) < THIN
    ).sum() == len(apart.found)
    inside = np.abs(apart.classes.inside[apart.classes.numbers[(1.0,)]][:, 0])
    assert (inside < THIN).all()
    monkeypatch.setattr(coverage, "WALK", 0)
    assert spread(apart) > 1.5 * spread(filled(density=1.4))


def test_where_few_points_do_nothing_more_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    queries = filled(density=1.0).classes.queries.asked
    monkeypatch.setattr(coverage, "WALK", 0)
    assert filled(density=1.0).classes.queries.asked == queries
