"""Sound files broken in many ways, for the tests and the benchmarks of readers.

`mutated(form, files, rng)` gives the bytes of a file of the form with some damage: bytes changed,
cut, repeated or moved anywhere; and, deeper down, changes that leave the outer layers whole:
members of archives with right checksums, instructions put into pickles, values changed in JSON
and in protocol buffers.
"""

from __future__ import annotations

import contextlib
import io
import json
import pickletools
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rng = np.random.Generator

NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 7, 127, 128, 255, 256, 65535, 1 << 31, (1 << 31) - 1, 1 << 40),
    *((1 << 63) - 1, -(1 << 63), 1e308, -1.5, 0.1),
)

VALUES: tuple[Any, ...] = (*NUMBERS, None, True, "", "relu", "x" * 1000, [], {}, [[]], [None, 4])


def mutated(form: str, files: Sequence[bytes], rng: Rng) -> bytes:
    """One of the files, damaged."""
    data = files[int(rng.integers(len(files)))]
    deeper = DEEPER.get(form)
    if deeper is not None and rng.random() < 0.6:
        return deeper(data, files, rng)
    return bytes_changed(data, files, rng)


def bytes_changed(data: bytes, files: Sequence[bytes], rng: Rng) -> bytes:
    """One to four changes at places drawn evenly, or near the start, where headers lie."""
    broken = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        if not broken:
            break
        reach = len(broken) if rng.random() < 0.6 else min(len(broken), 200)
        at = int(rng.integers(reach))
        kind = rng.integers(7)
        length = int(rng.integers(1, 9)) if rng.random() < 0.5 else int(rng.integers(1, 200))
        if kind == 0:
            broken[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            broken[at] = rng.integers(256)
        elif kind == 2:  # a number, where there may have been another
            width = int(rng.choice([1, 2, 4, 8]))
            number = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF])) if width == 1 else 0
            broken[at : at + width] = rng.choice(
                [bytes([number]) * width, b"\xff" * width, b"\x7f" + b"\xff" * (width - 1)]
            )
        elif kind == 3:
            del broken[at : at + length]
        elif kind == 4:
            start = int(rng.integers(len(broken)))
            broken[at:at] = broken[start : start + length]
        elif kind == 5:
            other = files[int(rng.integers(len(files)))]
            start = int(rng.integers(len(other)))
            broken[at : at + length] = other[start : start + length]
        elif rng.random() < 0.3:
            del broken[at:]
        else:
            broken[at:at] = rng.bytes(length)
    return bytes(broken)


