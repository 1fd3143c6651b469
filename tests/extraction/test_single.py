"""Models in single precision: units below their rounding are left out, and said to be."""

from __future__ import annotations

import numpy as np
import pytest
from support.rounding import Standing, planted_single, single

import unrelu
from unrelu import Network, Status
from unrelu.extraction.lines import Units
from unrelu.extraction.single import CLOSE, LEAST, fitted, rounding_of, standing_out

FUNCTION = 20.0
"""Roundings that answers to fresh inputs may be off."""


@pytest.fixture(scope="module")
def weak() -> tuple[Standing, unrelu.Recovery]:
    """Three of eight units add about one rounding each."""
    truth = planted_single(6, 8, 1, seed=1, decades=6.5, weak=3)
    found = unrelu.extract(single(truth), 6, rng=1, throw=False)
    return Standing.of(truth), found


def test_units_below_the_rounding_are_left_out_and_named(
    weak: tuple[Standing, unrelu.Recovery],
) -> None:
    standing, found = weak
    assert (standing.out < LEAST).sum() == 3
    assert found.status == Status.ESTIMATED
    assert found.code == "below-rounding"
    assert found.network is not None
    seen = standing.compared(found.network)
    assert (seen.found == (standing.out >= LEAST)).all()
    assert seen.spurious == 0
    assert standing.off(found.network) <= FUNCTION


def test_rounding_is_the_noise_of_the_intervals(weak: tuple[Standing, unrelu.Recovery]) -> None:
    standing, found = weak
    assert found.uncertainty is not None
    assert found.stderr is not None
    one = standing.rounding
    assert 0 < np.abs(found.stderr.U).max() < 10 * one


def test_the_comparison_sees_a_wrong_unit() -> None:
    """The canary."""
    truth = planted_single(6, 8, 1, seed=1, decades=6.5, weak=3)
    standing = Standing.of(truth)
    assert standing.compared(truth).spurious == 0
    V = truth.V.copy()
    V[0] *= -0.5
    wrong = standing.compared(Network(V, truth.U, truth.b, truth.c))
    assert wrong.spurious == 1
    assert not wrong.found.all()
    assert standing.off(Network(V, truth.U, truth.b, truth.c)) > FUNCTION


def test_a_unit_stands_out_by_its_size_in_roundings() -> None:
    net = Network([[3.0, 4.0]], [[2.0], [-7.0]])
    assert standing_out(net, 0.5, 0.25).tolist() == [70.0]


@pytest.mark.parametrize(("apart", "units"), [(0.0, 4), (0.5 * CLOSE, 5)])
def test_a_unit_that_was_found_twice_is_one_unit_and_two_that_are_close_stay_two(
    apart: float, units: int
) -> None:
    rng = np.random.default_rng(3)
    truth = planted_single(6, 5, 2, seed=2, decades=0.0)
    V, b = truth.V / np.linalg.norm(truth.V, axis=1, keepdims=True), truth.b.copy()
    V[4], b[4] = V[3], b[3] + apart
    truth = Network(V, truth.U, b, truth.c)
    X = rng.standard_normal((3000, 6)).astype(np.float32).astype(np.float64)
    Y = np.asarray(single(truth)(X), dtype=np.float64)
    b[4] += 1e-4 * (apart == 0)  # as lines show it
    found = Units(V, b, truth.U, *np.full((2, 5), 1e-4))
    net = fitted(found, X, Y, bias=True, scale=1.0, rounding=rounding_of(Y))
    assert net.n_units == units
    off = np.sqrt(((net(X) - Y) ** 2).mean())
    assert off <= rounding_of(Y)
