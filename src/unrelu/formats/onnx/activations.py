"""Activations of an ONNX graph, in whatever operators they are written; see `piecewise_linear`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.folding import unexpected
from unrelu.formats.onnx.constants import FLOATS, STANDARD, Node, attribute
from unrelu.formats.onnx.walk import Walk, title
from unrelu.formats.piecewise_linear import (
    OPERATIONS,
    Line,
    NotStraightError,
    compared,
    constant,
    joined,
    largest,
    leaking,
    minus,
    quotient,
    smallest,
    steps_of,
    times,
    total,
    truth,
    where,
)

LEAK = float(np.float32(0.01))
"""The default slope of a leaky ReLU; attributes are in single precision."""


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


def plain(function: Callable[..., Line]) -> Callable[..., Line]:
    """The rule of an operator without attributes."""
    return lambda _, *given: function(*given)


ATTRIBUTES: dict[str, Callable[..., Line]] = {
    "Cast": cast,
    "Clip": clip,
    "Elu": elu,
    "LeakyRelu": lambda node, z: leaking(z, constant(attribute(node, "alpha", LEAK))),
    "ThresholdedRelu": thresholded,
}

PLAIN: dict[str, Callable[..., Line]] = {
    **dict.fromkeys(("Identity", "Expand"), OPERATIONS["identity"]),
    "CastLike": lambda z, _: z,
    "Neg": OPERATIONS["negative"],
    "Abs": OPERATIONS["absolute"],
    "Sub": minus,
    "Mul": times,
    "Div": quotient,
    "Sum": total,
    "Mean": lambda *all_of: quotient(total(*all_of), constant(len(all_of))),
    "Max": largest,
    "Min": smallest,
    "PRelu": leaking,
    "GreaterOrEqual": OPERATIONS["greater_equal"],
    "LessOrEqual": OPERATIONS["less_equal"],
    "Equal": compared(np.equal),
    "Not": lambda a: truth(a.flat() == 0),
    "And": lambda a, b: truth((a.flat() != 0) & (b.flat() != 0)),
    "Or": lambda a, b: truth((a.flat() != 0) | (b.flat() != 0)),
    "Xor": lambda a, b: truth((a.flat() != 0) ^ (b.flat() != 0)),
    **{
        name.title(): OPERATIONS[name]
        for name in ("add", "sign", "relu", "greater", "less", "where")
    },
}

RULES = ATTRIBUTES | {name: plain(function) for name, function in PLAIN.items()}
"""The result of an operator from its node and its inputs, None for an input that is left out."""


def bend(walk: Walk, nodes: list[Node]) -> Node:
    """Process the activation that begins with these nodes, which take the current value of the
    walk. Returns its last node."""
    if walk.integral:
        raise walk.refused(nodes[0], "of integers, expected a Cast before it")
    shapes: set[str] = set()

    def used(name: str, rest: Sequence[Node]) -> bool:
        leads_on = name in walk.outputs or any(node.op_type != "Shape" for node in rest)
        return leads_on and name not in shapes  # a shape may be for a later Reshape

    try:
        found = joined(
            walk.current,
            lambda name: walk.consumers.get(name, []),
            partial(_result, walk, shapes),
            used,
        )
    except NotStraightError:
        names = " and ".join(title(node) for node in nodes[:3])
        name = f"{names} with a kink or a jump elsewhere than at 0"
        raise unexpected(name, walk.layers) from None
    if found is None and len(nodes) == 1:
        raise unexpected(title(nodes[0]), walk.layers)
    if found is None:
        names = ", ".join(title(node) for node in nodes[:5])
        raise FileError(f"branches into {names}, expected a single path", "branches")
    last, line = found
    walk.found += steps_of(line, title(last), walk.layers)
    return last


def _result(
    walk: Walk, shapes: set[str], node: Node, known: dict[str, Line]
) -> tuple[str, Line] | None:
    """The name and the result of a node, if all its inputs are known. The result of a Shape is not
    used; its name is added to `shapes`."""
    if node.domain not in STANDARD or not node.output:
        return None
    name, inputs = node.output[0], list(node.input)
    if node.op_type == "Shape":
        shapes.add(name)
        return name, constant(0.0)
    shaped = bool(inputs) and inputs[-1] in shapes
    if node.op_type == "ConstantOfShape" and shaped:
        return name, constant(walk.constants.filling(node))
    if node.op_type == "Expand" and shaped:
        inputs = inputs[:1]
    elif node.op_type not in RULES:
        return None
    given: list[Line | None] = []
    for each in inputs:
        value = known.get(each) if each not in shapes else None
        held = None if value is not None or not each else walk.constants.get(each)
        if held is not None:
            value = constant(walk.values(node, held))
        if each and value is None:
            return None
        given.append(value)
    try:
        return name, RULES[node.op_type](node, *given)
    except TypeError:  # another number of inputs than the operator has
        raise walk.refused(node, f"got {len(given)} inputs") from None
