"""The paper's enumeration against all 2^n patterns, and the cones below it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_pattern import Complete, every_pattern
from support.small_cases import FAMILIES, Case, case

from unrelu import InputError
from unrelu.complete.enumeration import MOST_SUBSETS, Enumeration, enumerate_units
from unrelu.numerics.integer_cones import TooManyError, generators, rank, sign_vectors
from unrelu.numerics.rationals import Rationals
from unrelu.samples import ExactSamples


def solved(problem: Case) -> Enumeration:
    return enumerate_units(problem.samples, problem.n_units, problem.bias)


def assert_same(found: Enumeration, expected: Complete) -> None:
    assert found.exists == expected.exists
    assert (found.values_count, found.count) == (expected.values_count, expected.count)
    if found.values_count != inf:  # else the rays are those of somebody's choice of cells
        assert len(found.rays) == len(expected.rays)
        assert set(found.rays) == expected.rays


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bias", [False, True])
def test_as_good_as_all_patterns(family: str, bias: bool) -> None:
    rng = np.random.default_rng([FAMILIES.index(family), bias])
    for k, d, n in product((1, 2, 3), (1, 2, 3), (6, 8)):
        problem = case(rng, family, n=n, k=k, d=d, bias=bias)
        found = solved(problem)
        assert_same(found, every_pattern(problem.samples, problem.n_units, bias))
        assert found.exists or problem.planted is None
        for net in found.networks:
            assert net.rational
            assert net.n_units == problem.n_units
            assert (net(problem.samples.X) == problem.samples.Y).all()


def test_families_hold_what_they_should() -> None:
    """Both outcomes, and each of: one network, several, infinitely many."""
    rng = np.random.default_rng(0)
    counts = {
        solved(case(rng, family, n=7, k=2, d=2, bias=bias)).values_count
        for family in FAMILIES
        for bias in (False, True) * 10
    }
    assert {0, 1, inf} < counts


def test_comparison_sees_a_slight_difference() -> None:
    rng = np.random.default_rng(3)
    problem = case(rng, "integers", n=8, k=2, d=2, bias=False)
    expected = every_pattern(problem.samples, 2, False)
    found = solved(problem)
    assert found.values_count == 1
    assert_same(found, expected)
    ray = found.rays[0]
    hair = (*ray[:-1], ray[-1] + Fraction(1, 10**9))
    for wrong in (
        replace(found, exists=False),
        replace(found, values_count=2),
        replace(found, rays=(hair, *found.rays[1:])),
        replace(found, rays=found.rays[1:]),
    ):
        with pytest.raises(AssertionError):
            assert_same(wrong, expected)


@given(seed=st.integers(0, 10_000), bias=st.booleans(), family=st.sampled_from(FAMILIES))
def test_planted_units_are_among_the_rays(seed: int, bias: bool, family: str) -> None:
    """Up to n = 14, where all 2^n patterns are too many for a test."""
    rng = np.random.default_rng(seed)
    problem = case(
        rng, family, n=int(rng.integers(8, 15)), k=int(rng.integers(1, 3)), d=2, bias=bias
    )
    found = solved(problem)
    if problem.planted is None:
        return
    assert found.exists
    for h in problem.planted.T:
        assert any(h)
        if len(set(h)) > 1 or not bias:
            assert scaled(h) in found.rays or found.values_count == inf


@given(seed=st.integers(0, 10_000), bias=st.booleans())
def test_order_and_scale_do_not_matter(seed: int, bias: bool) -> None:
    rng = np.random.default_rng(seed)
    problem = case(rng, str(rng.choice(FAMILIES)), n=9, k=2, d=2, bias=bias)
    first = solved(problem)
    n, d = problem.samples.X.shape
    order, by = rng.permutation(n), Fraction(3, 7)
    turn = np.array([[2, 1], [1, 1]]) if d == 2 else np.eye(d, dtype=int)
    X = (problem.samples.X @ turn)[order]
    again = enumerate_units(
        ExactSamples.of(X, problem.samples.Y[order] * by), problem.n_units, bias
    )
    assert (first.exists, first.count, first.patterns) == (
        again.exists,
        again.count,
        again.patterns,
    )

    def moved(ray: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        values = [ray[i] for i in order]
        return tuple(value / next(filter(None, values)) for value in values)

    assert {moved(ray) for ray in first.rays} == set(again.rays)


def test_cells_are_what_they_say() -> None:
    """Two units that are active together, on three inputs that they cannot be told apart by."""
    X = [[1, 0], [0, 1], [1, 1], [-1, 0], [0, -1], [-1, -1]]
    Y = [[1, 0], [0, 1], [1, 1], [0, 0], [0, 0], [0, 0]]
    found = enumerate_units(ExactSamples.of(X, Y), 2, bias=False)
    assert found.count == inf
    both = next(cell for cell in found.cells if cell.active == (0, 1, 2))
    assert both.dimension == 2
    pairs = sorted(zip(both.rays, both.hyperplanes, strict=True))
    assert [[int(value) for value in h] for h, _ in pairs] == [
        [0, 1, 1, 0, 0, 0],
        [1, 0, 1, 0, 0, 0],
    ]
    assert [[int(weight) for weight in v] for _, v in pairs] == [[0, 1], [1, 0]]
    assert both.determined


def test_hidden_weights_that_samples_leave_open() -> None:
    """One active sample in the plane: the hidden value is fixed, v is not."""
    X, Y = [[1, 0], [-1, -1], [-1, 1]], [[2], [0], [0]]
    found = enumerate_units(ExactSamples.of(X, Y), 1, bias=False)
    assert (found.values_count, found.count) == (1, inf)
    assert not found.cells[0].determined
    # Where both others have to be at 0 or below, one on each side of v, it is.
    X = [[1, 0], [-1, 1], [1, -1]]
    Y = [[1], [0], [0]]
    found = enumerate_units(ExactSamples.of(X, Y), 1, bias=False)
    assert (found.values_count, found.count) == (1, 1)
    assert found.networks[0].canonical().V.tolist() == [[1, 1]]


def test_as_many_networks_as_asked_for() -> None:
    rng = np.random.default_rng(0)
    while True:
        problem = case(rng, "one side", n=7, k=2, d=2, bias=True)
        found = solved(problem)
        if found.values_count not in (0, 1, inf):
            break
    count = found.values_count
    assert count is not None
    assert len(found.networks) == 1
    samples = problem.samples
    for listed in (2, 100):
        more = enumerate_units(samples, 2, True, listed=listed)
        assert len(more.networks) == min(listed, count)
        hidden = {
            frozenset(scaled(column) for column in np.maximum(samples.X @ net.V.T + net.b, 0).T)
            for net in more.networks
        }
        assert len(hidden) == len(more.networks)
        assert all(units <= set(found.rays) for units in hidden)


def scaled(h: Rationals) -> tuple[Fraction, ...]:
    return tuple(h / next(filter(None, h)))


def test_ranks_that_decide_or_leave_open() -> None:
    X, Y = [[1], [2], [-1], [-2]], [[1], [2], [1], [2]]
    samples = ExactSamples.of(X, Y)
    assert enumerate_units(samples, 2, bias=False).exists is None
    assert enumerate_units(ExactSamples.of(X, np.eye(4, dtype=int)), 3, bias=False).exists is False
    assert enumerate_units(ExactSamples.of(X, np.zeros(4)), 1, bias=False).exists is None
    never = enumerate_units(samples, 1, bias=False)
    assert never.exists is False
    assert never.reason.startswith("no network with 1 unit:")
    with pytest.raises(InputError, match="n_units: got 0"):
        enumerate_units(samples, 0, bias=False)


def test_too_large_is_reported() -> None:
    rng = np.random.default_rng(0)
    X, V, U = rng.integers(-9, 10, (60, 4)), rng.integers(-9, 10, (3, 4)), np.eye(3, dtype=int)
    found = enumerate_units(ExactSamples.of(X, np.maximum(X @ V.T, 0) @ U), 3, bias=True)
    assert found.exists is None
    assert found.count is None
    assert f"goes up to {MOST_SUBSETS}" in found.reason


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 6), r=st.integers(1, 3))
def test_sign_vectors_are_those_of_points(seed: int, n: int, r: int) -> None:
    """All signs of random points are there, and each of those there is a point's, by a linear
    program in small integers (whose vertices are far from 0, so that floats can tell)."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(seed)
    rows = rng.integers(-2, 3, (n, r))
    if rank(rows.tolist()) < r:
        return
    found = sign_vectors([tuple(row) for row in rows.tolist()], 10**4)
    for w in rng.integers(-3, 4, (200, r)):
        signs = np.sign(rows @ w)
        bits = [sum(1 << i for i in range(n) if signs[i] == sign) for sign in (1, -1)]
        assert tuple(bits) in found
    for positive, negative in found:
        signs = np.array([(positive >> i & 1) - (negative >> i & 1) for i in range(n)])
        strict, zero = rows[signs != 0] * signs[signs != 0, None], rows[signs == 0]
        solved = linprog(
            np.zeros(r),
            A_ub=-strict if len(strict) else None,
            b_ub=-np.ones(len(strict)) if len(strict) else None,
            A_eq=zero if len(zero) else None,
            b_eq=np.zeros(len(zero)) if len(zero) else None,
            bounds=(None, None),
        )
        assert solved.status == 0


