"""Sums of points on both sides of all hyperplanes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from support.rounding import planted_single, single

import unrelu
from unrelu import Network
from unrelu.fitting.both_sides import FARTHEST, POINTS, on_both_sides, points_aside
from unrelu.fitting.sums import Sums, fitted

Array = NDArray[np.float64]

D, OFF = 40, -3.4


def planted(off: float) -> Network:
    """The last unit is active on one of 3,000 inputs, or on as few of those that it is not on."""
    net = planted_single(D, 10, 3, seed=0, decades=0.0).canonical()
    return Network(net.V, net.U, np.append(net.b[:-1], off), net.c)


def asker(net: Network) -> tuple[list[int], Sums, object]:
    values, rng = single(net), np.random.default_rng(0)
    count: list[int] = []

    def ask(X: Array) -> Array:
        count.append(len(X))
        return np.asarray(values(X), np.float64)

    return count, Sums.asked(ask, 2, D, 1.0, rng), ask


def evened(net: Network) -> tuple[Sums, Sums]:
    _, sums, ask = asker(net)
    return sums, on_both_sides(net, sums, ask, 1.0, np.random.default_rng(1))  # type: ignore[arg-type]


def test_a_unit_that_is_hardly_ever_active_is_determined() -> None:
    for off in (OFF, -OFF):
        truth = planted(off)
        sums, more = evened(truth)
        need = POINTS * (D + 1)
        assert points_aside(truth, sums)[-1] < need / 2
        assert (points_aside(truth, more) > 0.9 * need).all()
        near = Network(truth.V + 1e-4 / np.sqrt(D), truth.U, truth.b, truth.c)
        errors = [
            unrelu.match(fitted(near, each, bias=True), truth).hidden.max() for each in (more, sums)
        ]
        assert errors[0] < 1e-5
        # The canary. Without a skip connection, one that is always active is known all the same.
        assert off > 0 or errors[1] > 1e-5


def test_nothing_is_asked_where_all_are_determined_or_too_far_out() -> None:
    for off in (0.0, -1.1 * FARTHEST):
        net = planted(off)
        count, sums, ask = asker(net)
        before = len(count)
        rng = np.random.default_rng(1)
        assert on_both_sides(net, sums, ask, 1.0, rng) is sums  # type: ignore[arg-type]
        assert len(count) == before


def test_blocks_without_finite_answers_are_left_out() -> None:
    net = planted(OFF)
    values = single(net)

    def saturated(X: Array) -> Array:
        far = net.preactivations(X)[:, -1:] > 1.0
        return np.where(far, np.inf, np.asarray(values(X), np.float64))

    sums = asker(net)[1]
    more = on_both_sides(net, sums, saturated, 1.0, np.random.default_rng(1))
    assert np.isfinite(more.answers).all()
    assert len(more) == len(sums)
