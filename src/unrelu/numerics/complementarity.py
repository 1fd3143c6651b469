"""Linear complementarity over ℚ: a point, or a tree of contradictions that shows there is none.

Given rows A z ≥ a, some of them held equal, and pairs of rows of which one must be equal each, the
search solves the linear relaxation, takes a pair of which neither row is equal at the point found,
and goes on with the one held equal, then with the other. Each branch cuts the point off, so its
equation is independent of those above it: no branch is deeper than the dimension of the system,
however many pairs there are.

A branch whose contradiction never uses its own equation refutes its parent as well, and the
sibling need not be examined.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from unrelu.numerics.arrays import Index
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.float_lp import OutOfTimeError
from unrelu.numerics.rational_lp import Farkas, LinearSystem, Point

Sides = Index
"""(pairs, 2): the two rows of each pair."""
Settle = Callable[[NDArray[np.intp]], Point | None]


Tree = tuple[int | Farkas, ...]
"""A refutation in preorder: the number of a pair, then the tree for its first row held equal, then
the one for its second; or the contradiction of a leaf."""


@dataclass(frozen=True)
class Found:
    point: Point


@dataclass(frozen=True)
class Refuted:
    tree: Tree


@dataclass(frozen=True)
class Undecided:
    reason: str


@dataclass
class Effort:
    """Limits of searches, and what they have used up."""

    deadline: float = float("inf")
    most_nodes: float = float("inf")
    nodes: int = 0

    def spend(self) -> None:
        self.nodes += 1
        if self.nodes > self.most_nodes:
            raise TooManyNodesError
        if time.monotonic() > self.deadline:
            raise OutOfTimeError


class TooManyNodesError(Exception):
    """The limit of nodes was reached."""


def search(
    system: LinearSystem,
    pairs: Sequence[tuple[int, int]] | Sides,
    held: Collection[int] = (),
    *,
    effort: Effort | None = None,
    settle: Settle | None = None,
) -> Found | Refuted | Undecided:
    """A rational point of the system with a row of each pair equal, or a refutation.

    system : its rows; `held` : those that are equal throughout; pairs : two rows each.

    settle : decides over ℚ, quicker than the system itself would, whether there is a point with the
        given row of each pair equal; it is asked where the floating-point relaxation shows one.

    Guarantee: what is found satisfies every row exactly, and every leaf of a refutation has been
    checked over ℚ. Cost: at most 2^D linear programs in dimension D.
    """
    effort = effort or Effort()
    sides = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    try:
        outcome = _walk(system, sides, frozenset(held), effort, settle)
    except OutOfTimeError:
        return Undecided("the time was up")
    except TooManyNodesError:
        return Undecided(f"{effort.most_nodes} nodes were not enough")
    return Found(outcome) if isinstance(outcome, Point) else Refuted(outcome)


@dataclass
class _Choice:
    """A pair on the way down, the side taken first, and what came of it."""

    held: frozenset[int]
    pair: int
    side: int
    refuted: Tree | None = None


def _walk(
    system: LinearSystem,
    sides: Sides,
    held: frozenset[int],
    effort: Effort,
    settle: Settle | None,
) -> Point | Tree:
    """Depth first, the nearer side of each pair before the other."""
    path: list[_Choice] = []
    while True:
        check_deadline()
        effort.spend()
        outcome = look(system, sides, held, effort.deadline, settle)
        if isinstance(outcome, Point):
            return outcome
        if isinstance(outcome, tuple):
            path.append(_Choice(held, *outcome))
            held |= {int(sides[outcome])}
            continue
        tree: Tree = (outcome,)
        while path:
            last = path[-1]
            if not needs(tree, int(sides[last.pair, last.side])):
                path.pop()
            elif last.refuted is None:
                last.refuted, last.side = tree, 1 - last.side
                held = last.held | {int(sides[last.pair, last.side])}
                break
            else:
                both = (last.refuted, tree) if last.side == 1 else (tree, last.refuted)
                tree = (last.pair, *both[0], *both[1])
                path.pop()
        else:
            return tree


def look(
    system: LinearSystem,
    sides: Sides,
    held: frozenset[int],
    deadline: float = float("inf"),
    settle: Settle | None = None,
) -> Point | Farkas | tuple[int, int]:
    """The relaxation with rows held equal: a point with a row of each pair equal, a contradiction,
    or else the pair to split, and which of its rows is nearer to being equal."""
    found = system.look(held, deadline=deadline)
    if isinstance(found, Farkas):
        return found
    settled = np.isin(sides, list(held)).any(axis=1)
    if not isinstance(found, Point):
        slacks = system.float_slacks(found)[sides]
        violation = np.where(settled, 0.0, slacks.min(axis=1))
        if violation.max(initial=0.0) > LEVEL:
            pair = int(violation.argmax())
            return pair, int(slacks[pair].argmin())
        if settle is not None:
            point = settle(slacks.argmin(axis=1))
            if point is not None:
                return point
        found = system.decide(held, deadline=deadline)
        if isinstance(found, Farkas):
            return found
    return broken_pair(system, sides, found) or found


def broken_pair(system: LinearSystem, sides: Sides, point: Point) -> tuple[int, int] | None:
    """The pair furthest from having an equal row at an exact point, and its nearer row."""
    slacks = system.slacks(point)
    worst, chosen = Fraction(0), None
    for pair, (first, second) in enumerate(sides.tolist()):
        nearer = int(slacks[second] < slacks[first])
        if slacks[(first, second)[nearer]] > worst:
            worst, chosen = slacks[(first, second)[nearer]], (pair, nearer)
    return chosen


LEVEL = 1e-7
"""HiGHS's own tolerance: what is above is surely no zero in its eyes."""


def needs(tree: Tree, row: int) -> bool:
    """Whether a refutation uses a row as an equation, not just as an inequality."""
    return any(isinstance(node, Farkas) and node.multipliers.get(row, 0) < 0 for node in tree)
