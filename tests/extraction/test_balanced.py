"""Stretches on both sides of every hyperplane."""

from __future__ import annotations

import numpy as np

from unrelu import Network
from unrelu.extraction.balanced import SPARE, balanced, lacking, rarest
from unrelu.extraction.stretches import Stretches

D, K, M, COUNT = 8, 5, 4, 24


def network() -> Network:
    """Unit 2 is active on one input of twenty, unit 4 is off as rarely."""
    rng = np.random.default_rng(0)
    V = rng.standard_normal((K, D))
    V /= np.linalg.norm(V, axis=1)[:, None]
    return Network(V, rng.standard_normal((M, K)), np.array([0.0, 0.1, -1.65, 0.0, 1.65]))


def pool(n: int, seed: int) -> Stretches:
    rng = np.random.default_rng(seed)
    start, none = rng.standard_normal((n, D)), np.zeros((n, 2, M))
    used = np.ones((n, 2, M), np.bool_)
    return Stretches(start, np.ones((n, D)), none, none, none, none, none, used, used)


def least(net: Network, stretches: Stretches) -> int:
    """Samples on the side of a hyperplane that has the fewest; two to a stretch."""
    on = net.preactivations(stretches.start) > 0
    return int(2 * np.minimum(on.sum(axis=0), (~on).sum(axis=0)).min())


def test_both_sides_of_all_hyperplanes_are_chosen() -> None:
    net, some = network(), pool(200, 1)
    chosen = balanced(net, None, some, COUNT, D)
    assert len(np.unique(chosen)) == len(chosen) == COUNT
    assert least(net, some.take(chosen)) >= SPARE * D
    assert least(net, some.take(np.arange(COUNT))) < D  # the canary


def test_whether_a_side_has_too_few_samples() -> None:
    net, some = network(), pool(200, 1)
    first, chosen = some.take(np.arange(COUNT)), some.take(balanced(net, None, some, COUNT, D))
    assert lacking(net, None, first, D)
    assert not lacking(net, None, chosen, D)
    assert not lacking(net, chosen, first, D)


def test_what_is_known_is_not_chosen_again() -> None:
    net, some = network(), pool(200, 1)
    known = some.take(balanced(net, None, some, COUNT, D))
    assert np.array_equal(balanced(net, known, some, 3, D), [0, 1, 2])


def test_a_small_pool_is_taken_whole() -> None:
    assert sorted(balanced(network(), None, pool(7, 2), COUNT, D)) == list(range(7))


def test_the_units_that_are_seen_least() -> None:
    assert rarest(network(), pool(400, 3))[0] in (2, 4)
