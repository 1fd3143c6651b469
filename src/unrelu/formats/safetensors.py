"""safetensors files, read and written by the package of that name."""

from __future__ import annotations

import json
from pathlib import Path

from unrelu.errors import FileError, require
from unrelu.formats.array_roles import left_out_remark
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.contents import KEY, Contents, Provenance, read_remarks, weights_text
from unrelu.formats.named_arrays import sequential, stored_numbers, two_layers
from unrelu.formats.naming import shortened
from unrelu.formats.reading import Reading
from unrelu.network import Network

KINDS = {"F16": "float16", "F32": "float32", "F64": "float64", "BF16": "bfloat16"}

WHY = ".safetensors files need"


def read_safetensors(path: Path, reading: Reading) -> Contents:
    """The network of a safetensors file. It contains only weights, so ReLU is assumed."""
    package = require("safetensors", "safetensors", WHY)
    data = path.read_bytes()
    arrays, others = {}, []
    for name, tensor in package.deserialize(data):
        if tensor["dtype"] not in KINDS and (reading.order is not None or not tensor["shape"]):
            others.append(name)  # the number of a step, or what the caller leaves out
        elif tensor["dtype"] not in KINDS:
            raise FileError(
                f"got {shortened(name)} of type {tensor['dtype']}, expected one of "
                f"{', '.join(KINDS)}"
            )
        else:
            flat = stored_numbers(tensor["data"], KINDS[tensor["dtype"]])
            arrays[name] = flat.reshape(tensor["shape"])
    # What the package has accepted begins with the length of its header.
    remarks = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
    provenance, assumed = read_remarks(remarks, empty=not arrays)
    transposed = None if assumed else False  # `save` stores (units, inputs)
    notes = [*assumed, *left_out_remark(others)]
    net = two_layers(arrays, reading=reading, transposed=transposed, remarks=notes)
    return Contents(net, provenance)


def write_safetensors(path: Path, net: Network | None, provenance: Provenance | None) -> None:
    """Write the weights as float64 under the names of nn.Sequential."""
    require("safetensors", "safetensors", WHY)
    numpy = require("safetensors.numpy", "safetensors", WHY)
    # The package writes several remarks in no fixed order, so there is at most one.
    data = numpy.save(sequential(net), metadata={KEY: weights_text(provenance)})
    with atomic_write(path) as file:
        file.write(data)
