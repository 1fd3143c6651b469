"""ONNX models in the shapes that exporters give them: the same numbers as the model's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'unrelu[onnx]'")

from onnx import helper, numpy_helper  # noqa: E402
from support.damaged_files import onnx_changed  # noqa: E402
from support.model_files import drawn, onnx_model, plain_onnx  # noqa: E402

from unrelu.errors import FileError  # noqa: E402
from unrelu.formats.networks import load, read, save  # noqa: E402
from unrelu.formats.reading import Reading  # noqa: E402
from unrelu.network import Network  # noqa: E402

node = helper.make_node
NET = drawn(0)
V, U, b, c = (np.ascontiguousarray(each, np.float32) for each in (NET.V, NET.U, NET.b, NET.c))
ROWS = np.random.default_rng(1).standard_normal((6, 4)).astype(np.float32)

EXACT = {"V": V, "U": U, "b": b, "c": c}
LAST = [node("Relu", ["z"], ["h"]), node("Gemm", ["h", "U", "c"], ["y"], transB=1)]
FIRST = node("Gemm", ["x", "V", "b"], ["z"], transB=1)
WHOLE = [FIRST, *LAST]


def gemm(A: str, B: str, C: str, out: str, **attributes: Any) -> Any:
    return node("Gemm", [A, B, C], [out], **attributes)


def constant(name: str, value: np.ndarray) -> Any:
    return node("Constant", [], [name], value=numpy_helper.from_array(value))


def answers(model: Any, X: np.ndarray) -> list[np.ndarray]:
    """What the model gives, by onnx's own slow evaluator and, if it is there, by onnxruntime."""
    from onnx.reference import ReferenceEvaluator

    evaluator: Any = ReferenceEvaluator(model)
    found = [evaluator.run(["y"], {"x": X})[0]]
    try:
        import onnxruntime
    except ImportError:
        return found
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return [*found, session.run(["y"], {"x": X})[0]]


def agree(net: Network, model: Any, X: np.ndarray, X_model: np.ndarray | None = None) -> bool:
    """Whether network and model give the same, to the rounding of float32 sums."""
    expected = net(X)
    bound = 50 * np.finfo(np.float32).eps * (1 + np.abs(expected).max())
    got = [
        each.reshape(expected.shape) for each in answers(model, X if X_model is None else X_model)
    ]
    return all(np.abs(each - expected).max() <= bound for each in got)


def loaded(path: Path, model: Any, **options: Any) -> Network:
    path.write_bytes(model.SerializeToString())
    return load(path, **options)


def test_agree_sees_a_small_difference() -> None:
    model = plain_onnx(NET, front=False)
    assert agree(NET, model, ROWS)
    assert not agree(Network(NET.V, NET.U, NET.b, NET.c + 1e-4), model, ROWS)


