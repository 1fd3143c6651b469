"""Networks in files, in one of seven forms, told apart by their suffix, or else by their content.

    NAME.npz                     our own, see `npz`
    NAME.onnx                    ONNX models; needs the extra `onnx`
    NAME.safetensors             needs the extra `safetensors`
    NAME.pt .pth .state_dict     PyTorch state_dicts, read and written without torch
    NAME.h5 .hdf5 .keras         Keras models and weights; needs the extra `keras`
    NAME.nnet                    networks of verification (ACAS Xu), read only
    NAME.mat                     MATLAB controllers, cell arrays W and b, read only

Weights are kept bit for bit as they are given, rational ones in .npz as what they are and in the
other forms rounded to float64. Nothing in a file is ever run.
"""

from __future__ import annotations

import importlib
import logging
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.activations import Activation, Curve, resolve
from unrelu.errors import FileError, InputError, InputTypeError, MissingExtraError, require
from unrelu.formats.archive import unreadable
from unrelu.formats.atomic_write import check_writable
from unrelu.formats.contents import Contents, Mark
from unrelu.formats.foreign import PACKED, named_foreign, refusal, refuse_foreign
from unrelu.formats.reading import AS_THE_FILE_SAYS, Reading
from unrelu.network import Network
from unrelu.wording.streams import kind_of, with_article

