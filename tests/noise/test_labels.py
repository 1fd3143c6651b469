"""The likelihood of class labels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu import Network
from unrelu.noise.found import Noise
from unrelu.noise.labels import LABELS, Logit, drawn, probabilities, separated
from unrelu.samples import Samples

Array = NDArray[np.float64]
STEP = 1e-5


def case(m: int, weights: bool = False) -> tuple[Samples, Array]:
    rng = np.random.default_rng(m)
    F = 2 * rng.standard_normal((40, m))
    w = rng.uniform(0.5, 1.5, 40) if weights else None
    samples = Samples(rng.standard_normal((40, 3)), drawn(F, rng), 1e-16, w)
    return samples, F


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("m", [1, 2, 4])
def test_scores_and_weights_are_the_derivatives(m: int, weights: bool) -> None:
    samples, F = case(m, weights)
    loss = Logit.of(samples, F)
    scores, w, s = loss.scores(samples.Y, F), loss.weights(samples.Y, F), loss.shared(F)
    for i in range(3):
        for a in range(m):
            step = np.zeros_like(F)
            step[i, a] = STEP
            up, down = loss.cost(samples.Y, F + step), loss.cost(samples.Y, F - step)
            assert abs((up - down) / (2 * STEP) + 2 * scores[i, a]) < 1e-6
            change = loss.scores(samples.Y, F + step) - loss.scores(samples.Y, F - step)
            second = -change[i] / (2 * STEP)
            assert abs(second[a] - w[i, a]) < 1e-6
            if s is not None:
                others = np.delete(-s[i, a] * s[i], a)
                assert np.abs(np.delete(second, a) - others).max() < 1e-6
                assert np.abs(np.delete(second, a) + others).max() > 1e-6  # the canary


@pytest.mark.parametrize("m", [1, 3])
def test_parts_are_the_covariance_of_scores(m: int) -> None:
    samples, F = case(m, weights=True)
    assert LABELS.criterion is not None
    criterion = LABELS.criterion(samples, F, Noise("labels", "", np.eye(m)))
    total = sum(np.einsum("ia,ib->iab", part, part) for part in criterion.parts)
    loss = Logit.of(samples, F)
    for i in range(5):
        for a in range(m):
            step = np.zeros_like(F)
            step[i, a] = STEP
            change = loss.scores(samples.Y, F - step) - loss.scores(samples.Y, F + step)
            assert np.abs(change[i] / (2 * STEP) - total[i, a]).max() < 1e-6


def test_labels_are_drawn_with_their_probabilities() -> None:
    F = np.tile([1.0, -0.5, 0.3], (20_000, 1))
    labels = drawn(F, np.random.default_rng(0))
    assert (labels.sum(axis=1) <= 1).all()
    p = probabilities(F)[0]
    assert abs(p.sum() + 1 / (1 + np.exp(F[0]).sum()) - 1) < 1e-15
    assert (np.abs(labels.mean(axis=0) - p) < 4 * np.sqrt(p * (1 - p) / len(F))).all()


def test_probabilities_do_not_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        p = probabilities(np.array([[1e4, -1e4], [-1e4, -1e4], [1e4, 1e4]]))
    assert p.tolist() == [[1.0, 0.0], [0.0, 0.0], [0.5, 0.5]]


def test_separated() -> None:
    Y = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    F = np.array([[-1.0, -2.0], [3.0, 1.0], [0.0, 0.5]])
    assert separated(Y, F)
    assert not separated(Y[[1, 0, 2]], F)
    assert not separated(Y, F - [0.0, 0.6])
    net = Network([[1.0]], [[1.0]], c=[-0.5])
    X = np.array([[0.0], [1.0]])
    assert separated(np.array([[0.0], [1.0]]), net(X))
