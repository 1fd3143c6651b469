"""The prior of directions: its derivatives, and the fit with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unrelu import Network, Smooth
from unrelu.fitting.prior import Prior
from unrelu.fitting.weighted import reweighted
from unrelu.noise.poisson import Proportional
from unrelu.numerics.whitening import whiten, with_constant
from unrelu.samples import Samples

Array = NDArray[np.float64]
PRIOR = Prior(Smooth((2, 3)).covariance((1.0, 0.7)))
STEP = 1e-5


def rows(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((200, 6)) @ rng.standard_normal((6, 6))
    return X, rng.standard_normal((3, 7))


def test_derivatives_are_those_of_the_cost() -> None:
    X, A = rows(0)
    law = PRIOR.of_features(whiten(with_constant(X)), 6)
    change = np.random.default_rng(1).standard_normal(A.shape)
    up, down = law.cost(A + STEP * change), law.cost(A - STEP * change)
    slope = 2 * float(np.vdot(law.slopes(A), change))
    assert abs((up - down) / (2 * STEP) - slope) < 1e-5 * abs(slope)
    for j, a in enumerate(A):
        moved = law.slopes(A + STEP * change)[j] - law.slopes(A - STEP * change)[j]
        expected = law.hessian(a) @ change[j]
        assert np.abs(moved / (2 * STEP) - expected).max() < 1e-4 * np.abs(expected).max()
        assert np.abs(moved / STEP - expected).max() > 0.1 * np.abs(expected).max()  # the canary


def test_size_and_bias_do_not_matter() -> None:
    X, A = rows(2)
    white = whiten(with_constant(X))
    law = PRIOR.of_features(white, 6)
    assert abs(law.cost(3.0 * A) - law.cost(A)) < 1e-9 * abs(law.cost(A))
    shifted = white.to_rows(A)
    shifted[:, 6] += 1.0
    assert abs(law.cost(white.to_features(shifted)) - law.cost(A)) < 1e-9 * abs(law.cost(A))


def test_smooth_directions_are_likelier_and_all_are_where_it_knows_nothing() -> None:
    ones, rough = np.ones((1, 6)), np.array([[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]])
    assert PRIOR.cost(ones) < PRIOR.cost(rough)
    nothing = Prior(np.eye(6))
    assert nothing.cost(ones) == nothing.cost(rough) == 0.0


def test_the_fit_moves_towards_smooth_rows() -> None:
    rng = np.random.default_rng(3)
    truth = Network([[1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.5, 0.0, 1.0, 0.5, 0.0]], [[0.4, 0.4]])
    X = rng.standard_normal((300, 6))
    samples = Samples.of(X, rng.poisson(truth(X)).astype(float))
    plain = reweighted(truth, samples, Proportional.of, True)
    uniform = reweighted(truth, samples, Proportional.of, True, prior=Prior(np.eye(6)))
    smooth = reweighted(truth, samples, Proportional.of, True, prior=PRIOR)
    assert PRIOR.cost(smooth.V) < PRIOR.cost(plain.V) - 0.05
    assert np.abs(uniform(X) - plain(X)).max() < 0.02 * plain(X).max()