def member_changed(data: bytes, _files: Sequence[bytes], rng: Rng) -> bytes:
    """An archive with one member changed, dropped, renamed or doubled; its checksums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at = int(rng.integers(len(members)))
    name, content = members[at]
    kind = rng.integers(10)
    if kind == 0:
        del members[at]
    elif kind == 1:
        members[at] = (
            members[int(rng.integers(len(members)))][0] + "x" * int(rng.integers(2)),
            b"",
        )
    elif kind == 2:
        members[at] = (name, bytes(10**7))
    elif kind == 3:
        members[at] = (name, members[int(rng.integers(len(members)))][1])
    elif name.endswith(".pkl"):
        members[at] = (name, pickle_changed(content, [content], rng))
    elif name.endswith(".json"):
        members[at] = (name, json.dumps(json_changed(json.loads(content), rng)).encode())
    else:
        others = [each for _, each in members]
        members[at] = (name, bytes_changed(content, others, rng))
    packed = zipfile.ZIP_STORED if rng.random() < 0.8 else zipfile.ZIP_DEFLATED
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packed) as archive:
        for name in dict.fromkeys(name for name, _ in members):
            archive.writestr(name, dict(members)[name])
    return made.getvalue()


CALLS = (
    b"cos\n_exit\n(K\x07tR",  # where this runs, the process ends
    b"cposix\n_exit\n(K\x07tR",
    b"cbuiltins\neval\n(X\x0e\x00\x00\x00os._exit(1 + 6)tR",
    b"\x8c\x02os\x8c\x05_exit\x93(K\x07tR",
    b"(K\x07ios\n_exit\n",
    b"(cos\n_exit\nK\x07o",
    b"ctorch\nFloatStorage\n(K\x07tR",
    b"ccollections\nOrderedDict\n(]tR",
    b"ctorch._utils\n_rebuild_parameter\n(K\x01tR",
    b"r\xff\xff\xff\x7f",  # a note kept at place two billion
    b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x8b\xff\xff\xff\x7f",
    b"}q\x00h\x00h\x00s",
    b"]2a",
    b"))\x86q\x0a" + b"h\x0ah\x0a\x86q\x0a" * 60 + b"}h\x0aK\x01s",  # a key that is 2^60 tuples
)
"""Instructions that a state_dict never holds, and some that it may."""


def pickle_changed(data: bytes, _files: Sequence[bytes], rng: Rng) -> bytes:
    """A pickle with instructions put in, taken out, moved, or their arguments changed. Bytes
    behind its end, as in the older form of state_dicts, stay."""
    starts: list[int] = []
    stream = io.BytesIO(data)
    with contextlib.suppress(Exception):  # what follows the last is no pickle
        while True:
            starts += [at for _, _, at in pickletools.genops(stream) if at is not None]
    if len(starts) < 3:
        return bytes_changed(data, [data], rng)
    broken = data
    for _ in range(rng.integers(1, 4)):
        at, other = (starts[int(i)] for i in rng.integers(len(starts), size=2))
        end = starts[min(len(starts) - 1, starts.index(at) + int(rng.integers(1, 6)))]
        kind = rng.integers(6)
        if kind <= 1:
            put = CALLS[rng.integers(len(CALLS))] + (b"0" if rng.random() < 0.7 else b"")
            broken = broken[:at] + put + broken[at:]
        elif kind == 2:
            broken = broken[:at] + broken[end:]
        elif kind == 3:
            broken = broken[:other] + broken[at:end] + broken[other:]
        elif kind == 4:
            codes = [opcode.code.encode("latin1") for opcode in pickletools.opcodes]
            broken = broken[:at] + codes[rng.integers(len(codes))] + broken[at + 1 :]
        else:
            place = min(at + int(rng.integers(1, 5)), len(broken) - 1)
            broken = broken[:place] + rng.bytes(1) + broken[place + 1 :]
    return broken


def json_changed(value: Any, rng: Rng) -> Any:
    """The same value with a part of it replaced, dropped or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = list(value)[rng.integers(len(value))]
        if rng.random() < 0.08:
            return {name: each for name, each in value.items() if name != key}
        return value | {key: json_changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = int(rng.integers(len(value)))
        if rng.random() < 0.2:
            return value[:at] + value[at + 1 :] if rng.random() < 0.5 else [*value, value[at]]
        return [*value[:at], json_changed(value[at], rng), *value[at + 1 :]]
    return VALUES[rng.integers(len(VALUES))]


def safetensors_changed(data: bytes, _files: Sequence[bytes], rng: Rng) -> bytes:
    """A safetensors file whose header says something else; its length is right."""
    length = int.from_bytes(data[:8], "little")
    header = json_changed(json.loads(data[8 : 8 + length]), rng)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


OPERATORS = (
    *("Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "Relu", "Flatten", "Reshape", "Transpose"),
    *("Cast", "Identity", "Squeeze", "BatchNormalization", "Softmax", "Conv", "Dropout", "Max"),
    *("Shape", "Constant", "Loop", "Unsqueeze", "NoSuchThing"),
)


def onnx_changed(data: bytes, _files: Sequence[bytes], rng: Rng) -> bytes:
    """A model that is sound as a protocol buffer, with other shapes, names, nodes or values."""
    import onnx

    model = onnx.ModelProto()
    model.ParseFromString(data)
    graph = model.graph
    names = [name for node in graph.node for name in (*node.input, *node.output)] + ["", "x"]
    for _ in range(rng.choice([1, 1, 2, 3])):
        kind = rng.integers(9)
        node = graph.node[rng.integers(len(graph.node))] if graph.node else None
        tensor = graph.initializer[rng.integers(len(graph.initializer))]
        number = int(NUMBERS[rng.integers(len(NUMBERS) - 3)])
        if kind == 0 and tensor.dims:
            tensor.dims[rng.integers(len(tensor.dims))] = number
        elif kind == 1:
            tensor.data_type = int(rng.integers(25))
        elif kind == 2:
            tensor.raw_data = bytes_changed(tensor.raw_data or b"\0", [b"\xff" * 8], rng)
        elif kind == 3:
            entry = tensor.external_data.add()
            places = ["/etc/passwd", "../x", "net.onnx", "", "a" * 5000, "\0", "."]
            entry.key, entry.value = "location", str(rng.choice(places))
            tensor.data_location = 1
        elif node is None:
            continue
        elif kind == 4:
            node.op_type = str(rng.choice(OPERATORS))
        elif kind == 5 and node.input:
            node.input[rng.integers(len(node.input))] = str(rng.choice(names))
        elif kind == 6 and node.output:
            node.output[rng.integers(len(node.output))] = str(rng.choice(names))
        elif kind == 7:
            keys = ["transA", "transB", "axis", "perm", "alpha", "to", "axes", "epsilon"]
            value: Any = [[1, 0], number, 0.0, float("inf"), [number] * 3][rng.integers(5)]
            node.attribute.append(onnx.helper.make_attribute(str(rng.choice(keys)), value))
        elif rng.random() < 0.5:
            del graph.node[rng.integers(len(graph.node))]
        else:
            graph.node.add().CopyFrom(node)
    made: bytes = model.SerializeToString()
    return made


def config_changed(data: bytes, files: Sequence[bytes], rng: Rng) -> bytes:
    """An HDF5 model with another configuration, or other arrays, written soundly."""
    import h5py

    if rng.random() < 0.5:
        return bytes_changed(data, files, rng)
    made = io.BytesIO(data)
    with h5py.File(made, "r+") as file:
        if "model_config" in file.attrs and rng.random() < 0.7:
            config = json_changed(json.loads(file.attrs["model_config"]), rng)
            file.attrs["model_config"] = json.dumps(config)
            return _closed(file, made)
        paths: list[str] = []
        file.visit(paths.append)
        path = paths[rng.integers(len(paths))]
        kind = rng.integers(5)
        if kind == 0:
            del file[path]
        elif kind == 1:
            file[f"{path}x"] = file[path]  # a second name: groups may now contain themselves
        elif kind == 2:
            del file[path]
            file[path] = h5py.ExternalLink("/etc/passwd", "/")
        elif kind == 3:
            del file[path]
            file.create_dataset(path, (10**9, 10**5), "f4", compression="gzip", chunks=(10, 10))
        else:
            file[path].attrs["weight_names"] = np.array([b"dense/kernel:0", b"/", b".."])
        return _closed(file, made)


def _closed(file: Any, made: io.BytesIO) -> bytes:
    file.close()
    return made.getvalue()


def numbers_changed(data: bytes, _files: Sequence[bytes], rng: Rng) -> bytes:
    """A text of numbers with some of them changed, and lines dropped or doubled."""
    lines = data.decode("ascii").splitlines()
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(lines)))
        kind = rng.integers(4)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[int(rng.integers(len(lines)))])
        else:
            numbers = lines[at].split(",")
            odd = ("", "nan", "inf", "1e999", "-0", "0x1", "9" * 5000, "1_0", "\u0661", "a", ",")
            value = str(rng.choice([*map(str, NUMBERS), *odd]))
            numbers[int(rng.integers(len(numbers)))] = value
            lines[at] = ",".join(numbers)
        if not lines:
            return b""
    return "\n".join(lines).encode()


DEEPER: dict[str, Callable[[bytes, Sequence[bytes], Rng], bytes]] = {
    "npz": member_changed,
    "plain npz": member_changed,
    "rational npz": member_changed,
    "state_dict": member_changed,
    "legacy state_dict": pickle_changed,
    "checkpoint": member_changed,
    "legacy checkpoint": pickle_changed,
    "nnet": numbers_changed,
    "safetensors": safetensors_changed,
    "onnx": onnx_changed,
    "keras": member_changed,
    "h5": config_changed,
}
"""Damage below the surface, by form."""
