"""The mathematics below the methods, each piece against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.planting import plant

from unrelu.fitting.variable_projection import Fit, Separable
from unrelu.network.sensitivity import DRAWS, sensitivity
from unrelu.numerics.arrays import unit_rows
from unrelu.numerics.lattice import subset, vanishing_subsets
from unrelu.numerics.levenberg import minimise
from unrelu.numerics.rank import column_space
from unrelu.numerics.whitening import dependent_columns, whiten

EPS = np.finfo(np.float64).eps


@given(seed=st.integers(0, 10_000), d=st.integers(1, 8), power=st.integers(0, 12))
def test_whitening(seed: int, d: int, power: int) -> None:
    """White to rounding, and the factor leads back, whatever the conditioning."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((50, d)) * np.logspace(0, -power, d)
    white = whiten(rows)
    gram = white.features.T @ white.features / 50
    assert np.abs(gram - np.eye(d)).max() <= 200 * d * EPS
    size = np.abs(rows).max(axis=0)
    assert (np.abs(white.features @ white.factor - rows).max(axis=0) <= 200 * d * EPS * size).all()
    a = rng.standard_normal((3, d))
    there_and_back = white.to_features(white.to_rows(a))
    condition = np.linalg.cond(white.factor)
    assert np.abs(there_and_back - a).max() <= 50 * d * EPS * condition * np.abs(a).max()


def test_dependent_columns_are_named() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, 4))
    assert len(dependent_columns(rows, 30 * EPS)) == 0
    rows = np.column_stack([rows, rows[:, 0] - rows[:, 2]])
    assert len(dependent_columns(rows, 30 * EPS)) == 1
    assert dependent_columns(np.column_stack([rows[:, :2], np.zeros(30)]), EPS).tolist() == [2]


@given(seed=st.integers(0, 10_000), rank=st.integers(1, 5))
def test_rank_of_labels_in_very_different_units(seed: int, rank: int) -> None:
    rng = np.random.default_rng(seed)
    columns = rng.standard_normal((40, rank)) @ rng.standard_normal((rank, 7))
    columns *= 10.0 ** rng.integers(-9, 9, 7)
    assert column_space(columns).shape[1] == rank


