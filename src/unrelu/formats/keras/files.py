"""Keras models and weights: HDF5 of Keras 2 and 3 (.h5), and the zip of Keras 3 (.keras)."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.errors import FileError, require
from unrelu.formats.archive import read_member, write_member
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.contents import KEY, Contents, Provenance, read_remarks, weights_text
from unrelu.formats.folding import check_head, folded
from unrelu.formats.keras.config import keras_chain
from unrelu.formats.keras.hdf5 import WHY, Hdf5, read_hdf5
from unrelu.formats.named_arrays import two_layers
from unrelu.formats.naming import shortened
from unrelu.formats.reading import Reading
from unrelu.network import Network
from unrelu.wording.remarks import Remark


def read_keras(path: Path, reading: Reading) -> Contents:
    """The network of a Keras model, or of a file of weights alone, for which ReLU is assumed."""
    data = path.read_bytes()
    config = None
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if not {"config.json", "model.weights.h5"} <= set(archive.namelist()):
                raise FileError("got a zip archive without config.json and weights")
            config = json.loads(read_member(archive, "config.json"))
            data = read_member(archive, "model.weights.h5")
    held = read_hdf5(data)
    provenance, assumed = read_remarks(held.root, empty=not held.arrays)
    if config is None and "model_config" in held.root:
        config = json.loads(held.root["model_config"])
    if config is None:
        head = _head_by_name(held, drop_head=reading.drop_head)
        return Contents(_weights_alone(held, reading, assumed), provenance, head)
    found = folded(keras_chain(config, held, reading.output), drop_head=reading.drop_head)
    return Contents(found.network, provenance, found.head)


def _weights_alone(held: Hdf5, reading: Reading, assumed: Sequence[Remark]) -> Network:
    """The two Dense layers of a file of weights, kernels (inputs, units) in every version."""
    layers, in_order = _layers_by_name(held)
    arrays: dict[str, Any] = {}
    for name, weights in layers.items():
        kinds = [weight.ndim for weight in weights]
        if kinds not in ([2], [2, 1]) and reading.order is None:
            shapes = ", ".join(str(weight.shape) for weight in weights[:4])
            raise FileError(
                f"layer {shortened(name)}: got weights of shapes {shapes}, expected the "
                "kernel and the bias of a Dense layer",
                "foreign-layer",
            )
        parts = "kernel", "bias", *(f"weights {number}" for number in range(2, len(weights)))
        arrays |= {f"{name}/{part}": each for part, each in zip(parts, weights, strict=False)}
    return two_layers(arrays, reading=reading, in_order=in_order, transposed=True, remarks=assumed)


ACTIVATIONS = {"leaky_re_lu", "p_re_lu", "elu", "thresholded_re_lu", "lambda"}
"""Names that Keras gives to layers that are other activations, or may be."""


def _head_by_name(held: Hdf5, *, drop_head: bool) -> str | None:
    """The head, if a layer without weights has the name of one. Raises FileError if there are names
    of activations other than the ReLU."""
    listed = held.root.get("layer_names")
    names = listed if isinstance(listed, list) else [n.rpartition("/")[2] for n in held.groups]
    kinds = {re.sub(r"_\d+$", "", name) for name in names}
    for kind in sorted(kinds & ACTIVATIONS):
        raise FileError(
            f"got a layer {kind}, which a file of weights does not describe, expected Dense "
            "layers with a ReLU between them: save the whole model, as .keras",
            "activation",
        )
    head = "softmax" if "softmax" in kinds else None
    check_head(head, drop_head=drop_head)
    return head


def _layers_by_name(held: Hdf5) -> tuple[dict[str, list[Any]], bool]:
    """The weights of each layer that has some, and whether the file has the layers in order."""
    order = held.root.get("layer_names")
    layers: dict[str, list[Any]] = {}
    if isinstance(order, list):  # Keras 1 and 2
        prefixed = False
        for layer in order:
            names = held.attributes.get(f"{layer}/", {}).get("weight_names", [])
            if names:
                layers[layer] = [held.arrays[f"{layer}/{name}"] for name in names]
            # Models that are classes of their own keep layers as they were made, not as used.
            prefixed |= any(name.count("/") > 1 + layer.count("/") for name in names)
        return layers, not prefixed
    for name, array in held.arrays.items():
        place = re.fullmatch(r"(.*?)(_\d+)?/(?:vars/|param_)([0-9])", name)
        if place is None:
            raise FileError(f"got an array {shortened(name)}, expected the weights of two layers")
        # dense comes before dense_1
        layers.setdefault(f"{place[1]}{place[2] or '_0'}", []).append(array)
    return layers, False


def write_keras(path: Path, net: Network | None, provenance: Provenance | None) -> None:
    """Write a float64 Sequential model of two Dense layers: a .keras of Keras 3, a .weights.h5
    with its weights alone, or an .h5 that Keras 2 and 3 load as a model."""
    if path.suffix.lower() == ".keras":
        with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
            metadata = {"keras_version": "3.0.0", "date_saved": "1980-01-01@00:00:00"}
            write_member(archive, "metadata.json", json.dumps(metadata).encode())
            write_member(archive, "config.json", json.dumps(_config(net, three=True)).encode())
            write_member(archive, "model.weights.h5", _numbered(net, provenance))
        return
    weights_alone = path.name.lower().endswith(".weights.h5")
    data = _numbered(net, provenance) if weights_alone else _named(net, provenance)
    with atomic_write(path) as file:
        file.write(data)


def _layers(net: Network | None) -> list[tuple[str, Any, Any, str]]:
    if net is None:
        return []
    return [("dense", net.V.T, net.b, "relu"), ("dense_1", net.U.T, net.c, "linear")]


def _numbered(net: Network | None, provenance: Provenance | None) -> bytes:
    """Weights as Keras 3 keeps them: layers/dense/vars/0, …"""
    h5py, data = require("h5py", "keras", WHY), io.BytesIO()
    with h5py.File(data, "w") as file:
        file.attrs[KEY] = weights_text(provenance)
        for name, kernel, bias, _ in _layers(net):
            group = file.create_group(f"layers/{name}/vars")
            group["0"], group["1"] = np.ascontiguousarray(kernel), bias
    return data.getvalue()


def _named(net: Network | None, provenance: Provenance | None) -> bytes:
    """A model as Keras 2 keeps it: model_weights/dense/dense/kernel:0, …"""
    h5py, data = require("h5py", "keras", WHY), io.BytesIO()
    with h5py.File(data, "w") as file:
        file.attrs[KEY] = weights_text(provenance)
        if net is not None:
            file.attrs["model_config"] = json.dumps(_config(net, three=False))
        file.attrs["keras_version"], file.attrs["backend"] = b"2.4.0", b"tensorflow"
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = np.array([name.encode() for name, *_ in _layers(net)], "S7")
        for name, kernel, bias, _ in _layers(net):
            group = root.create_group(name)
            names = [f"{name}/kernel:0", f"{name}/bias:0"]
            group.attrs["weight_names"] = np.array([each.encode() for each in names])
            group[names[0]], group[names[1]] = np.ascontiguousarray(kernel), bias
    return data.getvalue()


def _config(net: Network | None, *, three: bool) -> dict[str, Any]:
    """The configuration of the model; Keras 3 has modules and another name for a shape."""
    shape = "batch_shape" if three else "batch_input_shape"
    inputs = None if net is None else net.n_inputs
    first = {shape: [None, inputs], "dtype": "float64", "name": "input_layer"}
    layers = [("InputLayer", first)]
    for name, kernel, _, activation in _layers(net):
        config = {"name": name, "dtype": "float64", "units": kernel.shape[1]}
        layers.append(("Dense", config | {"activation": activation, "use_bias": True}))
    module = {"module": "keras.layers", "registered_name": None} if three else {}
    listed = [module | {"class_name": kind, "config": config} for kind, config in layers]
    whole = {"module": "keras", "registered_name": "Sequential"} if three else {}
    return whole | {
        "class_name": "Sequential",
        "config": {"name": "sequential", "layers": listed},
    }
