"""A network that is known in some dimensions, continued to all inputs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.rounding import single

from unrelu import Network, match
from unrelu.extraction.widened import Space, _merged, in_all_inputs, shown_by_lines

Array = NDArray[np.float64]

D, R, K, M = 16, 10, 6, 4

BOUND = 200 * 2.0**-24
"""Some hundred roundings of answers of the size of one: fits are well-conditioned here."""


def planted(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    V, U = rng.standard_normal((K, D)) / np.sqrt(D), rng.standard_normal((M, K))
    return Network(V, U, 0.3 * rng.standard_normal(K), rng.standard_normal(M))


def space_of(truth: Network, dimensions: int, seed: int) -> Space:
    """Answers in single precision; asked inputs are in that precision, too."""
    oracle = single(truth)

    def ask(X: Array) -> tuple[Array, Array]:
        X = X.astype(np.float32).astype(np.float64)
        return X, np.asarray(oracle(X), np.float64)

    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((D, D)))[0]
    return Space(ask, basis, float(np.sqrt(D)), dimensions)


def narrowed(truth: Network, space: Space, turned: int = 0) -> Network:
    """The truth in R dimensions, rows of length one, the first `turned` on their other side."""
    V = truth.V @ space.basis[:R].T
    length = np.linalg.norm(V, axis=1)
    sides = np.where(np.arange(len(V)) < turned, -1.0, 1.0)
    rows = sides / length
    return Network(V * rows[:, None], truth.U * length, truth.b * rows, truth.c)


@pytest.mark.parametrize("turned", [0, 2])
def test_units_are_continued_whatever_sides_they_are_on(turned: int) -> None:
    truth = planted(0)
    space = space_of(truth, D, 1)
    kept: list[Network] = []
    narrow, rng = narrowed(truth, space, turned), np.random.default_rng(2)
    found = in_all_inputs(narrow, space, space.ask, True, 3.0, kept.append, rng)
    assert found is not None
    assert match(found[0], truth).max_error < BOUND
    assert kept


def test_a_unit_that_is_none_is_left_out() -> None:
    truth = planted(0)
    space, rng = space_of(truth, D, 1), np.random.default_rng(2)
    narrow = narrowed(truth, space)
    v = rng.standard_normal(R)
    wider = Network(
        np.vstack([narrow.V, v / np.linalg.norm(v)]),
        np.hstack([narrow.U, np.full((M, 1), 1e-9)]),
        np.append(narrow.b, 0.1),
        narrow.c,
    )
    found = in_all_inputs(wider, space, space.ask, True, 3.0, lambda _: None, rng)
    assert found is not None
    assert found[0].n_units == K
    assert match(found[0], truth).max_error < BOUND


def test_without_one_of_its_units_a_network_is_not_continued_to_the_truth() -> None:
    """The comparison can fail."""
    truth = planted(0)
    space, rng = space_of(truth, D, 1), np.random.default_rng(2)
    narrow = narrowed(truth, space)
    fewer = Network(narrow.V[1:], narrow.U[:, 1:], narrow.b[1:], narrow.c)
    found = in_all_inputs(fewer, space, space.ask, True, 3.0, lambda _: None, rng)
    assert found is None or not match(found[0], truth).max_error < BOUND


def test_lines_and_what_a_fit_leaves_show_the_network_in_a_subspace() -> None:
    truth = planted(1)
    space, rng = space_of(truth, R, 2), np.random.default_rng(3)
    net = shown_by_lines(space, M, 1e3, 2.0**-24 * 8, True, rng)
    assert net is not None
    X = space.scale * rng.standard_normal((500, R))
    off = net(X) - truth(X @ space.basis[:R])
    assert np.sqrt((off**2).mean()) < BOUND
    assert net.n_units == K


def test_answers_without_kinks_show_no_network() -> None:
    rng = np.random.default_rng(0)
    W = rng.standard_normal((D, M))
    basis = np.linalg.qr(rng.standard_normal((D, D)))[0]
    space = Space(lambda X: (X, X @ W), basis, float(np.sqrt(D)), R)
    assert shown_by_lines(space, M, 1e3, 2.0**-24 * 8, True, rng) is None


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("skip", [True, False])
def test_two_units_for_one_are_merged(side: float, skip: bool) -> None:
    net = planted(seed=4)
    net = Network(net.V / np.linalg.norm(net.V, axis=1)[:, None], net.U, net.b, net.c)
    W = np.ones((M, D)) if skip else None
    near = side * (net.V[2] + 1e-3 * net.V[3])
    V, U = np.vstack([net.V, near]), np.column_stack([net.U, 1e-3 * net.U[:, 1]])
    two = Network(V, U, np.append(net.b, side * net.b[2]), net.c, W=W)
    same = side > 0
    assert _merged(two, 1.0, 1e-9).n_units == K + 1
    assert _merged(two, 1.0, 1e-5).n_units == (K if same or skip else K + 1)
    if same or skip:
        X = np.random.default_rng(0).standard_normal((500, D))
        off = np.abs(_merged(two, 1.0, 1e-5)(X) - two(X)).max()
        most = 1e-3 * np.abs(net.U).max() * 1e-3 * np.abs(X @ net.V[3]).max()
        assert off < most * (1 + 1e-9)
        assert most < 0.1 * np.abs(1e-3 * net.U[:, 1]).max()  # the canary: the unit is not lost
