"""An ONNX graph as a chain of steps.

The input is followed from node to node. On the way the shape that one sample has is kept where
it is known, so that what mixes samples, or is applied to something else than a row of inputs, is
refused and not guessed at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError
from unrelu.formats.onnx_constants import FLOATS, Constants, Node, attribute
from unrelu.formats.steps import (
    Array,
    Linear,
    Nonlinear,
    Pick,
    Scale,
    Step,
    shortened,
    unexpected,
)

Shape = tuple[int, ...] | None
"""Of one sample, or of what the network makes of it; None where it is not known."""

LAYERS = {"Gemm", "MatMul", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "Attention", "Einsum"}

HEADS = {
    *("Sigmoid", "Softmax", "LogSoftmax", "Relu", "Tanh", "Softplus", "Softsign", "HardSigmoid"),
    *("LeakyRelu", "Elu", "Selu", "Exp", "Clip", "ArgMax", "Hardmax", "Sign", "TopK", "Erf"),
}
"""What may stand behind the second layer and be left off."""


class Turned(Exception):
    """The graph holds samples as columns where rows were supposed, or the other way round."""


def chain(path: Path, graph: Any, budget: int) -> list[Step]:
    """The steps from the graph's input to its output. `budget`: entries that the file has room
    for, which bounds every array made here."""
    constants = Constants(path, graph, budget)
    try:
        return _Walk(path, graph, constants, columns=False).steps()
    except Turned:
        pass
    try:
        return _Walk(path, graph, constants, columns=True).steps()
    except Turned:
        raise FileError(
            f"{path}: the first layer takes samples as rows and the second as columns, or the "
            "other way round"
        ) from None


class _Walk:
    def __init__(self, path: Path, graph: Any, constants: Constants, *, columns: bool) -> None:
        self.path, self.constants, self.columns = path, constants, columns
        inputs = [each for each in graph.input if each.name not in constants.tensors]
        if len(inputs) != 1:
            names = ", ".join(shortened(each.name) for each in inputs[:5]) or "none"
            raise FileError(f"{path}: got {len(inputs)} inputs ({names}), expected one")
        self.current = inputs[0].name
        self.shape, self.batch = _declared(inputs[0], columns=columns)
        self.outputs = {each.name for each in graph.output}
        self.consumers: dict[str, list[Node]] = {}
        self.live = _live(constants, self.outputs)
        for node in self.live:
            for name in dict.fromkeys(node.input):
                if name:
                    self.consumers.setdefault(name, []).append(node)
        self.found: list[Step] = []
        self.layers = 0

    def steps(self) -> list[Step]:
        seen: set[int] = set()
        while True:
            nodes = [n for n in self.consumers.get(self.current, []) if n.op_type != "Shape"]
            if self.current in self.outputs and (not nodes or self.layers == 2):
                return self.found
            if not nodes:
                raise FileError(f"{self.path}: the input does not lead to an output")
            name = _title(nodes[0])
            if self.layers == 2 and nodes[0].op_type in HEADS:
                for node in self.live:
                    if id(node) not in seen and node.op_type in LAYERS:
                        raise FileError(
                            f"{self.path}: got three layers or more ({_title(node)} behind "
                            f"{name}), expected two"
                        )
                self.found.append(Nonlinear(name))
                return self.found
            if len(nodes) > 1:
                names = ", ".join(_title(node) for node in nodes[:5])
                raise FileError(f"{self.path}: branches into {names}, expected a single path")
            if id(nodes[0]) in seen:
                raise FileError(f"{self.path}: leads back into itself")
            seen.add(id(nodes[0]))
            self.advance(nodes[0], name)
            if not nodes[0].output:
                raise FileError(f"{self.path}: {name} has no output")
            self.current = nodes[0].output[0]

    def advance(self, node: Node, name: str) -> None:
        """Take one node in: append its steps, follow the shape."""
        rule = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if rule is None:
            raise unexpected(self.path, name, self.layers)
        rule(self, node)

    def refused(self, node: Node, why: str) -> FileError:
        return FileError(f"{self.path}: {_title(node)}: {why}")

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

    # Steps that change nothing, or only the shape.

    def same(self, node: Node) -> None:
        if node.op_type == "Cast" and attribute(node, "to", 0) not in FLOATS:
            raise self.refused(node, "rounds to whole numbers")
        if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
            mode = self.constants.get(node.input[2])
            if mode is None or mode.any():
                raise self.refused(node, "is set to training; export the model for inference")

    def flatten(self, node: Node) -> None:
        axis = attribute(node, "axis", 1)
        rank = None if self.shape is None else len(self.shape) + 1
        if axis < 0 and rank is not None:
            axis += rank
        if axis != 1 or self.columns:
            raise self.refused(node, f"axis {axis} mixes samples, expected axis 1")
        self.shape = None if self.shape is None else (math.prod(self.shape),)

    def reshape(self, node: Node) -> None:
        target = None if len(node.input) < 2 else self.constants.get(node.input[1])
        if self.columns:
            raise Turned
        size = None if self.shape is None else math.prod(self.shape)
        if target is None:  # computed from the shape of the batch: x.reshape(len(x), -1)
            self.shape = None if size is None else (size,)
            return
        wanted = [int(entry) for entry in target.reshape(-1)[:9]]
        if wanted == [-1] and size == 1:
            self.shape = ()
            return
        if len(wanted) < 2 or (self.batch and wanted[0] > 0 and wanted[0] != self.batch):
            raise self.refused(node, f"to {wanted} mixes samples, expected (samples, …)")
        rest = wanted[1:]
        for axis, entry in enumerate(rest):
            if entry == 0 and self.shape is not None and axis < len(self.shape):
                rest[axis] = self.shape[axis]
        if -1 in rest and wanted[0] == -1:
            raise self.refused(node, f"to {wanted} has two open sizes")
        known = math.prod(entry for entry in rest if entry != -1)
        if -1 in rest and size is not None and known > 0:
            rest[rest.index(-1)] = size // known
        if size is not None and (min(rest) < 1 or math.prod(rest) != size):
            raise self.refused(node, f"to {wanted} mixes samples: one has shape {self.shape}")
        self.shape = tuple(rest) if min(rest) > 0 else None

    def squeeze(self, node: Node) -> None:
        if self.shape is None or self.columns:
            raise self.refused(node, "of an unknown shape")
        axes = attribute(node, "axes", None)
        given = self.constant(node, 1)
        if given is not None:
            axes = [int(entry) for entry in given.reshape(-1)]
        rank = len(self.shape) + 1
        if axes is None:
            axes = [1 + i for i, n in enumerate(self.shape) if n == 1]
        axes = {axis % rank for axis in axes}
        if 0 in axes or any(self.shape[axis - 1] != 1 for axis in axes):
            raise self.refused(node, "drops an axis that is not of length one")
        self.shape = tuple(n for i, n in enumerate(self.shape) if i + 1 not in axes)

    def transpose(self, node: Node) -> None:
        rank = None if self.shape is None else len(self.shape) + 1
        order = attribute(node, "perm", None)
        if order is None and rank is not None:
            order = list(range(rank))[::-1]
        if order == [1, 0] and rank in (None, 2):
            self.columns = not self.columns
            return
        if order is None or self.columns or order[0] != 0:
            raise self.refused(node, f"{order} mixes samples")
        if self.shape is None or sorted(order) != list(range(rank or 0)):
            raise self.refused(node, "of an unknown shape")
        axes = [axis - 1 for axis in order[1:]]
        size = math.prod(self.shape)
        self.fits(node, size)
        places = np.arange(size).reshape(self.shape).transpose(axes)
        self.found.append(Pick(places.reshape(-1)))
        self.shape = places.shape

    # Steps that compute.

    def arithmetic(self, node: Node) -> None:
        if len(node.input) != 2:
            raise self.refused(node, "expected two inputs")
        if attribute(node, "axis", 1) != 1:
            raise self.refused(node, "is of an old kind; convert the model with onnx")
        left = node.input[0] == self.current
        if node.input[0] == node.input[1]:
            raise unexpected(self.path, f"{_title(node)} of the input with itself", self.layers)
        value = self.values(node, self.constant(node, 1 if left else 0))
        kind = node.op_type
        if kind == "Div" and not left:
            raise unexpected(self.path, "Div by the input", self.layers)
        with np.errstate(all="ignore"):  # what is not finite is refused as a weight
            if kind == "Add":
                step = Scale(None, value)
            elif kind == "Sub":
                step = Scale(None, -value) if left else Scale(np.array([-1.0]), value)
            else:
                step = Scale(value if kind == "Mul" else 1 / value, None)
        self.found.append(step)

    def values(self, node: Node, constant: NDArray[Any] | None) -> Array:
        """A constant as one number for each value of a sample, or for all of them."""
        assert constant is not None
        value = constant.astype(np.float64)
        if value.size == 1:
            return value.reshape(-1)
        if self.columns:
            if value.ndim == 2 and value.shape[1] == 1:
                return value.reshape(-1)
            raise Turned
        shape = self.shape
        if value.ndim and value.shape[0] == 1 and (shape is None or value.ndim == len(shape) + 1):
            value = value[0]  # the axis of the samples
        if shape is None:
            if value.ndim == 1:
                return value
            if value.ndim == 2 and value.shape[1] == 1:
                raise Turned
            raise self.refused(node, f"a constant of shape {value.shape} for an unknown shape")
        size = math.prod(shape)
        self.fits(node, size)
        try:
            spread = np.broadcast_to(value, shape)
        except ValueError:
            if value.ndim == 2 and value.shape[1] == 1:
                raise Turned from None
            raise self.refused(
                node, f"a constant of shape {value.shape} for values of shape {shape}"
            ) from None
        return spread.reshape(-1)

    def fits(self, node: Node, size: int) -> None:
        """Every input has a weight in the file, so more of them cannot be."""
        if size > self.constants.budget:
            raise self.refused(node, f"works on {size} values, more than the file has weights")

    def gemm(self, node: Node) -> None:
        alpha, beta = (float(attribute(node, name, 1.0)) for name in ("alpha", "beta"))
        turns = [bool(attribute(node, name, 0)) for name in ("transA", "transB")]
        weight = self.layer(node, turns)
        if alpha != 1:
            weight = weight * alpha
        bias = self.constant(node, 2)
        if bias is not None:
            self.shape = (len(weight),)
            bias = self.values(node, bias)
            bias = bias if beta == 1 else bias * beta
            bias = np.broadcast_to(bias, (len(weight),))
        self.found.append(Linear(weight, bias))

    def matmul(self, node: Node) -> None:
        self.found.append(Linear(self.layer(node, [False, False])))

    def layer(self, node: Node, turns: list[bool]) -> Array:
        """The weight (outputs, inputs) of a matrix product, data on either side of it."""
        if len(node.input) < 2 or node.input[0] == node.input[1]:
            raise self.refused(node, "expected a product with a constant")
        left = node.input[0] == self.current
        if self.current not in (node.input[0], node.input[1]):
            raise self.refused(node, "expected a product of the input with a constant")
        matrix = self.constant(node, 1 if left else 0)
        assert matrix is not None
        if matrix.ndim != 2 or not matrix.size:
            raise self.refused(node, f"got weights of shape {matrix.shape}, expected two axes")
        # Data on the left must lie in rows after its own transposition, on the right in columns.
        if (self.columns != turns[0]) if left else (self.columns == turns[1]):
            raise Turned
        self.columns = not left
        turned = turns[1] if left else turns[0]
        weight = matrix if turned == left else matrix.T
        if self.shape is not None and self.shape != (weight.shape[1],):
            raise self.refused(
                node, f"got weights for {weight.shape[1]} inputs, but one sample has {self.shape}"
            )
        self.shape = (weight.shape[0],)
        self.layers += 1
        return np.asarray(weight, dtype=np.float64)

    def batch_normalization(self, node: Node) -> None:
        if attribute(node, "training_mode", 0):
            raise self.refused(node, "is set to training; export the model for inference")
        if self.columns or (self.shape is not None and len(self.shape) != 1):
            raise self.refused(node, "over channels, expected one value per channel")
        values = [self.constant(node, index) for index in range(1, 5)]
        factor, shift, mean, variance = (
            np.zeros(0) if value is None else value.astype(np.float64).reshape(-1)
            for value in values
        )
        if not factor.size == shift.size == mean.size == variance.size:
            raise self.refused(node, "the sizes of its constants differ")
        with np.errstate(all="ignore"):
            factor = factor / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
            self.found.append(Scale(factor, shift - mean * factor))

    def activation(self, node: Node) -> None:
        self.found.append(Nonlinear(node.op_type))

    def maximum(self, node: Node) -> None:
        """Max(x, 0) is what some exporters write for ReLU."""
        others = [self.constants.get(name) for name in node.input if name != self.current]
        if len(others) != 1 or others[0] is None or others[0].size != 1 or others[0].any():
            raise unexpected(self.path, _title(node), self.layers)
        self.found.append(Nonlinear("Relu"))


RULES: dict[str, Callable[[_Walk, Node], None]] = {
    **dict.fromkeys(("Identity", "Cast", "Dropout"), _Walk.same),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _Walk.arithmetic),
    "Flatten": _Walk.flatten,
    "Reshape": _Walk.reshape,
    "Squeeze": _Walk.squeeze,
    "Transpose": _Walk.transpose,
    "Gemm": _Walk.gemm,
    "MatMul": _Walk.matmul,
    "BatchNormalization": _Walk.batch_normalization,
    "Relu": _Walk.activation,
    "Max": _Walk.maximum,
}


def _title(node: Node) -> str:
    name = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    return shortened(name)


def _declared(given: Any, *, columns: bool) -> tuple[Shape, int | None]:
    """The shape of one sample that the graph declares for its input, and of the batch."""
    tensor = given.type.tensor_type
    if not tensor.HasField("shape") or not tensor.shape.dim:
        return None, None
    sizes = [dim.dim_value or None for dim in tensor.shape.dim]
    if len(sizes) == 1:
        return (None if sizes[0] is None else (sizes[0],)), None
    if columns:
        sizes.reverse()
    batch, rest = sizes[0], sizes[1:]
    known = tuple(size for size in rest if size is not None)
    return (known if len(known) == len(rest) else None), batch


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
