"""Small exact problems, most of them degenerate: a planted network in small integers, and what
can be done to its samples without changing the rank of the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

import numpy as np
from numpy.typing import NDArray

from unrelu.numerics.rationals import Rationals, as_fractions, to_matrix
from unrelu.samples import ExactSamples

Integers = NDArray[np.int64]
Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Case:
    """Labels Y = F Uᵀ + 1cᵀ of rank `n_units` modulo the constants.

    planted : the hidden values F of a network; or None where F was altered, and is a network's or
        not.
    original : the samples before that, which a network with as many units does explain.
    """

    samples: ExactSamples
    n_units: int
    bias: bool
    planted: Rationals | None
    original: ExactSamples


def case(rng: Rng, family: str, *, n: int, k: int, d: int, bias: bool) -> Case:
    """A problem of the family, the labels of full rank. After many draws that are not, one unit
    less: few inputs cannot have many."""
    for draw in count(1):
        k -= draw % 50 == 0 and k > 1
        X = INPUTS.get(family, integers)(rng, n, d)
        V = rng.integers(-3, 4, (k, X.shape[1]))
        b = rng.integers(-3, 4, k) * bias
        if family == "always active":
            V[0], b[0] = np.abs(V[0]), abs(b[0])
        if family == "rarely active":
            b -= 3 * bias
        planted = as_fractions("F", np.maximum(X @ V.T + b, 0))
        F = ALTERED[family](rng, planted) if family in ALTERED else planted
        m = k + int(rng.integers(2))
        U = as_fractions("U", rng.integers(-3, 4, (m, k)))
        c = as_fractions("c", rng.integers(-3, 4, m) * bias)
        Y = F @ U.T + c
        if rank(np.hstack([np.full((len(X), int(bias)), Fraction(1)), Y])) == k + bias:
            samples = ExactSamples.of(X, Y, few=True)
            before = ExactSamples.of(X, planted @ U.T + c, few=True)
            return Case(samples, k, bias, None if family in ALTERED else planted, before)
    raise AssertionError("unreachable")


def rank(columns: Rationals) -> int:
    """Over ℚ."""
    return int(to_matrix(columns).rank())


def integers(rng: Rng, n: int, d: int) -> Integers:
    return rng.integers(-4, 5, (n, d))


def repeated(rng: Rng, n: int, d: int) -> Integers:
    """Few inputs, each several times."""
    few = rng.integers(-3, 4, (min(n, max(n // 2, d + 1)), d))
    return np.vstack([few, rng.choice(few, n - len(few))])


def grid(rng: Rng, n: int, d: int) -> Integers:
    """Coordinates -1, 0 and 1."""
    return rng.integers(-1, 2, (n, d))


def zero_rows(rng: Rng, n: int, d: int) -> Integers:
    return integers(rng, n, d) * rng.integers(0, 2, (n, 1))


def positive(rng: Rng, n: int, d: int) -> Integers:
    return rng.integers(0, 5, (n, d))


def one_side(rng: Rng, n: int, d: int) -> Integers:
    """Nearly all inputs on one side: units are inactive on few, and are not extreme rays."""
    X = rng.integers(1, 6, (n, d))
    X[: n // 3] = rng.integers(-5, 3, (n // 3, d))
    return X


def directions(rng: Rng, n: int, d: int) -> Integers:
    """Multiples of few inputs: several units can stand for one another."""
    few = rng.integers(-2, 3, (d + 1 + int(rng.integers(2)), d))
    return rng.choice(few, n) * rng.integers(1, 4, (n, 1))


def scaled(rng: Rng, n: int, d: int) -> Integers:
    """Rows and columns of very different size."""
    return integers(rng, n, d) * 10 ** rng.integers(0, 7, (n, 1)) * 10 ** rng.integers(0, 4, d)


def dependent(rng: Rng, n: int, d: int) -> Integers:
    """The last input is the sum of the others (or 0)."""
    X = integers(rng, n, max(d, 2))
    X[:, -1] = X[:, :-1].sum(axis=1)
    return X


def near_parallel(rng: Rng, n: int, d: int) -> Integers:
    """Multiples of few inputs, but for one part in 10^12: floats hardly see it."""
    return directions(rng, n, d) * 10**12 + integers(rng, n, d)


INPUTS: dict[str, Callable[[Rng, int, int], Integers]] = {
    "integers": integers,
    "grid": grid,
    "repeated": repeated,
    "zero rows": zero_rows,
    "always active": positive,
    "rarely active": integers,
    "one side": one_side,
    "directions": directions,
    "scaled": scaled,
    "dependent": dependent,
    "near parallel": near_parallel,
}


def one_entry(rng: Rng, F: Rationals) -> Rationals:
    """One hidden value of one sample is another integer."""
    return shifted(rng, F, Fraction(int(rng.choice([-2, -1, 1, 2, 3]))))


def by_a_hair(rng: Rng, F: Rationals) -> Rationals:
    """Off by one part in a million, or in 10^15."""
    return shifted(rng, F, Fraction(int(rng.choice([-1, 1])), int(rng.choice([10**6, 10**15]))))


def shifted(rng: Rng, F: Rationals, by: Fraction) -> Rationals:
    F = F.copy()
    F[rng.integers(F.shape[0]), rng.integers(F.shape[1])] += by
    return F


def any_values(rng: Rng, F: Rationals) -> Rationals:
    """Hidden values that have nothing to do with the inputs."""
    return as_fractions("F", rng.integers(0, 4, F.shape))


ALTERED: dict[str, Callable[[Rng, Rationals], Rationals]] = {
    "one entry": one_entry,
    "by a hair": by_a_hair,
    "any values": any_values,
}

FAMILIES = [*INPUTS, *ALTERED]
