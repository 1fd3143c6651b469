"""Two layers among named arrays: never another network than the one that was saved."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.comparing import identical
from support.planting import gaussian_network

from unrelu.errors import FileError, InputError, InputTypeError
from unrelu.formats.named_arrays import two_layers
from unrelu.formats.networks import load
from unrelu.formats.reading import Reading
from unrelu.network import Network
from unrelu.wording.remarks import ASSUMED_RELU

Arrays = dict[str, NDArray[Any]]


def kept(
    net: Network, names: tuple[str, str, str, str], *, transposed: bool = False, biases: bool = True
) -> Arrays:
    """The arrays of the network under the names of V, b, U and c."""
    V, U = (net.V.T, net.U.T) if transposed else (net.V, net.U)
    found = dict(zip(names, (V, net.b, U, net.c), strict=True))
    return {name: array for name, array in found.items() if biases or array.ndim == 2}


def code(arrays: Mapping[str, Any], **known: Any) -> str:
    with pytest.raises(FileError) as caught:
        two_layers(arrays, reading=Reading(**known))
    return caught.value.code


TORCH = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
NUMPY = ("W1", "b1", "W2", "b2")
FLAX = ("dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0")
WORDS = ("hidden_w", "hidden_b", "out_w", "out_b")
LETTERS = ("Wxh", "bh", "Why", "by")
OPEN = ("alpha.W", "alpha.b", "beta.W", "beta.b")
SIZES = [(5, 7, 3), (5, 7, 5), (5, 5, 3), (5, 5, 5), (5, 3, 3), (1, 7, 1), (3, 1, 2), (7, 1, 7)]


@pytest.mark.parametrize("names", [TORCH, NUMPY, FLAX, WORDS, LETTERS, OPEN])
@pytest.mark.parametrize("size", SIZES)
def test_no_file_gives_another_network(names: tuple[str, str, str, str], size: Any) -> None:
    """Any names, sizes and layout, in any order of the arrays: the network or a refusal, and with
    all that can be said always the network. A weight kept as x @ W and a kernel kept as W @ x are
    told by biases, or by nothing."""
    net = gaussian_network(*size)
    given = {"weight": False, "kernel": True}
    for transposed, biases in itertools.product((False, True), repeat=2):
        arrays = kept(net, names, transposed=transposed, biases=biases)
        expected = net if biases else Network(net.V, net.U)
        contrary = given.get(names[0].split(":")[0].rpartition("/")[2].rpartition(".")[2])
        for turned in (arrays, dict(reversed(arrays.items()))):
            try:
                found = two_layers(turned)
            except FileError as error:
                assert error.code in ("order-unclear", "layout-unclear")
            else:
                if contrary in (None, transposed) or biases:
                    alike = identical(found, expected)
                    square = contrary is not None and contrary != transposed
                    assert alike or (square and len(set(size)) == 1)
            asked = Reading(order=(names[0], names[2]), transposed=transposed)
            assert identical(two_layers(turned, reading=asked), expected)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("names", [NUMPY, WORDS, LETTERS])
def test_biases_tell_how_weights_are_kept(
    names: tuple[str, str, str, str], transposed: bool
) -> None:
    for size in ((5, 7, 3), (5, 7, 5), (5, 5, 3), (5, 3, 3), (1, 7, 1)):
        net = gaussian_network(*size)
        found = two_layers(kept(net, names, transposed=transposed))
        assert identical(found, net)
        assert ASSUMED_RELU in found.remarks
        assert ("weights-transposed" in {each.code for each in found.remarks}) == transposed


def test_shapes_and_the_order_of_names_tell_without_biases() -> None:
    net = gaussian_network(5, 7, 3)
    for transposed in (False, True):
        arrays = kept(net, NUMPY, transposed=transposed, biases=False)
        assert identical(two_layers(arrays), Network(net.V, net.U))


def test_what_nothing_tells_is_refused_and_can_be_said() -> None:
    square, coder = gaussian_network(5, 5, 5), gaussian_network(5, 7, 5)
    assert code(kept(square, NUMPY)) == "layout-unclear"
    assert code(kept(coder, NUMPY, biases=False)) == "layout-unclear"
    reverse = ("b.weight", "b.bias", "a.weight", "a.bias")
    assert code(kept(square, reverse)) == "order-unclear"
    assert code(kept(coder, reverse)) == "order-unclear"
    found = two_layers(kept(square, reverse), reading=Reading(order=("b", "a")))
    assert identical(found, square)
    # Numbered one way, kept the other: fc1 is (inputs, units) of x @ W, or fc2 comes first.
    net = gaussian_network(5, 7, 3)
    backwards = kept(net, TORCH, transposed=True, biases=False)
    assert code(backwards) == "order-unclear"
    found = two_layers(backwards, reading=Reading(transposed=True))
    assert identical(found, Network(net.V, net.U))


def test_what_biases_contradict_is_refused() -> None:
    arrays = kept(gaussian_network(5, 7, 3), NUMPY, transposed=True)
    assert code(arrays, transposed=False) == "shapes"
    assert code(arrays, order=("W2", "W1")) == "shapes"
    assert code(arrays | {"b2": np.ones(4)}) == "shapes"


def test_heads_are_picked_by_name() -> None:
    net, other = gaussian_network(5, 7, 3), np.ones((1, 7))
    arrays = kept(net, ("body.weight", "body.bias", "policy.weight", "policy.bias"))
    arrays |= {"value.weight": other, "value.bias": np.ones(1)}
    assert code(arrays) == "layers"
    found = two_layers(arrays, reading=Reading(output="policy"))
    assert identical(found, net)
    assert "left-out" in {each.code for each in found.remarks}
    assert np.array_equal(two_layers(arrays, reading=Reading(output="value")).U, other)
    assert code(arrays, output="nowhere") == "several-outputs"
    # A layer that could stand between is not passed over.
    chain = kept(net, TORCH) | {"fc3.weight": np.ones((2, 7))} | {"fc2.weight": np.ones((7, 7))}
    assert code(chain, output="fc3") == "order-unclear"


def test_two_layers_of_several_are_picked_by_name() -> None:
    actor, critic = gaussian_network(5, 7, 3), gaussian_network(5, 7, 1)
    arrays = kept(actor, ("actor.0.weight", "actor.0.bias", "actor.2.weight", "actor.2.bias"))
    arrays |= kept(critic, ("critic.0.weight", "critic.0.bias", "critic.2.weight", "critic.2.bias"))
    assert code(arrays) == "layers"
    for who, net in (("actor", actor), ("critic", critic)):
        for order in ((f"{who}.0", f"{who}.2"), (f"{who}.0.weight", f"{who}.2.weight")):
            assert identical(two_layers(arrays, reading=Reading(order=order)), net)
    assert code(arrays, order=("actor.0", "nobody")) == "order-unknown"
    odd = kept(actor, ("P", "p", "Q", "q")) | {"R": np.ones((2, 2))}
    found = two_layers(odd, reading=Reading(order=("P", "p", "Q", "q")))
    assert identical(found, actor)


def test_biases_of_layers_that_are_named_are_not_lost() -> None:
    net = gaussian_network(5, 7, 3)
    listed = {"0": net.V, "1": net.U, "2": net.b, "3": net.c}
    assert identical(two_layers(listed, reading=Reading(order=("0", "1"))), net)
    square = gaussian_network(5, 5, 5)
    listed = {"0": square.V, "1": square.U, "2": square.b, "3": square.c}
    known = {"order": ("0", "1"), "transposed": False}
    assert code(listed, **known) == "order-unclear"
    found = two_layers(listed, reading=Reading(order=("0", "2", "1", "3"), transposed=False))
    assert identical(found, square)
    assert code(listed | {"4": square.c}, **known) == "order-unclear"


@pytest.mark.parametrize(
    ("names", "shapes"),
    [
        (("rnn.weight_ih", "rnn.weight_hh"), ((7, 5), (7, 7))),
        (("wte.weight", "fc.weight"), ((7, 5), (3, 7))),
        (("lora_A.weight", "lora_B.weight"), ((4, 9), (9, 4))),
        (("emb.embedding.weight", "fc.weight"), ((7, 5), (3, 7))),
        (("attn.q", "attn.k"), ((5, 5), (5, 5))),
    ],
)
def test_other_layers_are_not_taken_for_linear_ones(names: Any, shapes: Any) -> None:
    arrays = {name: np.ones(shape) for name, shape in zip(names, shapes, strict=True)}
    assert code(arrays) == "foreign-layer"


@pytest.mark.parametrize(
    ("one", "other"), [("actor.weight", "critic.weight"), ("pi.w", "vf.w"), ("mu.W", "logvar.W")]
)
def test_heads_side_by_side_are_not_taken_for_two_layers(one: str, other: str) -> None:
    arrays = {one: np.ones((5, 5)), other: np.ones((1, 5))}
    assert code(arrays) == "side-by-side"
    assert two_layers(arrays, reading=Reading(order=(one, other))).n_outputs == 1


def test_what_names_alone_tell_of_the_layout_is_reported() -> None:
    """A module of one's own may keep (inputs, units) in a `weight`, which shapes do not show."""

    def reported(net: Network) -> set[str]:
        return {remark.code for remark in net.remarks}

    square = kept(gaussian_network(5, 5, 5), TORCH)
    assert "layout-assumed" in reported(two_layers(square))
    assert "layout-assumed" not in reported(two_layers(square, reading=Reading(transposed=False)))
    assert "layout-assumed" not in reported(two_layers(kept(gaussian_network(5, 7, 3), TORCH)))
    assert "layout-assumed" not in reported(two_layers(kept(gaussian_network(5, 5, 5), FLAX)))


