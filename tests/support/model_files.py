"""Model files as other programs write them, made by hand, for the tests and the benchmarks."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.formats.networks import save
from unrelu.network import Network
from unrelu.numerics.rationals import as_fractions

Array = NDArray[Any]


def drawn(seed: int, d: int = 4, k: int = 5, m: int = 3) -> Network:
    """A network whose weights are float32 numbers."""
    normal = np.random.default_rng(seed).standard_normal
    V, U, b, c = (normal(shape).astype(np.float32) for shape in ((k, d), (m, k), (k,), (m,)))
    return Network(V, U, b, c)


def onnx_model(
    nodes: list[Any],
    tensors: dict[str, Array],
    *,
    shape: tuple[Any, ...] = ("n", 4),
    outputs: tuple[str, ...] = ("y",),
    listed: bool = False,
    opset: int = 13,
) -> Any:
    """A model of the given nodes, from "x" to the outputs; float32 unless "x" meets doubles.
    `listed`: initialisers are inputs too, as in files from before 2019."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kind = TensorProto.FLOAT
    if any(array.dtype == np.float64 for array in tensors.values()):
        kind = TensorProto.DOUBLE
    inputs = [helper.make_tensor_value_info("x", kind, list(shape))]
    if listed:
        inputs += [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in tensors.items()
        ]
    graph = helper.make_graph(
        nodes,
        "g",
        inputs,
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    made: onnx.ModelProto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 1)],
        ir_version=7,
    )
    return made


def plain_onnx(net: Network, *, front: bool = True, head: str | None = None) -> Any:
    """MatMul and Add, float32, with a leading Sub and Div and a Flatten, or without."""
    from onnx import helper

    node = helper.make_node
    nodes = []
    if front:
        nodes = [
            node("Flatten", ["x"], ["x0"]),
            node("Sub", ["x0", "mean"], ["x1"]),
            node("Div", ["x1", "std"], ["x2"]),
        ]
    nodes += [
        node("MatMul", ["x2" if front else "x", "V"], ["z0"]),
        node("Add", ["z0", "b"], ["z"]),
        node("Relu", ["z"], ["h"]),
        node("MatMul", ["h", "U"], ["y0"]),
        node("Add", ["y0", "c"], ["y1" if head else "y"]),
    ]
    if head:
        nodes.append(node(head, ["y1"], ["y"]))
    tensors = {"V": net.V.T, "U": net.U.T, "b": net.b, "c": net.c}
    if front:
        tensors |= {"mean": np.full((1, 4), 0.5), "std": np.array(2.0)}
    narrow = {name: np.ascontiguousarray(array, np.float32) for name, array in tensors.items()}
    return onnx_model(nodes, narrow)


