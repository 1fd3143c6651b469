"""Keras models and weights of every version: operations, leaky units, Windows, odd arguments."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.comparing import identical
from support.model_files import dense, drawn, keras_h5, kernels

from unrelu.errors import FileError
from unrelu.formats.networks import load, read
from unrelu.formats.reading import Reading
from unrelu.network import Network

h5py = pytest.importorskip("h5py", reason="h5py is not installed: pip install 'unrelu[keras]'")

NET = drawn(8)
X = np.random.default_rng(0).standard_normal((6, 4))
Z = X @ NET.V.T + NET.b
SLOPES = np.array([0.0, 0.25, -1.0, 1.0, 3.0])


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() <= 1e-13 * (1 + np.abs(other).max()))


def zipped(config: dict[str, Any], separator: str = "/", net: Network = NET) -> bytes:
    """A .keras, its weights under names with the separator of some system."""
    weights, made = io.BytesIO(), io.BytesIO()
    with h5py.File(weights, "w") as file:
        for name, arrays in kernels(net).items():
            group = file.create_group(f"layers{separator}{name}").create_group("vars")
            group["0"], group["1"] = arrays["kernel"], arrays["bias"]
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights.getvalue())
    return made.getvalue()


def tensor(name: str) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}


def operation(kind: str, name: str, *args: Any, **options: Any) -> dict[str, Any]:
    """An operation of keras.ops; texts are names of layers."""
    given = [tensor(each) if isinstance(each, str) else each for each in args]
    return {
        "module": "keras.src.ops.numpy",
        "class_name": kind,
        "config": {"name": name, **options},
        "name": name,
        "inbound_nodes": [{"args": given, "kwargs": {}}],
    }


def functional(middle: list[dict[str, Any]], *, outputs: tuple[str, ...] = ("dense_1",)) -> Any:
    """Input, Dense, what is given, whose last is used by Dense."""

    def layer(kind: str, name: str, before: str | None, **config: Any) -> dict[str, Any]:
        nodes = [] if before is None else [{"args": [tensor(before)], "kwargs": {}}]
        module = {"module": "keras.layers", "class_name": kind, "name": name}
        return module | {"config": {"name": name, **config}, "inbound_nodes": nodes}

    layers = [
        layer("InputLayer", "input", None, batch_shape=[None, 4]),
        layer("Dense", "dense", "input", units=5, activation="linear"),
        *middle,
        layer("Dense", "dense_1", middle[-1]["name"], units=3, activation="linear"),
    ]
    ends = [[name, 0, 0] for name in outputs]
    return {"class_name": "Functional", "config": {"layers": layers, "output_layers": ends}}


def array(values: np.ndarray) -> dict[str, Any]:
    return {"class_name": "__numpy__", "config": {"value": values.tolist(), "dtype": "float32"}}


RELU: dict[str, list[dict[str, Any]]] = {
    "relu": [operation("Relu", "r", "dense")],
    "maximum": [operation("Maximum", "r", 0.0, "dense")],
    "maximum of zeros": [operation("Maximum", "r", "dense", array(np.zeros(5)))],
    "clip": [operation("Clip", "r", "dense", x_min=0, x_max=3e38)],
    "threshold": [operation("Threshold", "r", "dense", threshold=0.0, default_value=0.0)],
    "where": [
        operation("Greater", "p", "dense", 0),
        operation("Where", "r", "p", "dense", 0.0),
    ],
    "(z + |z|) / 2": [
        operation("Absolute", "a", "dense"),
        operation("Add", "s", "dense", "a"),
        operation("TrueDivide", "r", "s", 2),
    ],
}

OTHER: dict[str, tuple[list[dict[str, Any]], np.ndarray]] = {
    "leaky_relu": (
        [operation("LeakyRelu", "r", "dense", negative_slope=0.25)],
        np.where(Z > 0, Z, 0.25 * Z),
    ),
    "slopes": (
        [
            operation("Multiply", "l", "dense", array(SLOPES / 4)),
            operation("Maximum", "r", "dense", "l"),
        ],
        np.maximum(Z, SLOPES / 4 * Z),
    ),
    "residual": (
        [operation("Relu", "r", "dense"), operation("Add", "s", "r", "dense")],
        np.maximum(Z, 0) + Z,
    ),
}


@pytest.mark.parametrize("name", RELU)
def test_operations_that_are_the_relu(tmp_path: Path, name: str) -> None:
    for path, data in (
        (tmp_path / "net.keras", zipped(functional(RELU[name]))),
        (tmp_path / "net.h5", as_h5(functional(RELU[name]))),
    ):
        assert identical(load(put(path, data)), NET)


@pytest.mark.parametrize("name", OTHER)
def test_operations_that_are_leaky(tmp_path: Path, name: str) -> None:
    middle, H = OTHER[name]
    net = load(put(tmp_path / "net.keras", zipped(functional(middle))))
    assert net.skip
    assert [remark.code for remark in net.remarks] == ["leaky-as-skip"]
    assert close(net(X), H @ NET.U.T + NET.c)


def as_h5(model: dict[str, Any]) -> bytes:
    """The same in HDF5, where nothing says which layers are Keras's own."""
    for layer in model["config"]["layers"]:
        layer.pop("module", None)
        if layer["class_name"] in ("Dense", "InputLayer"):
            layer["config"] |= {"trainable": True, "dtype": "float32"}
    made = io.BytesIO(keras_h5([{}], kernels(NET)))
    with h5py.File(made, "a") as file:
        file.attrs["model_config"] = json.dumps(model)
    return made.getvalue()


