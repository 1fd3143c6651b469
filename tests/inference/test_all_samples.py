"""The estimate of more samples than a fit can hold, and what all samples show against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

import unrelu
from unrelu import Network
from unrelu.inference import all_samples
from unrelu.inference.all_samples import by_least_squares, distance_on_all, estimate_on_all
from unrelu.inference.assessment import assess_linearised
from unrelu.inference.linearised import Linearised, linearised
from unrelu.noise.kind import Criterion
from unrelu.samples import Samples

Array = NDArray[np.float64]
N, PART = 40_000, 2000


def drawn(*, bias: bool = True, skip: bool = False) -> tuple[Network, Array, Array]:
    truth = plant(4, 2, 2, 1, seed=1, bias=0.5 * bias).truth
    W = np.array([[0.5, 0, 1, -1], [1, 0.3, 0, 0]]) if skip else None
    truth = Network(truth.V, truth.U, truth.b, truth.c, W=W)
    rng = np.random.default_rng(0)
    return truth, rng.standard_normal((N, 4)), rng.standard_normal((N, 2)) * [0.1, 0.3]


def fitted(
    X: Array, Y: Array, *, bias: bool = True, skip: bool = False, form: str = "homoscedastic"
) -> tuple[Linearised, Samples]:
    """A fit to some of the samples, from the truth on, linearised, and all of them."""
    rows = np.random.default_rng(1).choice(len(X), PART, replace=False)
    few, criterion = Samples.of(X[rows], Y[rows]), Criterion(form, np.diag([0.01, 0.09]))
    truth, _, _ = drawn(bias=bias, skip=skip)
    linear = linearised(truth, few, criterion, biased=bias, skip=skip)
    net = estimate_on_all(linear, few).uncertainty.network
    return linearised(net, few, criterion, biased=bias, skip=skip), Samples.of(X, Y)


def assert_as_all(found: unrelu.Uncertainty, expected: unrelu.Uncertainty) -> None:
    """Within 0.05 standard errors, and errors that are the same to four hundredths."""
    for name in ("V", "U", "b", "c", "W"):
        error = getattr(expected.stderr, name)
        apart = getattr(found.network, name) - getattr(expected.network, name)
        assert (np.abs(apart) <= 0.05 * error).all(), name
        assert np.allclose(getattr(found.stderr, name), error, rtol=0.04, atol=1e-12), name


@pytest.mark.parametrize(
    ("bias", "skip", "form"),
    [
        pytest.param(True, False, "homoscedastic", marks=pytest.mark.study),
        pytest.param(False, False, "sandwich", marks=pytest.mark.study),
        (True, True, "auto"),
    ],
)
def test_it_is_that_of_a_fit_to_all(bias: bool, skip: bool, form: str) -> None:
    truth, X, noise = drawn(bias=bias, skip=skip)
    Y = truth(X) + noise
    linear, samples = fitted(X, Y, bias=bias, skip=skip, form=form)
    assert by_least_squares(linear)
    found = estimate_on_all(linear, samples)
    assert (found.passes, found.objections) == (3, ())
    assert found.left < 0.1
    whole = unrelu.recover(X, Y, 2, bias=bias, skip=skip, rng=0, form=form)
    assert whole.uncertainty is not None
    assert_as_all(found.uncertainty, whole.uncertainty)
    with pytest.raises(AssertionError):  # a canary: a part of the samples tells less
        assert_as_all(assess_linearised(linear), whole.uncertainty)


def test_the_distance_of_a_network_from_the_best_fit() -> None:
    truth, X, noise = drawn()
    linear, samples = fitted(X, truth(X) + noise)
    far, against = distance_on_all(linear, samples)
    assert 1 < far < 3 * np.sqrt(N / PART)
    assert against == ()
    best = estimate_on_all(linear, samples).uncertainty.network
    fit = replace(linear.fit, net=best)
    assert distance_on_all(replace(linear, fit=fit), samples)[0] < 0.05


def in_order(noise: Array) -> Array:
    """Of the same size, each like the one before."""
    for row in range(1, len(noise)):
        noise[row] = 0.8 * noise[row - 1] + 0.6 * noise[row]
    return noise


def attack(kind: str) -> tuple[Array, Array]:
    """Samples with something that a part of them hardly shows."""
    truth, X, noise = drawn()
    mean = truth(X)
    if kind == "unit":
        mean = mean + 0.05 * np.maximum(X[:, [3]] + 0.2, 0) * [1, -1]
    elif kind == "product":
        mean[:, 0] += 0.01 * X[:, 0] * X[:, 1]
    elif kind == "one input":
        mean[:, 0] += 0.015 * np.abs(X[:, 2])
    elif kind == "order":
        noise = in_order(noise)
    elif kind == "drift":
        mean = mean * np.linspace(0.95, 1.05, N)[:, None]
    elif kind == "repeated":
        X, mean, noise = (np.tile(each[: N // 10], (10, 1)) for each in (X, mean, noise))
    elif kind == "gross":
        noise[[5, 500], 0] += 30
    return X, mean + noise


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("unit", "more-units"),
        ("product", "more-units"),
        ("one input", "more-units"),
        ("order", "dependent"),
        ("drift", "dependent"),
        ("repeated", "repeated"),
        ("gross", "other-noise"),
    ],
)
def test_what_all_samples_show(kind: str, code: str) -> None:
    found = estimate_on_all(*fitted(*attack(kind)))
    assert code in [objection.code for objection in found.objections]


def test_nothing_speaks_where_nothing_is_wrong() -> None:
    """Noise of unequal size, and with tails: errors allow for it. Ten problems, so that a test that
    is wrong more often than one time in thirty shows."""
    truth, X, noise = drawn()
    linear, _ = fitted(X, truth(X) + noise, form="auto")
    for seed in range(10):
        rng = np.random.default_rng([7, seed])
        X = rng.standard_normal((N, 4))
        noise = rng.standard_normal((N, 2)) * [0.1, 0.3]
        found = estimate_on_all(linear, Samples.of(X, truth(X) + noise))
        assert found.objections == ()
        uneven = noise * (0.8 + 0.25 * np.abs(X[:, :1]))
        _, against = all_samples._held_against(
            truth, linear, linear, Samples.of(X, truth(X) + uneven), 0.0
        )
        assert {each.code for each in against} <= {"other-noise"}
