"""Sums in an order that does not depend on how the work is divided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

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
    sums: list[tuple[int, Part]] = []
    for part in parts:
        size, total = 1, part
        while sums and sums[-1][0] == size:
            total, size = add(sums.pop()[1], total), 2 * size
        sums.append((size, total))
    _, total = sums.pop()
    while sums:
        total = add(sums.pop()[1], total)
    return total
