"""Hermite coefficients, moments, joint diagonalisation, and the start made of them."""

from __future__ import annotations

from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import gamma, ndtr
from support.planting import correlated, plant

from unrelu.activations import ReLU, hermite
from unrelu.errors import InputError
from unrelu.network import Network
from unrelu.numerics.joint_diagonalisation import joint_diagonalise
from unrelu.numerics.moments import (
    fourth_moments,
    residualise,
    second_moments,
    third_moments,
    weighted_grams,
)
from unrelu.search.moment_start import moment_start

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)


def angles(found: Array, truth: Array, *, signed: bool = True) -> tuple[Array, NDArray[np.intp]]:
    """For each unit row of `truth`, the angle to the row of `found` that is assigned to it up to
    sign, and which; the angle sees the sign if `signed`."""
    cosines = truth @ found.T
    rows, columns = linear_sum_assignment(-np.abs(cosines))
    assert len(rows) == len(truth)
    signs = np.ones(len(rows)) if signed else np.where(cosines[rows, columns] < 0, -1.0, 1.0)
    chords = np.linalg.norm(truth - found[columns] * signs[:, None], axis=1)
    return 2 * np.arcsin(np.minimum(chords / 2, 1.0)), columns


def test_angles_see_what_is_wrong() -> None:
    truth = np.eye(3)
    turned = truth.copy()
    turned[2] = [0.0, np.sin(0.2), np.cos(0.2)]
    assert np.allclose(angles(turned[[2, 0, 1]], truth)[0], [0, 0, 0.2])
    flipped = truth * [[1.0], [-1.0], [1.0]]
    assert angles(flipped, truth)[0].max() > 3
    assert angles(flipped, truth, signed=False)[0].max() == 0


# Hermite coefficients


@pytest.mark.parametrize("b", [0.0, 0.3, -1.0, 2.5, -6.0, 40.0])
def test_hermite_coefficients_of_the_relu(b: float) -> None:
    """h₀ = bΦ + φ, h₁ = Φ, and h_r = (−1)^r He_{r−2}(b) φ from then on: each integral has terms up
    to E|g|^{r+1} ≤ (r+1)!! and rounds at that level."""
    phi, Phi = np.exp(-(b**2) / 2) / np.sqrt(2 * np.pi), ndtr(b)
    expected = [b * Phi + phi, Phi, phi, -b * phi, (b**2 - 1) * phi]
    for r, value in enumerate(expected):
        assert abs(ReLU().hermite(r, b) - value) <= 50 * EPS * factorial(r + 1) * (1 + abs(b))


def test_hermite_coefficients_of_many_biases_at_once() -> None:
    biases = np.linspace(-2, 2, 6).reshape(2, 3)
    each = [[float(ReLU().hermite(3, b)) for b in row] for row in biases.tolist()]
    assert np.abs(ReLU().hermite(3, biases) - each).max() <= 50 * EPS


@pytest.mark.parametrize("power", [0.5, 1.5, 2.0, 3.0])
def test_hermite_coefficients_of_powers(power: float) -> None:
    """E g₊^c = 2^((c−1)/2) Γ((c+1)/2) / √2π, and E g₊^c He₂(g) = c times that."""
    mean = 2 ** ((power - 1) / 2) * gamma((power + 1) / 2) / np.sqrt(2 * np.pi)

    def f(z: Array) -> Array:
        return np.asarray(np.maximum(z, 0.0) ** power)

    assert abs(hermite(f, 0) - mean) <= 50 * EPS * mean
    assert abs(hermite(f, 2) - power * mean) <= 500 * EPS * mean


# Moments


