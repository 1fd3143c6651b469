"""Refutations as searches find them, put as `checks.refuted` rechecks them: rows of systems become
samples, units and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from unrelu.checks.refuted import Contradiction, Either, Pair, Refutation, Tree
from unrelu.complete.given_outputs import Values
from unrelu.complete.row_space_tree import Cone, Hyperplane
from unrelu.numerics.complementarity import Tree as RowTree


def by_row_space(of: Cone, columns: Sequence[int], found: Hyperplane) -> Refutation:
    """columns : of Y, those of the basis P."""
    trees = tuple(_of_units(tree, of) for tree in found.trees)
    return Refutation(
        "row space", len(columns), of.constant, columns=tuple(columns), g=found.g, trees=trees
    )


def by_output_weights(of: Values, tree: RowTree) -> Refutation:
    rows = tuple(tuple(row) for row in of.U.tolist())
    trees = (_of_outputs(tree, of),)
    return Refutation("output weights", of.U.shape[1], of.constant, U=rows, trees=trees)


def by_output_signs(refuted: Sequence[Refutation]) -> Refutation:
    """Of all numbers of positive output weights, from none on, one refutation each."""
    trees = tuple(tree for one in refuted for tree in one.trees)
    return Refutation("output signs", refuted[0].n_units, refuted[0].bias, trees=trees)


def _of_units(tree: RowTree, of: Cone) -> Tree:
    """Rows of the system as samples, which a refutation refers to."""

    def place(row: int) -> tuple[int, Pair]:
        return (0, (0, 0)) if row == of.level else (1 + row % 2, (of.samples[row // 2], 0))

    return _translated(tree, place, lambda pair: (of.samples[pair], 0))


def _of_outputs(tree: RowTree, of: Values) -> Tree:
    m, k = of.U.shape

    def pair_at(number: int) -> Pair:
        return of.samples[number // k], number % k

    def place(row: int) -> tuple[int, Pair]:
        if row in of.labels:
            return 0, (of.samples[row // m], row % m)
        row -= len(of.labels)
        return 1 + row % 2, pair_at(row // 2)

    return _translated(tree, place, pair_at)


def _translated(
    tree: RowTree, place: Callable[[int], tuple[int, Pair]], pair_at: Callable[[int], Pair]
) -> Tree:
    """place : of a row among equations (0), values (1) and gaps (2), and its sample and unit."""
    nodes: list[Either | Contradiction] = []
    for node in tree:
        if isinstance(node, int):
            nodes.append(Either(pair_at(node)))
            continue
        parts: tuple[list[tuple[Pair, Fraction]], ...] = ([], [], [])
        for row, weight in sorted(node.multipliers.items()):
            part, pair = place(row)
            parts[part].append((pair, weight))
        nodes.append(Contradiction(*(tuple(part) for part in parts)))
    return tuple(nodes)