KEPT: dict[str, tuple[list[Any], dict[str, np.ndarray], dict[str, Any]]] = {
    "Gemm": (WHOLE, EXACT, {}),
    "Gemm, weights not transposed": (
        [gemm("x", "W", "b", "z"), *LAST],
        EXACT | {"W": np.ascontiguousarray(V.T)},
        {},
    ),
    "initialisers are inputs too": (WHOLE, EXACT, {"listed": True}),
    "a fixed batch": (WHOLE, EXACT, {"shape": (6, 4)}),
    "no shape": (WHOLE, EXACT, {"shape": (None, None)}),
    "Flatten, Cast, Dropout, Identity": (
        [
            node("Cast", ["x"], ["x1"], to=1),
            node("Flatten", ["x1"], ["x2"]),
            gemm("x2", "V", "b", "z0", transB=1),
            node("Dropout", ["z0"], ["z"]),
            LAST[0],
            node("Identity", ["h"], ["h1"]),
            gemm("h1", "U", "c", "y", transB=1),
        ],
        EXACT,
        {},
    ),
    "Reshape to a constant": (
        [
            constant("s", np.array([-1, 4])),
            node("Reshape", ["x", "s"], ["x1"]),
            gemm("x1", "V", "b", "z", transB=1),
            *LAST,
        ],
        EXACT,
        {},
    ),
    "Constant nodes, Transpose of weights": (
        [
            constant("W0", np.ascontiguousarray(V)),
            node("Transpose", ["W0"], ["W"], perm=[1, 0]),
            constant("b0", b[None, :]),
            node("MatMul", ["x", "W"], ["z0"]),
            node("Add", ["b0", "z0"], ["z"]),
            *LAST,
        ],
        {"U": U, "c": c},
        {},
    ),
    "float64": (WHOLE, {name: array.astype(np.float64) for name, array in EXACT.items()}, {}),
    "Max with zero": (
        [FIRST, node("Max", ["z", "zero"], ["h"]), LAST[1]],
        EXACT | {"zero": np.zeros((), np.float32)},
        {},
    ),
    "columns": (
        [
            gemm("V", "x", "b1", "z"),
            LAST[0],
            gemm("U", "h", "c1", "y0"),
            node("Transpose", ["y0"], ["y"]),
        ],
        EXACT | {"b1": b[:, None], "c1": c[:, None]},
        {"shape": (4, "n")},
    ),
    "columns, transA": (
        [gemm("x", "V", "b", "z", transA=1, transB=1), *LAST],
        EXACT,
        {"shape": (4, 6)},
    ),
    "Squeeze in front": (
        [
            constant("axes", np.array([2])),
            node("Squeeze", ["x", "axes"], ["x1"]),
            gemm("x1", "V", "b", "z", transB=1),
            *LAST,
        ],
        EXACT,
        {"shape": ("n", 4, 1)},
    ),
}
"""Models whose weights are kept bit for bit: nodes, initialisers, options of `onnx_model`."""


@pytest.mark.parametrize("name", KEPT)
def test_weights_keep_every_bit(tmp_path: Path, name: str) -> None:
    nodes, tensors, options = KEPT[name]
    model = onnx_model(nodes, tensors, **options)
    net = loaded(tmp_path / "net.onnx", model)
    for got, expected in zip((net.V, net.U, net.b, net.c), (V, U, b, c), strict=True):
        assert np.array_equal(got, expected)
    X: np.ndarray = ROWS.T if "columns" in name else ROWS
    X = ROWS[:, :, None] if "Squeeze" in name else X
    X = X.astype(np.float64) if name == "float64" else X
    assert agree(net, model, ROWS, np.ascontiguousarray(X))


KEPT_COLUMNS = onnx_model(KEPT["columns"][0], KEPT["columns"][1], shape=(4, "n"))

SCALER: dict[str, Any] = {"offset": [1.0, 2.0, 3.0, 4.0], "scale": [0.5] * 4}

IMAGE = {
    **EXACT,
    "mean": np.array([0.5, -0.25], np.float32).reshape(1, 2, 1, 1),
    "std": np.array([2.0, 3.0], np.float32).reshape(2, 1, 1),
    "half": np.array([[0.5]], np.float32),
    "gain": np.array([1.0, 2.0, 3.0], np.float32),
    "many": np.linspace(1, 2, 5, dtype=np.float32),
    "shape": np.array([0, -1]),
    "column": np.array([-1, 1]),
}
FLAT = [node("Flatten", ["x2"], ["x3"]), gemm("x3", "V", "b", "z", transB=1), *LAST]

