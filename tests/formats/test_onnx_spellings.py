"""One function in many spellings: activations in other operators, inputs without samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'unrelu[onnx]'")
runtime = pytest.importorskip("onnxruntime", reason="pip install 'unrelu[onnxruntime]'")

from onnx import helper, numpy_helper  # noqa: E402
from support.model_files import drawn, onnx_model  # noqa: E402

from unrelu.errors import FileError  # noqa: E402
from unrelu.formats.networks import load, read  # noqa: E402
from unrelu.formats.reading import Reading  # noqa: E402
from unrelu.network import Network  # noqa: E402
from unrelu.oracles.onnx_file import open_onnx  # noqa: E402

node = helper.make_node
NET = drawn(0)
V, U, b, c = NET.V, NET.U, NET.b, NET.c
X = np.random.default_rng(1).standard_normal((6, 4))
Z = X @ V.T + b

FIRST = node("Gemm", ["x", "V", "b"], ["z"], transB=1)
LAST = node("Gemm", ["h", "U", "c"], ["y"], transB=1)
SLOPES = np.array([0.0, 0.25, -1.0, 1.0, 3.0])
TENSORS = {
    "V": V,
    "U": U,
    "b": b,
    "c": c,
    "slopes": SLOPES,
    "zero": np.zeros(()),
    "zeros": np.zeros((1, 5)),
    "batch": np.zeros((6, 5)),
    "none": np.zeros(5),
    "half": np.full((), 0.5),
    "one": np.ones(()),
    "tenth": np.full((), 0.1),
    "huge": np.full((), 3.4028235e38),
    "many": np.array([6, 5]),
}

ZERO = numpy_helper.from_array(np.zeros(1))

RELU: dict[str, list[Any]] = {
    "Relu": [node("Relu", ["z"], ["h"])],
    "Clip": [node("Clip", ["z", "zero"], ["h"])],
    "Clip, no real maximum": [node("Clip", ["z", "zero", "huge"], ["h"])],
    "Max": [node("Max", ["zeros", "z"], ["h"])],
    "Max, zeros for every sample": [node("Max", ["z", "batch"], ["h"])],
    "Max of three": [node("Max", ["z", "zero", "none"], ["h"])],
    "LeakyRelu": [node("LeakyRelu", ["z"], ["h"], alpha=0.0)],
    "PRelu": [node("PRelu", ["z", "none"], ["h"])],
    "ThresholdedRelu": [node("ThresholdedRelu", ["z"], ["h"], alpha=0.0)],
    "Elu": [node("Elu", ["z"], ["h"], alpha=0.0)],
    "Where z > 0": [
        node("Greater", ["z", "zero"], ["p"]),
        node("Where", ["p", "z", "zero"], ["h"]),
    ],
    "Where z < 0": [node("Less", ["z", "none"], ["p"]), node("Where", ["p", "zero", "z"], ["h"])],
    "Where not 0 > z": [
        node("Less", ["z", "zero"], ["p"]),
        node("Not", ["p"], ["q"]),
        node("Where", ["q", "z", "zeros"], ["h"]),
    ],
    "Where 0 <= z": [
        node("LessOrEqual", ["zero", "z"], ["p"]),
        node("Where", ["p", "z", "zero"], ["h"]),
    ],
    "z (z > 0)": [
        node("Greater", ["z", "zero"], ["p"]),
        node("Cast", ["p"], ["s"], to=11),
        node("Mul", ["s", "z"], ["h"]),
    ],
    "z (1 + sign z) / 2": [
        node("Sign", ["z"], ["s"]),
        node("Add", ["s", "one"], ["s1"]),
        node("Mul", ["s1", "half"], ["s2"]),
        node("Mul", ["z", "s2"], ["h"]),
    ],
    "(z + |z|) / 2": [
        node("Abs", ["z"], ["a"]),
        node("Add", ["z", "a"], ["s"]),
        node("Mul", ["s", "half"], ["h"]),
    ],
    "mean of z and |z|": [node("Abs", ["z"], ["a"]), node("Mean", ["a", "z"], ["h"])],
    "z - min(z, 0)": [node("Min", ["z", "zero"], ["n"]), node("Sub", ["z", "n"], ["h"])],
    "-min(-z, 0)": [
        node("Neg", ["z"], ["n"]),
        node("Min", ["n", "zero"], ["n1"]),
        node("Neg", ["n1"], ["h"]),
    ],
    "zeros_like": [
        node("Shape", ["z"], ["s"]),
        node("ConstantOfShape", ["s"], ["o"], value=ZERO),
        node("Max", ["z", "o"], ["h"]),
    ],
    "zero, expanded": [
        node("Shape", ["z"], ["s"]),
        node("Expand", ["zero", "s"], ["o"]),
        node("Greater", ["z", "o"], ["p"]),
        node("Where", ["p", "z", "o"], ["h"]),
    ],
    "zeros of a fixed shape": [
        node("ConstantOfShape", ["many"], ["o"], value=ZERO),
        node("Max", ["z", "o"], ["h"]),
    ],
}

OTHER: dict[str, tuple[list[Any], np.ndarray]] = {
    "leaky": ([node("LeakyRelu", ["z"], ["h"])], np.where(Z > 0, Z, np.float32(0.01) * Z)),
    "parametric": ([node("PRelu", ["z", "slopes"], ["h"])], np.where(Z > 0, Z, SLOPES * Z)),
    "max(z, z / 10)": (
        [node("Mul", ["z", "tenth"], ["l"]), node("Max", ["z", "l"], ["h"])],
        np.maximum(Z, 0.1 * Z),
    ),
    "|z|": ([node("Abs", ["z"], ["h"])], np.abs(Z)),
    "relu(z) + z": (
        [node("Relu", ["z"], ["r"]), node("Add", ["r", "z"], ["h"])],
        np.maximum(Z, 0) + Z,
    ),
    "1 + 2 min(z, z / 10)": (
        [
            node("Mul", ["z", "tenth"], ["l"]),
            node("Min", ["z", "l"], ["n"]),
            node("Sum", ["n", "n", "one"], ["h"]),
        ],
        1 + 2 * np.minimum(Z, 0.1 * Z),
    ),
}
"""Leaky and other units, each with the values that it takes."""


def model(middle: list[Any], **options: Any) -> Any:
    return onnx_model([FIRST, *middle, LAST], TENSORS, **{"opset": 16, **options})


def put(path: Path, made: Any) -> Path:
    path.write_bytes(made.SerializeToString())
    return path


def ran(path: Path) -> np.ndarray:
    """What the model gives, by onnxruntime, which has no double precision for some operators."""
    try:
        session = runtime.InferenceSession(path)
    except Exception:
        from onnx.reference import ReferenceEvaluator

        evaluator: Any = ReferenceEvaluator(str(path))
        return np.asarray(evaluator.run(None, {"x": X})[0])
    return np.asarray(session.run(None, {"x": X})[0])


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() <= 1e-14 * (1 + np.abs(other).max()) * 10)


@pytest.mark.parametrize("name", RELU)
def test_every_spelling_of_the_relu_gives_the_same_bits(tmp_path: Path, name: str) -> None:
    options = {"shape": (6, 4)} if "every" in name or "fixed" in name else {}
    path = put(tmp_path / "net.onnx", model(RELU[name], **options))
    net = load(path)
    for got, expected in zip((net.V, net.U, net.b, net.c), (V, U, b, c), strict=True):
        assert np.array_equal(got, expected)
    assert not net.skip
    assert close(ran(path), NET(X))


@pytest.mark.parametrize("name", OTHER)
def test_leaky_units_are_read_with_a_skip_connection(tmp_path: Path, name: str) -> None:
    middle, H = OTHER[name]
    path = put(tmp_path / "net.onnx", model(middle))
    net = load(path)
    assert net.skip
    assert [remark.code for remark in net.remarks] == ["leaky-as-skip"]
    assert close(net(X), H @ U.T + c)
    assert close(ran(path), net(X))


def test_spellings_on_either_side_of_the_layers(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    doubled = [node("Add", ["x0", "x0"], ["x"]), FIRST, node("Relu", ["z"], ["h"]), LAST]
    made = onnx_model(doubled, TENSORS)
    made.graph.input[0].name = "x0"
    assert close(load(put(path, made))(X), NET(2 * X))
    behind = [node("Greater", ["y", "zero"], ["p"]), node("Where", ["p", "y", "zero"], ["w"])]
    made = onnx_model([FIRST, node("Relu", ["z"], ["h"]), LAST, *behind], TENSORS, outputs=("w",))
    with pytest.raises(FileError, match="got a Where behind the second layer"):
        load(put(path, made))
    assert read(path, Reading(drop_head=True)).head == "Where"
    before = [node("Abs", ["x"], ["x1"]), node("Gemm", ["x1", "V", "b"], ["z"], transB=1)]
    made = onnx_model([*before, node("Relu", ["z"], ["h"]), LAST], TENSORS)
    with pytest.raises(FileError, match="got an Abs in front"):
        load(put(path, made))


@pytest.mark.parametrize("kind", ["Relu", "LeakyRelu", "Elu", "Sigmoid"])
def test_what_the_optimizer_of_onnxruntime_saves_is_read(tmp_path: Path, kind: str) -> None:
    single = {name: array.astype(np.float32) for name, array in TENSORS.items() if array.size < 26}
    single["many"] = TENSORS["many"]
    alpha: dict[str, Any] = {"alpha": 0.0} if kind == "Elu" else {}
    nodes = [FIRST, node(kind, ["z"], ["h"], **alpha), LAST]
    path = put(tmp_path / "net.onnx", onnx_model(nodes, single))
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    session = runtime.InferenceSession(path, options)
    if kind == "Sigmoid":
        with pytest.raises(FileError, match="got a Sigmoid between the layers"):
            load(tmp_path / "optimized.onnx")
        return
    net = load(tmp_path / "optimized.onnx")
    assert np.array_equal(net.V, V)
    assert net.skip == (kind == "LeakyRelu")
    assert np.abs(session.run(None, {"x": X.astype(np.float32)})[0] - net(X)).max() < 1e-5


def spelled(rng: np.random.Generator) -> list[Any]:
    """A few operators, at random, from z to the last of them."""
    values, truths, nodes = ["z"], list[str](), list[Any]()
    constants = ["zero", "zeros", "none", "one", "half", "slopes"]

    def one_of(names: list[str]) -> str:
        return names[int(rng.integers(len(names)))]

    for number in range(int(rng.integers(1, 6))):
        kind = one_of(
            ["Relu", "Abs", "Neg", "Sum", "Max", "Min", "Mul", "PRelu", "Greater", "Where"]
        )
        some, out = one_of(values[-3:]), f"v{number}"
        if kind in ("Relu", "Abs", "Neg"):
            nodes.append(node(kind, [some], [out]))
        elif kind == "Where" and truths:
            nodes.append(node(kind, [truths[-1], some, one_of(values + constants)], [out]))
        elif kind == "Greater":
            nodes.append(node(kind, [some, one_of(values + constants)], [out]))
            truths.append(out)
            continue
        elif kind != "Where":
            nodes.append(
                node(
                    kind,
                    [some, one_of(constants if kind == "PRelu" else values + constants)],
                    [out],
                )
            )
        values.extend(nodes[-1].output if nodes else [])
    if values[-1] == "z":
        nodes.append(node("Relu", ["z"], ["v"]))
    nodes[-1].output[0] = "h" if nodes[-1].op_type != "Greater" else nodes[-1].output[0]
    return nodes


def test_random_spellings_are_refused_or_read_as_they_run(tmp_path: Path) -> None:
    rng, compared = np.random.default_rng(0), 0
    for _ in range(300):
        made = model(spelled(rng))
        path = put(tmp_path / "net.onnx", made)
        try:
            net = load(path)
        except FileError:
            continue
        got = ran(path)
        assert got.shape == net(X).shape
        assert np.abs(got - net(X)).max() <= 1e-12 * (1 + np.abs(got).max())
        compared += 1
    assert compared >= 50


# Where samples lie.


def affine(columns: bool, weight: str, bias: str, given: str, out: str) -> list[Any]:
    pair = [weight, given] if columns else [given, weight]
    return [node("MatMul", pair, [f"{out}0"]), node("Add", [f"{out}0", bias], [out])]


def laid_out(
    columns: bool, shape: tuple[Any, ...], front: list[Any] | None = None, net: Network = NET
) -> Any:
    """W x + b or x W + b, float64, behind the operators of `front`, which end in x1."""
    tall = columns and (len(shape) > 1 or front is not None)  # biases as columns
    tensors = {"b": net.b, "c": net.c, "V": net.V, "U": net.U}
    if not columns:
        tensors |= {"V": net.V.T, "U": net.U.T}
    if tall:
        tensors |= {"b": net.b[:, None], "c": net.c[:, None]}
    tensors |= {"row": np.array([1, -1]), "column": np.array([-1, 1]), "first": np.array([0])}
    nodes = [
        *(front or []),
        *affine(columns, "V", "b", "x1" if front else "x", "z"),
        node("Relu", ["z"], ["h"]),
        *affine(columns, "U", "c", "h", "y"),
    ]
    held = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    return onnx_model(nodes, held, shape=shape)


ROW = [node("Reshape", ["x", "row"], ["x1"])]
COLUMN = [node("Reshape", ["x", "column"], ["x1"])]
PLACES: dict[str, tuple[bool, tuple[Any, ...], list[Any] | None]] = {
    "W x": (True, (4,), None),
    "x W": (False, (4,), None),
    "x W, any length": (False, ("n",), None),
    "to a row": (False, (4,), ROW),
    "to a row, Unsqueeze": (False, (4,), [node("Unsqueeze", ["x", "first"], ["x1"])]),
    "to a row, Flatten": (False, (4,), [node("Flatten", ["x"], ["x1"], axis=0)]),
    "to a column": (True, (4,), COLUMN),
    "to a column, Flatten": (True, (4,), [node("Flatten", ["x"], ["x1"])]),
    "one column": (True, (4, 1), None),
    "columns": (True, (4, "n"), None),
    "three columns": (True, (4, 3), None),
    "transposed": (True, ("n", 4), [node("Transpose", ["x"], ["x1"])]),
    "one row": (False, (1, 4), None),
    "three rows": (False, (3, 4), None),
    "axes of length one": (False, (1, 1, 1, 4), None),
    "turned to rows": (False, (4, "n"), [node("Transpose", ["x"], ["x1"])]),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("square", [False, True])
def test_samples_in_rows_in_columns_or_one_at_a_time(
    tmp_path: Path, name: str, square: bool
) -> None:
    columns, shape, front = PLACES[name]
    net = drawn(5, 4, 4, 4) if square else NET
    path = put(tmp_path / "net.onnx", laid_out(columns, shape, front, net))
    found = load(path)
    for got, expected in zip((found.V, found.U), (net.V, net.U), strict=True):
        assert np.array_equal(got, expected)
    oracle = open_onnx(path)
    assert oracle.n_inputs == (None if shape == ("n",) else 4)
    for rows in (X, X[:1]):
        assert close(oracle(rows), net(rows))


def test_of_several_outputs_one_is_asked(tmp_path: Path) -> None:
    made = laid_out(False, ("n", 4))
    made.graph.output.append(helper.make_tensor_value_info("h", 11, None))
    path = put(tmp_path / "net.onnx", made)
    with pytest.raises(FileError) as caught:
        open_onnx(path)
    assert caught.value.code == "several-outputs"
    assert close(open_onnx(path, "y")(X), NET(X))
    assert close(open_onnx(path, "h")(X), np.maximum(Z, 0))


def test_an_open_number_of_inputs_is_taken_from_the_queries(tmp_path: Path) -> None:
    for columns, front in ((False, None), (True, [node("Transpose", ["x"], ["x1"])])):
        oracle = open_onnx(put(tmp_path / "net.onnx", laid_out(columns, ("n", "d"), front)))
        assert oracle.n_inputs is None
        assert close(oracle(X), NET(X))


def test_a_vector_that_is_no_vector_to_the_weights_is_refused(tmp_path: Path) -> None:
    path = put(
        tmp_path / "net.onnx",
        onnx_model([FIRST, node("Relu", ["z"], ["h"]), LAST], TENSORS, shape=(4,)),
    )
    with pytest.raises(FileError, match="Gemm: takes rows of inputs, got a vector"):
        load(path)
    tall = laid_out(True, (4, "n"))
    del tall.graph.input[0].type.tensor_type.shape.dim[1]
    with pytest.raises(FileError, match=r"a constant of shape \(5, 1\) for values of shape \(5,\)"):
        load(put(path, tall))
