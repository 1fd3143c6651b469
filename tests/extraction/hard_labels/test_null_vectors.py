"""Outputs from points where they are equal, and which classes have a scale in common."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu.extraction.hard_labels.class_graph import blocks
from unrelu.extraction.hard_labels.null_vectors import Inside, solve_blocks
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
