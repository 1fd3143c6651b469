"""Linear feasibility over ℚ: every answer is checked here again, from the system alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from unrelu.numerics.float_lp import OutOfTimeError
from unrelu.numerics.rational_lp import (
    Farkas,
    LinearSystem,
    Point,
    _independent_columns,
    feasible,
)

Integers = NDArray[np.int64]


def fractions(matrix: NDArray[np.int64]) -> list[list[Fraction]]:
    return [[Fraction(int(entry)) for entry in row] for row in matrix]


def numbers(vector: Integers) -> list[Fraction]:
    return [Fraction(int(entry)) for entry in vector]


def proves(answer: Point | Farkas, A: Integers, a: Integers, E: Integers, e: Integers) -> bool:
    rows, bounds = np.vstack([A, E]).astype(object), np.concatenate([a, e]).astype(object)
    if isinstance(answer, Point):
        slack = rows @ np.array(answer.values) - bounds
        return bool((slack[: len(A)] >= 0).all() and not slack[len(A) :].any())
    y = np.array([answer.multipliers.get(i, Fraction(0)) for i in range(len(rows))])
    return bool((y[: len(A)] >= 0).all() and not (y @ rows).any() and y @ bounds > 0)


def draw(seed: int) -> tuple[Integers, Integers, Integers, Integers]:
    """Few values, so that degenerate corners and dependent rows abound."""
    rng = np.random.default_rng(seed)
    variables, n, equations = rng.integers(1, 6), rng.integers(1, 12), rng.integers(0, 4)
    A, E = rng.integers(-2, 3, (n, variables)), rng.integers(-2, 3, (equations, variables))
    a, e = rng.integers(-2, 3, n), rng.integers(-1, 2, equations)
    if rng.random() < 0.5:  # something satisfies it
        z = rng.integers(-3, 4, variables)
        a, e = np.minimum(a, A @ z), E @ z
    return A, a, E, e


@given(seed=st.integers(0, 10**6))
@settings(max_examples=150)
def test_every_answer_is_a_proof(seed: int) -> None:
    A, a, E, e = draw(seed)
    answer = feasible(fractions(A), numbers(a), fractions(E), numbers(e))
    assert proves(answer, A, a, E, e)
    float_answer = linprog(
        np.zeros(A.shape[1]), -A, -a, E if len(E) else None, e if len(E) else None, (None, None)
    )
    assert (float_answer.status == 0) == isinstance(answer, Point)


def test_the_check_sees_wrong_answers() -> None:
    A, a = np.array([[1], [-1]]), np.array([1, -2])
    none = np.zeros((0, 1), dtype=int)
    assert proves(Point((Fraction(1),)), A, a, none, none[:, 0])
    assert not proves(Point((Fraction(1, 2),)), A, a, none, none[:, 0])
    assert not proves(Farkas({0: Fraction(1), 1: Fraction(1)}), A, a, none, none[:, 0])
    assert not proves(Farkas({0: Fraction(-1)}), A, a, none, none[:, 0])


@given(seed=st.integers(0, 10**6), gap=st.integers(0, 90), size=st.integers(0, 300))
@settings(max_examples=60)
def test_gaps_far_below_rounding(seed: int, gap: int, size: int) -> None:
    """a·z ≥ 1 and a·z ≤ 1 − 2^−gap is empty, and a·z = 1 is not, in any units."""
    rng = np.random.default_rng(seed)
    a = [Fraction(int(w)) for w in rng.integers(1, 10, int(rng.integers(2, 5)))]
    scale = Fraction(10) ** size
    rows = [[scale * w for w in a], [-w for w in a]]
    empty = feasible(rows, [scale, Fraction(1, 2**gap) - 1])
    assert isinstance(empty, Farkas)
    assert empty.multipliers[1] == scale * empty.multipliers[0]
    point = feasible(rows, [scale, Fraction(-1)])
    assert isinstance(point, Point)
    assert sum(w * z for w, z in zip(a, point.values, strict=True)) == 1


def test_no_variables_no_rows() -> None:
    zero, one = Fraction(0), Fraction(1)
    assert feasible([], []) == Point(())
    assert feasible([[zero]], [zero]) == Point((zero,))
    assert feasible([[zero]], [one]) == Farkas({0: one})
    assert feasible([], [], [[zero]], [-one]) == Farkas({0: -one})
    assert feasible([], [], [[one, one], [one, one]], [zero, zero]) == Point((zero, zero))
    contradiction = feasible([], [], [[one, one], [one, one]], [zero, one])
    assert isinstance(contradiction, Farkas)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60)
def test_rows_held_and_replaced_in_any_order(seed: int) -> None:
    """One system, asked many times, answers like a fresh one. Bounds on the variables, which stay,
    determine them all."""
    rng = np.random.default_rng(seed)
    A, a, _, _ = draw(seed)
    n = len(A)
    A = np.vstack([A, np.eye(A.shape[1], dtype=int), -np.eye(A.shape[1], dtype=int)])
    a = np.concatenate([a, np.full(2 * A.shape[1], -5)])
    rows = [dict(enumerate(row)) for row in fractions(A)]
    system = LinearSystem(rows, list(map(Fraction, a.tolist())), A.shape[1])
    for _ in range(6):
        held = rng.choice(len(A), int(rng.integers(0, 3)), replace=False)
        place = int(rng.integers(n))
        A[place], a[place] = rng.integers(-2, 3, A.shape[1]), rng.integers(-1, 2)
        system.replace(place, dict(enumerate(fractions(A)[place])), Fraction(int(a[place])))
        answer = system.decide(held.tolist())
        held_A, held_a = np.vstack([A, A[held]]), np.concatenate([a, a[held]])
        if isinstance(answer, Point):
            assert proves(answer, A, a, A[held], a[held])
            slack = A.astype(object) @ np.array(answer.values) - a
            assert ((np.array(system.slacks(answer)) > 0) == (slack > 0)).all()
        else:
            y = dict(answer.multipliers)
            moved = {len(A) + i: y.pop(row) for i, row in enumerate(held.tolist()) if row in y}
            assert proves(Farkas({**y, **moved}), A, a, held_A[len(A) :], held_a[len(A) :])


def test_a_deadline_that_has_passed() -> None:
    system = LinearSystem([{0: Fraction(1)}], [Fraction(1)], 1)
    with pytest.raises(OutOfTimeError):
        system._simplex((), [], deadline=0.0)


def test_the_rational_simplex_alone() -> None:
    """Without any hint from floating point, from a basis that is as wrong as it may be."""
    empty = 0
    for seed in range(200):
        A, a, E, e = draw(seed)
        rows = [dict(enumerate(row)) for row in fractions(np.vstack([A, E]))]
        bounds = [Fraction(int(b)) for b in np.concatenate([a, e])]
        system = LinearSystem(rows, bounds, A.shape[1])
        answer = system._simplex(range(len(A), len(rows)), [], deadline=float("inf"))
        assert proves(answer, A, a, E, e)
        empty += isinstance(answer, Farkas)
    assert 40 < empty < 160


@given(seed=st.integers(0, 10**6))
def test_columns_that_span_the_others(seed: int) -> None:
    """Rows with a single entry spare the look at their columns, and change nothing else."""
    rng = np.random.default_rng(seed)
    variables, n = int(rng.integers(1, 7)), int(rng.integers(1, 9))
    A = rng.integers(-1, 2, (n, variables)) * rng.integers(0, 2, (n, variables))
    kept = _independent_columns(
        [{j: int(a) for j, a in enumerate(row) if a} for row in A], variables
    )
    rank = int(np.linalg.matrix_rank(A))
    assert len(set(kept)) == len(kept) == rank
    assert kept == sorted(kept)
    assert int(np.linalg.matrix_rank(A[:, kept])) == rank
