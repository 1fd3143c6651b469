"""Networks in files, in one of the forms of `forms`, which the suffix or the content shows.

    NAME.npz                     see `npz`
    NAME.onnx                    ONNX models; needs the extra `onnx`
    NAME.safetensors             needs the extra `safetensors`
    NAME.pt .pth .state_dict     PyTorch state_dicts, read and written without torch
    NAME.h5 .hdf5 .keras         Keras models and weights; needs the extra `keras`
    NAME.nnet                    networks of verification (ACAS Xu), read only
    NAME.mat                     MATLAB controllers, cell arrays W and b, read only

Weights are stored bit for bit; rational ones are stored exactly in .npz and rounded to float64 in
the other forms. Nothing in a file is ever run.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unrelu.activations import Activation, Curve, resolve
from unrelu.errors import FileError, InputTypeError
from unrelu.formats.archive import errors_named
from unrelu.formats.atomic_write import check_writable
from unrelu.formats.contents import Contents, Provenance
from unrelu.formats.foreign import refuse_foreign
from unrelu.formats.forms import form_of_file, form_to_write, function, keeping
from unrelu.formats.reading import AS_THE_FILE_SAYS, Reading
from unrelu.network import Network
from unrelu.wording.streams import kind_of, with_article

__all__ = ["Contents", "Provenance", "check_target", "load", "read", "save", "write_network"]

LOG = logging.getLogger(__name__)


def save(net: Network, path: str | os.PathLike[str]) -> None:
    """Write a network in the form that the suffix names; the file appears completely or not at all.

    .npz; .onnx; .safetensors; .pt, .pth or .state_dict (PyTorch); .h5, .weights.h5 or .keras
    (Keras). PyTorch and safetensors use the names of nn.Sequential(Linear, ReLU, Linear). Weights
    are written in float64; those of a rational network are kept as fractions in .npz, and rounded
    to float64 in every other form.

    Activations other than the ReLU are stored in .npz, by their names and parameters, and in no
    other form; functions of your own cannot be stored.

    The same network gives the same bytes, except in .h5 and .keras. Raises FileError if the file
    cannot be written, has another suffix, or cannot store the activation, or if a fraction has more
    than 20,000 digits;
    InputError if rational weights to be rounded are beyond the range of float64;
    MissingExtraError if the form needs a package that is not installed.

    >>> import tempfile
    >>> net = Network([[1.0], [-1.0]], [[1.0, 1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(net, f"{folder}/abs.npz")
    ...     load(f"{folder}/abs.npz")
    Network(1 input, 2 units, 1 output, relu)
    """
    write_network(net, path, None)


def write_network(
    net: Network | None, path: str | os.PathLike[str], provenance: Provenance | None
) -> None:
    """`save`, with the reason why the network is not certain. Without a network, the file contains
    only the provenance, and `load` reports the reason."""
    if net is not None and not isinstance(net, Network):
        raise InputTypeError(
            f"save: got {kind_of(net)}, expected a Network: of a whole result this is "
            "result.network, and result.save(path) writes all of it"
        )
    path = Path(path)
    form = form_to_write(path)
    if net is not None:
        check_activation(net.activation, path)
    check_writable(path)
    if net is not None and not form.keeps_all:
        if not (net.n_units and net.n_inputs):
            raise FileError(f"{path}: the network has no units, which only {keeping()} can store")
        if net.skip:
            raise FileError(
                f"{path}: got a network with a skip connection, which only {keeping()} keeps; "
                "net.without_skip() is the same function without one, with more units"
            )
        net = net.rounded()
    assert form.write is not None, "forms that are only read are refused"
    function(form.write)(path, net, provenance)


def check_activation(activation: str | Activation, path: str | os.PathLike[str]) -> None:
    """Raise FileError if the form of the path cannot store the activation, or the curve that
    replaces an unknown one."""
    if activation == "unknown":
        activation = Curve([0.0, 1.0], [0.0, 1.0])
    activation = resolve(activation)
    if not activation.in_files:
        raise FileError(
            f"{path}: the activation is a function of your own, which no file can store: save the "
            "arrays V, U, b and c of the network, and rebuild it with the function"
        )
    if not activation.piecewise_linear and not form_to_write(Path(path)).keeps_all:
        raise FileError(
            f"{path}: got activation {activation.name!r}, which only {keeping()} keeps: the other "
            "forms are for ReLU networks"
        )


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the error that `save` would raise for this path, before anything is computed."""
    form_to_write(Path(path))
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
    .nnet and MATLAB controllers, distinguished by the suffix, or by the content for other suffixes.
    Constants that scale inputs, hidden values or outputs are folded into the weights, which
    otherwise keep every bit. For files that contain only weights (safetensors, state_dicts, Keras
    weights, most .npz and .mat), ReLU is assumed. Assumptions are in the `remarks` of the network,
    and logged.

    drop_head : leave out what follows the second layer (a Softmax, Sigmoid, …), so that the network
        gives its inputs; its name is logged. By default, such a file is rejected.
    order : names of the two layers, the first one first, if names and shapes do not show them or
        there are others beside them: ("hidden", "out"), or names of arrays, with or without their
        biases: ("W1", "b1", "W2", "b2").
    transposed : whether weights are stored as (inputs, units), as for x @ W. By default, this is
        inferred from names, shapes and biases; if they do not show it, the file is rejected.
    output : the name of the output, or of the layer that gives it, if there are several.
        `order` and `transposed` are for files of weights alone; other files specify both.

    An .npz of a rational network gives one, the weights of every other file are in float64.

    Raises FileError for everything that is not a two-layer ReLU network: no such file, damaged,
    more layers, another activation, a version unknown to this library, weights that can be read in
    several ways (its `code` is order-unclear, layout-unclear or several-outputs).
    InputError and InputTypeError for impossible options.
    MissingExtraError if the form needs a package that is not installed.
    """
    contents = read(path, Reading(drop_head, order, transposed, output))
    if contents.head is not None:
        LOG.info("%s: left off: %s", path, contents.head)
    for remark in contents.network.remarks:
        LOG.warning("%s: %s", path, remark)
    return contents.network


def read(path: str | os.PathLike[str], reading: Reading = AS_THE_FILE_SAYS) -> Contents:
    """`load`, and what the file contains beside the weights."""
    path = Path(path)
    with errors_named(path, "a model file"):
        refuse_foreign(path)
        form = form_of_file(path)
    # Weights that are not finite are rejected by Network.
    with errors_named(path, f"{with_article(form.name)} file"), np.errstate(all="ignore"):
        contents: Contents = function(form.read)(path, reading)
    return contents
