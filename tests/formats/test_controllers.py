"""Networks of verification: .nnet texts and MATLAB cell arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.comparing import identical
from support.model_files import cells, controller, mat_file, nnet_file
from support.planting import gaussian_network

from unrelu.errors import FileError
from unrelu.formats.networks import load, save
from unrelu.network import Network

NET = gaussian_network(4, 5, 3)
LAYERS = [(NET.V, NET.b), (NET.U, NET.c)]


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def codes(net: Network) -> set[str]:
    return {remark.code for remark in net.remarks}


def code(path: Path, data: bytes, **known: Any) -> str:
    with pytest.raises(FileError) as caught:
        load(put(path, data), **known)
    return caught.value.code


# .nnet


def test_an_nnet_without_scaling_keeps_every_bit(tmp_path: Path) -> None:
    net = load(put(tmp_path / "net.nnet", nnet_file(LAYERS)))
    assert identical(net, NET)
    assert net.remarks == ()
    for words in ("0", "This line extraneous", "0,\n// a comment\n"):
        assert identical(load(put(tmp_path / "net.nnet", nnet_file(LAYERS, words=words))), NET)
    bounds = (np.full(4, -1.0), np.full(4, 1.0))
    net = load(put(tmp_path / "net.nnet", nnet_file(LAYERS, bounds=bounds)))
    assert identical(net, NET)
    assert codes(net) == {"inputs-not-clipped"}


def test_the_scaling_of_an_nnet_is_folded_into_the_weights(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    means, ranges = rng.standard_normal(5), rng.uniform(0.5, 3, 5)
    net = load(put(tmp_path / "net.nnet", nnet_file(LAYERS, means=means, ranges=ranges)))
    X = rng.standard_normal((20, 4))
    inside = (X - means[:4]) / ranges[:4]
    Y = NET(inside) * ranges[4] + means[4]
    # Sums of four, then five products, each some roundings of the largest part.
    parts = np.abs(NET.U) @ (np.abs(NET.V) @ np.abs(inside).T + np.abs(NET.b)[:, None])
    bound = 40 * np.finfo(float).eps * (ranges[4] * parts.max() + np.abs(means).max() * 10)
    assert np.abs(net(X) - Y).max() <= bound
    assert codes(net) == {"scaling-folded"}


def test_an_nnet_may_scale_inputs_alone(tmp_path: Path) -> None:
    lines = nnet_file(LAYERS).decode().splitlines()
    lines[6:8] = ["1,1,1,1,", "2,2,2,2,"]
    net = load(put(tmp_path / "net.nnet", "\n".join(lines).encode()))
    X = np.random.default_rng(0).integers(-9, 9, (20, 4)).astype(float)
    # Halves of whole numbers: inputs are exact, sums of five products of entries below 10 are not.
    assert np.abs(net(X) - NET((X - 1) / 2)).max() <= 1000 * np.finfo(float).eps
    assert codes(net) == {"scaling-folded"}


@pytest.mark.parametrize("zeros", ["0", "0,0,0,0,0,", "0,0,0,0,"])
def test_zeros_in_place_of_the_scaling_stand_for_none(tmp_path: Path, zeros: str) -> None:
    lines = nnet_file(LAYERS).decode().splitlines()
    lines[4:8] = ["0,0,0,0,", "0,0,0,0,", zeros, zeros] if len(zeros) > 1 else ["0"] * 4
    net = load(put(tmp_path / "net.nnet", "\n".join(lines).encode()))
    assert identical(net, NET)
    assert codes(net) == {"scaling-absent"}


def test_a_header_of_one_number_is_enough(tmp_path: Path) -> None:
    lines = nnet_file(LAYERS).decode().splitlines()
    lines[1] = "2"
    assert identical(load(put(tmp_path / "net.nnet", "\n".join(lines[1:]).encode())), NET)


def test_other_nnets_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.nnet"
    assert code(path, nnet_file([*LAYERS, (np.ones((2, 3)), np.ones(2))])) == "layers"
    assert code(path, nnet_file(LAYERS[:1])) == "layers"
    assert code(path, nnet_file(LAYERS, ranges=[1, 1, 0, 1, 1])) == "unreadable"
    assert code(path, nnet_file(LAYERS) + b"1.0,\n") == "unreadable"
    assert code(path, nnet_file(LAYERS)[:-20]) == "unreadable"
    assert code(path, b"2,100000,100000,1,\n100000,100000,100000,\n0,\n") == "unreadable"
    assert code(path, b"\xff\xfe\x00") == "unreadable"


# MATLAB


@pytest.mark.parametrize(
    ("size", "packed"), [((4, 5, 3), False), ((5, 5, 5), True), ((1, 5, 1), False)]
)
def test_cell_arrays_with_biases_in_columns_are_read(
    tmp_path: Path, size: Any, packed: bool
) -> None:
    """A column b says W * x + b, so that not even square layers are open. The content tells the
    form under a name that says nothing."""
    net = gaussian_network(*size)
    found = load(put(tmp_path / "net.bin", mat_file(controller(net), packed=packed)))
    assert identical(found, net)
    assert codes(found) == {"activation-assumed"}


@pytest.mark.parametrize(
    "arrays",
    [
        {"W1": NET.V, "b1": NET.b[:, None], "W2": NET.U, "b2": NET.c[:, None]},
        {"W1": NET.V.T, "b1": NET.b, "W2": NET.U.T, "b2": NET.c},
        {"net": {"weights": cells(NET.V, NET.U), "biases": cells(NET.b, NET.c)}},
        {"W": cells(NET.V[:, :, None, None], NET.U), "b": cells(NET.b, NET.c), "B": np.eye(3)},
        {
            "IW": cells(NET.V, np.zeros((0, 0))),
            "LW": np.array([[np.zeros((0, 0)), None], [NET.U, None]], dtype=object)[:, :1],
            "b": cells(NET.b[:, None], NET.c[:, None]),
        },
    ],
)
def test_matlab_weights_of_other_names_are_read(tmp_path: Path, arrays: Any) -> None:
    assert identical(load(put(tmp_path / "net.mat", mat_file(arrays))), NET)


def test_what_nothing_tells_of_a_matlab_file_can_be_said(tmp_path: Path) -> None:
    square, path = gaussian_network(5, 5, 5), tmp_path / "net.mat"
    rows = mat_file({"W": cells(square.V, square.U), "b": cells(square.b, square.c)})
    assert code(path, rows) == "layout-unclear"
    assert identical(load(path, transposed=False), square)
    assert identical(
        load(path, transposed=True), Network(square.V.T, square.U.T, square.b, square.c)
    )


def test_activations_in_matlab_files_are_believed(tmp_path: Path) -> None:
    path = tmp_path / "net.mat"
    for reported in (["relu", "linear"], ["poslin", "purelin"]):
        arrays = controller(NET) | {"act_fcns": np.array(reported)}
        assert load(put(path, mat_file(arrays))).remarks == ()
    arrays = controller(NET) | {"act_fcns": np.array(["tanh", "linear"])}
    assert code(path, mat_file(arrays)) == "activation"
    arrays = controller(NET) | {"act_fcns": cells(np.array("relu"), np.array("tanh"))}
    assert code(path, mat_file(arrays)) == "head"
    assert identical(load(path, drop_head=True), NET)


def test_other_matlab_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.mat"
    three = {"W": cells(NET.V, NET.U, NET.U.T), "b": cells(NET.b, NET.c, NET.b)}
    assert code(path, mat_file(three)) == "layers"
    assert code(path, mat_file(controller(NET) | {"x_mean": np.ones(4)})) == "scaling"
    assert identical(load(path, order=("W{1}", "W{2}")), NET)
    assert code(path, mat_file({"X": np.ones((3, 4))})) == "unreadable"
    assert code(path, b"MATLAB 7.3 MAT-file" + bytes(200)) == "matlab-7.3"
    assert code(path, b"MATLAB 5.0 MAT-file" + bytes(200)) == "unreadable"
    with pytest.raises(FileError):
        save(NET, path)
    with pytest.raises(FileError):
        save(NET, tmp_path / "net.nnet")


def test_a_matlab_file_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    """A cell array said to have 2^31 rows would take 16 GB of pointers."""
    data = bytearray(mat_file(controller(NET)))
    at = data.index(np.array([1, 2], "<i4").tobytes())
    data[at : at + 4] = np.array([1 << 30], "<i4").tobytes()
    assert code(tmp_path / "net.mat", bytes(data)) == "unreadable"
