"""What the helpers of the tests see: a comparison that cannot fail compares nothing."""

from __future__ import annotations

import numpy as np
import pytest
from support.command_line import answer, refused
from support.comparing import identical
from support.planting import Planted, gaussian_network, noisy_labels, orthonormal, plant

from unrelu.network import Network


@pytest.mark.parametrize("name", ["V", "U", "b", "c"])
def test_identical_sees_a_last_bit(name: str) -> None:
    net = gaussian_network()
    parts = {part: getattr(net, part).copy() for part in ("V", "U", "b", "c")}
    assert identical(net, Network(**parts))
    parts[name].flat[-1] = np.nextafter(parts[name].flat[-1], np.inf)
    assert not identical(net, Network(**parts))


def test_identical_sees_kinds_and_sizes() -> None:
    net = gaussian_network(3, 2, 2)
    W = np.full((2, 3), 1e-300)
    for other in (
        Network(net.V, net.U, net.b, net.c, "power(2)"),
        Network(net.V, net.U, net.b, net.c, W=W),
        Network(net.V[::-1], net.U[:, ::-1], net.b[::-1], net.c),
        gaussian_network(3, 1, 2),
    ):
        assert not identical(net, other)


def test_a_command_that_fails_has_no_answer() -> None:
    assert refused("verify", "none.npz", "none.npz").startswith("Error: ")
    with pytest.raises(AssertionError):
        answer("verify", "none.npz", "none.npz")
    with pytest.raises(AssertionError):
        refused("--help")


def test_what_is_planted() -> None:
    V = orthonormal(5, 3, seed=0)
    assert np.abs(V @ V.T - np.eye(3)).max() < 1e-15
    problem = plant(5, 3, 2, 4000, seed=0, bias=0.5, V=V)
    assert isinstance(problem, Planted)
    assert np.array_equal(problem.Y, problem.truth(problem.X))
    noise = (noisy_labels(problem, 0.3) - problem.Y).std(axis=0) / problem.Y.std(axis=0)
    # Deviations of 4,000 numbers are known to 1/√8000.
    assert np.abs(noise / 0.3 - 1).max() < 5 / np.sqrt(8000)