FOLDED: dict[str, tuple[list[Any], tuple[Any, ...]]] = {
    "Sub and Div per channel, then Flatten": (
        [node("Sub", ["x", "mean"], ["x1"]), node("Div", ["x1", "std"], ["x2"]), *FLAT],
        ("n", 2, 2, 1),
    ),
    "one number, on the left": (
        [node("Sub", ["half", "x"], ["x1"]), node("Mul", ["half", "x1"], ["x2"]), *FLAT],
        ("n", 4),
    ),
    "channels moved, then Reshape": (
        [
            node("Transpose", ["x"], ["x1"], perm=[0, 3, 1, 2]),
            node("Sub", ["x1", "mean"], ["x2"]),
            node("Reshape", ["x2", "shape"], ["x3"]),
            *FLAT[1:],
        ],
        ("n", 2, 1, 2),
    ),
    "alpha and beta": (
        [
            gemm("x", "V", "b", "z", transB=1, alpha=0.5, beta=-2.0),
            LAST[0],
            gemm("h", "U", "c", "y", transB=1, alpha=3.0),
        ],
        ("n", 4),
    ),
    "outputs scaled back": (
        [
            FIRST,
            LAST[0],
            gemm("h", "U", "c", "y0", transB=1),
            node("Mul", ["y0", "gain"], ["y1"]),
            node("Sub", ["y1", "half"], ["y"]),
        ],
        ("n", 4),
    ),
    "hidden values scaled": (
        [
            gemm("x", "V", "b", "z0", transB=1),
            node("Mul", ["z0", "many"], ["z"]),
            node("Relu", ["z"], ["h0"]),
            node("Div", ["h0", "many"], ["h1"]),
            node("Add", ["h1", "many"], ["h"]),
            LAST[1],
        ],
        ("n", 4),
    ),
    "Scaler, and outputs in one column": (
        [
            node("Scaler", ["x"], ["x1"], domain="ai.onnx.ml", **SCALER),
            gemm("x1", "V", "b", "z", transB=1),
            LAST[0],
            gemm("h", "U", "c", "y0", transB=1),
            node("Reshape", ["y0", "column"], ["y"]),
        ],
        ("n", 4),
    ),
    "BatchNormalization": (
        [
            gemm("x", "V", "b", "z0", transB=1),
            node("BatchNormalization", ["z0", "many", "b", "b", "many"], ["z"]),
            *LAST,
        ],
        ("n", 4),
    ),
    "x.reshape(len(x), -1) as it is traced": (
        [
            node("Shape", ["x"], ["s0"]),
            node("Gather", ["s0", "zero"], ["s1"]),
            node("Concat", ["s1", "minus"], ["s"], axis=0),
            node("Reshape", ["x", "s"], ["x2"]),
            *FLAT,
        ],
        ("n", 2, 2),
    ),
}


@pytest.mark.parametrize("name", FOLDED)
def test_what_is_linear_goes_into_the_weights(tmp_path: Path, name: str) -> None:
    nodes, shape = FOLDED[name]
    tensors = IMAGE | {"zero": np.array([0]), "minus": np.array([-1])}
    model = onnx_model(nodes, tensors, shape=shape, opset=15)
    net = loaded(tmp_path / "net.onnx", model)
    assert agree(net, model, ROWS, ROWS.reshape(6, *shape[1:]))


@pytest.mark.parametrize("head", ["Sigmoid", "Softmax", "LogSoftmax", "Relu"])
def test_heads_are_named_and_left_off_on_request(tmp_path: Path, head: str) -> None:
    path = tmp_path / "net.onnx"
    model = plain_onnx(NET, front=False, head=head)
    with pytest.raises(FileError, match=rf"got a {head} behind .*drop_head=True"):
        loaded(path, model)
    found = read(path, Reading(drop_head=True))
    assert found.head == head
    assert agree(found.network, plain_onnx(NET, front=False), ROWS)
    # Behind a head there may be more, as long as it is no layer.
    model.graph.node.append(node("ArgMax", ["y"], ["label"], axis=1))
    assert agree(loaded(path, model, drop_head=True), plain_onnx(NET, front=False), ROWS)
    model.graph.node.append(node("MatMul", ["y", "W"], ["y2"]))
    model.graph.initializer.append(numpy_helper.from_array(np.eye(3, dtype=np.float32), "W"))
    model.graph.output[0].name = "y2"
    with pytest.raises(FileError, match="three layers or more"):
        loaded(path, model, drop_head=True)