def pairings(z: Array, order: int) -> Array:
    """The whole tensor He_r(z): z⊗…⊗z, with every pair of modes in turn replaced by −I."""
    d = len(z)
    outer = {1: z, 2: np.multiply.outer(z, z)}
    outer[3] = np.multiply.outer(outer[2], z)
    outer[4] = np.multiply.outer(outer[3], z)
    eye = np.eye(d)
    if order == 2:
        return np.asarray(outer[2] - eye)
    if order == 3:
        tensor = outer[3].copy()
        for i, j, k in {(*sorted(p[:2]), p[2]) for p in permutations(range(3))}:
            tensor -= np.multiply.outer(eye, z).transpose(np.argsort([i, j, k]))
        return np.asarray(tensor)
    tensor = outer[4].copy()
    for p in {(*sorted(p[:2]), *sorted(p[2:])) for p in permutations(range(4))}:
        tensor -= np.multiply.outer(eye, outer[2]).transpose(np.argsort(p))
        if p[0] == 0:
            tensor += np.multiply.outer(eye, eye).transpose(np.argsort(p))
    return np.asarray(tensor)


@pytest.mark.parametrize("n", [1, 7])
def test_moments_are_means_of_whole_tensors(n: int) -> None:
    """Of any rows and labels: the contracted formulas are identities, not expectations."""
    rng = np.random.default_rng(n)
    Z, Y = rng.standard_normal((n, 3)) + 0.5, rng.standard_normal((n, 2)) + 1.0
    y = Y[:, 0]
    size = 100 * EPS * np.abs(Z).max() ** 4 * np.abs(Y).max()
    whole = sum(np.multiply.outer(a, pairings(z, 2)) for a, z in zip(Y, Z, strict=True)) / n
    assert np.abs(second_moments(Z, Y) - whole).max() <= size
    a = rng.standard_normal((2, 3))
    whole = sum(t * pairings(z, 3) for t, z in zip(y, Z, strict=True)) / n
    assert np.abs(third_moments(Z, y, a) - np.tensordot(a, whole, axes=1)).max() <= 10 * size
    A = rng.standard_normal((2, 3, 3))
    A += A.transpose(0, 2, 1)
    whole = sum(t * pairings(z, 4) for t, z in zip(y, Z, strict=True)) / n
    assert np.abs(fourth_moments(Z, y, A) - np.tensordot(A, whole, axes=2)).max() <= 50 * size


def test_moments_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    import unrelu.numerics.moments as module

    rng = np.random.default_rng(0)
    Z, w = rng.standard_normal((50, 4)), rng.standard_normal((50, 3))
    whole = weighted_grams(Z, w)
    monkeypatch.setattr(module, "BLOCK", 7 * 16)
    assert np.abs(weighted_grams(Z, w) - whole).max() <= 50 * EPS


def test_residuals_are_orthogonal_to_affine_functions() -> None:
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(np.column_stack([np.ones(40), rng.standard_normal((40, 3))]))[0]
    Z, Y = np.sqrt(40) * Q[:, 1:], rng.standard_normal((40, 2))
    rest, slopes = residualise(Z, Y + Z @ [[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]] + 5.0)
    assert np.abs(Q.T @ rest).max() <= 1e3 * EPS
    assert np.abs(slopes - residualise(Z, Y)[1] - [[1, 0, 0], [0, 2, 0]]).max() <= 1e3 * EPS


# Joint diagonalisation


def conditioning(A: Array, weights: Array) -> float:
    """Smallest singular value of (P, w') ↦ Σ changes of the slices, P tangent to unit rows: an
    error of norm ε in the slices moves A by at most ε over it, to first order."""
    s, (k, d) = len(weights), A.shape
    columns = []
    for j in range(k):
        for t in np.linalg.svd(A[j : j + 1])[2][1:]:
            change = np.outer(t, A[j]) + np.outer(A[j], t)
            columns.append((weights[:, j, None, None] * change).ravel())
        for i in range(s):
            slices = np.zeros((s, d, d))
            slices[i] = np.outer(A[j], A[j])
            columns.append(slices.ravel())
    return float(np.linalg.svd(np.array(columns), compute_uv=False)[-1])


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 6),
    more=st.integers(0, 3),
    s=st.integers(2, 6),
    noise=st.sampled_from([0.0, 1e-9, 1e-6]),
)
def test_joint_diagonalisation(seed: int, k: int, more: int, s: int, noise: float) -> None:
    """To the bound of its conditioning, doubled for the second order; signs of weights any."""
    rng = np.random.default_rng(seed)
    A, w = rng.standard_normal((k, k + more)), rng.standard_normal((s, k))
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    slices = (A.T * w[:, None, :]) @ A
    error = rng.standard_normal(slices.shape)
    error += error.transpose(0, 2, 1)
    error *= noise * np.linalg.norm(slices) / np.linalg.norm(error)
    size = np.linalg.norm(error) + 100 * k * EPS * np.linalg.norm(slices)
    bound = 2 * size / conditioning(A, w)
    if bound > 1e-3:
        return  # so ill conditioned that the first order says nothing
    found = joint_diagonalise(slices + error, k, rng=rng)
    off, order = angles(found.directions, A, signed=False)
    assert off.max() <= bound
    assert found.misfit * np.linalg.norm(slices) <= 1.01 * size
    apart = 2 * size / np.linalg.svd(np.array([np.outer(a, a).ravel() for a in A]))[1][-1]
    apart += 4 * bound * np.linalg.norm(w) * k * np.linalg.cond((A @ A.T) ** 2)
    assert np.abs(found.weights[:, order] - w).max() <= apart


