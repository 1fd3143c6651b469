"""Activations that are written as other operations, recognised by what they compute.

The ReLU is max(z, 0), z (z > 0), (z + |z|) / 2, where(z > 0, z, 0), … Instead of a list of such
spellings, the operations between z and the next layer are evaluated on the three pieces z < 0,
z = 0 and z > 0. If one of them is not affine on each piece, the file is rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import numpy as np

from unrelu.formats.folding import MOST_STEPS, Bend, Scale, Step, unexpected
from unrelu.numerics.arrays import Array, Mask

N = TypeVar("N")

SIGNS = np.array([[-1.0], [0.0], [1.0]])
"""Of z on the three pieces."""


class NotStraightError(Exception):
    """A value has a kink or a jump elsewhere than at z = 0."""


@dataclass(frozen=True, eq=False)
class Line:
    """slope z + level on each piece, for one z or for each of them: arrays (3, 1) or (3, k); the
    slope where z = 0 is 0."""

    slope: Array
    level: Array

    def sign(self) -> Array:
        """−1, 0 or 1 on each piece, if the sign is constant there."""
        outwards = SIGNS * self.slope
        if (outwards * self.level < 0).any():
            raise NotStraightError
        return np.sign(np.where(self.level != 0, self.level, outwards))

    def flat(self) -> Array:
        """The level of a value that is constant on each piece."""
        if self.slope.any():
            raise NotStraightError
        return self.level


def constant(values: Array | float) -> Line:
    level = np.broadcast_to(
        np.asarray(values, dtype=np.float64).reshape(1, -1), (3, np.size(values))
    )
    return Line(np.zeros_like(level), level)


def add(one: Line, other: Line) -> Line:
    return Line(one.slope + other.slope, one.level + other.level)


def times(one: Line, other: Line) -> Line:
    if ((one.slope != 0) & (other.slope != 0)).any():
        raise NotStraightError
    slope = one.slope * other.level + one.level * other.slope
    return Line(slope, one.level * other.level)


def minus(one: Line, other: Line) -> Line:
    return Line(one.slope - other.slope, one.level - other.level)


def where(condition: Array | Mask, one: Line, other: Line) -> Line:
    chosen = np.asarray(condition, dtype=bool)
    slope = np.where(chosen, one.slope, other.slope)
    return Line(slope, np.where(chosen, one.level, other.level))


def truth(holds: Mask) -> Line:
    return Line(np.zeros(holds.shape), holds.astype(np.float64))


def largest(*values: Line) -> Line:
    return reduce(lambda a, b: where(minus(a, b).sign() >= 0, a, b), values)


def smallest(*values: Line) -> Line:
    return reduce(lambda a, b: where(minus(a, b).sign() <= 0, a, b), values)


def total(*values: Line) -> Line:
    return reduce(add, values)


def leaking(value: Line, slope: Line) -> Line:
    return where(value.sign() >= 0, value, times(value, slope))


def quotient(value: Line, by: Line) -> Line:
    if (by.flat() == 0).any():
        raise NotStraightError
    return Line(value.slope / by.level, value.level / by.level)


def compared(holds: Callable[[Array, float], Mask]) -> Callable[[Line, Line], Line]:
    """The comparison of two values by one of their difference with zero."""
    return lambda one, other: truth(holds(minus(one, other).sign(), 0.0))


OPERATIONS: dict[str, Callable[..., Line]] = {
    "identity": lambda z: z,
    "negative": lambda z: minus(constant(0.0), z),
    "absolute": lambda z: largest(z, minus(constant(0.0), z)),
    "sign": lambda z: Line(0 * z.slope, z.sign()),
    "relu": lambda z: largest(z, constant(0.0)),
    "add": add,
    "subtract": minus,
    "multiply": times,
    "divide": quotient,
    "maximum": largest,
    "minimum": smallest,
    "where": lambda condition, one, other: where(condition.flat() != 0, one, other),
    "greater": compared(np.greater),
    "greater_equal": compared(np.greater_equal),
    "less": compared(np.less),
    "less_equal": compared(np.less_equal),
}
"""Operations that every framework has, by the names that NumPy has for most of them."""


def steps_of(line: Line, name: str, layers: int) -> list[Step]:
    """The steps x -> line. Raises FileError if it has a jump at x = 0."""
    shift = line.level[1]
    if (line.level != shift).any():
        raise unexpected(f"{name} that jumps at 0", layers)
    below, _, above = line.slope
    step: Step = Scale(above) if (above == below).all() else Bend(name, above, below)
    return [step, *([Scale(None, shift)] if shift.any() else [])]


def joined(
    start: str,
    consumers: Callable[[str], Sequence[N]],
    take: Callable[[N, dict[str, Line]], tuple[str, Line] | None],
    used: Callable[[str, Sequence[N]], bool],
) -> tuple[N, Line] | None:
    """Evaluate the branches behind a value `start` until they are joined: the node whose result is
    the only one that is used later, and that result; None if there is no such node.

    consumers : the nodes that take a value.
    take : a node and the values known so far -> the name of its result and the result; None if it
        cannot be computed (yet).
    used : whether a value is used, given the nodes that still take it.
    """
    z = np.array([[1.0], [0.0], [1.0]])
    known = {start: Line(z, np.zeros_like(z))}
    done: set[int] = set()

    def rest_of(name: str) -> list[N]:
        return [node for node in consumers(name)[:MOST_STEPS] if id(node) not in done]

    while len(done) < MOST_STEPS:
        for node in [node for name in known for node in rest_of(name)]:
            if (found := take(node, known)) is not None:
                break
        else:
            return None
        done.add(id(node))
        name, line = found
        known[name] = line
        rest = {each: rest_of(each) for each in known}
        if [each for each in known if used(each, rest[each])] == [name]:
            return node, line
    return None
