"""Networks in other programs' files: the same numbers there and here, and the reason where not."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.comparing import identical
from support.model_files import (
    dense,
    drawn,
    keras_h5,
    kernels,
    legacy_state_dict,
    named_tensors,
    state_dict,
    state_dict_pickle,
)
from support.planting import gaussian_network

from unrelu.errors import FileError, InputError, InputTypeError, MissingExtraError
from unrelu.formats.networks import Provenance, check_target, load, read, save, write_network
from unrelu.formats.reading import Reading
from unrelu.formats.sklearn import from_sklearn, to_sklearn
from unrelu.network import Network

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"

WRITTEN = ["net.onnx", "net.safetensors", "net.pt", "net.state_dict", "net.h5", "net.weights.h5"]
WRITTEN += ["net.keras"]


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def needs(name: str) -> None:
    """Skip where the package that reads such files is missing."""
    for suffix, package in ((".onnx", "onnx"), (".safetensors", "safetensors"), (".h5", "h5py")):
        if name.endswith(suffix) or (name.endswith(".keras") and package == "h5py"):
            pytest.importorskip(package)


@pytest.mark.parametrize("name", WRITTEN)
def test_round_trip_is_bit_exact(tmp_path: Path, name: str) -> None:
    needs(name)
    path, net = tmp_path / name, gaussian_network(7, 3, 1)
    for each in (net, Network(np.asfortranarray(net.V), net.U.T.copy().T, net.b, net.c)):
        save(each, path)
        assert identical(load(path), net)
    # A network whose layers have one shape, so that only their order tells them apart.
    square = gaussian_network(4, 4, 4, seed=1)
    save(square, path)
    assert identical(load(path), square)
    # By its content, under a name that says nothing.
    path.rename(tmp_path / "model.bin")
    assert identical(load(tmp_path / "model.bin"), square)


@pytest.mark.parametrize("name", WRITTEN)
def test_marks_are_kept(tmp_path: Path, name: str) -> None:
    needs(name)
    provenance = Provenance("undetermined", "unit 2 is active on 3 samples — too few")
    write_network(gaussian_network(), tmp_path / name, provenance)
    found = read(tmp_path / name)
    assert found.provenance == provenance
    assert identical(found.network, gaussian_network())
    write_network(None, tmp_path / name, Provenance("failed", "the labels are noise"))
    with pytest.raises(FileError, match=r"net\.\S+: holds no network.*the labels are noise"):
        load(tmp_path / name)


@pytest.mark.parametrize("name", ["net.onnx", "net.safetensors", "net.pt"])
def test_equal_networks_give_equal_bytes(tmp_path: Path, name: str) -> None:
    needs(name)
    save(gaussian_network(), tmp_path / name)
    first = (tmp_path / name).read_bytes()
    save(gaussian_network(), tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("name", WRITTEN)
def test_a_network_without_units_stays_in_npz(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match=r"which only \.npz can store"):
        save(Network(np.ones((0, 2)), np.ones((1, 0))), tmp_path / name)


@pytest.mark.parametrize(
    ("suffix", "package"), [(".onnx", "onnx"), (".safetensors", "safetensors"), (".h5", "h5py")]
)
def test_a_missing_package_is_reported_how_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    path = put(tmp_path / f"net{suffix}", b"\x89HDF\r\n\x1a\n")
    monkeypatch.setitem(sys.modules, package, None)
    extra = "keras" if package == "h5py" else package
    for use in (
        lambda: load(path),
        lambda: save(gaussian_network(), path),
        lambda: check_target(path),
    ):
        with pytest.raises(MissingExtraError, match=rf"pip install 'unrelu\[{extra}\]'"):
            use()


# PyTorch


def test_state_dicts_of_both_kinds_are_read(tmp_path: Path) -> None:
    net, path = drawn(3), tmp_path / "net.pt"
    for prefix in ("", "module.", "_orig_mod.module."):
        tensors = named_tensors(net, prefix)
        for data in (state_dict(tensors), legacy_state_dict(tensors)):
            assert identical(load(put(path, data)), net)
    without = [pair for pair in named_tensors(net) if "weight" in pair[0]]
    assert identical(load(put(path, state_dict(without))), Network(net.V, net.U))


def test_a_transposed_view_is_read_as_it_is_meant(tmp_path: Path) -> None:
    net = drawn(4)
    tensors = [(name, array if array.ndim == 1 else array.T) for name, array in named_tensors(net)]
    turned = [(name, np.asfortranarray(array.T)) for name, array in tensors]
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("net/data.pkl", state_dict_pickle(turned))
        for at, (_, array) in enumerate(turned):
            archive.writestr(f"net/data/{at}", array.tobytes("F"))
    assert identical(load(put(tmp_path / "net.pt", data.getvalue())), net)


def test_nothing_in_a_pickle_is_run(tmp_path: Path) -> None:
    victim = tmp_path / "touched"
    for code in (b"cos\nmkdir\n", b"cposix\nmkdir\n", b"\x8c\x02os\x8c\x05mkdir\x93"):
        program = b"\x80\x04" + code + b"(X" + len(str(victim)).to_bytes(4, "little")
        program += str(victim).encode() + b"tR."
        for data in (program, state_dict([], program)):
            with pytest.raises(FileError, match=r"got the name .*mkdir, and ran nothing"):
                load(put(tmp_path / "net.pt", data))
    assert not victim.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[:2], "got 1 weight matrices"),
        (lambda t: [*t, ("fc3.weight", np.ones((2, 3), np.float32))], "got 3 weight matrices"),
        (lambda t: [*t, ("conv.weight", np.ones((2, 3, 3, 3), np.float32))], r"got conv\.weight"),
        (lambda t: [*t, ("bn.running_mean", np.ones(5, np.float32))], r"got bn\.running_mean"),
        (
            lambda t: [("a", t[0][1]), ("z", np.ones((3, 7), np.float32))],
            r"expected shapes \(units",
        ),
        (
            lambda t: [*t[:3], ("fc2.bias", np.ones(9, np.float32))],
            r"expected fc2\.bias of shape \(3,\)",
        ),
        (lambda t: [*t[:3], ("fc2.bias", np.full(3, np.nan, np.float32))], "not finite"),
        (lambda t: [*t[:2], ("act.weight", np.ones(1)), ("fc2.weight", np.ones((1, 5)))], "PReLU"),
        (lambda _: [("b.weight", np.eye(3)), ("a.weight", np.eye(3))], "cannot tell .* first"),
        (lambda _: [], "got no tensors"),
    ],
)
def test_other_state_dicts_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    tensors = [(n, array.astype(np.float32)) for n, array in change(named_tensors(drawn(5)))]
    with pytest.raises(FileError, match=message):
        load(put(tmp_path / "net.pt", state_dict(tensors)))


def test_tensors_that_reach_beyond_their_storage_are_refused(tmp_path: Path) -> None:
    tensors = named_tensors(drawn(6))
    data = state_dict_pickle(tensors).replace(
        b"J\x05\0\0\0J\x04\0\0\0", b"J\x05\0\0\0J\xff\xff\xff\x7f"
    )
    with pytest.raises(FileError, match=r"fc1\.weight reaches beyond"):
        load(put(tmp_path / "net.pt", state_dict(tensors, data)))


def test_torch_reads_what_is_written_and_writes_what_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra `benchmarks`)")
    net = gaussian_network()
    X = np.random.default_rng(1).standard_normal((6, 4))
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    model = torch.nn.Sequential(linear(4, 5), relu(), linear(5, 3)).double()
    save(net, tmp_path / "net.pt")
    model.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    # Sums of nine products, in any order.
    bound = 20 * np.finfo(float).eps * (1 + np.abs(net(X)).max())
    with torch.no_grad():
        assert np.abs(model(torch.tensor(X)).numpy() - net(X)).max() <= bound
    for kind in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        model = model.to(kind)
        V, b, U, c = (each.double().numpy() for each in model.state_dict().values())
        for new in (True, False):
            torch.save(model.state_dict(), tmp_path / "a.pt", _use_new_zipfile_serialization=new)
            assert identical(load(tmp_path / "a.pt"), Network(V, U, b, c))
        negated = {name: torch._neg_view(each) for name, each in model.state_dict().items()}
        torch.save(negated, tmp_path / "negated.pt")
        with pytest.raises(FileError, match="a tensor with remarks"):
            load(tmp_path / "negated.pt")
        optimizer = torch.optim.Adam(model.parameters()).state_dict()
        checkpoint = {"epoch": 3, "optimizer": optimizer, "state_dict": model.state_dict()}
        torch.save(checkpoint, tmp_path / "a.pt")
        assert identical(load(tmp_path / "a.pt"), Network(V, U, b, c))
    torch.save(model, tmp_path / "a.pt")
    with pytest.raises(FileError, match=r"Sequential, and ran nothing.*model\.state_dict\(\)"):
        load(tmp_path / "a.pt")


def test_networks_of_others_are_read() -> None:
    if not SHARED.is_dir():
        pytest.skip("the networks of shared/data do not lie beside this checkout")
    net = load(SHARED / "mnist_784_500_10.state_dict")
    assert (net.n_inputs, net.n_units, net.n_outputs) == (784, 500, 10)
    assert np.array_equal(net.V, net.V.astype(np.float32))
    net = load(SHARED / "unitary_784_128_1.npz")
    assert (net.n_inputs, net.n_units, net.n_outputs) == (784, 128, 1)


# safetensors


def test_safetensors_of_every_kind_are_read(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    net, path = drawn(7), tmp_path / "net.safetensors"
    for kind in (np.float16, np.float32, np.float64):
        tensors = {name: array.astype(kind) for name, array in named_tensors(net)}
        path.write_bytes(numpy.save(tensors))
        values = {name: array.astype(float) for name, array in tensors.items()}
        V, b, U, c = values.values()
        assert identical(load(path), Network(V, U, b, c))
    path.write_bytes(numpy.save({name: array.astype(int) for name, array in tensors.items()}))
    with pytest.raises(FileError, match="of type I64"):
        load(path)
    flax = {"Dense_0.kernel": net.V.T.copy(), "Dense_1.kernel": net.U.T.copy()}
    flax |= {"Dense_0.bias": net.b, "Dense_1.bias": net.c}
    path.write_bytes(numpy.save(flax))
    assert identical(load(path), net)
    square = {"a.weight": np.eye(3), "z.weight": np.eye(3)}
    path.write_bytes(numpy.save(square))
    with pytest.raises(FileError, match=r"cannot tell .* is the first layer"):
        load(path)


# Keras


def test_keras_models_are_folded(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    net, path = drawn(8), tmp_path / "net.h5"
    layers = [dense("dense", net), dense("dense_1", net, "linear")]
    assert identical(load(put(path, keras_h5(layers, kernels(net)))), net)
    assert identical(load(put(path, keras_h5([], kernels(net)))), net)

    first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 2, 2]}}
    rescaling = {"class_name": "Rescaling", "config": {"scale": 0.5, "offset": [1.0, 2.0]}}
    statistics = {"mean": [1.0, 3.0], "variance": [4.0, 9.0]}
    normalization = {"class_name": "Normalization", "config": statistics}
    flat = {"class_name": "Flatten", "config": {}}
    drop = {"class_name": "Dropout", "config": {"rate": 0.5}}
    split = [dense("dense", net, "linear"), {"class_name": "ReLU", "config": {"max_value": None}}]
    front = [first, rescaling, normalization, flat, drop, *split, layers[1]]
    X = np.random.default_rng(0).standard_normal((5, 4))
    seen = (0.5 * X + np.tile([1.0, 2.0], 2) - np.tile([1.0, 3.0], 2)) / np.tile([2.0, 3.0], 2)
    got = load(put(path, keras_h5(front, kernels(net))))
    assert np.abs(got(X) - net(seen)).max() <= 1e-14 * np.abs(net(seen)).max() * 10

    ending = [layers[0], dense("dense_1", net, "softmax")]
    put(path, keras_h5(ending, kernels(net)))
    with pytest.raises(FileError, match="got a softmax behind the second layer"):
        load(path)
    found = read(path, Reading(drop_head=True))
    assert found.head == "softmax"
    assert identical(found.network, net)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, b: [dict(a, config=a["config"] | {"activation": "tanh"}), b], "got a tanh"),
        (lambda a, b: [{"class_name": "Conv2D", "config": {}}, a, b], "got a Conv2D in front"),
        (lambda a, b: [a, a, b], "got a kernel of shape"),
        (lambda a, b: [a, b, b], "got a kernel of shape"),
        (lambda a, _: [a], "got one layer"),
        (lambda a, b: [a, {"class_name": "ELU", "config": {}}, b], "got an ELU"),
        (
            lambda a, b: [
                dict(a, config=a["config"] | {"activation": None}),
                {"class_name": "ReLU", "config": {"max_value": 6.0}},
                b,
            ],
            "got a ReLU with max_value",
        ),
        (
            lambda a, b: [
                {"class_name": "InputLayer", "config": {"batch_shape": [None, 9, 4]}},
                a,
                b,
            ],
            r"along samples of shape \(9, 4\)",
        ),
        (
            lambda a, b: [
                {"class_name": "InputLayer", "config": {"batch_shape": [None, 2, 2]}},
                {"class_name": "Flatten", "config": {"data_format": "channels_first"}},
                a,
                b,
            ],
            "moves the channels",
        ),
    ],
)
def test_other_keras_models_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    pytest.importorskip("h5py")
    net = drawn(9)
    layers = change(dense("dense", net), dense("dense_1", net, None))
    with pytest.raises(FileError, match=message):
        load(put(tmp_path / "net.h5", keras_h5(layers, kernels(net))))


def test_hdf5_files_that_lead_elsewhere_or_crash_are_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "net.h5"
    save(gaussian_network(), tmp_path / "other.h5")
    with h5py.File(path, "w") as file:
        file["model_weights"] = h5py.ExternalLink("other.h5", "/model_weights")
    with pytest.raises(FileError, match="is a link to somewhere else"):
        load(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10**6, 10**6), "f4", chunks=(1, 1000))
    with pytest.raises(FileError, match="says it has shape"):
        load(path)


# scikit-learn


def test_scikit_learn_networks_come_and_go() -> None:
    from sklearn.decomposition import PCA
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    rng = np.random.default_rng(2)
    X = rng.standard_normal((60, 4))
    options: dict[str, Any] = {"solver": "lbfgs", "max_iter": 20, "random_state": 0, "tol": 1e9}
    for targets in (X[:, 0], X[:, :2]):
        mlp = MLPRegressor(hidden_layer_sizes=(6,), **options).fit(X, targets)
        net = from_sklearn(mlp)
        assert np.array_equal(net.V, mlp.coefs_[0].T)
        assert np.allclose(net(X), mlp.predict(X).reshape(60, -1), rtol=1e-12, atol=1e-12)
        again = to_sklearn(net)
        assert np.array_equal(again.predict(X), mlp.predict(X))
        assert identical(from_sklearn(again), net)
    mlp = MLPClassifier(hidden_layer_sizes=(6,), **options).fit(X, rng.integers(3, size=60))
    logits = np.exp(from_sklearn(mlp)(X))
    assert np.allclose(logits / logits.sum(axis=1, keepdims=True), mlp.predict_proba(X))

    scalers: list[Any] = [StandardScaler(), MinMaxScaler((-1, 2)), MaxAbsScaler()]
    scalers += [StandardScaler(with_mean=False), StandardScaler(with_std=False), "passthrough"]
    line = make_pipeline(*scalers, MLPRegressor(hidden_layer_sizes=(6,), **options))
    line.fit(3 * X + 1, X[:, :2])
    # Five scalers, each some rounding errors of the values it takes.
    assert np.allclose(from_sklearn(line)(3 * X + 1), line.predict(3 * X + 1), rtol=1e-12)
    with pytest.raises(InputError, match="got a PCA in front"):
        from_sklearn(make_pipeline(PCA(2), MLPRegressor(**options)).fit(X, X[:, 0]))

    with pytest.raises(InputTypeError, match="got an ndarray, expected an MLPRegressor"):
        from_sklearn(X)
    with pytest.raises(InputError, match="unfitted"):
        from_sklearn(MLPRegressor())
    for wrong, message in (
        ({"hidden_layer_sizes": (3, 3)}, "got 3 layers"),
        ({"activation": "tanh"}, "got activation 'tanh'"),
    ):
        with pytest.raises(InputError, match=message):
            from_sklearn(MLPRegressor(**(options | wrong)).fit(X, X[:, 0]))
    with pytest.raises(InputError, match="without units"):
        to_sklearn(Network(np.ones((0, 2)), np.ones((1, 0))))
