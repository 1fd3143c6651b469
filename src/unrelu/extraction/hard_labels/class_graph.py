"""Which classes border each other, and which outputs can be compared for that.

A point between two classes is one equation for the difference of their outputs. Along a cycle of
borders, the differences add up to zero, and all have a common scale. A class, or a group of them,
that has borders with a single other class has a scale of its own.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unrelu.numerics.arrays import Index


def blocks(pairs: Index, m: int) -> list[Index]:
    """The groups of classes, sorted, whose outputs have a common scale: the blocks of the graph of
    borders `pairs` (n, 2). Any two of them have at most one class in common. The first has most
    points; each of the others has one class in common with those before it, unless it has no
    border with them."""
    edges = np.unique(np.sort(pairs, axis=1), axis=0)
    same = np.arange(len(edges))
    for v in range(m):
        beside = np.flatnonzero((edges == v).any(axis=1))
        without = edges[(edges != v).all(axis=1)]
        group = _components(without, m)[edges[beside].sum(axis=1) - v]
        for number in np.unique(group):
            merged = np.isin(same, same[beside[group == number]])
            same[merged] = same[merged].min()
    groups = [np.unique(edges[same == number]) for number in np.unique(same)]
    groups.sort(key=lambda group: -int(np.isin(pairs, group).all(axis=1).sum()))
    order: list[Index] = []
    while groups:
        seen = np.concatenate([np.arange(0), *order])
        touching = (i for i, group in enumerate(groups) if np.isin(group, seen).any())
        order.append(groups.pop(next(touching, 0)))
    return order


def _components(edges: Index, m: int) -> Index:
    one, other = edges.T
    graph = coo_array((np.ones(len(edges)), (one, other)), shape=(m, m))
    return np.asarray(connected_components(graph, directed=False)[1])