def test_joint_diagonalisation_of_many_units() -> None:
    rng = np.random.default_rng(0)
    A, w = rng.standard_normal((50, 100)), rng.standard_normal((10, 50))
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    found = joint_diagonalise((A.T * w[:, None, :]) @ A, 50, rng=rng)
    assert angles(found.directions, A, signed=False)[0].max() <= 1e-9


def test_joint_diagonalisation_of_degenerate_slices() -> None:
    """Singular pairs, a single slice, no slices but zeros, slices that share no factors."""
    rng = np.random.default_rng(0)
    A = np.eye(5)[:3]
    rank_one = np.stack([np.outer(a, a) for a in A])
    with_zeros = np.concatenate([rank_one, np.zeros((4, 5, 5))])
    found = joint_diagonalise(with_zeros, 3, rng=rng).directions
    assert angles(found, A, signed=False)[0].max() <= 1e-12
    single = joint_diagonalise(rank_one[:1] - 2 * rank_one[1:2], 2, rng=rng)
    assert single.misfit <= 100 * EPS
    assert joint_diagonalise(np.zeros((2, 5, 5)), 3, rng=rng).misfit == 0
    noise = rng.standard_normal((6, 5, 5))
    assert joint_diagonalise(noise + noise.transpose(0, 2, 1), 4, rng=rng).misfit > 0.3
    with pytest.raises(InputError, match="expected 1 to 5"):
        joint_diagonalise(rank_one, 6, rng=rng)


def test_parallel_weights_are_beyond_joint_diagonalisation() -> None:
    """Two outputs, two of the columns of U parallel: the slices are met exactly by directions
    that are not the units'; the third unit is found all the same."""
    rng = np.random.default_rng(3)
    A = rng.standard_normal((3, 6))
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    w = np.array([[1.0, 2.0, 1.0], [0.5, 1.0, -1.0]])
    found = joint_diagonalise((A.T * w[:, None, :]) @ A, 3, rng=rng)
    off = angles(found.directions, A, signed=False)[0]
    assert found.misfit <= 1e-12
    assert off[2] <= 1e-7
    assert off[:2].max() > 0.05


# The start


def expected_error(truth: Network, n: int, noise: Array) -> Array:
    """Standard error (k,) of the directions from n labels with noise of covariance diag(noise²).

    The row p_j of U's pseudo-inverse takes unit j apart: p_jᵀM = h₂ v_jv_jᵀ + (noise of size
    ‖p_j∘noise‖/√n an entry), and a top eigenvector moves by that times √d / h₂.
    """
    apart = np.linalg.pinv(truth.U) * noise
    curvature = ReLU().hermite(2, truth.b)
    return np.asarray(np.sqrt(truth.V.shape[1] / n) * np.linalg.norm(apart, axis=1) / curvature)


