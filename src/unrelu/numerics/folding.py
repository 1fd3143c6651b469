"""Sums over all rows, in an order that does not depend on how the work is divided.

Rows are taken in cells of `CELL`, counted from row 0, and the sums of the cells are added up as one
fixed binary tree. So neither the blocks in which rows are stored, nor how many processes share the
work, change a bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from unrelu.numerics.arrays import AnyArray

CELL = 1 << 14
"""Rows of a cell."""

Sums = dict[str, AnyArray]
"""Sums over some rows, by name: plain arrays, so that they can be sent and stored."""

Part = TypeVar("Part")


def folded(parts: Iterable[Part], add: Callable[[Part, Part], Part]) -> Part:
    """The sum of some parts, one at least, as a binary tree over their numbers: of N parts, the
    first 2^p < N are added up by themselves, then the others, and then both. So the sums of 2^p
    parts from a multiple of 2^p on may be made anywhere, and all is the same to the bit. Memory:
    log N parts.

    >>> folded("abcdef", lambda a, b: f"({a}{b})")
    '(((ab)(cd))(ef))'
    >>> folded(map(str, range(3)), lambda a, b: f"({a}{b})")
    '((01)2)'
    """
    tree: list[tuple[int, Part]] = []
    for part in parts:
        grow(tree, 1, part, add)
    return top(tree, add)


def grow(
    tree: list[tuple[int, Part]], size: int, part: Part, add: Callable[[Part, Part], Part]
) -> None:
    """Put the sum of the next `size` parts, a power of two unless it is the last, into a tree of
    (size, sum)."""
    while tree and tree[-1][0] == size:
        part, size = add(tree.pop()[1], part), 2 * size
    tree.append((size, part))


def top(tree: list[tuple[int, Part]], add: Callable[[Part, Part], Part]) -> Part:
    """The sum of all parts of a tree."""
    _, total = tree[-1]
    for _, part in reversed(tree[:-1]):
        total = add(part, total)
    return total


def added(a: Sums, b: Sums) -> Sums:
    """Their sum, name by name, which takes the place of the first."""
    for name, value in a.items():
        np.add(value, b[name], out=value)
    return a