@given(seed=st.integers(0, 10_000), k=st.integers(2, 14))
def test_subset_sum_of_real_vectors(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((k, 3))
    chosen = rng.random(k) < 0.5
    found = subset(vectors, chosen @ vectors)
    assert found is not None
    assert np.abs(found @ vectors - chosen @ vectors).max() <= k * 2.0**-34 * np.abs(vectors).max()


def test_subset_sum_that_does_not_exist() -> None:
    rng = np.random.default_rng(0)
    assert subset(rng.standard_normal((8, 3)), rng.standard_normal(3)) is None


def test_vanishing_subsets() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((6, 2))
    assert vanishing_subsets(vectors) == []
    vectors[4] = -vectors[0] - vectors[2]
    found = vanishing_subsets(vectors)
    assert found is not None
    assert [s.nonzero()[0].tolist() for s in found] == [[0, 2, 4]]


def test_vanishing_subset_hidden_behind_shorter_relations() -> None:
    """v_7 = v_0 + … + v_6 and v_13 = v_0 − v_7 − … − v_12: all but 0 and 7 vanish together,
    though neither relation alone has entries of one sign."""
    vectors = np.random.default_rng(0).standard_normal((14, 14))
    vectors[7] = vectors[:7].sum(axis=0)
    vectors[13] = vectors[0] - vectors[7:13].sum(axis=0)
    found = vanishing_subsets(vectors)
    assert found is not None
    assert [s.nonzero()[0].tolist() for s in found] == [[*range(1, 7), *range(8, 14)]]


def test_vanishing_subsets_that_cannot_be_decided() -> None:
    assert vanishing_subsets(np.random.default_rng(0).standard_normal((25, 1))) is None


def _separable(seed: int) -> tuple[Separable, Fit]:
    problem = plant(4, 3, 2, 60, seed=seed, bias=0.5)
    features = whiten(np.column_stack([problem.X, np.ones(60)])).features
    model = Separable(features, problem.Y, np.ones((60, 1)))
    rng = np.random.default_rng(seed)
    return model, model.evaluate(unit_rows(rng.standard_normal((4, 5))))


@given(seed=st.integers(0, 1_000))
def test_gradient_is_that_of_the_cost(seed: int) -> None:
    """Against a central difference along a random tangent; the cost is smooth up to kinks, so a
    step that crosses none is used."""
    model, fit = _separable(seed)
    step = np.random.default_rng(seed + 1).standard_normal(fit.point.shape)
    step -= fit.point * (fit.point * step).sum(axis=1, keepdims=True)
    h = 1e-6
    ahead = model.evaluate(model.retract(fit.point, h * step))
    behind = model.evaluate(model.retract(fit.point, -h * step))
    if (ahead.active != behind.active).any():
        return
    slope = (ahead.cost - behind.cost) / (2 * h)
    expected = -2 * np.vdot(model.descent(fit), step)
    assert abs(slope - expected) <= 1e-4 * (abs(expected) + fit.cost)


def test_gauss_newton_matrix_is_symmetric_and_positive() -> None:
    model, fit = _separable(5)
    rng = np.random.default_rng(0)
    p, q = (
        v - fit.point * (fit.point * v).sum(axis=1, keepdims=True)
        for v in rng.standard_normal((2, *fit.point.shape))
    )
    forth, back = np.vdot(q, model.normal(fit, p)), np.vdot(p, model.normal(fit, q))
    assert abs(forth - back) <= 1e-10 * abs(forth)
    assert np.vdot(p, model.normal(fit, p)) > 0


def test_minimise_never_increases_the_cost() -> None:
    model, fit = _separable(7)
    end, trace = minimise(model, fit, size=model.size, steps=30, enough=lambda _: False)
    assert (np.diff(trace.norms) <= 0).all()
    assert end.cost <= fit.cost
    assert trace.products > 0


@pytest.mark.parametrize("seed", range(3))
def test_sampled_errors_have_the_size_of_real_ones(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Perturb the labels for real, refit, and compare; the dense and the matrix-free estimate."""
    import unrelu.network.sensitivity as module

    rng = np.random.default_rng(seed)
    n, k, D, size = 400, 3, 5, 1e-7
    Z = whiten(rng.standard_normal((n, D))).features
    A, U = unit_rows(rng.standard_normal((k, D))), rng.standard_normal((2, k))
    Y = np.maximum(Z @ A.T, 0.0) @ U.T
    real = []
    for _ in range(20):
        model = Separable(Z, Y + size * rng.standard_normal(Y.shape), np.ones((n, 0)))
        fit, _ = minimise(
            model, model.evaluate(A), size=model.size, steps=8, enough=lambda _: False
        )
        real.append(np.linalg.norm(fit.point - A, axis=1))
    expected = np.sqrt(np.mean(np.square(real), axis=0))
    none = np.zeros_like(Y)
    sensed = sensitivity(Z, A, U, none, size, False, rng)
    dense = sensed.errors
    assert sensed.leverage is not None
    # The hat matrix has the trace of what it projects on: k (D − 1) + 2 k unknowns.
    assert abs(sensed.leverage.sum() - (k * (D - 1) + 2 * k)) <= 1e-6
    assert sensed.leverage.min() >= 0
    assert sensed.leverage.max() <= 2 + 1e-6
    assert dense.shape == (DRAWS, k, D)
    # 20 real and 8 drawn errors of 4 coordinates each: either root mean square is within a
    # factor 2 of the truth but for a probability below 1e-6.
    ratio = np.sqrt((dense**2).sum(axis=2).mean(axis=0)) / expected
    assert (ratio > 0.5).all()
    assert (ratio < 2.0).all()
    monkeypatch.setattr(module, "DENSE", 0)
    draws = [sensitivity(Z, A, U, none, size, False, rng).errors[0] for _ in range(DRAWS)]
    ratio = np.sqrt((np.array(draws) ** 2).sum(axis=2).mean(axis=0)) / expected
    assert (ratio > 0.5).all()
    assert (ratio < 2.0).all()


@pytest.mark.parametrize("dense", [True, False])
def test_sampled_errors_see_a_null_direction(dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two units active on the same samples can be mixed: their errors are not of rounding size."""
    import unrelu.network.sensitivity as module

    if not dense:
        monkeypatch.setattr(module, "DENSE", 0)
    rng = np.random.default_rng(0)
    Z = np.vstack([np.eye(3), np.eye(3) + 0.1 * rng.standard_normal((3, 3))])
    Z = np.vstack([Z, -Z, rng.standard_normal((40, 3)) * [1, 0, 0] + [0, 0, 1e-3]])
    A = unit_rows(np.array([[1.0, 0.5, 0.5], [1.0, 0.6, 0.4], [-1.0, 0.2, 0.1]]))
    active = Z @ A.T > 0
    assert (active[:, 0] == active[:, 1]).all()
    size = 1e-16
    U, none = np.array([[1.0, 2.0, 1.0]]), np.zeros((len(Z), 1))
    errors = sensitivity(Z, A, U, none, size, False, rng).errors
    worst = np.linalg.norm(errors, axis=2).max(axis=0)
    assert worst[:2].min() > 1e4 * size
