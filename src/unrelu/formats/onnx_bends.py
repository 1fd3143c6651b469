"""Activations of an ONNX graph, in whatever operators the exporter has written them.

The ReLU is Relu, Clip(z, 0), Max(z, 0), PRelu, Where(z > 0, z, 0), z (z > 0), (z + |z|) / 2, …
So no list of spellings is kept: what stands between z and the next layer is computed on the three
places z < 0, z = 0 and z > 0. There each operator gives a straight line, or the file is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.formats.onnx_constants import FLOATS, STANDARD, Node, attribute
from unrelu.formats.onnx_walk import Walk, title
from unrelu.formats.steps import MOST_STEPS, Array, Bend, Scale, unexpected

SIGNS = np.array([[-1.0], [0.0], [1.0]])
"""Of z on the three places."""

LEAK = float(np.float32(0.01))
"""The slope of a leaky ReLU that does not say one; attributes are in single precision."""

Bools = NDArray[np.bool_]


class NotStraightError(Exception):
    """A value bends, or jumps, elsewhere than at z = 0."""


@dataclass(frozen=True, eq=False)
class Line:
    """slope z + level on each place, for one z or for each of them: arrays (3, 1) or (3, k); the
    slope where z = 0 is 0."""

    slope: Array
    level: Array

    def sign(self) -> Array:
        """−1, 0 or 1 on each place, where it is the same all over the place."""
        outwards = SIGNS * self.slope
        if (outwards * self.level < 0).any():
            raise NotStraightError
        return np.sign(np.where(self.level != 0, self.level, outwards))

    def flat(self) -> Array:
        """The level, of a value that does not vary within a place."""
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


def where(condition: Array | Bools, one: Line, other: Line) -> Line:
    chosen = np.asarray(condition, dtype=bool)
    slope = np.where(chosen, one.slope, other.slope)
    return Line(slope, np.where(chosen, one.level, other.level))


def truth(holds: Bools) -> Line:
    return Line(np.zeros(holds.shape), holds.astype(np.float64))


def largest(*values: Line) -> Line:
    first, *rest = values
    for other in rest:
        first = where(minus(first, other).sign() >= 0, first, other)
    return first


def smallest(*values: Line) -> Line:
    first, *rest = values
    for other in rest:
        first = where(minus(first, other).sign() <= 0, first, other)
    return first


def total(*values: Line) -> Line:
    first, *rest = values
    for other in rest:
        first = add(first, other)
    return first


def leaking(value: Line, slope: Line) -> Line:
    return where(value.sign() >= 0, value, times(value, slope))


def clip(node: Node, value: Line, low: Line | None = None, high: Line | None = None) -> Line:
    low, high = _bound(node, "min", low, -1.0), _bound(node, "max", high, 1.0)
    value = value if low is None else largest(value, low)
    return value if high is None else smallest(value, high)


def _bound(node: Node, name: str, given: Line | None, side: float) -> Line | None:
    """A bound of Clip: an input, and an attribute before operator set 11. The largest number of a
    type is how exporters write that there is none."""
    bound = given or constant(attribute(node, name, side * math.inf))
    return None if (side * bound.flat() >= np.finfo(np.float32).max).all() else bound


def elu(node: Node, value: Line) -> Line:
    if attribute(node, "alpha", 1.0) != 0:
        raise NotStraightError
    return largest(value, constant(0.0))


def thresholded(node: Node, value: Line) -> Line:
    over = minus(value, constant(attribute(node, "alpha", 1.0))).sign() > 0
    return where(over, value, constant(0.0))


def cast(node: Node, value: Line) -> Line:
    kind = attribute(node, "to", 1)
    if kind == 9:
        return truth(value.sign() != 0)
    if kind not in FLOATS and (value.flat() != np.round(value.flat())).any():
        raise NotStraightError
    return value


def quotient(value: Line, by: Line) -> Line:
    if (by.flat() == 0).any():
        raise NotStraightError
    return Line(value.slope / by.level, value.level / by.level)


def compared(one: Line, other: Line, holds: Callable[[Array], Any]) -> Line:
    return truth(np.asarray(holds(minus(one, other).sign()), dtype=bool))


RULES: dict[str, Callable[..., Line]] = {
    "Identity": lambda _, z: z,
    "Cast": cast,
    "CastLike": lambda _, z, __: z,
    "Neg": lambda _, z: minus(constant(0.0), z),
    "Abs": lambda _, z: largest(z, minus(constant(0.0), z)),
    "Sign": lambda _, z: Line(0 * z.slope, z.sign()),
    "Add": lambda _, a, b: add(a, b),
    "Sub": lambda _, a, b: minus(a, b),
    "Mul": lambda _, a, b: times(a, b),
    "Div": lambda _, a, b: quotient(a, b),
    "Sum": lambda _, *all_of: total(*all_of),
    "Mean": lambda _, *all_of: quotient(total(*all_of), constant(len(all_of))),
    "Max": lambda _, *all_of: largest(*all_of),
    "Min": lambda _, *all_of: smallest(*all_of),
    "Relu": lambda _, z: largest(z, constant(0.0)),
    "LeakyRelu": lambda n, z: leaking(z, constant(attribute(n, "alpha", LEAK))),
    "PRelu": lambda _, z, slope: leaking(z, slope),
    "ThresholdedRelu": thresholded,
    "Elu": elu,
    "Clip": clip,
    "Greater": lambda _, a, b: compared(a, b, lambda sign: sign > 0),
    "GreaterOrEqual": lambda _, a, b: compared(a, b, lambda sign: sign >= 0),
    "Less": lambda _, a, b: compared(a, b, lambda sign: sign < 0),
    "LessOrEqual": lambda _, a, b: compared(a, b, lambda sign: sign <= 0),
    "Equal": lambda _, a, b: compared(a, b, lambda sign: sign == 0),
    "Not": lambda _, a: truth(a.flat() == 0),
    "And": lambda _, a, b: truth((a.flat() != 0) & (b.flat() != 0)),
    "Or": lambda _, a, b: truth((a.flat() != 0) | (b.flat() != 0)),
    "Xor": lambda _, a, b: truth((a.flat() != 0) ^ (b.flat() != 0)),
    "Where": lambda _, c, a, b: where(c.flat() != 0, a, b),
}
"""What an operator gives, of its node and its inputs; None for an input that is left out."""

SHAPED = ("Shape", "ConstantOfShape", "Expand")
"""Operators that make constants in the shape of z: zeros_like."""


def bend(walk: Walk, nodes: list[Node]) -> Node:
    """Take in the activation that begins with these nodes, the consumers of where the walk is.
    Returns the node that ends it."""
    region = _Region(walk)
    if walk.whole:
        raise walk.refused(nodes[0], "of whole numbers, expected a Cast before it")
    try:
        last = region.computed()
    except NotStraightError:
        name = " and ".join(title(node) for node in nodes[:3])
        raise unexpected(
            walk.path, f"{name} that bends or jumps elsewhere than at 0", walk.layers
        ) from None
    if last is None and len(nodes) == 1:
        raise unexpected(walk.path, title(nodes[0]), walk.layers)
    if last is None:
        names = ", ".join(title(node) for node in nodes[:5])
        raise walk.error(f"branches into {names}, expected a single path")
    line = region.known[last.output[0]]
    shift = line.level[1]
    if (line.level != shift).any():
        raise unexpected(walk.path, f"{title(last)} that jumps at 0", walk.layers)
    below, _, above = line.slope
    if (above == below).all():
        walk.found.append(Scale(above))
    else:
        walk.found.append(Bend(title(last), above, below))
    if shift.any():
        walk.found.append(Scale(None, shift))
    return last


class _Region:
    """The values that are computed from z and constants, until a single one of them is left."""

    def __init__(self, walk: Walk) -> None:
        z = np.array([[1.0], [0.0], [1.0]])
        self.walk = walk
        self.known: dict[str, Line] = {walk.current: Line(z, np.zeros_like(z))}
        self.shapes: set[str] = set()
        self.done: set[int] = set()

    def computed(self) -> Node | None:
        """The node that gives the single value; None where the paths do not come together."""
        while len(self.done) < MOST_STEPS:
            node = next((node for node in self._next() if self._take(node)), None)
            if node is None:
                return None
            self.done.add(id(node))
            open_ = [name for name in self.known if self._used(name)]
            if open_ == [node.output[0]]:
                return node
        return None

    def _next(self) -> list[Node]:
        """Nodes that take a value which is known, or its shape."""
        names = [*self.known, *self.shapes]
        nodes = [node for name in names for node in self.walk.consumers.get(name, [])[:MOST_STEPS]]
        return [node for node in nodes if id(node) not in self.done]

    def _used(self, name: str) -> bool:
        """Whether a value is still to be used. Shapes are: they may serve later reshapes."""
        return name in self.walk.outputs or any(
            id(node) not in self.done and node.op_type != "Shape"
            for node in self.walk.consumers.get(name, [])
        )

    def _take(self, node: Node) -> bool:
        """Compute a node, if all that it takes is there."""
        if node.domain not in STANDARD or not node.output:
            return False
        if node.op_type in SHAPED:
            return self._shaped(node)
        if node.op_type not in RULES or not any(name in self.known for name in node.input):
            return False
        given = [self._value(node, name) for name in node.input]
        if any(value is None for name, value in zip(node.input, given, strict=True) if name):
            return False
        try:
            self.known[node.output[0]] = RULES[node.op_type](node, *given)
        except TypeError:  # another number of inputs than the operator has
            raise self.walk.refused(node, f"got {len(given)} inputs") from None
        return True

    def _value(self, node: Node, name: str) -> Line | None:
        if not name or name in self.known:
            return self.known.get(name)
        held = self.walk.constants.get(name)
        return None if held is None else constant(self.walk.values(node, held))

    def _shaped(self, node: Node) -> bool:
        name = node.output[0]
        if node.op_type == "Shape":
            if node.input[0] not in self.known:
                return False
            self.shapes.add(name)
            return True
        if node.input[-1] not in self.shapes:
            return False
        if node.op_type == "Expand":
            value = self._value(node, node.input[0])
            if value is None:
                return False
            self.known[name] = value
            return True
        held = self.walk.constants.filling(node)
        self.known[name] = constant(held)
        return True