def test_numbers_that_may_scale_are_not_taken_for_biases() -> None:
    net = gaussian_network(5, 5, 3)
    arrays = kept(net, ("W1", "b1", "W2", "x_mean"))
    assert code(arrays) == "scaling"
    picked = two_layers(arrays, reading=Reading(order=("W1", "b1", "W2")))
    assert np.array_equal(picked.c, np.zeros(3))


def test_a_vector_is_the_weights_of_one_output_or_input() -> None:
    one, single = gaussian_network(5, 7, 1), gaussian_network(1, 7, 3)
    arrays = {"W1": one.V.T, "b1": one.b, "w2": one.U[0], "b2": np.array(one.c[0])}
    assert identical(two_layers(arrays), one)
    arrays = {"w1": single.V[:, 0], "b1": single.b, "W2": single.U, "b2": single.c}
    assert identical(two_layers(arrays), single)


@pytest.mark.parametrize(
    ("names", "biases"),
    [
        (("w1", "w2"), ("b1", "b2")),
        (("0.weight", "2.weight"), ("0.bias", "2.bias")),
        (("layers.0.weight", "layers.1.weight"), ("layers.0.bias", "layers.1.bias")),
        (("coefs_0", "coefs_1"), ("intercepts_0", "intercepts_1")),
        (("arr_0", "arr_2"), ("arr_1", "arr_3")),
        (("Variable:0", "Variable_2:0"), ("Variable_1:0", "Variable_3:0")),
        (("mlp/~/linear_0/w", "mlp/~/linear_1/w"), ("mlp/~/linear_0/b", "mlp/~/linear_1/b")),
        (("W_in", "W_out"), ("b_in", "b_out")),
        (("weights_1", "weights_2"), ("biases_1", "biases_2")),
        (("V", "U"), ("b", "c")),
    ],
)
def test_npz_files_of_any_names_are_read(tmp_path: Path, names: Any, biases: Any) -> None:
    net, path = gaussian_network(5, 7, 3), tmp_path / "net.npz"
    transposed = names[0].startswith("coefs")
    arrays = kept(net, (names[0], biases[0], names[1], biases[1]), transposed=transposed)
    np.savez(path, allow_pickle=False, **arrays)
    found = load(path)
    assert identical(found, net)
    assert "assumed" in repr(found)
    np.savez(path, allow_pickle=False, **arrays, activation=np.array("relu"))
    assert load(path).remarks == ()
    np.savez(path, allow_pickle=False, **arrays, activation=np.array("tanh"))
    with pytest.raises(FileError) as caught:
        load(path)
    assert caught.value.code == "activation"


def test_impossible_options_are_refused(tmp_path: Path) -> None:
    for known in ({"order": "W1"}, {"order": (1, 2)}, {"transposed": 1}, {"output": 0}):
        with pytest.raises(InputTypeError):
            load(tmp_path / "net.npz", **known)
    for order in (("W1",), ("W1", "W1"), ("a", "b", "c", "d", "e")):
        with pytest.raises(InputError):
            load(tmp_path / "net.npz", order=order)