@pytest.mark.parametrize("bias", [0.0, 0.5])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_start_from_noisy_labels(bias: float, share: float) -> None:
    """Within two standard errors in every unit, and at the root mean square of 12 units with 9
    coordinates each no worse than a quarter above: that U is estimated along with V costs little,
    and the first order, which the standard error leaves out, gains some."""
    ratios = []
    for seed in range(4):
        problem = plant(10, 3, 4, 6000, seed=seed, bias=bias)
        rng = np.random.default_rng(seed)
        noise = share * problem.Y.std(axis=0)
        Y = problem.Y + noise * rng.standard_normal(problem.Y.shape)
        V, b = moment_start(problem.X, Y, 3, bias=bias > 0, rng=rng)
        off, order = angles(V, problem.truth.V)
        ratios.append(off / expected_error(problem.truth, 6000, noise))
        assert np.abs(np.linalg.norm(V, axis=1) - 1).max() <= 10 * EPS
        if bias:
            assert np.abs(b[order] - problem.truth.b).max() <= 10 * off.max()
        else:
            assert not b.any()
    assert np.max(ratios) <= 2
    assert np.sqrt(np.mean(np.square(ratios))) <= 1.25


def test_error_falls_as_the_root_of_the_samples() -> None:
    """Sixteen times as many: a quarter of the error; the root mean square over 4·15 coordinates
    and 3 seeds is known to a tenth."""
    errors = []
    for n in (1500, 24000):
        off = []
        for seed in range(3):
            problem = plant(15, 4, 4, n, seed=seed)
            rng = np.random.default_rng(seed)
            Y = problem.Y + rng.standard_normal(problem.Y.shape)
            V, _ = moment_start(problem.X, Y, 4, bias=False, rng=rng)
            off.append(angles(V, problem.truth.V)[0])
        errors.append(np.sqrt(np.mean(np.square(off))))
    assert 2.5 <= errors[0] / errors[1] <= 6.5


@pytest.mark.parametrize("bias", [True, False])
def test_start_in_the_coordinates_of_the_inputs(bias: bool) -> None:
    """Correlated inputs with a mean, outputs in very different units; with `bias=False` the mean
    is part of every unit's offset all the same."""
    problem = plant(6, 3, 3, 4000, seed=0, law=correlated)
    X = problem.X + np.random.default_rng(1).standard_normal(6) / 3
    truth = Network(problem.truth.V, problem.truth.U, np.full(3, 0.2 * bias), np.zeros(3))
    V, b = moment_start(X, truth(X) * [1e-9, 1.0, 1e9], 3, bias=bias, rng=np.random.default_rng(0))
    off, order = angles(V, truth.V)
    assert off.max() <= 0.05
    assert np.abs(b[order] - truth.b).max() <= 0.05


@pytest.mark.parametrize("m", [1, 2])
def test_higher_orders_where_the_second_is_not_enough(m: int) -> None:
    """One output, or two with all columns of U parallel."""
    problem = plant(8, 3, 1, 30000, seed=2)
    U = np.array([[1.0, -1.2, 0.8]]) * np.array([[1.0], [0.5]])[:m]
    truth = Network(problem.truth.V, U, np.zeros(3), np.zeros(m))
    rng = np.random.default_rng(0)
    Y = truth(problem.X)
    Y += 0.1 * Y.std(axis=0) * rng.standard_normal(Y.shape)
    V, _ = moment_start(problem.X, Y, 3, bias=False, rng=rng)
    off = angles(V, truth.V)[0]
    assert off.max() <= 0.2


def test_labels_without_units() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    for Y in (X[:, :2] @ [[1.0, 2.0], [3.0, 4.0]] + 1.0, np.zeros((100, 2))):
        V, b = moment_start(X, Y, 2, bias=True, rng=rng)
        assert V.shape == (0, 3)
        assert b.shape == (0,)


def test_more_units_than_inputs() -> None:
    """As many directions as fit in, finite, unit rows."""
    problem = plant(3, 5, 2, 2000, seed=0)
    V, b = moment_start(problem.X, problem.Y, 5, bias=True, rng=np.random.default_rng(0))
    assert V.shape == (3, 3)
    assert np.abs(np.linalg.norm(V, axis=1) - 1).max() <= 10 * EPS
    assert np.isfinite(b).all()


def test_the_same_seed_gives_the_same_bits() -> None:
    problem = plant(6, 3, 1, 2000, seed=0, bias=0.5)
    one, two = (
        moment_start(problem.X, problem.Y, 3, bias=True, rng=np.random.default_rng(5))
        for _ in range(2)
    )
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])
