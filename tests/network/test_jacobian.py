"""The Jacobian against differences of the labels, in floats and over the rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from unrelu.activations import resolve
from unrelu.network.jacobian import Jacobian
from unrelu.numerics.arrays import Array
from unrelu.numerics.rationals import as_fractions
from unrelu.numerics.tangents import Tangents

EPS = float(np.finfo(np.float64).eps)
STEP = 1e-6
N, K, D, M = 30, 3, 4, 2
PRIME = 2**31 - 1


def weights(seed: int) -> tuple[Array, Array, Array, Array]:
    """Z, A, U and the constant, with no sample near a kink."""
    rng = np.random.default_rng(seed)
    Z, A = rng.standard_normal((N, D)), rng.standard_normal((K, D))
    Z = Z[(np.abs(Z @ A.T) > 0.05).all(axis=1)]
    return Z, A, rng.standard_normal((M, K)), rng.standard_normal(M)


def jacobian(name: str, tangent: bool, seed: int = 0) -> tuple[Jacobian, Array]:
    """And what differences of the labels say it is, (n, m, p)."""
    (Z, A, U, c), f = weights(seed), resolve(name)
    heights = Z @ A.T
    H = np.column_stack([f(heights), np.ones(len(Z))])
    J = Jacobian(Z, f.slope(heights), U, H, Tangents.of(A) if tangent else None)
    k, t, m, q = J.shape

    def labels(unknowns: Array) -> Array:
        rows, W = unknowns[: k * t].reshape(k, t), unknowns[k * t :].reshape(m, q)
        moved = A + (J.tangents.rows(rows) if J.tangents else rows)
        return np.asarray(f(Z @ moved.T) @ (U + W[:, :-1]).T + c + W[:, -1])

    steps = STEP * np.eye(k * t + m * q)
    return J, np.stack([labels(e) - labels(-e) for e in steps], axis=2) / (2 * STEP)


@pytest.mark.parametrize("tangent", [False, True])
@pytest.mark.parametrize("name", ["relu", "power(2)", "expm1"])
def test_dense_is_that_of_differences(name: str, tangent: bool) -> None:
    J, expected = jacobian(name, tangent)
    # Third derivatives and rounding of labels below 10 (e³, for expm1).
    limit = 100 * (STEP**2 + 10 * EPS / STEP)
    assert np.abs(J.dense() - expected).max() <= limit
    turned = Jacobian(J.Z, J.slopes, J.U[:, ::-1], J.H, J.tangents)
    assert np.abs(turned.dense() - expected).max() > 100 * limit


@pytest.mark.parametrize("tangent", [False, True])
def test_products_agree_with_the_matrix(tangent: bool) -> None:
    J, _ = jacobian("power(2)", tangent)
    dense, (k, t, m, q) = J.dense(), J.shape
    rng = np.random.default_rng(1)
    rows, W = rng.standard_normal((k, t)), rng.standard_normal((m, q))
    labels = rng.standard_normal((len(J.Z), m))
    size = 100 * EPS * np.abs(dense).max() * dense.size
    moved = dense @ np.append(rows, W)
    assert np.abs(J.product(rows, W) - moved).max() <= size
    held = J.product(rows) + J.outer @ W.T
    assert np.abs(held - moved).max() <= size
    pulled = np.einsum("iop,io->p", dense, labels)
    for_rows, for_W = J.transposed(labels)
    assert np.abs(np.append(for_rows, for_W) - pulled).max() <= size
    assert np.abs(J.transposed_each(labels).sum(axis=0) - pulled).max() <= size
    metric = np.array([[2.0, 0.3], [0.3, 1.0]])
    for given in (None, metric):
        expected = np.einsum("iop,or,irq->pq", dense, np.eye(m) if given is None else given, dense)
        assert np.abs(J.gram(given) - expected).max() <= size * np.abs(dense).max()


def test_over_the_rationals_it_is_exact() -> None:
    """Labels are linear in A where no pattern changes, and in U: a difference is the derivative."""
    rng = np.random.default_rng(2)
    Z, A, U = (
        as_fractions("weights", rng.integers(-9, 10, size)) / Fraction(7)
        for size in ((N, D), (K, D), (M, K))
    )
    heights = Z @ A.T
    Z, heights = Z[(heights != 0).all(axis=1)], heights[(heights != 0).all(axis=1)]
    active = heights > 0
    J = Jacobian(Z, active.astype(int), U, heights * active)
    dense = J.dense()
    k, t, m, q = J.shape
    assert dense.shape == (len(Z), m, k * t + m * q)
    rows, W = U.T @ U[:, :1] * A, U + 1
    expected = (Z @ rows.T * active) @ U.T + (heights * active) @ W.T
    assert (dense @ np.append(rows, W) == expected).all()
    assert (J.product(rows, W) == expected).all()
    for_rows, for_W = J.transposed(expected)
    pulled = (dense * expected[:, :, None]).sum(axis=(0, 1))
    assert (np.append(for_rows, for_W) == pulled).all()


def test_modulo_a_prime_it_is_the_residue() -> None:
    rng = np.random.default_rng(3)
    Z, U = rng.integers(0, PRIME, (N, D)), rng.integers(0, PRIME, (M, K))
    slopes, H = rng.integers(0, PRIME, (N, K)), rng.integers(0, PRIME, (N, 2))
    Z_, slopes_, U_, H_ = (part.astype(object) for part in (Z, slopes, U, H))
    exact = Jacobian(Z_, slopes_, U_, H_).dense()
    assert (Jacobian(Z, slopes, U, H).dense(PRIME) == exact % PRIME).all()


def test_of_one_unit() -> None:
    """Where output weights are those of the unit alone, it is a part of the whole."""
    J, _ = jacobian("expm1", tangent=True)
    alone = Jacobian(J.Z, J.slopes, np.eye(K), J.H, J.tangents).dense()
    t = J.shape[1]
    for j in range(K):
        found = J.of_unit(j).dense()[:, 0]
        assert np.abs(found[:, :t] - alone[:, j, j * t : (j + 1) * t]).max() <= 100 * EPS
        assert (found[:, t:] == J.outer).all()


def test_tangents_are_orthonormal_and_off_the_normal() -> None:
    normals = np.random.default_rng(0).standard_normal((K, D))
    tangents = Tangents.of(normals)
    for T, normal in zip(tangents.bases(), normals, strict=True):
        assert np.abs(T.T @ T - np.eye(D - 1)).max() <= 20 * EPS
        assert np.abs(normal @ T).max() <= 20 * EPS * np.linalg.norm(normal)
    rows = np.random.default_rng(1).standard_normal((2, K, D))
    there = tangents.coordinates(rows)
    assert np.abs(there - np.einsum("jDt,rjD->rjt", tangents.bases(), rows)).max() <= 100 * EPS
    assert np.abs(tangents.coordinates(tangents.rows(there)) - there).max() <= 100 * EPS
    features = tangents.features(rows[:, 0])
    assert np.abs(features - np.einsum("jDt,nD->njt", tangents.bases(), rows[:, 0])).max() <= (
        100 * EPS
    )