@pytest.mark.parametrize(
    ("middle", "code"),
    [
        ([operation("Relu6", "r", "dense")], "activation"),
        ([operation("Clip", "r", "dense", x_min=0, x_max=6)], "activation"),
        ([operation("Maximum", "r", "dense", 0.5)], "activation"),
        (
            [operation("Sigmoid", "s", "dense"), operation("Multiply", "r", "s", "dense")],
            "branches",
        ),
    ],
)
def test_other_operations_are_refused(tmp_path: Path, middle: Any, code: str) -> None:
    with pytest.raises(FileError) as caught:
        load(put(tmp_path / "net.keras", zipped(functional(middle))))
    assert caught.value.code == code


def test_a_class_of_ones_own_is_no_operation(tmp_path: Path) -> None:
    """In HDF5 it may have the name of one; its configuration is that of a layer."""
    own = operation("Absolute", "r", "dense", trainable=True, dtype="float32")
    with pytest.raises(FileError):
        load(put(tmp_path / "net.h5", as_h5(functional([own]))))


def test_functions_of_tensorflow_in_keras_2(tmp_path: Path) -> None:
    def called(function: str, nodes: Any) -> dict[str, Any]:
        config = {"name": "r", "function": function, "dtype": "float32", "trainable": True}
        return {"class_name": "TFOpLambda", "config": config, "name": "r", "inbound_nodes": nodes}

    spelled = [
        called("nn.relu", [["dense", 0, 0, {"name": None}]]),
        called("math.maximum", [["dense", 0, 0, {"y": 0.0, "name": None}]]),
        called("math.maximum", [["_CONSTANT_VALUE", -1, 0, {"y": ["dense", 0, 0]}]]),
    ]
    for each in spelled:
        model = functional([each])
        for layer in model["config"]["layers"]:
            if layer["class_name"] == "Dense":
                before = "input" if layer["name"] == "dense" else "r"
                layer["inbound_nodes"] = [[[before, 0, 0, {}]]]
        assert identical(load(put(tmp_path / "net.h5", as_h5(model))), NET)
    unknown = functional([called("math.erf", [["dense", 0, 0, {}]])])
    with pytest.raises(FileError):
        load(put(tmp_path / "net.h5", as_h5(unknown)))


def test_of_several_outputs_one_must_be_named(tmp_path: Path) -> None:
    model = functional([operation("Relu", "r", "dense")], outputs=("dense_1", "r"))
    path = put(tmp_path / "net.keras", zipped(model))
    with pytest.raises(FileError) as caught:
        load(path)
    assert caught.value.code == "several-outputs"
    assert identical(load(path, output="dense_1"), NET)
    with pytest.raises(FileError) as caught:
        load(path, output="r")
    assert caught.value.code == "layers"


