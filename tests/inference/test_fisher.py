"""Information and scores against a Jacobian by finite differences, entry by entry."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu.inference import fisher
from unrelu.inference.covariance import in_outputs

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)


def problem(seed: int, constant: bool, *, n: int = 40) -> tuple[fisher.Model, Array]:
    rng = np.random.default_rng(seed)
    k, D, m = 3, 4, 2
    model = fisher.Model(
        rng.standard_normal((k, D)),
        rng.standard_normal((m, k)),
        rng.standard_normal((k, D)),
        constant,
    )
    return model, rng.standard_normal((n, D))


def labels(model: fisher.Model, Z: Array, unknowns: Array) -> Array:
    """At the given distance (p,) from the model."""
    k, t, m, q = model.shape
    a = model.hidden_unknowns
    A = model.A + np.einsum("jDt,jt->jD", model.tangents(), unknowns[:a].reshape(k, t))
    W = unknowns[a:].reshape(m, q)
    constant = W[:, k] if model.constant else np.zeros(m)
    return np.asarray(np.maximum(Z @ A.T, 0.0) @ (model.U + W[:, :k]).T + constant)


STEP = 1e-6


def jacobian(model: fisher.Model, Z: Array) -> Array:
    """(n, m, p), by central differences: exact up to rounding where no pattern changes and the
    labels are quadratic in the unknowns, which they are."""
    columns = [
        labels(model, Z, STEP * e) - labels(model, Z, -STEP * e) for e in np.eye(model.unknowns)
    ]
    return np.stack(columns, axis=2) / (2 * STEP)


def bound(J: Array, weight: float = 1.0) -> float:
    """Of the error of a sum of products of J: labels are of size 10 or less, so the differences
    are off by 10 ε / STEP each."""
    return 100 * EPS / STEP * float(np.abs(J).max()) * J[..., 0].size * weight


@pytest.fixture(params=[False, True], ids=["plain", "constant"])
def case(request: pytest.FixtureRequest) -> tuple[fisher.Model, Array, Array]:
    model, Z = problem(3, request.param)
    assert np.abs(Z @ model.A.T).min() > 10 * STEP, "a pattern would change"
    return model, Z, jacobian(model, Z)


def test_tangents_are_orthonormal_and_off_the_normal() -> None:
    model, _ = problem(0, True)
    assert model.normals is not None
    for T, normal in zip(model.tangents(), model.normals, strict=True):
        assert np.abs(T.T @ T - np.eye(T.shape[1])).max() <= 20 * EPS
        assert np.abs(normal @ T).max() <= 20 * EPS * np.linalg.norm(normal)


def test_information(case: tuple[fisher.Model, Array, Array]) -> None:
    model, Z, J = case
    sums = fisher.moments(model, Z)
    expected = np.einsum("iop,ioq->pq", J, J)
    assert np.abs(fisher.information(model, sums) - expected).max() <= bound(J)
    metric = np.array([[2.0, 0.3], [0.3, 1.0]])
    expected = np.einsum("iop,or,irq->pq", J, metric, J)
    found = fisher.information(model, sums, metric)
    assert np.abs(found - expected).max() <= bound(J, 2.0)
    # Canary: without its off-diagonal entries the metric would give something else.
    other = fisher.information(model, sums, np.diag(np.diag(metric)))
    assert np.abs(other - expected).max() > bound(J, 2.0)


def test_weighted_information(case: tuple[fisher.Model, Array, Array]) -> None:
    model, Z, J = case
    weights = np.random.default_rng(1).uniform(0.1, 2.0, J.shape[:2])
    expected = np.einsum("iop,io,ioq->pq", J, weights, J)
    found = fisher.weighted_information(model, Z, weights)
    assert np.abs(found - expected).max() <= bound(J, 2.0)
    unit = fisher.weighted_information(model, Z, np.ones(J.shape[:2]))
    plain = fisher.information(model, fisher.moments(model, Z))
    assert np.abs(unit - plain).max() <= 100 * EPS * np.abs(plain).max()
    assert np.abs(unit - found).max() > bound(J, 2.0)


def test_scores_and_gradient(case: tuple[fisher.Model, Array, Array]) -> None:
    model, Z, J = case
    psi = np.random.default_rng(2).standard_normal(J.shape[:2])
    g = np.einsum("iop,io->ip", J, psi)
    size = float(np.abs(psi).max())
    assert np.abs(fisher.scores(model, Z, psi) - g.T @ g).max() <= bound(J, size**2) * 4
    assert np.abs(fisher.gradient(model, Z, psi) - g.sum(axis=0)).max() <= bound(J, size)


def test_blocks_do_not_matter(
    case: tuple[fisher.Model, Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, Z, J = case
    rng = np.random.default_rng(5)
    weights, root = rng.random(J.shape[:2]), rng.standard_normal((model.unknowns,) * 2)

    def everything() -> list[Array]:
        return [
            fisher.information(model, fisher.moments(model, Z)),
            fisher.weighted_information(model, Z, weights),
            fisher.scores(model, Z, weights),
            fisher.output_variance(model, Z, root @ root.T),
            fisher.output_covariance(model, Z, root @ root.T),
        ]

    whole = everything()
    monkeypatch.setattr(fisher, "BLOCK_ENTRIES", 7 * 12)
    for one, other in zip(whole, everything(), strict=True):
        assert np.abs(one - other).max() <= 100 * EPS * np.abs(one).max()


def test_covariance_of_outputs(case: tuple[fisher.Model, Array, Array]) -> None:
    model, Z, J = case
    root = np.random.default_rng(4).standard_normal((model.unknowns,) * 2)
    covariance = root @ root.T
    expected = np.einsum("iop,pq,irq->ior", J, covariance, J)
    found = fisher.output_covariance(model, Z, covariance)
    limit = bound(J, model.unknowns * np.abs(covariance).max())
    assert np.abs(found - expected).max() <= limit
    variance = fisher.output_variance(model, Z, covariance)
    diagonal = np.einsum("ioo->io", found)
    assert np.abs(variance - diagonal).max() <= 1000 * EPS * diagonal.max()


def test_leverages_add_up(case: tuple[fisher.Model, Array, Array]) -> None:
    model, Z, J = case
    sums = fisher.moments(model, Z)
    inverse = fisher.invert(model, fisher.information(model, sums), len(Z))
    assert inverse.null.shape[1] == 0
    shares = fisher.leverage(model, sums, inverse.matrix)
    expected = np.einsum("iop,pq,ioq->o", J, inverse.matrix, J)
    condition = float(np.linalg.cond(fisher.information(model, sums)))
    limit = condition * bound(J) / np.abs(fisher.information(model, sums)).max()
    assert np.abs(shares - expected).max() <= limit
    assert abs(shares.sum() - model.unknowns) <= 100 * EPS * condition * model.unknowns


def test_covariance_in_other_outputs(case: tuple[fisher.Model, Array, Array]) -> None:
    """Outputs times a root have the covariance of the outputs times the root on both sides."""
    model, Z, J = case
    factor = np.random.default_rng(4).standard_normal((model.unknowns,) * 2)
    covariance = factor @ factor.T
    root = np.array([[2.0, 0.0], [-0.7, 0.5]])
    moved = fisher.Model(model.A, root @ model.U, model.normals, model.constant)
    there = fisher.output_covariance(moved, Z, in_outputs(model, covariance, root))
    expected = root @ fisher.output_covariance(model, Z, covariance) @ root.T
    assert np.abs(there - expected).max() <= 1e4 * EPS * np.abs(expected).max()
    assert np.abs(there - np.einsum("iop,pq,irq->ior", J, covariance, J)).max() > 1.0


def test_a_row_without_samples_is_undetermined() -> None:
    model, Z = problem(0, True)
    silent = Z[Z @ model.A[1] <= 0]
    inverse = fisher.invert(
        model, fisher.information(model, fisher.moments(model, silent)), len(silent)
    )
    assert fisher.undetermined(model, inverse).tolist() == [1]
    assert inverse.null.shape[1] == model.shape[1] + model.shape[2]
    assert np.isfinite(inverse.matrix).all()
    # One sample on its active side determines two outputs, and one direction of three.
    one = np.flatnonzero(Z @ model.A[1] > 0)[:1]
    few = np.vstack([silent, Z[one]])
    inverse = fisher.invert(model, fisher.information(model, fisher.moments(model, few)), len(few))
    assert fisher.undetermined(model, inverse).tolist() == [1]
    assert inverse.null.shape[1] == model.shape[1]


def test_generalised_inverse_is_an_inverse_where_it_can_be() -> None:
    model, Z = problem(1, False)
    assert model.normals is not None
    double = fisher.Model(
        model.A[[0, 1, 1]], model.U, model.normals[[0, 1, 1]], model.constant
    )  # rows 1 and 2 share their hyperplane
    H = fisher.information(double, fisher.moments(double, Z))
    inverse = fisher.invert(double, H, len(Z))
    assert fisher.undetermined(double, inverse).tolist() == [1, 2]
    values = np.linalg.eigvalsh(H)[inverse.null.shape[1] :]
    error = np.abs(H @ inverse.matrix @ H - H).max()
    assert error <= 100 * len(H) * EPS * values[-1] ** 2 / values[0]