def changed(model: Any, change: Callable[[Any], object]) -> Any:
    change(model)
    return model


def narrowed(kind: int, typed: bool) -> Any:
    """A model whose weights are half as wide."""
    model = onnx_model(WHOLE, EXACT)
    for tensor in model.graph.initializer:
        wide = numpy_helper.to_array(tensor)
        numbers = wide.astype(helper.tensor_dtype_to_np_dtype(kind))
        name = tensor.name
        values = numbers.reshape(-1) if typed else numbers.tobytes()
        tensor.CopyFrom(helper.make_tensor(name, kind, wide.shape, values, raw=not typed))
    return model


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"])
def test_every_type_of_weights_is_read(tmp_path: Path, kind: str, typed: bool) -> None:
    model = narrowed(getattr(onnx.TensorProto, kind), typed)
    net = loaded(tmp_path / "net.onnx", model)
    tensors = {t.name: numpy_helper.to_array(t).astype(np.float64) for t in model.graph.initializer}
    for name in "VUbc":
        assert np.array_equal(getattr(net, name), tensors[name])


def test_a_network_without_biases_reads_with_zeros(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "W"], ["z"]), LAST[0], node("MatMul", ["h", "T"], ["y"])]
    tensors = {"W": np.ascontiguousarray(V.T), "T": np.ascontiguousarray(U.T)}
    net = loaded(tmp_path / "net.onnx", onnx_model(nodes, tensors))
    assert not net.b.any()
    assert not net.c.any()
    assert agree(net, onnx_model(nodes, tensors), ROWS)


