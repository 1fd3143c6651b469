"""What rounding allows labels: those of a computation in few digits, and not much more."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import Network
from unrelu.network.rounding import Rounding, accumulated, height_terms, squared_norms


def network(seed: int, activation: str = "relu") -> Network:
    rng = np.random.default_rng(seed)
    V, U = rng.standard_normal((4, 3)), rng.standard_normal((2, 4))
    return Network(V, U, rng.standard_normal(4), rng.standard_normal(2), activation)


@pytest.mark.parametrize("activation", ["relu", "power(2)", "expm1"])
def test_it_allows_what_few_digits_leave(activation: str) -> None:
    net = network(0, activation)
    X = np.random.default_rng(1).standard_normal((500, 3))
    Y = net(X)
    heights = X.astype(np.float32) @ net.V.T.astype(np.float32) + net.b.astype(np.float32)
    hidden = net.activation(heights.astype(np.float64)).astype(np.float32)
    off = np.abs(hidden @ net.U.T.astype(np.float32) + net.c.astype(np.float32) - Y)
    usual = np.sqrt((Y**2).mean(axis=0))
    allowed = Rounding.of(net, float(np.finfo(np.float32).eps), usual).at(X)
    assert (off <= allowed).all()
    # Canary: it is no more than some dozen times of what there is.
    assert (off > allowed / 100).any()


def test_labels_rounded_to_decimals() -> None:
    net, X = network(2), np.random.default_rng(3).standard_normal((100, 3))
    usual = np.sqrt((net(X) ** 2).mean(axis=0))
    eps = float(np.finfo(np.float64).eps)
    allowed = Rounding.of(net, eps, usual, step=1e-3).at(X)
    assert np.abs(allowed - 1e-3).max() <= 1e-9


def test_units_of_the_inputs_do_not_matter() -> None:
    """A scale by powers of two takes them out, without any rounding."""
    net, X = network(4), np.random.default_rng(5).standard_normal((50, 3))
    scale, eps = np.array([0.25, 1.0, 1024.0]), 1e-7
    other = Network(net.V / scale, net.U, net.b, net.c)
    usual = np.ones(2)
    assert (Rounding.of(other, eps, usual, scale).at(X * scale)).tolist() == (
        Rounding.of(net, eps, usual).at(X)
    ).tolist()
    assert (height_terms(other, X * scale, scale) == height_terms(net, X)).all()
    norms = squared_norms(X * scale, scale)
    assert np.abs(norms - (X**2).sum(axis=1)).max() <= 1e-14


def test_what_operations_leave_grows_as_a_random_walk() -> None:
    assert accumulated(1e-7, 400) == pytest.approx(10 * accumulated(1e-7, 4))
