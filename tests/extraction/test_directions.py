"""Networks asked in every direction: from a subspace to all inputs, to the last digits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

import unrelu
from unrelu import Network
from unrelu.extraction.directions import (
    accuracy,
    ask_in_every_direction,
    continued,
    network_of,
    random_basis,
)
from unrelu.extraction.kept import Table
from unrelu.extraction.kinks import Line
from unrelu.extraction.lines import Units
from unrelu.extraction.places import choose_places, free_steps

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)


def known_in(net: Network, basis: Array, r: int, off: float = 0.0) -> Units:
    """The units in the first r coordinates, off by so much, half of them on the other side."""
    rng = np.random.default_rng(0)
    V = (net.V @ basis.T)[:, :r]
    V, b = V + off * rng.standard_normal(V.shape), net.b + off * rng.standard_normal(net.n_units)
    sides = np.where(np.arange(net.n_units) % 2, -1.0, 1.0)
    lengths = np.linalg.norm(V, axis=1)
    V, b = V / (sides * lengths)[:, None], b / (sides * lengths)
    return Units(V, b, net.U * lengths, *np.full((2, net.n_units), off))


@pytest.mark.parametrize(("d", "k", "m", "r"), [(30, 10, 1, 30), (60, 12, 1, 14), (60, 30, 4, 20)])
def test_a_network_from_its_units_in_a_subspace(d: int, k: int, m: int, r: int) -> None:
    net = plant(d, k, m, 1, seed=k, bias=0.5).truth
    rng = np.random.default_rng(0)
    line = Line(rng.standard_normal(d), rng.standard_normal(d), 1.0)
    basis, _, _ = random_basis(line, rng)
    asked_for = 0

    def ask(X: Array) -> tuple[Array, Array]:
        nonlocal asked_for
        asked_for += len(X)
        return X, net(X)

    known = known_in(net, basis, r, 1e-9)
    places = choose_places(known, np.sqrt(d), d, rng)
    asked, units = ask_in_every_direction(ask, known, places, basis)
    found = network_of(asked, units, basis, True)
    assert found is not None
    sizes = float(np.abs(net(rng.standard_normal((100, d)))).max())
    strengths = np.linalg.norm(net.canonical().U, axis=0)
    bound = 100 * EPS * sizes * accuracy(known, places, d)
    errors = unrelu.match(found, net).per_unit * strengths
    assert errors.max() < bound
    moved = Network(found.V + 1e-9, found.U, found.b, found.c)  # the canary
    assert (unrelu.match(moved, net).per_unit * strengths).max() > bound
    least = (k + m) * (d + 1) / m
    assert asked_for <= 1.5 * least + 3 * (d + 2)


def test_places_are_on_both_sides_of_all_units_and_far_from_them() -> None:
    net = plant(20, 12, 1, 1, seed=0, bias=0.5).truth
    b = net.b.copy()
    b[0] = -100.0  # farther out than places usually are
    units = known_in(Network(net.V, net.U, b), np.eye(20), 20)
    places = choose_places(units, np.sqrt(20), 20, np.random.default_rng(0))
    heights = places.points @ units.V.T + units.b
    active = (heights > 0).mean(axis=0)
    assert active.min() > 0
    assert active.max() < 1
    assert np.allclose(np.abs(heights).min(axis=1), places.nearest)
    random = np.random.default_rng(1).standard_normal((1000, 20)) @ units.V.T + units.b
    usual = np.median(np.abs(random[:, 1:]).min(axis=1))
    assert np.median(places.nearest) > 3 * usual
    # With a constant, the sides at the places of one output are independent.
    assert np.linalg.matrix_rank(np.column_stack([heights > 0, np.ones(len(heights))])) == 13


def test_places_tell_all_units_apart() -> None:
    """Of two units on the same sides everywhere, or on opposite ones, only the sum would show."""
    net = plant(24, 96, 24, 1, seed=0).truth
    units = known_in(net, np.eye(24), 24)
    places = choose_places(units, np.sqrt(24), 24, np.random.default_rng(0))
    sides = (places.points @ units.V.T + units.b > 0)[:, :96]
    turned = sides ^ sides[0]
    assert len(np.unique(turned, axis=1).T) == 96
    # As few places as the equations take, m (d + 1) each, for weights, and those that tell apart.
    assert len(places.points) <= 1.25 * (96 * 48 / (24 * 25) + 1) + 3 + 8


@pytest.mark.parametrize("seed", range(2))
def test_wide_networks_without_biases(seed: int) -> None:
    """Four times as many units as inputs and outputs: their sides are read off W."""
    truth = plant(16, 64, 16, 1, seed=seed).truth
    result = unrelu.extract(truth, 16, bias=False, rng=seed)
    assert result.status == "exact"
    assert result.network is not None
    assert not result.network.b.any()
    bound = 1e3 * EPS * float(np.linalg.cond(truth.V))
    assert unrelu.match(result.network, truth).max_error < bound
    assert int(result.stats["queries"]) < 30 * 64


def test_many_outputs_show_hidden_weights_from_a_few_places() -> None:
    """With as many outputs as inputs, these come first, and the places for all weights are chosen
    among all inputs, farther from the hyperplanes."""
    net, rng = plant(90, 150, 90, 1, seed=0).truth, np.random.default_rng(0)
    line = Line(rng.standard_normal(90), rng.standard_normal(90), 1.0)
    basis, _, _ = random_basis(line, rng)
    rows: list[int] = []

    def ask(X: Array) -> tuple[Array, Array]:
        rows.append(len(X))
        return X, net(X)

    known = known_in(net, basis, 32)
    places = choose_places(known, np.sqrt(90), 90, rng)
    units, others = continued(ask, known, places, basis, rng)
    assert units.V.shape == (150, 90)
    assert len(rows) < len(others.points)
    assert np.median(others.nearest) > 1.3 * np.median(places.nearest)
    asked, units = ask_in_every_direction(ask, units, others, basis)
    found = network_of(asked, units, basis, False)
    assert found is not None
    assert unrelu.match(found, net).max_error < 1e4 * EPS
    one = plant(90, 20, 1, 1, seed=0, bias=0.5).truth  # takes a place for each unit
    known = known_in(one, basis, 32)
    places = choose_places(known, np.sqrt(90), 90, rng)
    assert continued(ask, known, places, basis, rng)[1] is places


def test_steps_end_half_way_to_the_next_hyperplane() -> None:
    heights, slopes = np.array([1.0, -3.0]), np.array([[1.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    # Along the first direction unit 0 is met at −1 and unit 1 at 3; the third meets none.
    assert free_steps(heights, slopes, 10.0).tolist() == [1.5, -10.0, 10.0]


def test_a_table_grows_and_keeps_its_rows() -> None:
    rng, table, rows = np.random.default_rng(0), Table(3), np.zeros((0, 3))
    for count in (1, 5, 0, 40, 2):
        more = rng.standard_normal((count, 3))
        table.add(more)
        rows = np.vstack([rows, more])
        assert np.array_equal(table.rows, rows)
    assert len(table) == 48


def test_a_budget_that_ends_among_the_directions() -> None:
    """The units are then known in a subspace alone."""
    truth = plant(40, 4, 2, 1, seed=0, bias=0.5).truth
    whole = unrelu.extract(truth, 40, rng=0)
    assert whole.status == "exact"
    assert int(whole.stats["queries for directions"]) >= 40
    budget = int(whole.stats["queries for lines"]) + 100
    result = unrelu.extract(truth, 40, budget=budget, rng=0, throw=False)
    assert result.status != "exact"
    assert int(result.stats["queries"]) <= budget
