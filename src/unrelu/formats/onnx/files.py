"""ONNX models. The onnx package parses the protocol buffers; the graph is interpreted here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unrelu.errors import FileError, require
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.contents import KEY, Contents, Provenance, provenance_text, read_remarks
from unrelu.formats.folding import folded
from unrelu.formats.onnx.constants import STANDARD, Constants
from unrelu.formats.onnx.graph import chain
from unrelu.formats.reading import Reading, one_output
from unrelu.network import Network

WHY = ".onnx files need"

OPERATORS = 13
"""The operator set that is written: from 2020, so that older runtimes read it too."""

FORMAT = 7
"""The version of the file format that belongs to it."""

OLDEST = 7
"""Before this operator set, additions broadcast by other rules."""

LARGEST = 2_000_000_000
"""Bytes that a protocol buffer can hold, and a little less."""


def read_onnx(path: Path, reading: Reading) -> Contents:
    """The network of an ONNX model that is one: linear, ReLU, linear, whatever the exporter put
    around it."""
    onnx = require("onnx", "onnx", WHY)
    data = path.read_bytes()
    model = onnx.ModelProto()
    model.ParseFromString(data)
    remarks = {entry.key: entry.value for entry in model.metadata_props if entry.key == KEY}
    provenance, _ = read_remarks(remarks, empty=not model.graph.node)
    if not model.graph.node:
        raise FileError("got a file without a graph, expected an ONNX model")
    version = min((o.version for o in model.opset_import if o.domain in STANDARD), default=1)
    if version < OLDEST:
        raise FileError(
            f"got operator set {version}, expected {OLDEST} or newer: "
            "onnx.version_converter.convert_version renews the model"
        )
    room = len(data) + sum(p.stat().st_size for p in _beside(path, model))
    output = one_output([each.name for each in model.graph.output], reading.output)
    steps = chain(model.graph, Constants(path, model.graph, room), output)
    found = folded(steps, drop_head=reading.drop_head)
    return Contents(found.network, provenance, found.head)


def _beside(path: Path, model: object) -> set[Path]:
    """Files that hold weights of the model; those that lie elsewhere are refused later."""
    names = {
        entry.value
        for tensor in model.graph.initializer  # type: ignore[attr-defined]
        for entry in tensor.external_data
        if entry.key == "location" and len(entry.value) < 256 and "\0" not in entry.value
    }
    places = {path.parent / name for name in names if name and Path(name).name == name}
    return {place for place in places if place.is_file()}


def write_onnx(path: Path, net: Network | None, provenance: Provenance | None) -> None:
    """Write Gemm, Relu, Gemm in double precision, from an input `x` (n, d) to an output `y`."""
    onnx = require("onnx", "onnx", WHY)
    helper = onnx.helper
    nodes, tensors, ends = [], [], []
    if net is not None:
        if 8 * (net.V.size + net.U.size + net.n_units + net.n_outputs) > LARGEST:
            raise FileError(f"{path}: the network is too large for ONNX's 2 GB: use .safetensors")
        nodes = [
            helper.make_node("Gemm", ["x", "V", "b"], ["z"], transB=1),
            helper.make_node("Relu", ["z"], ["h"]),
            helper.make_node("Gemm", ["h", "U", "c"], ["y"], transB=1),
        ]
        arrays = {"V": net.V, "b": net.b, "U": net.U, "c": net.c}
        tensors = [
            onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
            for name, array in arrays.items()
        ]
        ends = [
            helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, ["n", width])
            for name, width in (("x", net.n_inputs), ("y", net.n_outputs))
        ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], tensors)
    versions = [helper.make_opsetid("", OPERATORS)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=FORMAT)
    model.producer_name = "unrelu"
    if text := provenance_text(provenance):
        helper.set_model_props(model, {KEY: text})
    with atomic_write(path) as file:
        file.write(model.SerializeToString(deterministic=True))