__all__ = ["Contents", "Mark", "check_target", "load", "load_marked", "read", "save", "save_marked"]

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Form:
    """A form of file: its suffixes, the module that reads and writes it (`read_<name>`,
    `write_<name>`), the package and extra that this takes, and whether we write it, too."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    package: str | None = None
    extra: str = ""
    written: bool = True

    def function(self, verb: str) -> Callable[..., Any]:
        """`read_<name>` or `write_<name>`; the module is imported when it is needed."""
        module = importlib.import_module(f"unrelu.formats.{self.module}")
        return getattr(module, f"{verb}_{self.name}")  # type: ignore[no-any-return]


FORMS = (
    Form("npz", (".npz",), "npz"),
    Form("onnx", (".onnx",), "onnx.files", "onnx", "onnx"),
    Form("safetensors", (".safetensors",), "safetensors", "safetensors", "safetensors"),
    Form("state_dict", (".pt", ".pth", ".state_dict"), "torch.state_dict"),
    Form("keras", (".h5", ".hdf5", ".keras"), "keras.files", "h5py", "keras"),
    Form("nnet", (".nnet",), "nnet", written=False),
    Form("mat", (".mat",), "mat", written=False),
)

PICKLES = (".pkl", ".pickle", ".joblib", ".sav")
"""Suffixes of pickles, which mostly hold scikit-learn models; the reader of state_dicts says so."""

SUFFIXES = tuple(suffix for form in FORMS for suffix in form.suffixes)


def save(net: Network, path: str | os.PathLike[str]) -> None:
    """Write a network in the form that the suffix names; the file appears whole or not at all.

    .npz; .onnx; .safetensors; .pt, .pth or .state_dict (PyTorch); .h5, .weights.h5 or .keras
    (Keras). PyTorch and safetensors use the names of nn.Sequential(Linear, ReLU, Linear). Weights
    are written in float64; those of a rational network are kept as fractions in .npz, and rounded
    to float64 in every other form.

    Networks of other activations than the ReLU have their name and parameters in .npz and no room
    in other forms; functions of your own have none anywhere.

    The same network gives the same bytes, except in .h5 and .keras. Raises FileError when the file
    cannot be written, or its suffix is another, or it has no room for the activation, or a fraction
    has more than 20,000 digits;
    InputError when rational weights are to be rounded that float64 has no room for;
    MissingExtraError when the form needs a package that is not installed.

    >>> import tempfile
    >>> net = Network([[1.0], [-1.0]], [[1.0, 1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(net, f"{folder}/abs.npz")
    ...     load(f"{folder}/abs.npz")
    Network(1 input, 2 units, 1 output, relu)
    """
    save_marked(net, path, None)


def save_marked(net: Network | None, path: str | os.PathLike[str], mark: Mark | None) -> None:
    """`save`, with a mark saying why the network is not certain. Without any network the file
    holds the mark alone, and `load` repeats the reason."""
    if net is not None and not isinstance(net, Network):
        raise InputTypeError(
            f"save: got {kind_of(net)}, expected a Network: of a whole result this is "
            "result.network, and result.save(path) writes all of it"
        )
    path = Path(path)
    form = _check_form(path)
    if net is not None:
        check_activation(net.activation, path)
    check_writable(path)
    if form.name != "npz" and net is not None and not (net.n_units and net.n_inputs):
        raise FileError(f"{path}: the network has no units, which only .npz can say")
    if form.name != "npz" and net is not None:
        if net.skip:
            raise FileError(
                f"{path}: got a network with a skip connection, which only .npz keeps; "
                "net.without_skip() is the same function without, with more units"
            )
        net = net.rounded()
    form.function("write")(path, net, mark)


def check_activation(activation: str | Activation, path: str | os.PathLike[str]) -> None:
    """Raise FileError where the form of the path has no room for the activation, or for the curve
    that an unknown one becomes."""
    if activation == "unknown":
        activation = Curve([0.0, 1.0], [0.0, 1.0])
    activation = resolve(activation)
    if not activation.in_files:
        raise FileError(
            f"{path}: the activation is a function of your own, which no file can hold: keep the "
            "arrays V, U, b and c of the network, and make it anew with the function"
        )
    if not activation.piecewise_linear and _check_form(Path(path)).name != "npz":
        raise FileError(
            f"{path}: got activation {activation.name!r}, which only .npz keeps: in the other "
            "forms networks are ReLU networks"
        )


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the error that `save` would raise for this path, before anything is computed."""
    form = _check_form(Path(path))
    if form.package is not None:
        require(form.package, form.extra, f"{path}: {form.suffixes[0]} files need")
    check_writable(Path(path))


def load(
    path: str | os.PathLike[str],
    *,
    drop_head: bool = False,
    order: Sequence[str] | None = None,
    transposed: bool | None = None,
    output: str | None = None,
) -> Network:
    """The network of a model file.

    Reads .npz, ONNX, safetensors, PyTorch state_dicts and checkpoints, Keras models or weights,
    .nnet and MATLAB controllers, told apart by the suffix, or by the content where the suffix says
    nothing. Constants that scale inputs, hidden values or outputs are folded into the weights,
    which otherwise keep every bit. Files that hold weights alone (safetensors, state_dicts, Keras
    weights, most .npz and .mat) are taken for ReLU networks. What was taken for granted is in the
    `remarks` of the network, and logged.

    drop_head : leave off what follows the second layer (a Softmax, Sigmoid, …), so that the
        network gives what it is given; its name is logged. Without, such a file is refused.
    order : names of the two layers, the first one first, where names and shapes do not tell or
        there are others beside them: ("hidden", "out"), or arrays, with their biases or without:
        ("W1", "b1", "W2", "b2").
    transposed : whether weights are kept as (inputs, units), as for x @ W. By default names,
        shapes and biases tell, and where they do not, the file is refused.
    output : the name of the output, or of the layer that gives it, where there are several.
        `order` and `transposed` are for files of weights alone; others say both themselves.

    An .npz of a rational network gives one, the weights of every other file are in float64.

    Raises FileError for everything that is not a two-layer ReLU network: no such file, damaged,
    more layers, another activation, a version that this library does not know, weights that could
    be meant in several ways (its `code` is order-unclear, layout-unclear or several-outputs).
    InputError and InputTypeError for impossible options.
    MissingExtraError when the form needs a package that is not installed.
    """
    contents = read(path, Reading(drop_head, order, transposed, output))
    if contents.head is not None:
        LOG.info("%s: left off: %s", path, contents.head)
    for remark in contents.network.remarks:
        LOG.warning("%s: %s", path, remark)
    return contents.network


def load_marked(
    path: str | os.PathLike[str], reading: Reading = AS_THE_FILE_SAYS
) -> tuple[Network, Mark | None]:
    """`load`, and the mark of a network that was not recovered with certainty."""
    contents = read(path, reading)
    return contents.network, contents.mark


def read(path: str | os.PathLike[str], reading: Reading = AS_THE_FILE_SAYS) -> Contents:
    """`load`, and all that the file says beside the weights."""
    path = Path(path)
    form = None
    try:
        refuse_foreign(path)
        form = _form_of(path)
        with np.errstate(all="ignore"):  # what is not finite is refused as a weight
            contents: Contents = form.function("read")(path, reading)
    except (FileError, MissingExtraError):
        raise
    except (InputError, InputTypeError) as error:
        raise FileError(f"{path}: {error}") from error
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # damage shows as anything, in other people's readers and in ours
        kind = "a model file" if form is None else f"{with_article(form.name)} file"
        reason = (str(error).splitlines() or [""])[0][:200]
        raise FileError(
            f"{path}: damaged or not {kind} ({type(error).__name__}: {reason})"
        ) from error
    return contents


def _check_form(path: Path) -> Form:
    written = [form for form in FORMS if form.written]
    for form in written:
        if path.suffix.lower() in form.suffixes:
            return form
    known = ", ".join(suffix for form in written for suffix in form.suffixes)
    raise FileError(
        f"{path}: got a name ending in {path.suffix!r}, expected one of {known}, the forms in "
        "which networks are written"
    )


def _form_of(path: Path) -> Form:
    """The form of an existing file: by its suffix, else by its content."""
    by_name = {form.name: form for form in FORMS}
    suffix = path.suffix.lower()
    for form in FORMS:
        if suffix in form.suffixes:
            return form
    with open(path, "rb") as file:
        start = file.read(16)
        if start.startswith(b"PK"):
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
            if any(name.endswith("data.pkl") for name in names):
                return by_name["state_dict"]
            if "config.json" in names:
                return by_name["keras"]
            if any(name.endswith(".npy") for name in names):
                return by_name["npz"]
            raise refusal(path, PACKED)
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return by_name["keras"]
    if start[8:9] == b"{":
        return by_name["safetensors"]
    if start.startswith(b"MATLAB 5.0"):
        return by_name["mat"]
    if start[:1] == b"\x80" or suffix in PICKLES:
        return by_name["state_dict"]
    foreign = named_foreign(path)
    if foreign is not None:
        raise refusal(path, foreign)
    if start[:1] == b"\x08":  # the version, first field of the protocol buffer
        return by_name["onnx"]
    raise FileError(
        f"{path}: got a file of unknown content, expected a network in one of {', '.join(SUFFIXES)}"
    )