LEAKY: dict[str, tuple[Any, float | np.ndarray]] = {
    "LeakyReLU": ({"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}, 0.1),
    "LeakyReLU of Keras 2": ({"class_name": "LeakyReLU", "config": {"alpha": 0.5}}, 0.5),
    "LeakyReLU, an array": (
        {"class_name": "LeakyReLU", "config": {"alpha": {"type": "ndarray", "value": 0.5}}},
        0.5,
    ),
    "LeakyReLU of Keras 1": ({"class_name": "LeakyReLU", "config": {}}, 0.3),
    "ReLU": ({"class_name": "ReLU", "config": {"negative_slope": 0.5, "max_value": None}}, 0.5),
    "leaky_relu": ({"class_name": "Activation", "config": {"activation": "leaky_relu"}}, 0.2),
    "an object": (
        {
            "class_name": "Activation",
            "config": {
                "activation": {"class_name": "LeakyReLU", "config": {"negative_slope": 0.125}}
            },
        },
        0.125,
    ),
    "PReLU": ({"class_name": "PReLU", "config": {"name": "prelu"}}, SLOPES),
}


@pytest.mark.parametrize("name", LEAKY)
def test_leaky_layers_are_read_with_a_skip_connection(tmp_path: Path, name: str) -> None:
    layer, slope = LEAKY[name]
    weights = kernels(NET)
    if name == "PReLU":
        weights = {
            "dense": weights["dense"],
            "prelu": {"alpha": SLOPES},
            "dense_1": weights["dense_1"],
        }
    layers = [dense("dense", NET, None), layer, dense("dense_1", NET, None)]
    net = load(put(tmp_path / "net.h5", keras_h5(layers, weights)))
    assert net.skip
    assert [remark.code for remark in net.remarks] == ["leaky-as-skip"]
    assert close(net(X), np.where(Z > 0, Z, slope * Z) @ NET.U.T + NET.c)


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "ReLU", "config": {"max_value": 6.0}},
        {"class_name": "ReLU", "config": {"threshold": 1.0}},
        {"class_name": "ThresholdedReLU", "config": {"theta": 1.0}},
        {"class_name": "PReLU", "config": {"name": "lost"}},
        {"class_name": "ELU", "config": {"alpha": 1.0}},
    ],
)
def test_other_rectifiers_are_refused(tmp_path: Path, layer: dict[str, Any]) -> None:
    layers = [dense("dense", NET, None), layer, dense("dense_1", NET, None)]
    with pytest.raises(FileError) as caught:
        load(put(tmp_path / "net.h5", keras_h5(layers, kernels(NET))))
    assert caught.value.code == "activation"


def test_a_relu_may_come_twice_and_with_a_threshold_of_zero(tmp_path: Path) -> None:
    still = {"class_name": "ThresholdedReLU", "config": {"theta": 0.0}}
    layers = [dense("dense", NET, "relu"), still, dense("dense_1", NET, None)]
    assert identical(load(put(tmp_path / "net.h5", keras_h5(layers, kernels(NET)))), NET)


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_models_saved_on_windows(tmp_path: Path, separator: str) -> None:
    layers = [dense("dense", NET), dense("dense_1", NET, "linear")]
    config = {"class_name": "Sequential", "config": {"layers": layers}}
    assert identical(load(put(tmp_path / "net.keras", zipped(config, separator))), NET)
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        for name, arrays in kernels(NET).items():
            group = file.create_group(separator.join(("layers", name, "vars")))
            group["0"], group["1"] = arrays["kernel"], arrays["bias"]
    assert identical(load(put(tmp_path / "net.weights.h5", made.getvalue())), NET)
    with h5py.File(made, "a") as file:
        for other in ("/", "\\"):
            file.require_group(f"layers{other}twice")["0"] = np.ones(3)
    with pytest.raises(FileError, match="backslash"):
        load(put(tmp_path / "net.weights.h5", made.getvalue()))


@pytest.mark.parametrize("repeated", [[None, 4], [None, 7], [None, 2, 2]])
def test_what_later_layers_say_of_their_input_is_not_looked_at(
    tmp_path: Path, repeated: list[Any]
) -> None:
    layers = [
        dense("dense", NET, batch_input_shape=[None, 4]),
        dense("dense_1", NET, None, batch_input_shape=repeated, input_dim=7),
    ]
    assert identical(load(put(tmp_path / "net.h5", keras_h5(layers, kernels(NET)))), NET)