REFUSED: dict[str, tuple[list[Any], str]] = {
    "another activation": ([FIRST, node("Tanh", ["z"], ["h"]), LAST[1]], "got a Tanh between"),
    "bounded": (
        [FIRST, node("Clip", ["z", "zero", "six"], ["h"]), LAST[1]],
        "got a Clip with a kink",
    ),
    "shifted": ([FIRST, node("Max", ["z", "six"], ["h"]), LAST[1]], "got a Max with a kink"),
    "a step": ([FIRST, node("Sign", ["z"], ["h"]), LAST[1]], "got a Sign that jumps"),
    "smooth": (
        [FIRST, node("Sigmoid", ["z"], ["z1"]), node("Mul", ["z", "z1"], ["h"]), LAST[1]],
        "branches into Sigmoid, Mul",
    ),
    "a convolution": ([node("Conv", ["x", "V"], ["z"]), *LAST], "got a Conv in front"),
    "three layers": (
        [
            FIRST,
            LAST[0],
            gemm("h", "S", "b", "h1"),
            node("Relu", ["h1"], ["h2"]),
            gemm("h2", "U", "c", "y", transB=1),
        ],
        r"three layers or more \(Gemm behind Relu\)",
    ),
    "no activation": (
        [FIRST, gemm("z", "U", "c", "y", transB=1)],
        "two linear layers with no ReLU between",
    ),
    "a skip connection": (
        [
            *WHOLE[:2],
            gemm("h", "U", "c", "y0", transB=1),
            gemm("x", "V", "b", "y1", transB=1),
            node("Add", ["y0", "y1"], ["y"]),
        ],
        "branches into Gemm, Gemm",
    ),
    "weights out of the input": ([node("MatMul", ["x", "x"], ["z"]), *LAST], "with a constant"),
    "a strange operator": (
        [node("Secret", ["x"], ["y"], domain="com.us")],
        r"got a com\.us\.Secret",
    ),
    "one layer": ([gemm("x", "V", "b", "y", transB=1)], "got one layer"),
    "an output without a way to it": ([FIRST], "does not lead to an output"),
    "a circle": ([node("Relu", ["y0"], ["y"]), node("Relu", ["y"], ["y0"])], "does not lead"),
    "training": (
        [node("Dropout", ["x", "", "on"], ["x1"]), gemm("x1", "V", "b", "z", transB=1), *LAST],
        "is set to training",
    ),
    "samples mixed": (
        [node("Reshape", ["x", "s"], ["x1"]), gemm("x1", "V", "b", "z", transB=1), *LAST],
        "mixes samples",
    ),
    "rounded": (
        [node("Cast", ["x"], ["x1"], to=7), gemm("x1", "V", "b", "z", transB=1), *LAST],
        "rounds to integers",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_models_are_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    nodes, message = REFUSED[name]
    extra = {"on": np.array(True), "s": np.array([-1, 2]), "S": np.eye(5, dtype=np.float32)}
    extra |= {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)}
    with pytest.raises(FileError, match=message):
        loaded(tmp_path / "net.onnx", onnx_model(nodes, EXACT | extra))


def test_arithmetic_of_whole_numbers_is_refused(tmp_path: Path) -> None:
    """7 / 2 is 3 there, and 3 − 5 of bytes is 254."""
    path = tmp_path / "net.onnx"
    nodes = [
        node("Div", ["seven", "two"], ["cut"]),
        node("Cast", ["cut"], ["factor"], to=1),
        node("Mul", ["x", "factor"], ["x1"]),
        gemm("x1", "V", "b", "z", transB=1),
        *LAST,
    ]
    whole = {"seven": np.array([7]), "two": np.array([2])}
    with pytest.raises(FileError, match="factor is not a constant"):
        loaded(path, onnx_model(nodes, EXACT | whole))

    cast = [node("Cast", ["x"], ["x1"], to=1), *nodes[3:]]
    model = onnx_model(cast, EXACT)
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    assert np.array_equal(loaded(path, model).V, V)
    nodes = [node("Div", ["x", "two"], ["x0"]), node("Cast", ["x0"], ["x1"], to=1), *nodes[3:]]
    model = onnx_model(nodes, EXACT | whole)
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    with pytest.raises(FileError, match="Div: of integers"):
        loaded(path, model)


def test_of_several_outputs_one_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    model = plain_onnx(NET, front=False, head="Softmax")
    for name in ("y0", "y1"):  # without the biases, and with them
        model.graph.output.append(helper.make_tensor_value_info(name, 1, None))
    for options in ({}, {"output": "z"}):
        with pytest.raises(FileError) as caught:
            loaded(path, model, **options)
        assert caught.value.code == "several-outputs"
    with pytest.raises(FileError) as caught:
        loaded(path, model, output="y")
    assert caught.value.code == "head"
    assert agree(loaded(path, model, output="y1"), plain_onnx(NET, front=False), ROWS)
    assert not loaded(path, model, output="y0").c.any()


def test_wrong_inputs_and_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(FileError, match=r"one sample has \(9,\)"):
        loaded(path, onnx_model(WHOLE, EXACT, shape=("n", 9)))
    with pytest.raises(FileError, match=r"one sample has \(7, 4\)"):
        loaded(path, onnx_model(WHOLE, EXACT, shape=("n", 7, 4)))
    with pytest.raises(FileError, match="operator set 6"):
        loaded(path, onnx_model(WHOLE, EXACT, opset=6))
    two = onnx_model(WHOLE, EXACT)
    two.graph.input.append(helper.make_tensor_value_info("more", 1, ["n", 4]))
    with pytest.raises(FileError, match=r"got 2 inputs \(x, more\)"):
        loaded(path, two)
    huge = onnx_model(WHOLE, EXACT)
    huge.graph.initializer[0].dims[0] = 1 << 40
    with pytest.raises(FileError, match="more than the file holds"):
        loaded(path, huge)


def test_models_that_would_never_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    chain = [node("Add", [f"x{i}" if i else "x", "one"], [f"x{i + 1}"]) for i in range(300)]
    last = gemm("x300", "V", "b", "z", transB=1)
    one = {"one": np.ones(4, np.float32)}
    with pytest.raises(FileError, match="more than 200 nodes"):
        loaded(path, onnx_model([*chain, last, *LAST], EXACT | one))
    big = {"V0": np.ones((100, 100), np.float32)}
    chain = [node("Add", [f"V{i}", f"V{i}"], [f"V{i + 1}"]) for i in range(3000)]
    with pytest.raises(FileError, match="takes too many steps"):
        loaded(path, onnx_model([*chain, gemm("x", "V3000", "b", "z"), *LAST], EXACT | big))


def test_weights_in_a_second_file_are_read_if_it_lies_beside(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    model = onnx_model(WHOLE, EXACT)
    onnx.save_model(
        model, path, save_as_external_data=True, location="net.onnx.data", size_threshold=0
    )
    net = load(path)
    assert np.array_equal(net.V, V)
    assert np.array_equal(net.c, c)

    sound = path.read_bytes()
    secret = tmp_path / "deeper"
    secret.mkdir()
    for name in ("../net.onnx.data", str(tmp_path / "net.onnx.data"), "deeper", "none", ".."):
        moved = onnx.ModelProto.FromString(sound)
        for tensor in moved.graph.initializer:
            tensor.external_data[0].value = name
        inner = secret / "net.onnx"
        inner.write_bytes(moved.SerializeToString())
        with pytest.raises(FileError, match="keeps weights in a second file"):
            load(inner)
    (secret / "net.onnx.data").symlink_to(tmp_path / "net.onnx.data")
    (secret / "net.onnx").write_bytes(sound)
    with pytest.raises(FileError, match="keeps weights in a second file"):
        load(secret / "net.onnx")
    data = (tmp_path / "net.onnx.data").read_bytes()
    (tmp_path / "net.onnx.data").write_bytes(data[:-30])
    with pytest.raises(FileError, match="does not contain the data"):
        load(path)


def test_models_with_wrong_parts_are_refused_or_read_as_they_run(tmp_path: Path) -> None:
    """Operators, connections, attributes and numbers changed at random: what is still read must
    be what onnxruntime makes of it."""
    runtime = pytest.importorskip("onnxruntime", reason="pip install 'unrelu[onnxruntime]'")
    runtime.set_default_logger_severity(4)  # it would tell of every model that makes no sense
    rng, path, compared = np.random.default_rng(0), tmp_path / "net.onnx", 0
    tensors = IMAGE | {"zero": np.array([0]), "minus": np.array([-1])}
    models = [onnx_model(WHOLE, EXACT), plain_onnx(NET), KEPT_COLUMNS]
    models += [onnx_model(n, tensors, shape=s, opset=15) for n, s in FOLDED.values()]
    sound = [model.SerializeToString() for model in models]
    for _ in range(600):
        data = onnx_changed(sound[int(rng.integers(len(sound)))], sound, rng)
        path.write_bytes(data)
        try:
            net = load(path)
            session = runtime.InferenceSession(data)
            shape = [6 if isinstance(size, str) else size for size in session.get_inputs()[0].shape]
            X = rng.standard_normal(shape).astype(np.float32)
            got = session.run(None, {"x": X})[0]
        except Exception:  # refused here, or a model that does not run
            continue
        rows = X.T if shape[-1:] == [6] else X.reshape(6, -1)
        assert rows.shape[1] == net.n_inputs
        expected = net(rows)
        largest = np.abs(expected).max()
        if largest < 1e6:  # float32 drowns what comes beside a flipped exponent
            assert np.abs(got.reshape(expected.shape) - expected).max() <= 1e-5 * (1 + largest)
            compared += 1
    assert compared >= 30


def test_what_is_written_runs_elsewhere(tmp_path: Path) -> None:
    normal = np.random.default_rng(3).standard_normal
    net = Network(normal((5, 4)), normal((3, 5)), normal(5), normal(3))
    X = normal((6, 4))
    save(net, tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    bound = 50 * np.finfo(np.float64).eps * (1 + np.abs(net(X)).max())
    for got in answers(model, X):
        assert np.abs(got - net(X)).max() <= bound
