"""Outputs from points where they are equal, and which classes have a scale in common."""

from __future__ import annotations

import numpy as np
import pytest
from support.labelled import homogeneous

from unrelu.extraction.hard_labels.class_graph import blocks
from unrelu.extraction.hard_labels.null_vectors import Inside, solve_blocks
from unrelu.network import Network
from unrelu.network.decision_boundary import BoundaryPoints, Distances
from unrelu.numerics.arrays import Array, Index


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([(0, 1)], [[0, 1]]),
        ([(0, 1), (1, 2)], [[0, 1], [1, 2]]),
        ([(0, 1), (1, 2), (2, 0)], [[0, 1, 2]]),
        ([(0, 1), (1, 2), (2, 3), (3, 0), (3, 4), (4, 5), (5, 3)], [[0, 1, 2, 3], [3, 4, 5]]),
    ],
)
def test_blocks(edges: list[tuple[int, int]], expected: list[list[int]]) -> None:
    pairs = np.array(edges + [(b, a) for a, b in edges])
    m = pairs.max() + 1
    assert [block.tolist() for block in blocks(pairs, m)] == expected


def points_between(K: Array, pairs: Index, rng: np.random.Generator) -> Array:
    """X (n, f) with (K_A − K_B)·x = 0."""
    X = rng.standard_normal((len(pairs), K.shape[1]))
    D = K[pairs[:, 0]] - K[pairs[:, 1]]
    return np.asarray(X - (X * D).sum(axis=1, keepdims=True) * D / (D**2).sum(axis=1)[:, None])


@pytest.mark.parametrize("cycle", [True, False])
def test_one_scale_for_each_block(cycle: bool) -> None:
    rng = np.random.default_rng(0)
    K = rng.standard_normal((3, 4))
    borders = [(0, 1), (1, 2), (2, 0)] if cycle else [(0, 1), (1, 2)]
    pairs = np.array(borders * 20)
    X = points_between(K, pairs, rng)
    inside = rng.standard_normal((200, 4))
    found = solve_blocks(
        *(lambda X: X.copy(), X, pairs, [], Inside(inside, (inside @ K.T).argmax(axis=1)), 3, 1e-9)
    )
    assert found is not None
    assert found.usable.all()
    assert len(found.loose) == (0 if cycle else 1)
    for one, other in borders:
        ratio = (found.K[one] - found.K[other]) / (K[one] - K[other])
        assert np.ptp(ratio) < 1e-12
        assert ratio[0] > 0
    scales = [np.linalg.norm(found.K[c] - found.K[1]) / np.linalg.norm(K[c] - K[1]) for c in (0, 2)]
    assert (abs(scales[0] / scales[1] - 1) < 1e-12) == cycle


def test_distances_from_where_the_first_unit_turns_on() -> None:
    """Where all units are off, outputs without biases are equal: the boundary is where one turns
    on, whichever side of it rounding puts a point on."""
    net = homogeneous(4, 3, 1, 0)
    net = Network(net.V, np.vstack([0 * net.U, net.U]))
    x = np.linalg.lstsq(net.V, np.array([0.0, -1.0, -2.0]))[0]
    X = np.stack([x - 1e-9 * net.V[0], x + 1e-9 * net.V[0], x - 0.25 * net.V[0]])
    state = Distances.of(net, BoundaryPoints(X, np.array([[0, 1]] * 3), np.ones(3)))
    assert np.abs(state.distances) == pytest.approx([1e-9, 1e-9, 0.25], rel=1e-6)
    assert np.isinf(Distances.of(Network(net.V, net.U, c=[0.0, 1.0]), state.points).distances[2])