def old_weights(net: Network, *, bias: bool = True, param: bool = False) -> bytes:
    """Files of weights before Keras 2: dense_1_W:0, and before that layer_0/param_0."""
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        listed = [
            ("dense_1", net.V.T, net.b),
            ("activation_1", None, None),
            ("dense_2", net.U.T, net.c),
        ]
        if not param:
            file.attrs["layer_names"] = [name.encode() for name, *_ in listed]
        for number, (name, kernel, c) in enumerate(listed):
            group = file.create_group(f"layer_{number}" if param else name)
            named = [] if kernel is None else [("W", kernel), ("b", c)][: 1 + bias]
            names = [f"param_{i}" if param else f"{name}_{k}:0" for i, (k, _) in enumerate(named)]
            group.attrs["weight_names"] = np.array([each.encode() for each in names], "S")
            for each, (_, values) in zip(names, named, strict=True):
                group[each] = values
    return made.getvalue()


@pytest.mark.parametrize(
    ("sizes", "bias", "param"),
    [
        ((5, 7, 3), False, False),
        ((5, 7, 5), True, False),
        ((5, 5, 5), True, False),
        ((7, 5, 7), False, False),
        ((5, 5, 5), True, True),
    ],
)
def test_weights_of_keras_1_are_inputs_times_units(
    tmp_path: Path, sizes: tuple[int, int, int], bias: bool, param: bool
) -> None:
    net = drawn(1, *sizes)
    net = net if bias else Network(net.V, net.U)
    found = load(put(tmp_path / "net.h5", old_weights(net, bias=bias, param=param)))
    assert identical(found, net)
    assert [remark.code for remark in found.remarks] == ["activation-assumed"]


def test_models_of_keras_1_say_that_there_is_no_bias(tmp_path: Path) -> None:
    weights = {name: {"kernel": each["kernel"]} for name, each in kernels(NET).items()}
    layers = [dense("dense", NET, bias=False), dense("dense_1", NET, None, bias=False)]
    for layer in layers:
        del layer["config"]["use_bias"]
    found = load(put(tmp_path / "net.h5", keras_h5(layers, weights)))
    assert identical(found, Network(NET.V, NET.U))


def test_files_of_weights_whose_order_is_unknown_are_refused(tmp_path: Path) -> None:
    """A class of one's own keeps its layers under names of its own, in no order."""
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        for name, kernel in (("uno", NET.V.T), ("due", np.ones((5, 4)))):
            file[f"{name}/vars/0"] = kernel
    path = put(tmp_path / "net.weights.h5", made.getvalue())
    with pytest.raises(FileError) as caught:
        load(path)
    assert caught.value.code == "order-unclear"
    assert load(path, order=("uno_0", "due_0")).n_inputs == 4


def test_layers_without_weights_show_another_activation(tmp_path: Path) -> None:
    def silent(name: str) -> bytes:
        made = io.BytesIO(old_weights(NET))
        with h5py.File(made, "a") as file:
            names = [b"dense_1", name.encode(), b"dense_2"]
            file.attrs["layer_names"] = names
            file.move("activation_1", name)
        return made.getvalue()

    for name in ("leaky_re_lu_3", "elu"):
        with pytest.raises(FileError) as caught:
            load(put(tmp_path / "net.h5", silent(name)))
        assert caught.value.code == "activation"
    path = put(tmp_path / "net.h5", silent("softmax_1"))
    with pytest.raises(FileError) as caught:
        load(path)
    assert caught.value.code == "head"
    assert read(path, Reading(drop_head=True)).head == "softmax"
    new = io.BytesIO()
    with h5py.File(new, "w") as file:
        file.create_group("layers/leaky_re_lu/vars")
        for name, arrays in kernels(NET).items():
            file[f"layers/{name}/vars/0"], file[f"layers/{name}/vars/1"] = arrays.values()
    with pytest.raises(FileError) as caught:
        load(put(tmp_path / "net.weights.h5", new.getvalue()))
    assert caught.value.code == "activation"