@given(seed=st.integers(0, 10_000), n=st.integers(0, 7), q=st.integers(1, 4))
def test_generators_of_cones(seed: int, n: int, q: int) -> None:
    """They lie in the cone, each is extreme, and every choice of tight constraints that leaves
    one direction inside the cone is one of them."""
    rng = np.random.default_rng(seed)
    A = rng.integers(-2, 3, (n, q))
    rays, lines = generators([tuple(row) for row in A.tolist()], q, 10**4)
    assert len(lines) == q - rank(A.tolist())
    for line in lines:
        assert not (A @ line).any()
    for ray in rays:
        assert (A @ ray >= 0).all()
        tight = A[A @ ray == 0].tolist()
        assert rank(tight) == q - len(lines) - 1
    assert len(rays) == len({tuple(A @ ray > 0) for ray in rays})
    for w in rng.integers(-2, 3, (50, q)):
        if (A @ w >= 0).all() and (A @ w).any():
            tight = A[A @ w == 0].tolist()
            if rank(tight) == q - len(lines) - 1:  # w is extreme, so one of them is parallel
                assert any(
                    (np.outer(A @ w, A @ ray) == np.outer(A @ ray, A @ w)).all() for ray in rays
                )


def test_limits_stop() -> None:
    cube = [(*(int(i == j) * s for j in range(4)), 1) for i in range(4) for s in (1, -1)]
    assert len(generators(cube, 5, 16)[0]) == 16
    with pytest.raises(TooManyError):
        generators(cube, 5, 15)
    assert len(sign_vectors([(1, 0), (0, 1)], 9)) == 9
    with pytest.raises(TooManyError):
        sign_vectors([(1, 0), (0, 1)], 8)
