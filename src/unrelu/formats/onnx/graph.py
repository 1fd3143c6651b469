"""An ONNX graph as a chain of steps: the meaning of each operator in a two-layer network. Operators
on shapes are in `shapes`, activations in `activations`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.folding import Linear, Nonlinear, Scale, Step, leaky, unexpected
from unrelu.formats.onnx.activations import LEAK, bend
from unrelu.formats.onnx.activations import RULES as BENDS
from unrelu.formats.onnx.constants import LEARNING, MICROSOFT, Constants, Node, attribute
from unrelu.formats.onnx.shapes import RULES as SHAPES
from unrelu.formats.onnx.walk import Rule, Walk, WrongOrientationError
from unrelu.numerics.arrays import Array


def chain(graph: Any, constants: Constants, output: str) -> list[Step]:
    """The steps from the graph's input to the output."""
    for columns in (False, True):
        with suppress(WrongOrientationError):
            return Walk(graph, constants, output, columns=columns).steps(RULES, bend)
    raise FileError(
        "the first layer takes samples as rows and the second as columns, or the other way round"
    )


def arithmetic(walk: Walk, node: Node) -> Node | None:
    if len(node.input) != 2:
        raise walk.refused(node, "expected two inputs")
    if walk.integral:
        raise walk.refused(node, "of integers rounds or overflows, expected a Cast before it")
    if attribute(node, "axis", 1) != 1:
        raise walk.refused(node, "is of an old version; convert the model with onnx")
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
    weight, bias = layer(walk, node), walk.constant(node, 2)
    if bias is not None:
        walk.shape = (len(weight),)
        beta = float(attribute(node, "beta", 1.0))
        bias = np.broadcast_to(beta * walk.values(node, bias), (len(weight),))
    walk.found.append(Linear(weight, bias))


def matmul(walk: Walk, node: Node) -> None:
    walk.found.append(Linear(layer(walk, node)))


def layer(walk: Walk, node: Node) -> Array:
    """The weight (outputs, inputs) of a matrix product, data on either side of it. Gemm and
    FusedMatMul may transpose either side (transA, transB) and scale (alpha)."""
    transA, transB = (bool(attribute(node, name, 0)) for name in ("transA", "transB"))
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
        # Data on the left must be in rows after its own transposition, on the right in columns.
        if (walk.columns != transA) if left else (walk.columns == transB):
            raise WrongOrientationError
        walk.columns = not left
    weight = matrix if (transB if left else not transA) else matrix.T
    ones: tuple[int, ...] = ()  # axes of length one that a product leaves where they are
    if walk.shape is not None and left and not node.op_type.endswith("Gemm"):
        ones = walk.shape[:-1]
    if walk.shape is not None and walk.shape != (*(1 for _ in ones), weight.shape[1]):
        raise walk.refused(
            node, f"got weights for {weight.shape[1]} inputs, but one sample has {walk.shape}"
        )
    walk.shape = (*ones, weight.shape[0])
    walk.layers += 1
    return float(attribute(node, "alpha", 1.0)) * np.asarray(weight, dtype=np.float64)


def fused_matmul(walk: Walk, node: Node) -> None:
    """MatMul with its operands transposed and scaled, of onnxruntime's optimizer."""
    if attribute(node, "transBatchA", 0) or attribute(node, "transBatchB", 0):
        raise walk.refused(node, "mixes samples")
    matmul(walk, node)


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
    **dict.fromkeys(BENDS, lambda walk, node: bend(walk, [node])),
    **SHAPES,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), arithmetic),
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_normalization,
    f"{LEARNING}.Scaler": scaler,
    f"{MICROSOFT}.FusedGemm": fused_gemm,
    f"{MICROSOFT}.FusedMatMul": fused_matmul,
}
