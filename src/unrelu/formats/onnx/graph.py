"""An ONNX graph as a chain of steps: what each operator means for a two-layer network; those of
shapes are in `shapes`, those of activations in `activations`."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.folding import Linear, Nonlinear, Scale, Step, leaky, unexpected
from unrelu.formats.onnx.activations import LEAK, bend
from unrelu.formats.onnx.activations import RULES as BENDS
from unrelu.formats.onnx.constants import LEARNING, MICROSOFT, Constants, Node, attribute
from unrelu.formats.onnx.shapes import RULES as SHAPES
from unrelu.formats.onnx.walk import Rule, Turned, Walk
from unrelu.numerics.arrays import Array


def chain(graph: Any, constants: Constants, output: str) -> list[Step]:
    """The steps from the graph's input to the output."""
    try:
        return Walk(graph, constants, output, columns=False).steps(RULES, bend)
    except Turned:
        pass
    try:
        return Walk(graph, constants, output, columns=True).steps(RULES, bend)
    except Turned:
        raise FileError(
            "the first layer takes samples as rows and the second as columns, or the "
            "other way round"
        ) from None


def arithmetic(walk: Walk, node: Node) -> Node | None:
    if len(node.input) != 2:
        raise walk.refused(node, "expected two inputs")
    if walk.whole:
        raise walk.refused(node, "of whole numbers cuts off or wraps, expected a Cast before it")
    if attribute(node, "axis", 1) != 1:
        raise walk.refused(node, "is of an old kind; convert the model with onnx")
    left = node.input[0] == walk.current
    if node.input[0] == node.input[1]:
        return bend(walk, [node])
    value = walk.values(node, walk.constant(node, 1 if left else 0))
    kind = node.op_type
    if kind == "Div" and not left:
        raise unexpected("Div by the input", walk.layers)
    if kind == "Add":
        step = Scale(None, value)
    elif kind == "Sub":
        step = Scale(None, -value) if left else Scale(np.array([-1.0]), value)
    else:
        step = Scale(value if kind == "Mul" else 1 / value, None)
    walk.found.append(step)
    return None


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
    if walk.vector:
        if node.op_type.endswith("Gemm"):
            raise walk.refused(node, "takes rows of inputs, got a vector")
    else:
        # Data on the left must lie in rows after its own transposition, on the right in columns.
        if (walk.columns != turns[0]) if left else (walk.columns == turns[1]):
            raise Turned
        walk.columns = not left
    turned = turns[1] if left else turns[0]
    weight = matrix if turned == left else matrix.T
    ones: tuple[int, ...] = ()  # axes of length one that a product leaves where they are
    if walk.shape is not None and left and not node.op_type.endswith("Gemm"):
        ones = walk.shape[:-1]
    if walk.shape is not None and walk.shape != (*(1 for _ in ones), weight.shape[1]):
        raise walk.refused(
            node, f"got weights for {weight.shape[1]} inputs, but one sample has {walk.shape}"
        )
    walk.shape = (*ones, weight.shape[0])
    walk.layers += 1
    return np.asarray(weight, dtype=np.float64)


def fused_matmul(walk: Walk, node: Node) -> None:
    """MatMul with its operands transposed and scaled, of onnxruntime's optimizer."""
    if attribute(node, "transBatchA", 0) or attribute(node, "transBatchB", 0):
        raise walk.refused(node, "mixes samples")
    weight = layer(walk, node, [bool(attribute(node, name, 0)) for name in ("transA", "transB")])
    alpha = float(attribute(node, "alpha", 1.0))
    walk.found.append(Linear(weight if alpha == 1 else weight * alpha))


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


def activation(walk: Walk, node: Node) -> Node:
    return bend(walk, [node])


def fused_gemm(walk: Walk, node: Node) -> None:
    """Gemm and an activation in one, as onnxruntime's optimizer saves them."""
    gemm(walk, node)
    name = str(attribute(node, "activation", ""))
    still = name in ("Elu", "ThresholdedRelu") and attribute(node, "activation_alpha", 1.0) == 0
    if name == "Relu" or still:
        walk.found.append(leaky(name, 0.0))
    elif name == "LeakyRelu":
        walk.found.append(leaky(name, attribute(node, "activation_alpha", LEAK)))
    elif name:
        walk.found.append(Nonlinear(name))


RULES: dict[str, Rule] = {
    **dict.fromkeys(BENDS, activation),
    **SHAPES,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), arithmetic),
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_normalization,
    f"{LEARNING}.Scaler": scaler,
    f"{MICROSOFT}.FusedGemm": fused_gemm,
    f"{MICROSOFT}.FusedMatMul": fused_matmul,
}
