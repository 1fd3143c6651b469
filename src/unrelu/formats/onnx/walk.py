"""The walk along an ONNX graph, from its input to its output.

It tracks the shape of one sample, if known, so that operators that mix samples, or are applied to
something other than a row of inputs, are rejected. Samples are rows or columns, or there is a
single one, as a vector.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError
from unrelu.formats.folding import MOST_STEPS, Nonlinear, Step, unexpected
from unrelu.formats.naming import shortened
from unrelu.formats.onnx.constants import INTEGERS, STANDARD, Constants, Node
from unrelu.numerics.arrays import Array

Shape = tuple[int, ...] | None
"""Of one sample, or of what the network makes of it; None where it is not known."""

LAYERS = {"Gemm", "MatMul", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "Attention", "Einsum"}

HEADS = {
    *("Sigmoid", "Softmax", "LogSoftmax", "Relu", "Tanh", "Softplus", "Softsign", "HardSigmoid"),
    *("LeakyRelu", "Elu", "Selu", "Exp", "Clip", "ArgMax", "Hardmax", "Sign", "TopK", "Erf"),
}
"""Operators that may follow the second layer and be left out."""


class WrongOrientationError(Exception):
    """The graph has samples as columns where rows were assumed, or the other way round."""


class Walk:
    """The state of the walk: the current value (`current`), the shape of a sample there, whether it
    contains integers, whether samples are rows or columns, or there is one without an axis for
    others (`vector`), and the steps found."""

    def __init__(self, graph: Any, constants: Constants, output: str, *, columns: bool) -> None:
        self.constants, self.first_columns = constants, columns
        inputs = [each for each in graph.input if each.name not in constants.tensors]
        if len(inputs) != 1:
            names = ", ".join(shortened(each.name) for each in inputs[:5]) or "none"
            raise FileError(f"got {len(inputs)} inputs ({names}), expected one")
        self.current = inputs[0].name
        self.shape, self.batch, self.vector = _declared(inputs[0], columns=columns)
        self.columns = columns and not self.vector
        self.plain = len(inputs[0].type.tensor_type.shape.dim) == 2  # a table, of whatever size
        self.integral = inputs[0].type.tensor_type.elem_type in INTEGERS
        self.outputs = {output}
        self.consumers: dict[str, list[Node]] = {}
        self.live = _live(constants, self.outputs)
        for node in self.live:
            for name in dict.fromkeys(node.input):
                if name:
                    self.consumers.setdefault(name, []).append(node)
        self.found: list[Step] = []
        self.layers = 0

    def steps(self, rules: Mapping[str, Rule], fork: Fork) -> list[Step]:
        """Follow the input to the output: process each node by the rule of its operator, or by
        `fork` if there are several with the same input."""
        seen: set[int] = set()
        while True:
            nodes = [n for n in self.consumers.get(self.current, []) if n.op_type != "Shape"]
            if self.current in self.outputs and not nodes:
                return self.found
            if not nodes:
                raise FileError("the input does not lead to an output")
            name = title(nodes[0])
            if self.layers == 2 and nodes[0].op_type in HEADS:
                if self.current in self.outputs:
                    return self.found
                for node in self.live:
                    if id(node) not in seen and node.op_type in LAYERS:
                        raise FileError(
                            f"got three layers or more ({title(node)} behind {name}), expected two",
                            "layers",
                        )
                self.found.append(Nonlinear(name))
                return self.found
            if len(seen) == MOST_STEPS:
                raise FileError(f"got more than {MOST_STEPS} nodes, expected a dozen")
            if id(nodes[0]) in seen:
                raise FileError("contains a cycle")
            seen.add(id(nodes[0]))
            if len(nodes) > 1:
                last: Node | None = fork(self, nodes)
            elif name in rules:
                last = rules[name](self, nodes[0])
            else:
                raise unexpected(name, self.layers)
            last = nodes[0] if last is None else last
            if not last.output:
                raise FileError(f"{name} has no output")
            self.current = last.output[0]
            self.plain = False

    def refused(self, node: Node, why: str) -> FileError:
        return FileError(f"{title(node)}: {why}")

    def ends(self, node: Node) -> bool:
        """Whether nothing comes after the node."""
        return not any(name in self.consumers for name in node.output)

    def constant(self, node: Node, index: int) -> NDArray[Any] | None:
        """The constant at an input of the node; None where nothing is connected."""
        if index >= len(node.input) or not node.input[index]:
            return None
        value = self.constants.get(node.input[index])
        if value is None:
            raise self.refused(
                node, f"input {shortened(node.input[index])} is not a constant of the file"
            )
        return value

    def values(self, node: Node, constant: NDArray[Any] | None) -> Array:
        """A constant as one number for each value of a sample, or for all of them."""
        assert constant is not None
        value = constant.astype(np.float64)
        if value.size == 1:
            return value.reshape(-1)
        if self.columns:
            if value.ndim == 2 and value.shape[1] == 1:
                return value.reshape(-1)
            raise WrongOrientationError
        shape = self.shape
        if self.vector and value.ndim == 2 and value.shape[0] == 1:
            self.vector = False  # from here on, a single row
        if value.ndim and (shape is None or value.ndim == len(shape) + 1):
            alike = shape is not None and value.shape[0] == self.batch
            alike = alike and bool((value == value[:1]).all())
            if value.shape[0] == 1 or alike:
                value = value[0]  # the axis of the samples
        if shape is None and value.ndim == 1:
            return value
        if shape is not None:
            self.fits(node, math.prod(shape))
            with suppress(ValueError):
                return np.broadcast_to(value, shape).reshape(-1)
        if value.ndim == 2 and value.shape[1] == 1 and not self.vector:
            raise WrongOrientationError
        where = "an unknown shape" if shape is None else f"values of shape {shape}"
        raise self.refused(node, f"a constant of shape {value.shape} for {where}")

    def fits(self, node: Node, size: int) -> None:
        """Raise FileError for more values than the file has weights: each needs at least one."""
        if size > self.constants.budget:
            raise self.refused(node, f"works on {size} values, more than the file has weights")


Rule = Callable[[Walk, Node], Node | None]
"""Processes one node: appends its steps and updates the shape. Returns the last node that it
processed, if that is another."""

Fork = Callable[[Walk, list[Node]], Node]
"""The same for nodes with the same input; returns the one that joins them."""


def title(node: Node) -> str:
    """What a node is called in messages: its operator."""
    name = node.op_type if node.domain in STANDARD else f"{node.domain}.{node.op_type}"
    return shortened(name)


def _declared(given: Any, *, columns: bool) -> tuple[Shape, int | None, bool]:
    """The shape of one sample that the graph declares for its input, and of the batch; and whether
    there is no axis of samples."""
    tensor = given.type.tensor_type
    if not tensor.HasField("shape") or not tensor.shape.dim:
        return None, None, False
    sizes = [dim.dim_value or None for dim in tensor.shape.dim]
    if len(sizes) == 1:
        return (None if sizes[0] is None else (sizes[0],)), None, True
    if columns:
        sizes.reverse()
    batch, rest = sizes[0], sizes[1:]
    known = tuple(size for size in rest if size is not None)
    return (known if len(known) == len(rest) else None), batch, False


def _live(constants: Constants, outputs: set[str]) -> list[Node]:
    """The nodes that the outputs depend on, constants left out."""
    wanted, kept = list(outputs), dict[int, Node]()
    while wanted:
        node = constants.made_by.get(wanted.pop())
        if node is not None and id(node) not in kept:
            kept[id(node)] = node
            wanted += node.input
    return [
        node
        for node in constants.nodes
        if id(node) in kept and not all(name in constants for name in node.output)
    ]