def state_dict_pickle(tensors: list[tuple[str, Array]], *, legacy: bool = False) -> bytes:
    """The pickle of an OrderedDict of float32 tensors, as torch.save writes it."""

    def text(words: str) -> bytes:
        return b"X" + struct.pack("<I", len(words)) + words.encode()

    def number(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    made = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01("
    for at, (name, array) in enumerate(tensors):
        strides = np.array(array.strides) // array.itemsize
        made += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage")
        made += b"ctorch\nFloatStorage\n" + text(str(at)) + text("cpu") + number(array.size)
        made += (b"N" if legacy else b"") + b"tQ" + number(0)
        made += b"(" + b"".join(map(number, array.shape)) + b"t"
        made += b"(" + b"".join(map(number, strides)) + b"t\x89h\x00)RtR"
    return made + b"u}" + text("_metadata") + b"h\x00)Rsb."


def named_tensors(net: Network, prefix: str = "") -> list[tuple[str, Array]]:
    names = ("fc1.weight", net.V), ("fc1.bias", net.b), ("fc2.weight", net.U), ("fc2.bias", net.c)
    return [(prefix + name, np.ascontiguousarray(array, np.float32)) for name, array in names]


def state_dict(tensors: list[tuple[str, Array]], data: bytes | None = None) -> bytes:
    """What torch.save has written since version 1.6."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("net/data.pkl", state_dict_pickle(tensors) if data is None else data)
        for at, (_, array) in enumerate(tensors):
            archive.writestr(f"net/data/{at}", array.tobytes())
        archive.writestr("net/version", b"3\n")
    return made.getvalue()


def legacy_state_dict(tensors: list[tuple[str, Array]]) -> bytes:
    """What torch.save wrote before."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    made = b"".join(pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, 1001, system))
    made += state_dict_pickle(tensors, legacy=True)
    made += pickle.dumps([str(at) for at in range(len(tensors))], 2)
    for _, array in tensors:
        made += struct.pack("<q", array.size) + array.tobytes()
    return made


@dataclass(frozen=True)
class Made:
    """An object of a class that only the program has which saved it."""

    name: str
    of: Any = ()


STORAGES = {"f4": "Float", "f8": "Double", "f2": "Half", "i8": "Long", "c8": "ComplexFloat"}


def torch_file(value: Any, *, legacy: bool = False) -> bytes:
    """What torch.save writes for dicts, lists, numbers, texts, tensors (arrays here) and objects
    of classes (`Made`)."""
    arrays: list[Array] = []
    program = b"\x80\x02" + _encoded(value, arrays, legacy) + b"."
    made = io.BytesIO()
    if legacy:
        system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
        for each in (0x1950A86A20F9469CFC6C, 1001, system):
            made.write(pickle.dumps(each, 2))
        made.write(program + pickle.dumps([str(at) for at in range(len(arrays))], 2))
        for array in arrays:
            made.write(struct.pack("<q", array.size) + array.tobytes())
        return made.getvalue()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("net/data.pkl", program)
        for at, array in enumerate(arrays):
            archive.writestr(f"net/data/{at}", array.tobytes())
        archive.writestr("net/version", b"3\n")
    return made.getvalue()


def _encoded(value: Any, arrays: list[Array], legacy: bool) -> bytes:
    """Instructions that push the value."""

    def put(each: Any) -> bytes:
        return _encoded(each, arrays, legacy)

    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value))
        kind = STORAGES[value.dtype.str[1:]]
        strides = [step // value.itemsize for step in arrays[-1].strides]
        storage = b"(" + put("storage") + f"ctorch\n{kind}Storage\n".encode()
        storage += put(str(len(arrays) - 1)) + put("cpu") + put(value.size)
        storage += (b"N" if legacy else b"") + b"tQ"
        rest = put(0) + put(value.shape) + put(tuple(strides)) + b"\x89}"
        return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + b"tR"
    if isinstance(value, Made):
        module, _, name = value.name.rpartition(".")
        return f"c{module}\n{name}\n".encode() + b")\x81" + put(value.of) + b"b"
    if isinstance(value, dict):
        return b"}(" + b"".join(put(key) + put(each) for key, each in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(put, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(put, value)) + b"t"
    return pickle.dumps(value, 2)[2:-1].replace(b"q\x00", b"")  # numbers and short texts


def keras_h5(layers: list[dict[str, Any]], weights: dict[str, dict[str, Array]]) -> bytes:
    """A model in the HDF5 of Keras 2: configurations of layers, their arrays by layer and name;
    without layers, the weights alone."""
    import h5py

    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        root = file
        if layers:
            config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
            file.attrs["model_config"] = json.dumps(config)
            root = file.create_group("model_weights")
        root.attrs["layer_names"] = np.array([name.encode() for name in weights])
        for layer, arrays in weights.items():
            group = root.create_group(layer)
            names = [f"{layer}/{name}:0" for name in arrays]
            group.attrs["weight_names"] = np.array([name.encode() for name in names], "S")
            for name, array in zip(names, arrays.values(), strict=True):
                group[name] = array
    return made.getvalue()


def dense(name: str, net: Network, activation: Any = "relu", **more: Any) -> dict[str, Any]:
    """The configuration of a Dense layer: the first for "dense", else the second."""
    units = net.n_units if name == "dense" else net.n_outputs
    config = {"name": name, "units": units, "activation": activation, "use_bias": True}
    return {"class_name": "Dense", "config": config | more}


def kernels(net: Network) -> dict[str, dict[str, Array]]:
    return {
        "dense": {"kernel": net.V.T.astype(np.float32), "bias": net.b.astype(np.float32)},
        "dense_1": {"kernel": net.U.T.astype(np.float32), "bias": net.c.astype(np.float32)},
    }


def checkpoint(net: Network) -> dict[str, Any]:
    """What a training script keeps: a state_dict beside an optimizer, a loss and its settings."""
    tensors = dict(named_tensors(net))
    moments = {
        number: {"step": 3, "exp_avg": 0 * tensor, "exp_avg_sq": tensor**2}
        for number, tensor in enumerate(tensors.values())
    }
    optimizer = {"state": moments, "param_groups": [{"lr": 0.1, "params": [0, 1, 2, 3]}]}
    settings = Made("argparse.Namespace", {"lr": 0.1})
    loss = np.array(0.5, dtype=np.float32)
    return {"epoch": 3, "weights": tensors, "optim": optimizer, "loss": loss, "args": settings}


def rational_npz(net: Network, path: Path) -> bytes:
    thirds = (as_fractions("w", w) / Fraction(3) for w in (net.V, net.U, net.b, net.c))
    save(Network(*thirds), path)
    return path.read_bytes()


def cells(*arrays: Array) -> Array:
    """A MATLAB cell array of one row."""
    made = np.empty((1, len(arrays)), dtype=object)
    for number, array in enumerate(arrays):
        made[0, number] = array
    return made


def mat_file(arrays: dict[str, Any], *, packed: bool = False) -> bytes:
    """What MATLAB saves in version 5 of its form, packed or not."""
    from scipy.io import savemat

    made: Any = io.BytesIO()
    savemat(made, arrays, do_compression=packed)
    data: bytes = made.getvalue()
    return data


def controller(net: Network) -> dict[str, Any]:
    """Cell arrays W and b, biases as columns."""
    return {"W": cells(net.V, net.U), "b": cells(net.b[:, None], net.c[:, None])}


def nnet_file(
    layers: list[tuple[Array, Array]],
    *,
    bounds: tuple[Any, Any] | None = None,
    means: Any = None,
    ranges: Any = None,
    words: str = "0,",
) -> bytes:
    """A text in the form of the ACAS Xu networks, weights and biases layer by layer."""
    sizes = [layers[0][0].shape[1], *(len(bias) for _, bias in layers)]
    d = sizes[0]

    def line(numbers: Any) -> str:
        return "".join(f"{number!r}," for number in np.asarray(numbers).tolist())

    low, high = bounds or (np.full(d, -1e40), np.full(d, 1e40))
    lines = ["// Neural Network File Format by Kyle Julian, Stanford 2016"]
    lines += [line([len(layers), d, sizes[-1], max(sizes)]), line(sizes), words]
    lines += [line(low), line(high)]
    lines += [line(np.zeros(d + 1) if means is None else means)]
    lines += [line(np.ones(d + 1) if ranges is None else ranges)]
    for weights, biases in layers:
        lines += [line(row) for row in weights] + [line([bias]) for bias in biases]
    return ("\n".join(lines) + "\n").encode()


def plain_npz(net: Network) -> bytes:
    """Weights and an activation under names of numpy users."""
    made = io.BytesIO()
    arrays = {"W1": net.V.T, "b1": net.b, "W2": net.U.T, "b2": net.c}
    np.savez(made, allow_pickle=False, **arrays, activation=np.array("relu"), epochs=np.array(3))
    return made.getvalue()


def sound_files(folder: Path) -> dict[str, tuple[str, list[bytes]]]:
    """For each form: the suffix, and files of it that are read without complaint."""
    net = drawn(0)

    def saved(name: str) -> bytes:
        save(net, folder / name)
        return (folder / name).read_bytes()

    normalization = {"class_name": "Normalization", "config": {"mean": [1.0], "variance": [4.0]}}
    models = [
        keras_h5([], kernels(net)),
        keras_h5([normalization, dense("dense", net), dense("dense_1", net, None)], kernels(net)),
    ]
    onnx = [plain_onnx(net).SerializeToString(), plain_onnx(net, front=False).SerializeToString()]
    return {
        "npz": (".npz", [saved("a.npz")]),
        "plain npz": (".npz", [plain_npz(net)]),
        "rational npz": (".npz", [rational_npz(net, folder / "r.npz"), saved("a.npz")]),
        "onnx": (".onnx", [saved("a.onnx"), *onnx]),
        "safetensors": (".safetensors", [saved("a.safetensors")]),
        "state_dict": (".pt", [saved("a.pt"), state_dict(named_tensors(net))]),
        "legacy state_dict": (".pt", [legacy_state_dict(named_tensors(net))]),
        "checkpoint": (".pt", [torch_file(checkpoint(net))]),
        "legacy checkpoint": (".pt", [torch_file(checkpoint(net), legacy=True)]),
        "nnet": (".nnet", [nnet_file([(net.V, net.b), (net.U, net.c)], means=np.ones(5))]),
        "mat": (".mat", [mat_file(controller(net)), mat_file(controller(net), packed=True)]),
        "h5": (".h5", [saved("a.h5"), saved("a.weights.h5"), *models]),
        "keras": (".keras", [saved("a.keras")]),
    }
