"""The constants of an ONNX graph: initialisers, Constant nodes, and what is computed from them."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.errors import FileError, require
from unrelu.formats.naming import shortened
from unrelu.numerics.arrays import AnyArray

Node = Any
"""onnx.NodeProto; the package has no useful types."""

FLOATS = {1: 4, 10: 2, 11: 8, 16: 2}
INTEGERS = {2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 12: 4, 13: 8}
"""Bytes of a number, by the code of its type in the format."""

OUTSIDE = 1
"""Where the data of a tensor are: in a second file."""

STANDARD = ("", "ai.onnx")
"""The domain of the operators that ONNX itself defines."""

LEARNING = "ai.onnx.ml"
"""The domain of those for scikit-learn's models."""

MICROSOFT = "com.microsoft"
"""The domain of what onnxruntime's optimizer writes."""

COMPUTED_ROOM = 10
"""How many times the numbers of a file may be used to compute constants; once should suffice."""

DEEP = 50
"""Nodes that a constant may be computed through; exporters use two or three."""


class Constants:
    """Constants by name, each computed when it is first asked for. `budget`: entries that the file
    has room for, which bounds every array made here."""

    def __init__(self, path: Path, graph: Any, budget: int) -> None:
        self.path, self.budget = path, budget
        self.nodes = list(graph.node)
        self.made_by: dict[str, Node] = {}
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        for node in self.nodes:
            for name in node.output:
                if name and (name in self.made_by or name in self.tensors):
                    raise FileError(f"got {shortened(name)} from two nodes, expected one")
                self.made_by[name] = node
        self.room = COMPUTED_ROOM * budget
        self.known: dict[str, AnyArray | None] = {}

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str, depth: int = 0) -> AnyArray | None:
        """The value of a name, float64 or int64; None where it depends on the input."""
        if name not in self.known:
            self.known[name] = None  # a cycle is not a constant
            value = None
            if name in self.tensors:
                value = self.array(self.tensors[name])
            elif name in self.made_by and depth < DEEP:
                value = self._made(self.made_by[name], depth)
            self.known[name] = value
        return self.known[name]

    def array(self, tensor: Any) -> AnyArray:
        """A tensor of the file as float64 or int64, its shape checked against its data."""
        kind, name = tensor.data_type, shortened(tensor.name)
        if kind not in FLOATS and kind not in INTEGERS:
            raise FileError(f"{name}: got type {kind}, expected real numbers")
        shape = tuple(tensor.dims)
        size = math.prod(shape)
        if min(shape, default=1) < 0 or size > self.budget:
            raise FileError(f"{name}: got shape {shape}, more than the file holds")
        if tensor.data_location == OUTSIDE:
            tensor.raw_data, tensor.data_location = self._outside(tensor, size), 0
        # Its type is known, and a shape that does not fit its data is an error there.
        held = require("onnx", "onnx", ".onnx files need").numpy_helper.to_array(tensor)
        array: AnyArray = held.astype(np.float64 if kind in FLOATS else np.int64)
        if array.shape != shape:
            raise FileError(f"{name}: got {array.size} numbers for shape {shape}")
        return array

    def _outside(self, tensor: Any, size: int) -> bytes:
        """Numbers kept in a second file, which must lie beside the first: a model that names any
        other file of the machine is refused."""
        fields = {entry.key: entry.value for entry in tensor.external_data}
        place = fields.get("location", "")
        beside = self.path.parent / place
        plain = place not in ("", ".", "..") and place == os.path.basename(place)
        if not plain or "\\" in place or beside.is_symlink() or not beside.is_file():
            raise FileError(
                f"keeps weights in a second file {shortened(place)}, expected one "
                "beside it: put it there, or save the model as a single file "
                "(onnx.save_model(model, path, save_as_external_data=False))"
            )
        expected = size * (FLOATS | INTEGERS)[tensor.data_type]
        offset = int(fields.get("offset", 0))
        length = int(fields.get("length", expected))
        if length != expected or offset < 0 or offset + length > beside.stat().st_size:
            raise FileError(f"{place} does not contain the data that the model declares")
        with open(beside, "rb") as file:
            file.seek(offset)
            return file.read(length)

    def _made(self, node: Node, depth: int) -> AnyArray | None:
        """What a node computes, if that does not depend on the input."""
        if node.domain not in STANDARD:
            return None
        if node.op_type == "Constant":
            return self._constant(node)
        if node.op_type not in COMPUTED:
            return None
        values = [self.get(name, depth + 1) for name in node.input if name]
        if not values or any(value is None for value in values):
            return None
        given = [value for value in values if value is not None]
        self.room -= max(value.size for value in given)
        if self.room < 0:
            raise FileError("takes too many steps to compute its constants")
        return self._computed(node, given)

    def _constant(self, node: Node) -> AnyArray | None:
        for attribute in node.attribute:
            if attribute.name == "value":
                return self.array(attribute.t)
            if attribute.name in ("value_float", "value_floats"):
                plain = attribute.name == "value_float"
                return np.array(attribute.f if plain else list(attribute.floats), dtype=np.float64)
            if attribute.name in ("value_int", "value_ints"):
                plain = attribute.name == "value_int"
                return np.array(attribute.i if plain else list(attribute.ints), dtype=np.int64)
        return None

    def _computed(self, node: Node, given: list[AnyArray]) -> AnyArray | None:
        first = given[0]
        if node.op_type == "Transpose":
            return first.transpose(attribute(node, "perm", None))
        if node.op_type == "Identity":
            return first
        if node.op_type == "Cast":
            return first.astype(np.float64) if attribute(node, "to", 0) in FLOATS else None
        if node.op_type == "Neg":
            return np.negative(first)
        if node.op_type in ("ConstantOfShape", "Expand"):
            return self._spread(node, given)
        if node.op_type in ("Reshape", "Squeeze", "Unsqueeze"):
            return self._reshaped(node, given)
        # A small constant is only broadcast along a large one, so that no larger array is made.
        shapes = [value.shape for value in given]
        if len(given) != 2 or np.broadcast_shapes(*shapes) not in shapes:
            return None
        if node.op_type == "Div" and not any(value.dtype.kind == "f" for value in given):
            return None  # integers are rounded
        return np.asarray(ARITHMETIC[node.op_type](*given))

    def _spread(self, node: Node, given: list[AnyArray]) -> AnyArray | None:
        """One number, or a constant, in a shape: torch.zeros and the like."""
        shape = [int(entry) for entry in given[-1].reshape(-1)[:9]]
        value = self.filling(node) if node.op_type == "ConstantOfShape" else given[0]
        if node.op_type == "Expand":
            shape = list(np.broadcast_shapes(tuple(shape), value.shape))
        if len(shape) > 8 or min(shape, default=1) < 0 or math.prod(shape) > self.budget:
            raise FileError(f"{node.op_type}: more numbers than the file holds")
        self.room -= math.prod(shape)
        return np.broadcast_to(value, shape)

    def filling(self, node: Node) -> AnyArray:
        """The number that a ConstantOfShape repeats."""
        held = [each.t for each in node.attribute if each.name == "value"]
        return self.array(held[0]).reshape(-1)[:1] if held else np.zeros(1)

    def _reshaped(self, node: Node, given: list[AnyArray]) -> AnyArray | None:
        first = given[0]
        axes = attribute(node, "axes", None)
        if len(given) > 1:
            axes = [int(i) for i in given[1].reshape(-1)]
        if node.op_type == "Reshape":
            if len(given) != 2 or 0 in axes:
                return None
            return first.reshape(axes)
        if node.op_type == "Squeeze":
            return np.squeeze(first, None if axes is None else tuple(axes))
        return None if axes is None else np.expand_dims(first, tuple(axes))


ARITHMETIC = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}

COMPUTED = {
    *("Transpose", "Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze"),
    *("Neg", "ConstantOfShape", "Expand", *ARITHMETIC),
}


def attribute(node: Node, name: str, default: Any) -> Any:
    """The value of a node's attribute: a number, a list of them, a text, or the default."""
    value_of = require("onnx", "onnx", ".onnx files need").helper.get_attribute_value
    for each in node.attribute:
        if each.name == name and each.type in (1, 2, 3, 6, 7):
            value = value_of(each)
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return default
