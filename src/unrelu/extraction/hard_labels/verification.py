"""Points of the boundary that a network predicts: asked afterwards, on both sides of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index

HALVINGS, CHORDS = 60, 40
"""Bisections of a chord by the network, and chords for one point that is wanted."""


@dataclass(frozen=True, eq=False)
class Predicted:
    """Points X (n, d) of a network's boundary, unit normals towards the first of the classes
    `pairs` (n, 2), and the chords that they were found on: ends (n, 2, d)."""

    X: Array
    normals: Array
    pairs: Index
    chords: Array


def classes_of(net: Network, X: Array) -> Index:
    return np.asarray(net(X).argmax(axis=1))


def predict(
    net: Network, count: int, scales: Sequence[float], rng: np.random.Generator
) -> Predicted:
    """About `count` points of the network's boundary, on chords between Gaussian inputs of the
    given scales. Fewer if few chords meet it."""
    d = net.n_inputs
    ends = rng.standard_normal((CHORDS * count, 2, d))
    ends *= rng.choice(np.asarray(scales), len(ends))[:, None, None]
    first, second = classes_of(net, ends[:, 0]), classes_of(net, ends[:, 1])
    rows = np.flatnonzero(first != second)[:count]
    inner, outer, A = ends[rows, 0], ends[rows, 1], first[rows]
    for _ in range(HALVINGS):
        middle = (inner + outer) / 2
        within = (classes_of(net, middle) == A)[:, None]
        inner, outer = np.where(within, middle, inner), np.where(within, outer, middle)
    B = classes_of(net, outer)
    X = (inner + outer) / 2
    delta = net.U[A] - net.U[B]
    gradient = ((net.preactivations(X) > 0) * delta) @ net.V + net.W[A] - net.W[B]
    size = np.linalg.norm(gradient, axis=1)
    kept = np.flatnonzero(size > 1e-9 * max(float(np.median(size)), 1e-300)) if len(size) else rows
    return Predicted(
        X[kept],
        gradient[kept] / size[kept, None],
        np.column_stack([A, B])[kept],
        ends[rows][kept],
    )
