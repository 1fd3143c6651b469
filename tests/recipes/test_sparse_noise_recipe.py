"""recover(method="sparse-noise"): low rank plus sparse, and nothing else; see test_sparse_noise."""

from __future__ import annotations

import numpy as np
import pytest
from support.gross_errors import assert_named, errors
from support.planting import plant

from unrelu import Recovery, Status, recover


def by_name(X: object, Y: object, n_units: int | None = None, noise: str = "auto") -> Recovery:
    return recover(
        np.asarray(X),
        np.asarray(Y),
        n_units,
        method="sparse-noise",
        noise=noise,
        rng=0,
        throw=False,
    )


@pytest.mark.parametrize("noise", ["auto", "sparse"])
def test_inside(noise: str) -> None:
    found = 0
    for seed in range(5):
        problem = plant(6, 3, 30, 500, seed=seed, bias=0.5)
        Y, marks = errors(problem, 0.1, "entries", seed)
        result = by_name(problem.X, Y, noise=noise)
        assert result.stats["method"] == "sparse-noise"
        if result.status == Status.EXACT:
            assert_named(result, problem, marks)
            found += 1
    assert found >= 4


def test_over_the_rationals() -> None:
    rng = np.random.default_rng(0)
    V, U = rng.integers(-5, 6, (2, 3)), rng.choice([-3, -2, -1, 1, 2, 3], (12, 2))
    X = rng.integers(-50, 51, (200, 3))
    Y = np.maximum(X @ V.T, 0) @ U.T
    Y[5, 2] += 7
    result = recover(X, Y, bias=False, method="sparse-noise", exact=True, rng=0, throw=False)
    assert result.certificate.proof is not None
    assert result.certificate.proof.broken.tolist() == [5]


def test_it_needs_fewer_units_than_outputs() -> None:
    problem = plant(6, 3, 3, 500, seed=1)
    Y, _ = errors(problem, 0.1, "entries", 1)
    for n_units in (None, 3, 5):
        result = by_name(problem.X, Y, n_units)
        assert result.status == Status.FAILED
        reported = result.explanation
        assert reported.startswith("method='sparse-noise' does not apply: ")
        assert "k < m" in reported


def test_other_noise() -> None:
    problem = plant(6, 3, 12, 500, seed=1)
    rng = np.random.default_rng(0)
    noisy = problem.Y + 0.1 * rng.standard_normal(problem.Y.shape)
    result = by_name(problem.X, noisy)
    assert result.status == Status.FAILED
    assert "do not split" in result.explanation
    with pytest.raises(ValueError, match="'sparse-noise' is for labels with 'none' or 'sparse'"):
        by_name(problem.X, noisy, noise="gaussian")


def test_labels_said_to_be_right_may_not_be_left_out() -> None:
    problem = plant(6, 3, 12, 500, seed=1)
    Y, _ = errors(problem, 0.1, "entries", 1)
    result = by_name(problem.X, Y, noise="none")
    assert result.status == Status.FAILED
    assert len(result.certificate.corrupted) == 0


def test_most_entries_wrong() -> None:
    problem = plant(6, 3, 12, 500, seed=1)
    Y, _ = errors(problem, 0.6, "entries", 1)
    assert by_name(problem.X, Y).status == Status.FAILED
