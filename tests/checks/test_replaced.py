"""Units of other activations that different ones replace: identities far from the network."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu import Network, recover, verify
from unrelu.activations import Activation, Expm1, Power, Rectified

Array = NDArray[np.float64]


def _octad(seed: int) -> tuple[Array, Array]:
    """The rows (±1, ±1, ±1, 1), and samples on which all are active, or none."""
    rng = np.random.default_rng(seed)
    signs = np.array(list(product([1.0, -1.0], repeat=3)))
    size = rng.uniform(0.5, 2, (300, 1))
    X = size * np.column_stack([rng.uniform(-0.3, 0.3, (300, 3)), np.ones(300)])
    return np.column_stack([signs, np.ones(8)]), np.vstack([X, -X])


def _replaced(net: Network, V: Array, b: Array, X: Array) -> Network:
    """The network with these hidden weights that explains the labels of `net`, which it does."""
    F = net.activation(X @ V.T + b)
    U = np.linalg.lstsq(F, net(X), rcond=None)[0].T
    other = Network(V, U, b, net.c, net.activation)
    np.testing.assert_allclose(other(X), net(X), atol=1e-12 * np.abs(net(X)).max())
    return other


def test_seven_squares_may_be_seven_others() -> None:
    rows, X = _octad(0)
    net = Network(rows[:7], np.random.default_rng(1).standard_normal((7, 7)), activation=Power(2))
    other = _replaced(net, rows[1:], np.zeros(7), X)
    for one in (net, other):
        certificate = verify(one, X, net(X))
        assert (certificate.status, certificate.code) == ("undetermined", "replaceable")


def test_four_squares_and_six_cubes_are_the_only_ones() -> None:
    """Canaries of the test above: of these rows any three are independent, so they meet it."""
    rows, X = _octad(0)
    for activation, k in ((Power(2), 4), (Power(3), 6)):
        U = np.random.default_rng(1).standard_normal((k, k))
        net = Network(rows[:k], U, activation=activation)
        certificate = verify(net, X, net(X))
        assert certificate.status == "exact", certificate.explanation


def _with_two_kinks() -> Rectified:
    return Rectified(lambda z: z + np.maximum(z - 1, 0), lambda y: np.where(y <= 1, y, (y + 1) / 2))


def test_parallel_units_of_a_function_with_more_kinks() -> None:
    """f(2z) = 2 f(z) + 2 f(z − ½) − f(2z − 2) for f(z) = max(z, 0) + max(z − 1, 0)."""
    rng = np.random.default_rng(0)
    v, X = np.array([1.0, 0.3]), 2 * rng.standard_normal((300, 2))
    V, b = np.outer([1.0, 1.0, 2.0], v), np.array([0.0, -0.5, -2.0])
    net = Network(V, rng.standard_normal((3, 3)), b, activation=_with_two_kinks())
    other = _replaced(net, np.outer([2.0, 1.0, 2.0], v), b, X)
    for one in (net, other):
        certificate = verify(one, X, net(X))
        assert (certificate.status, certificate.code) == ("undetermined", "replaceable")
    apart = Network(V + 0.1 * rng.standard_normal((3, 2)), net.U, b, activation=net.activation)
    assert verify(apart, X, apart(X)).status == "exact"


@pytest.mark.parametrize("activation", [Power(2), Expm1()])
def test_a_unit_that_no_label_shows_is_not_exact(activation: Activation) -> None:
    """Two units are asked for where labels show one: the other has output weights of rounding,
    and could be anywhere."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 2))
    net = Network([[-1.0, -1.0]], [[-2.4], [-0.27]], activation=activation)
    for seed in range(3):
        result = recover(X, net(X), 2, activation=activation, rng=seed, throw=False)
        assert result.status != "exact", result.explanation
    U = np.column_stack([net.U, [1e-17, 2e-17]])
    two = Network(np.vstack([net.V, [[1.0, 2.0]]]), U, activation=activation)
    assert verify(two, X, net(X)).status != "exact"


def test_no_unit_is_found_in_few_samples() -> None:
    """A network without units, which is what is found, cannot be polished."""
    X = np.vstack([np.eye(2), -np.eye(2)])
    V, U = [[-1.0, 0.0], [1.0, -1.0], [-1.0, 1.0]], [[0.0, 6.0, -6.0], [-12.0, -6.0, 4.0]]
    net = Network(V, U, activation=Power(2))
    result = recover(X, net(X), activation=Power(2), bias=False, noise="none", rng=0, throw=False)
    assert result.status == "undetermined"
