"""Errors of weights from points in a subspace and steps out of it."""

from __future__ import annotations

import numpy as np
from support.labelled import labelled

from unrelu.evidence.boundary_labels import scores_of
from unrelu.network import Network
from unrelu.network.boundary_subspace import hidden_errors
from unrelu.network.decision_boundary import BoundaryPoints, Distances, Factor
from unrelu.numerics.arrays import Array

D, R, K = 9, 5, 3
STEP = 1e-3


def planted(seed: int) -> tuple[Network, Array, Array]:
    """A network of three classes, orthonormal rows (d, d), and points (n, d) of its boundaries in
    the span of the first of them."""
    rng = np.random.default_rng(seed)
    net = scores_of(labelled(D, K, 3, seed))
    basis = np.linalg.qr(rng.standard_normal((D, D)))[0]
    ends = 3 * rng.standard_normal((2, 400, R)) @ basis[:R]
    inner, outer = ends
    first, second = (net(X).argmax(axis=1) for X in ends)
    inner, outer, first = (part[first != second] for part in (inner, outer, first))
    for _ in range(80):
        middle = (inner + outer) / 2
        within = (net(middle).argmax(axis=1) == first)[:, None]
        inner, outer = np.where(within, middle, inner), np.where(within, outer, middle)
    return net, basis, (inner + outer) / 2


def with_steps(net: Network, basis: Array, X: Array, groups: int) -> BoundaryPoints:
    """These points, and steps in all other directions from some of different sign patterns."""
    pairs = np.sort(np.argsort(-net(X), axis=1)[:, :2], axis=1)
    active = net.preactivations(X) > 0
    _, starts = np.unique(np.column_stack([pairs, active]), axis=0, return_index=True)
    far = [i for i in starts if np.abs(net.preactivations(X[i : i + 1])).min() > 0.1]
    steps, of = [X], [pairs]
    for i in far[:groups]:
        (one, other), slopes = pairs[i], active[i] * (net.U[pairs[i, 0]] - net.U[pairs[i, 1]])
        G = slopes @ net.V
        inside = basis[:R].T @ (basis[:R] @ G)
        n = inside / (inside @ inside)
        assert one != other
        steps.append(X[i] + STEP * (basis[R:] - np.outer(basis[R:] @ G, n)))
        of.append(np.tile(pairs[i], (D - R, 1)))
    points = np.vstack(steps)
    return BoundaryPoints(points, np.vstack(of), np.full(len(points), 1e-14))


def test_they_are_at_least_those_of_all_equations_together() -> None:
    net, basis, X = planted(3)
    points = with_steps(net, basis, X, 12)
    assert np.abs(Distances.of(net, points).distances).max() < 1e-12
    hidden, _ = hidden_errors(net, points, basis[:R], True)
    factor = Factor.of(Distances.of(net, points), True)
    assert factor is not None
    all_together = np.linalg.norm(factor.errors()[: K * (D + 1)].reshape(K, -1), axis=1)
    ratio = hidden / all_together
    assert (ratio > 0.7).all()  # 64 random errors know a size to a tenth
    assert (ratio < 30).all()


def test_weights_are_open_with_fewer_places_than_units() -> None:
    net, basis, X = planted(3)
    hidden, outputs = hidden_errors(net, with_steps(net, basis, X, K - 1), basis[:R], True)
    assert np.isinf(hidden).all()
    assert np.isinf(outputs)
