"""Checkpoints as training scripts write them, in both forms of torch.save, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.comparing import identical
from support.model_files import Made, checkpoint, drawn, named_tensors, state_dict, torch_file

from unrelu.errors import FileError
from unrelu.formats.networks import load
from unrelu.network import Network

NET = drawn(0)
TENSORS = dict(named_tensors(NET))
PARTS = list(TENSORS.values())

both = pytest.mark.parametrize("legacy", [False, True])


def put(folder: Path, value: Any, legacy: bool) -> Path:
    path = folder / "net.pt"
    path.write_bytes(torch_file(value, legacy=legacy))
    return path


def codes(net: Network) -> set[str]:
    return {remark.code for remark in net.remarks}


@both
@pytest.mark.parametrize("key", ["state_dict", "policy", "q_network", "model_weights", "x"])
def test_a_state_dict_under_any_key_is_read(tmp_path: Path, key: str, legacy: bool) -> None:
    net = load(put(tmp_path, {key: TENSORS, "epoch": 1}, legacy))
    assert identical(net, NET)
    assert codes(net) == {"activation-assumed"}


@both
@pytest.mark.parametrize(
    ("value", "reported"),
    [
        (checkpoint(NET), set()),
        ({"net": {"module": {"deep": TENSORS}}, "args": Made("argparse.Namespace")}, set()),
        (PARTS, set()),
        (tuple(PARTS), set()),
        ({"params": PARTS}, set()),
        ({"fc1": {"weight": PARTS[0], "bias": PARTS[1]},
          "fc2": {"weight": PARTS[2], "bias": PARTS[3]}}, set()),
        ({"model": TENSORS, "best": {n: a.copy() for n, a in TENSORS.items()}}, set()),
        ({"actor": TENSORS, "seen": {"mean": np.zeros(4), "var": np.ones(4)}}, {"left-out"}),
        ({"a": TENSORS, "z": np.ones(3, dtype=np.complex64)}, {"left-out"}),
    ],
)  # fmt: skip
def test_what_lies_beside_is_left_out(
    tmp_path: Path, value: Any, reported: set[str], legacy: bool
) -> None:
    net = load(put(tmp_path, value, legacy))
    assert identical(net, NET)
    assert codes(net) == reported | {"activation-assumed"}


@both
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (Made("torch.nn.modules.container.Sequential", TENSORS), "pickled-objects"),
        ({"model": Made("__main__.Net", TENSORS), "epoch": 1}, "pickled-objects"),
        (Made("sklearn.neural_network.MLPRegressor", {"coefs_": [1]}), "sklearn-pickle"),
        ({"W1": Made("numpy.core.multiarray._reconstruct")}, "pickled-arrays"),
        ({"epoch": 3}, "no-tensors"),
        (PARTS[0], "no-tensors"),
        ({"model": TENSORS, "ema": {n: 0.9 * a for n, a in TENSORS.items()}}, "several-networks"),
        ({**TENSORS, "fc2.bias": Made("torch._utils._rebuild_qtensor")}, "unknown-tensor"),
        ({"deep": {**TENSORS, "fc3.weight": np.ones((2, 3), "f4")}, "small": TENSORS},
         "several-networks"),
        ([PARTS[0], PARTS[2]], "layout-unclear"),
        # x @ W without biases: read as nn.Linear, the layer declared last would be the first.
        ({"a.weight": PARTS[0].T, "z.weight": PARTS[2].T}, "order-unclear"),
        ([np.ones((4, 4), "f4"), np.ones(4, "f4")] * 2, "layout-unclear"),
        ([np.ones((7, 5), "f4"), np.ones(7, "f4"), np.ones((5, 7), "f4"), np.ones(5, "f4")],
         "order-unclear"),
    ],
)  # fmt: skip
def test_other_pickles_are_refused_for_what_they_are(
    tmp_path: Path, value: Any, code: str, legacy: bool
) -> None:
    with pytest.raises(FileError) as caught:
        load(put(tmp_path, value, legacy))
    assert caught.value.code == code


@both
def test_one_of_several_networks_is_picked_by_the_names_of_its_layers(
    tmp_path: Path, legacy: bool
) -> None:
    other = drawn(1)
    path = put(tmp_path, {"actor": TENSORS, "critic": dict(named_tensors(other))}, legacy)
    assert identical(load(path, order=("actor.fc1", "actor.fc2")), NET)
    assert identical(load(path, order=("critic.fc1.weight", "critic.fc2.weight")), other)
    heads = {**TENSORS, "value.weight": np.ones((1, 5), "f4")}
    net = load(put(tmp_path, heads, legacy), output="fc2")
    assert identical(net, NET)
    assert "left-out" in codes(net)


def test_a_list_that_leads_back_to_itself_comes_to_an_end(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(torch_file({"a": 1}).replace(b"}(", b"]q\x07h\x07a}("))
    with pytest.raises(FileError):
        load(path)


AS_NAME, AS_KEY, IN_A_SET = b"h\x00h\x00\x93", b"}h\x00K\x01s", b"cbuiltins\nset\n]h\x00a\x85R"


@pytest.mark.parametrize("use", [AS_NAME, AS_KEY, IN_A_SET])
def test_tuples_in_tuples_cost_no_time(tmp_path: Path, use: bytes) -> None:
    """A tuple that holds another twice, a hundred times over, is never hashed or written out."""
    path = tmp_path / "net.pt"
    nested = b")q\x00" + 100 * b"h\x00h\x00\x86q\x00"
    path.write_bytes(state_dict([], b"\x80\x04" + nested + use + b"."))
    with pytest.raises(FileError):
        load(path)


def test_a_huge_index_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(state_dict([], b"\x80\x02}r\xff\xff\xff\xff."))
    with pytest.raises(FileError) as caught:
        load(path)
    assert caught.value.code == "no-tensors"
