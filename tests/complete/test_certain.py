"""Certain answers: the enumeration, the tree search and all 2^n patterns say the same."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from support.certain_answers import compared, differences, unsound, wrong
from support.every_pattern import every_pattern
from support.small_cases import FAMILIES, Case, case

from unrelu import InputError, Network, solutions


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bias", [False, True])
def test_solution_for_solution(family: str, bias: bool) -> None:
    rng = np.random.default_rng([7, FAMILIES.index(family), bias])
    for k in (1, 2, 3):
        n = int(rng.integers(k + 3, 9))
        problem = case(rng, family, n=n, k=k, d=int(rng.integers(1, 4)), bias=bias)
        assert compared(problem, rng).faults == []


def test_larger_than_all_patterns_can_be_tried() -> None:
    rng = np.random.default_rng(0)
    for family in FAMILIES:
        problem = case(rng, family, n=14, k=int(rng.integers(1, 4)), d=2, bias=False)
        assert compared(problem, rng, brute=False).faults == []


def solvable(n_networks: int) -> Case:
    """With exactly so many networks."""
    rng = np.random.default_rng(n_networks)
    while True:
        problem = case(rng, "scaled", n=6, k=2, d=1, bias=True)
        if every_pattern(problem.samples, problem.n_units, True).values_count == n_networks:
            return problem


def test_several_networks() -> None:
    problem = solvable(3)
    assert compared(problem, np.random.default_rng(0)).faults == []


def test_wrong_answers_are_seen() -> None:
    problem = solvable(3)
    X, Y, k = problem.samples.X, problem.samples.Y, problem.n_units
    complete = every_pattern(problem.samples, k, True)
    answer = solutions(X, Y, k, bias=True, count=True)
    assert not wrong(answer, complete, problem)
    first, *others = answer.networks
    hair = first.U.copy()
    hair[0, 0] += Fraction(1, 10**12)
    off = Network(first.V, hair, first.b, first.c)
    for forged in (
        replace(answer, networks=()),
        replace(answer, networks=(off, *others)),
        replace(answer, networks=(others[0], *others)),
        replace(answer, networks=tuple(others)),
        replace(answer, values_count=2, count=2),
        replace(answer, values_count=inf, count=inf),
    ):
        assert wrong(forged, complete, problem)
        assert differences(forged, answer, problem) or forged.networks[:1] == (off,)
    none = replace(complete, exists=False, count=0)
    assert wrong(answer, none, problem)


def test_proofs_that_prove_nothing_are_seen() -> None:
    """With the samples of a network in place of those that were refuted, or the reverse."""
    rng = np.random.default_rng(1)
    while True:
        problem = case(rng, "by a hair", n=7, k=2, d=2, bias=False)
        answer = solutions(problem.samples.X, problem.samples.Y, 2, rng=0)
        if answer.refutation is not None:
            break
    assert not unsound(answer.refutation, problem, rng)
    swapped = replace(problem, samples=problem.original)
    assert "does not recheck" in unsound(answer.refutation, swapped, rng)
    same = replace(problem, original=problem.samples)
    assert "holds for samples of a network" in unsound(answer.refutation, same, rng)


def test_samples_that_are_all_zero() -> None:
    for Y, expected in (([0, 0], True), ([0, 1], False)):
        found = solutions([[0], [0]], Y, 2, U=[[1, 1]])
        assert found.decided
        assert bool(found.networks) == expected


def test_enumeration_through_solutions() -> None:
    X, Y = [[-2], [-1], [1], [3]], [[0], [0], [2], [6]]
    found = solutions(X, Y, 1, method="enumeration")
    assert found.decided
    assert not found.complete  # only with count=True
    assert found.networks[0].U.tolist() == [[2]]
    none = solutions(X, [[0], [0], [2], [5]], 1, method="enumeration")
    assert none.decided
    assert none.refutation is None
    assert not solutions(X, Y, 2, method="enumeration").decided
    with pytest.raises(InputError, match="U given"):
        solutions(X, Y, 1, method="enumeration", U=[[1]])
