"""Network: its value, canonical form, and the comparison of two networks."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.planting import plant

from unrelu import InputError, Network, match

EPS = np.finfo(np.float64).eps


def test_labels_are_those_of_the_formula() -> None:
    net = Network([[1.0, -2.0], [0.5, 0.5]], [[3.0, -1.0]], b=[0.5, -4.0], c=[7.0])
    X = np.array([[1.0, 0.0], [10.0, 2.0]])
    assert net(X).tolist() == [[3 * 1.5 + 7], [3 * 6.5 - 2.0 + 7]]


def test_labels_do_not_depend_on_blocks() -> None:
    # More rows than one block holds: 2^21 hidden values, 8 units.
    problem = plant(2, 8, 1, 300_000, seed=0, bias=1.0)
    direct = np.maximum(problem.X @ problem.truth.V.T + problem.truth.b, 0) @ problem.truth.U.T
    direct += problem.truth.c
    scale = np.abs(problem.X).max() * np.abs(problem.truth.U).sum()
    assert np.abs(problem.Y - direct).max() <= 32 * EPS * scale


@given(seed=st.integers(0, 10_000), k=st.integers(1, 6), d=st.integers(1, 5))
def test_canonical_form_is_the_same_function_and_unique(seed: int, k: int, d: int) -> None:
    """Scaling, permuting, splitting and idling units changes neither labels nor canonical form."""
    truth = plant(d, k, 2, 20, seed=seed, bias=1.0).truth
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.1, 10.0, k)
    order = rng.permutation(k)
    V = np.vstack([(truth.V * scale[:, None])[order], truth.V[:1], np.zeros((1, d)), truth.V[:1]])
    b = np.concatenate([(truth.b * scale)[order], truth.b[:1], [2.0], truth.b[:1]])
    # One unit split in three parts of which the last two cancel, and a constant one.
    U = np.hstack([(truth.U / scale)[:, order], truth.U[:, :1], np.ones((2, 1)), -truth.U[:, :1]])
    same = Network(V, U, b, truth.c - 2.0)
    X = rng.standard_normal((50, d))
    size = (np.abs(X).sum(axis=1).max() + np.abs(b).max()) * np.abs(U).sum() * scale.max()
    assert np.abs(same(X) - truth(X)).max() <= 64 * EPS * size
    canonical = same.canonical()
    assert canonical.n_units == truth.canonical().n_units
    assert match(canonical, truth).max_error <= 64 * EPS * (1 + np.abs(truth.b).max())
    assert np.allclose(np.linalg.norm(canonical.V, axis=1), 1.0, rtol=0, atol=4 * EPS)
    strength = np.linalg.norm(canonical.U, axis=0)
    assert (np.diff(strength) <= 0).all()


def test_canonical_form_without_units() -> None:
    net = Network([[0.0]], [[2.0]], b=[3.0], c=[1.0]).canonical()
    assert net.n_units == 0
    assert net(np.zeros((2, 1))).tolist() == [[7.0], [7.0]]


@given(seed=st.integers(0, 10_000), size=st.floats(1e-9, 1e-2))
def test_match_measures_what_was_changed(seed: int, size: float) -> None:
    truth = plant(6, 4, 3, 10, seed=seed, bias=1.0).truth
    V = truth.V.copy()
    tangent = np.random.default_rng(seed).standard_normal(6)
    tangent -= V[2] * (tangent @ V[2])
    V[2] += size * tangent / np.linalg.norm(tangent)
    error = match(Network(V, truth.U, truth.b, truth.c), truth)
    # Back on the unit sphere the distance is 2 sin(atan(size)/2) = size (1 + O(size²)).
    assert abs(error.hidden.max() - size) <= size**2 + 16 * EPS
    assert np.count_nonzero(error.hidden > size / 2) == 1


def test_match_sees_a_missing_and_an_extra_unit() -> None:
    truth = plant(6, 4, 3, 10, seed=0).truth
    fewer = Network(truth.V[:3], truth.U[:, :3])
    assert match(fewer, truth).max_error == np.inf
    assert len(match(fewer, truth).missing) == 1
    assert match(truth, fewer).max_error == np.inf
    assert len(match(truth, fewer).extra) == 1
    assert "3 of 4 units paired" in str(match(fewer, truth))


def test_match_canary() -> None:
    """The comparison that every recovery test relies on fails on a slightly wrong network."""
    truth = plant(6, 4, 3, 10, seed=1, bias=1.0).truth
    for name in ("V", "U", "b", "c"):
        parts = {part: getattr(truth, part).copy() for part in ("V", "U", "b", "c")}
        parts[name].flat[1] += 1e-9
        assert match(Network(**parts), truth).max_error > 1e-11


def test_networks_are_values() -> None:
    truth = plant(3, 2, 1, 10, seed=0).truth
    with pytest.raises(ValueError, match="read-only"):
        truth.V[0, 0] = 1.0
    again = pickle.loads(pickle.dumps(truth))
    assert match(again, truth).max_error == 0.0


def test_wrong_width_of_inputs() -> None:
    with pytest.raises(InputError, match=r"got shape \(3, 4\), expected \(n_samples, 3\)"):
        plant(3, 2, 1, 10, seed=0).truth(np.zeros((3, 4)))
