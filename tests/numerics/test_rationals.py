"""Rational numbers, rational networks and samples that are meant as they stand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from unrelu import InputError, InputTypeError, Network, match
from unrelu.numerics.rationals import as_fractions, product, rounded, to_fractions, to_matrix
from unrelu.samples import ExactSamples


def rational_network(rng: np.random.Generator, k: int = 3, d: int = 4, m: int = 2) -> Network:
    """Small weights with denominators, and zeros among them."""
    V, U, b, c = (
        as_fractions("w", rng.integers(-5, 6, shape)) / Fraction(7)
        for shape in ((k, d), (m, k), (k,), (m,))
    )
    return Network(V, U, b, c)


def test_numbers_are_taken_at_their_word() -> None:
    from flint import fmpq, fmpz

    given = [True, np.int64(-(2**62)), 0.1, np.float32(0.1), Decimal("0.1"), fmpq(1, 3), fmpz(2)]
    exact = as_fractions("X", np.array(given, dtype=object))
    assert exact.tolist() == [
        1,
        -(2**62),
        Fraction(0.1),
        Fraction(float(np.float32(0.1))),
        Fraction(1, 10),
        Fraction(1, 3),
        2,
    ]
    assert as_fractions("X", [0.1])[0] != Fraction(1, 10)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([np.nan], InputError),
        ([Fraction(1), float("inf")], InputError),
        ([[1], [1, 2]], InputError),
        ([1j], InputTypeError),
        (["1"], InputTypeError),
        ([None], InputTypeError),
        ([np.longdouble(1)], InputTypeError),
    ],
)
def test_what_is_no_rational(value: list[object], error: type[Exception]) -> None:
    with pytest.raises(error, match="X: got"):
        as_fractions("X", value)  # type: ignore[arg-type]


def test_matrices_go_there_and_back() -> None:
    rng = np.random.default_rng(0)
    A = as_fractions("A", rng.integers(-9, 9, (3, 4))) / Fraction(5)
    B = as_fractions("B", rng.integers(-9, 9, (4, 2)))
    assert (to_fractions(to_matrix(A)) == A).all()
    assert (product(A, B) == A @ B).all()
    assert np.array_equal(rounded(A), A.astype(float))
    assert rounded(as_fractions("A", [10**400, -(10**400)])).tolist() == [np.inf, -np.inf]


def test_a_rational_network_says_what_it_is_without_rounding() -> None:
    rng = np.random.default_rng(1)
    net = rational_network(rng)
    X = rng.integers(-(2**40), 2**40, (50, 4))
    F = as_fractions("X", X) @ net.V.T + net.b
    F = F * (F > 0)
    assert (net(X) == F @ net.U.T + net.c).all()
    labels = net(X.astype(float))
    assert labels.dtype == np.float64
    scale = np.abs(rounded(net(X))).max()
    assert np.abs(labels - rounded(net(X))).max() <= 64 * np.finfo(float).eps * scale
    assert net.rounded().rounded() is net.rounded() or not net.rounded().rational


def test_canonical_form_over_the_rationals_keeps_every_label() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        net = rational_network(rng, k=6, d=2)
        doubled = Network(
            np.vstack([net.V, Fraction(3) * net.V[:2], 0 * net.V[:1]]),
            np.hstack([net.U, net.U[:, :2] / Fraction(3), net.U[:, :1]]),
            np.hstack([net.b, Fraction(3) * net.b[:2], [Fraction(2)]]),
            net.c,
        )
        X = rng.integers(-9, 9, (40, 2))
        form = doubled.canonical()
        assert (form(X) == doubled(X)).all()
        again = form.canonical()
        assert (again.V == form.V).all()
        assert (again.U == form.U).all()
        assert all(abs(next(w for w in row if w)) == 1 for row in form.V)
        assert match(form, doubled).max_error <= 64 * np.finfo(float).eps
    assert (form(X) != form(X) + Fraction(1, 10**30)).all()  # what == would not see in float64


def test_samples_keep_what_they_were_given() -> None:
    X = np.array([[Fraction(1, 3)], [2**70], [5]], dtype=object)
    samples = ExactSamples.of(X, [1, 2, 0.5])
    assert samples.X[1, 0] == 2**70
    assert samples.Y.shape == (3, 1)
    assert samples.rounded.X[0, 0] == 1 / 3
    with pytest.raises(InputError, match="rows"):
        ExactSamples.of(X, [1, 2])
