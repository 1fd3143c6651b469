"""skip="auto": a linear function of the inputs is part of the network where the labels want one."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import InputError, InputTypeError, Network, Status, match, recover

EPS = np.finfo(np.float64).eps


@pytest.fixture
def X() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((300, 3))


def test_exact_labels_without_a_linear_part(X: np.ndarray) -> None:
    truth = Network(np.eye(3)[:2], [[1.0, -2.0]], [0.2, 0.1], [1.0])
    result = recover(X, truth(X), skip="auto", rng=0)
    assert result.status == Status.EXACT
    assert result.network is not None
    assert not result.network.skip
    assert match(result.network, truth).max_error <= 300 * 100 * EPS


def test_exact_labels_with_one(X: np.ndarray) -> None:
    truth = Network(np.eye(3)[:1], [[1.0]], [0.2], [1.0], W=[[0.0, 2.0, 1.0]])
    result = recover(X, truth(X), skip="auto", rng=0)
    assert result.status == Status.EXACT
    assert result.network is not None
    assert result.network.skip
    assert result.network.n_units == 1
    assert "skip-chosen" in [finding.code for finding in result.findings]
    assert np.abs(result.network(X) - truth(X)).max() <= 300 * 100 * EPS


def test_of_two_estimates_that_with_fewer_unknowns() -> None:
    """Opposite units with slopes of their own: two units, or one with a linear function. With six
    inputs the second has 8 + 7 unknowns, the first 16 + 1."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((600, 6))
    y = 2 * np.maximum(X[:, 0], 0) - np.maximum(-X[:, 0], 0) + 0.1 * rng.standard_normal(600)
    result = recover(X, y, skip="auto", rng=0)
    assert result.network is not None
    assert result.network.skip
    assert result.network.n_units == 1


def test_noise_alone_has_neither(X: np.ndarray) -> None:
    y = np.random.default_rng(2).standard_normal(300)
    result = recover(X, y, skip="auto", rng=0)
    assert result.code == "no-unit"
    assert result.network is not None
    assert not result.network.skip


def test_where_there_can_be_none_auto_is_none(X: np.ndarray) -> None:
    Y = np.maximum(X @ np.eye(3), 0) ** 2
    result = recover(X, Y, activation="power(2)", skip="auto", bias=False, rng=0)
    assert result.status == Status.EXACT


def test_other_words_are_refused(X: np.ndarray) -> None:
    with pytest.raises((InputError, InputTypeError)):
        recover(X, X[:, 0], skip="perhaps")
