"""Linear complementarity over ℚ against all choices of a row from each pair."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from unrelu.numerics.complementarity import Effort, Found, Refuted, Tree, Undecided, search
from unrelu.numerics.rational_lp import LinearSystem, Point, feasible

Pairs = list[tuple[int, int]]


def draw(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Pairs, list[int]]:
    """A, a, pairs of rows (which may share one), and rows that are held."""
    rng = np.random.default_rng(seed)
    variables, n = int(rng.integers(1, 5)), int(rng.integers(2, 9))
    A, a = rng.integers(-2, 3, (n, variables)), rng.integers(-2, 2, n)
    pairs = [tuple(rng.choice(n, 2, replace=False).tolist()) for _ in range(rng.integers(1, 7))]
    held = rng.choice(n, int(rng.integers(0, 2)), replace=False).tolist()
    return A, a, pairs, held


def rows_of(A: NDArray[np.int64]) -> list[list[Fraction]]:
    return [[Fraction(int(entry)) for entry in row] for row in A]


def system_of(A: NDArray[np.int64], a: NDArray[np.int64]) -> LinearSystem:
    rows = [dict(enumerate(row)) for row in rows_of(A)]
    return LinearSystem(rows, list(map(Fraction, a.tolist())), A.shape[1])


def solvable(A: NDArray[np.int64], a: NDArray[np.int64], pairs: Pairs, held: list[int]) -> bool:
    rows, bounds = rows_of(A), list(map(Fraction, a.tolist()))
    for chosen in itertools.product(*pairs):
        equal = sorted({*chosen, *held})
        answer = feasible(rows, bounds, [rows[i] for i in equal], [bounds[i] for i in equal])
        if isinstance(answer, Point):
            return True
    return False


def refutes(
    tree: Tree, A: NDArray[np.int64], a: NDArray[np.int64], pairs: Pairs, held: list[int]
) -> bool:
    """Follows the tree with a stack of its own."""
    waiting = [set(held)]
    for node in tree:
        if not waiting:
            return False
        equal = waiting.pop()
        if isinstance(node, int):
            first, second = pairs[node]
            waiting += [equal | {second}, equal | {first}]
            continue
        y = np.array([node.multipliers.get(i, Fraction(0)) for i in range(len(A))])
        if (y @ A.astype(object)).any() or not y @ a.astype(object) > 0:
            return False
        if any(weight < 0 and i not in equal for i, weight in enumerate(y)):
            return False
    return not waiting


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60)
def test_found_or_refuted_and_rightly(seed: int) -> None:
    A, a, pairs, held = draw(seed)
    answer = search(system_of(A, a), pairs, held)
    if isinstance(answer, Found):
        slack = A.astype(object) @ np.array(answer.point.values) - a
        assert (slack >= 0).all()
        assert not any(slack[held])
        assert all(slack[first] == 0 or slack[second] == 0 for first, second in pairs)
    else:
        assert isinstance(answer, Refuted)
        assert refutes(answer.tree, A, a, pairs, held)
    assert isinstance(answer, Found) == solvable(A, a, pairs, held)


def two_corners() -> tuple[NDArray[np.int64], NDArray[np.int64], Pairs]:
    """0 ≤ x, y, with x y = 0, x + y = 2, and |x − y| ≤ 1: each of the corners is refuted."""
    A = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [-1, 1]])
    return A, np.array([0, 0, 2, -1, -1]), [(0, 1)]


def test_a_tree_and_how_it_may_be_wrong() -> None:
    A, a, pairs = two_corners()
    answer = search(system_of(A, a), pairs, [2])
    assert isinstance(answer, Refuted)
    tree = answer.tree
    assert tree[0] == 0
    assert refutes(tree, A, a, pairs, [2])
    assert not refutes(tree[:-1], A, a, pairs, [2])
    assert not refutes((*tree, tree[-1]), A, a, pairs, [2])
    assert not refutes((tree[0], tree[2], tree[1]), A, a, pairs, [2])
    assert not refutes(tree[1:2], A, a, pairs, [2])


def test_limits() -> None:
    A, a, pairs = two_corners()
    nodes = search(system_of(A, a), pairs, [2], effort=Effort(most_nodes=2))
    assert nodes == Undecided("2 nodes were not enough")
    late = search(system_of(A, a), pairs, [2], effort=Effort(deadline=0.0))
    assert late == Undecided("the time was up")


def test_pairs_that_do_not_matter_leave_no_trace() -> None:
    """Twenty pairs of variables of their own beside a contradiction: one leaf."""
    n = 20
    A = np.zeros((2 * n + 2, n + 1), dtype=int)
    A[: 2 * n : 2, :n] = A[1 : 2 * n : 2, :n] = np.eye(n, dtype=int)
    A[2 * n :, n] = 1, -1
    a = np.array([0, -1] * n + [1, 0])
    answer = search(system_of(A, a), [(2 * i, 2 * i + 1) for i in range(n)])
    assert isinstance(answer, Refuted)
    assert len(answer.tree) == 1
