"""Models in single precision: units below their rounding are left out, and said to be."""

from __future__ import annotations

import numpy as np
import pytest
from support.rounding import Standing, planted_single, single

import unrelu
from unrelu import Network, Status
from unrelu.extraction.single import WEAK, standing_out, turned

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
    assert (standing.out < WEAK).sum() == 3
    assert found.status == Status.ESTIMATED
    assert found.code == "below-rounding"
    assert found.network is not None
    seen = standing.compared(found.network)
    assert seen.found[standing.out >= WEAK].all()
    assert seen.spurious == 0
    assert len(found.findings[0].units) == found.network.n_units - (standing.out >= WEAK).sum()
    assert standing.off(found.network) <= FUNCTION


def test_rounding_is_the_noise_of_the_intervals(weak: tuple[Standing, unrelu.Recovery]) -> None:
    standing, found = weak
    assert found.uncertainty is not None
    assert found.stderr is not None
    one = standing.rounding
    assert 0 < np.abs(found.stderr.U).max() < 10 * one


@pytest.mark.study
def test_units_that_spread_over_six_decades_are_all_found() -> None:
    """Half of them are too weak to be seen on a line."""
    truth = planted_single(8, 14, 2, seed=0)
    standing = Standing.of(truth)
    found = unrelu.extract(single(truth), 8, rng=0, throw=False)
    assert found.network is not None
    seen = standing.compared(found.network)
    assert seen.found[standing.out >= WEAK].all()
    assert seen.spurious == seen.linear == 0
    assert found.status == Status.ESTIMATED
    assert standing.off(found.network) <= FUNCTION
    assert found.stats["units_found_by_lines"] == found.network.n_units


def test_sides_that_a_linear_function_does_not_tell_stay_open() -> None:
    """The function stays as it is; what no sides explain is made of units active on all inputs."""
    rng = np.random.default_rng(0)
    net = Network(
        rng.standard_normal((3, 4)), rng.standard_normal((2, 3)), W=rng.standard_normal((2, 4))
    )
    X = rng.standard_normal((500, 4))
    other, linear = turned(net, X, net(X), bias=True)
    assert linear == 2
    assert other.n_units == 5
    assert not other.skip
    assert np.allclose(other(X), net(X), rtol=0, atol=1e-12)
    assert (other.preactivations(X)[:, 3:] > 0).all()


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


@pytest.mark.study
def test_a_unit_far_from_most_inputs_is_not_idle() -> None:
    """It is active on no random input: lines show it, and answers around it are part of the fit."""
    rng = np.random.default_rng(1)
    V = rng.standard_normal((5, 6))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    b = 0.5 * rng.standard_normal(5)
    b[0] = -40 * np.sqrt(6)
    truth = Network(V, rng.standard_normal((2, 5)), b, rng.standard_normal(2))
    result = unrelu.extract(single(truth), 6, rng=0)
    assert result.status == "exact"
    assert result.network is not None
    X = np.random.default_rng(2).standard_normal((2000, 6)) - 100 * truth.V[0] * np.sign(b[0])
    assert (truth.preactivations(X)[:, 0] > 0).any()
    off = np.abs(result.network(X) - truth(X)).max()
    assert off < 1e-2 * np.abs(truth(X)).max()
