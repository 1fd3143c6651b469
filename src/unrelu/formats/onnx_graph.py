"""An ONNX graph as a chain of steps: what each operator means for a two-layer network."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.onnx_constants import FLOATS, LEARNING, Constants, Node, attribute
from unrelu.formats.onnx_walk import Rule, Turned, Walk, title
from unrelu.formats.steps import Array, Linear, Nonlinear, Pick, Scale, Step, unexpected


def chain(path: Path, graph: Any, budget: int) -> list[Step]:
    """The steps from the graph's input to its output. `budget`: entries that the file has room
    for, which bounds every array made here."""
    constants = Constants(path, graph, budget)
    try:
        return Walk(path, graph, constants, columns=False).steps(RULES)
    except Turned:
        pass
    try:
        return Walk(path, graph, constants, columns=True).steps(RULES)
    except Turned:
        raise FileError(
            f"{path}: the first layer takes samples as rows and the second as columns, or the "
            "other way round"
        ) from None


# Steps that change nothing, or only the shape.


def same(walk: Walk, node: Node) -> None:
    if node.op_type == "Cast":
        if attribute(node, "to", 0) not in FLOATS:
            raise walk.refused(node, "rounds to whole numbers")
        walk.whole = False
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
        mode = walk.constants.get(node.input[2])
        if mode is None or mode.any():
            raise walk.refused(node, "is set to training; export the model for inference")


def flatten(walk: Walk, node: Node) -> None:
    axis = attribute(node, "axis", 1)
    rank = None if walk.shape is None else len(walk.shape) + 1
    if axis < 0 and rank is not None:
        axis += rank
    if axis != 1 or walk.columns:
        raise walk.refused(node, f"axis {axis} mixes samples, expected axis 1")
    walk.shape = None if walk.shape is None else (math.prod(walk.shape),)


def reshape(walk: Walk, node: Node) -> None:
    target = None if len(node.input) < 2 else walk.constants.get(node.input[1])
    if walk.layers == 2 and walk.ends(node):
        return  # the outputs are arranged in another way, as some exporters do, but stay the same
    if walk.columns:
        raise Turned
    size = None if walk.shape is None else math.prod(walk.shape)
    if target is None:  # computed from the shape of the batch: x.reshape(len(x), -1)
        walk.shape = None if size is None else (size,)
        return
    wanted = [int(entry) for entry in target.reshape(-1)[:9]]
    if wanted == [-1] and size == 1:
        walk.shape = ()
        return
    if len(wanted) < 2 or (walk.batch and wanted[0] > 0 and wanted[0] != walk.batch):
        raise walk.refused(node, f"to {wanted} mixes samples, expected (samples, …)")
    rest = wanted[1:]
    for axis, entry in enumerate(rest):
        if entry == 0 and walk.shape is not None and axis < len(walk.shape):
            rest[axis] = walk.shape[axis]
    if -1 in rest and wanted[0] == -1:
        raise walk.refused(node, f"to {wanted} has two open sizes")
    known = math.prod(entry for entry in rest if entry != -1)
    if -1 in rest and size is not None and known > 0:
        rest[rest.index(-1)] = size // known
    if size is not None and (min(rest) < 1 or math.prod(rest) != size):
        raise walk.refused(node, f"to {wanted} mixes samples: one has shape {walk.shape}")
    walk.shape = tuple(rest) if min(rest) > 0 else None


def squeeze(walk: Walk, node: Node) -> None:
    if walk.shape is None or walk.columns:
        raise walk.refused(node, "of an unknown shape")
    axes = attribute(node, "axes", None)
    given = walk.constant(node, 1)
    if given is not None:
        axes = [int(entry) for entry in given.reshape(-1)]
    rank = len(walk.shape) + 1
    if axes is None:
        axes = [1 + i for i, n in enumerate(walk.shape) if n == 1]
    axes = {axis % rank for axis in axes}
    if 0 in axes or any(walk.shape[axis - 1] != 1 for axis in axes):
        raise walk.refused(node, "drops an axis that is not of length one")
    walk.shape = tuple(n for i, n in enumerate(walk.shape) if i + 1 not in axes)


def transpose(walk: Walk, node: Node) -> None:
    rank = None if walk.shape is None else len(walk.shape) + 1
    order = attribute(node, "perm", None)
    if order is None and rank is not None:
        order = list(range(rank))[::-1]
    if order == [1, 0] and rank in (None, 2):
        walk.columns = not walk.columns
        return
    if order is None or walk.columns or order[0] != 0:
        raise walk.refused(node, f"{order} mixes samples")
    if walk.shape is None or sorted(order) != list(range(rank or 0)):
        raise walk.refused(node, "of an unknown shape")
    axes = [axis - 1 for axis in order[1:]]
    size = math.prod(walk.shape)
    walk.fits(node, size)
    places = np.arange(size).reshape(walk.shape).transpose(axes)
    walk.found.append(Pick(places.reshape(-1)))
    walk.shape = places.shape


# Steps that compute.


def arithmetic(walk: Walk, node: Node) -> None:
    if len(node.input) != 2:
        raise walk.refused(node, "expected two inputs")
    if walk.whole:
        raise walk.refused(node, "of whole numbers cuts off or wraps, expected a Cast before it")
    if attribute(node, "axis", 1) != 1:
        raise walk.refused(node, "is of an old kind; convert the model with onnx")
    left = node.input[0] == walk.current
    if node.input[0] == node.input[1]:
        raise unexpected(walk.path, f"{title(node)} of the input with itself", walk.layers)
    value = walk.values(node, walk.constant(node, 1 if left else 0))
    kind = node.op_type
    if kind == "Div" and not left:
        raise unexpected(walk.path, "Div by the input", walk.layers)
    if kind == "Add":
        step = Scale(None, value)
    elif kind == "Sub":
        step = Scale(None, -value) if left else Scale(np.array([-1.0]), value)
    else:
        step = Scale(value if kind == "Mul" else 1 / value, None)
    walk.found.append(step)


def gemm(walk: Walk, node: Node) -> None:
    alpha, beta = (float(attribute(node, name, 1.0)) for name in ("alpha", "beta"))
    turns = [bool(attribute(node, name, 0)) for name in ("transA", "transB")]
    weight = layer(walk, node, turns)
    if alpha != 1:
        weight = weight * alpha
    bias = walk.constant(node, 2)
    if bias is not None:
        walk.shape = (len(weight),)
        bias = walk.values(node, bias)
        bias = bias if beta == 1 else bias * beta
        bias = np.broadcast_to(bias, (len(weight),))
    walk.found.append(Linear(weight, bias))


def matmul(walk: Walk, node: Node) -> None:
    walk.found.append(Linear(layer(walk, node, [False, False])))


def layer(walk: Walk, node: Node, turns: list[bool]) -> Array:
    """The weight (outputs, inputs) of a matrix product, data on either side of it."""
    if len(node.input) < 2 or node.input[0] == node.input[1]:
        raise walk.refused(node, "expected a product with a constant")
    left = node.input[0] == walk.current
    if walk.current not in (node.input[0], node.input[1]):
        raise walk.refused(node, "expected a product of the input with a constant")
    matrix = walk.constant(node, 1 if left else 0)
    assert matrix is not None
    if matrix.ndim != 2 or not matrix.size:
        raise walk.refused(node, f"got weights of shape {matrix.shape}, expected two axes")
    # Data on the left must lie in rows after its own transposition, on the right in columns.
    if (walk.columns != turns[0]) if left else (walk.columns == turns[1]):
        raise Turned
    walk.columns = not left
    turned = turns[1] if left else turns[0]
    weight = matrix if turned == left else matrix.T
    if walk.shape is not None and walk.shape != (weight.shape[1],):
        raise walk.refused(
            node, f"got weights for {weight.shape[1]} inputs, but one sample has {walk.shape}"
        )
    walk.shape = (weight.shape[0],)
    walk.layers += 1
    return np.asarray(weight, dtype=np.float64)


def batch_normalization(walk: Walk, node: Node) -> None:
    if attribute(node, "training_mode", 0):
        raise walk.refused(node, "is set to training; export the model for inference")
    if walk.columns or (walk.shape is not None and len(walk.shape) != 1):
        raise walk.refused(node, "over channels, expected one value per channel")
    values = [walk.constant(node, index) for index in range(1, 5)]
    factor, shift, mean, variance = (
        np.zeros(0) if value is None else value.astype(np.float64).reshape(-1) for value in values
    )
    if not factor.size == shift.size == mean.size == variance.size:
        raise walk.refused(node, "the sizes of its constants differ")
    factor = factor / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    walk.found.append(Scale(factor, shift - mean * factor))


def scaler(walk: Walk, node: Node) -> None:
    """(x - offset) scale, as scikit-learn's StandardScaler is exported."""
    offset, scale = (np.array(attribute(node, name, [])) for name in ("offset", "scale"))
    shift = walk.values(node, -offset) if offset.size else None
    walk.found.append(Scale(None, shift))
    walk.found.append(Scale(walk.values(node, scale) if scale.size else None))


def activation(walk: Walk, node: Node) -> None:
    walk.found.append(Nonlinear(node.op_type))


def maximum(walk: Walk, node: Node) -> None:
    """Max(x, 0) is what some exporters write for ReLU."""
    others = [walk.constants.get(name) for name in node.input if name != walk.current]
    if len(others) != 1 or others[0] is None or others[0].size != 1 or others[0].any():
        raise unexpected(walk.path, title(node), walk.layers)
    walk.found.append(Nonlinear("Relu"))


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Identity", "Cast", "Dropout"), same),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), arithmetic),
    "Flatten": flatten,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_normalization,
    f"{LEARNING}.Scaler": scaler,
    "Relu": activation,
    "Max": maximum,
}
