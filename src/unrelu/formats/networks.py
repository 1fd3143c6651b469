"""Networks in .npz files: arrays V, U, b, c, the name of the activation and a format version.

No pickled objects, so that a file from a stranger can be loaded without running anything of
theirs. A network that was not recovered with certainty carries two more arrays, `status` and
`reason`; it loads like any other.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.activations import NAMES
from unrelu.errors import FileError, InputError, InputTypeError
from unrelu.formats.archive import read_arrays, write_arrays
from unrelu.formats.whole import check_writable
from unrelu.network import Network

SUFFIX = ".npz"

FORMAT_VERSION = 1
"""Raised when a file of the new kind would be misread by an older library."""


@dataclass(frozen=True)
class Mark:
    """Why the network of a file is not to be trusted: the status of its recovery, in one word,
    and the reason in a sentence."""

    status: str
    reason: str


def save(net: Network, path: str | os.PathLike[str]) -> None:
    """Write a network to an .npz file; the file appears whole or not at all.

    The same network gives the same bytes. Raises FileError when the file cannot be written, or
    its name does not end in .npz.

    >>> import tempfile
    >>> net = Network([[1.0], [-1.0]], [[1.0, 1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(net, f"{folder}/abs.npz")
    ...     load(f"{folder}/abs.npz")
    Network(1 inputs, 2 units, 1 outputs, relu)
    """
    save_marked(net, path, None)


def save_marked(net: Network | None, path: str | os.PathLike[str], mark: Mark | None) -> None:
    """`save`, with a mark saying why the network is not certain. Without any network the file
    holds the mark alone, and `load` repeats the reason."""
    if net is not None and not isinstance(net, Network):
        raise InputTypeError(f"save: got a {type(net).__name__}, expected a Network")
    path = Path(path)
    check_target(path)
    arrays: dict[str, NDArray[Any]] = {"version": np.array(FORMAT_VERSION)}
    if net is not None:
        arrays |= {"V": net.V, "U": net.U, "b": net.b, "c": net.c}
        arrays["activation"] = np.array(net.activation.name)
    if mark is not None:
        arrays |= {"status": np.array(mark.status), "reason": np.array(mark.reason)}
    write_arrays(path, arrays)


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the FileError that `save` would raise for this path, before anything is computed."""
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise FileError(
            f"{path}: got a name ending in {path.suffix!r}, expected {SUFFIX!r}, the form in "
            "which networks are kept"
        )
    check_writable(path)


def load(path: str | os.PathLike[str]) -> Network:
    """The network of an .npz file written by `save`.

    Raises FileError for everything that is not one: no such file, damaged, arrays missing or of
    shapes that do not fit, an activation or a format version that this library does not know.
    """
    return load_marked(path)[0]


def load_marked(path: str | os.PathLike[str]) -> tuple[Network, Mark | None]:
    """`load`, and the mark of a network that was not recovered with certainty."""
    path = Path(path)
    head = read_arrays(path, ("version",), ("status", "reason"))
    version = _scalar(path, "version", head["version"], "iu")
    if version != FORMAT_VERSION:
        raise FileError(
            f"{path}: got format version {version}, expected {FORMAT_VERSION}; a newer unrelu may "
            "read it"
        )
    mark = None
    if "status" in head:
        reason = head.get("reason", np.array(""))
        mark = Mark(
            _scalar(path, "status", head["status"], "U"), _scalar(path, "reason", reason, "U")
        )
    try:
        arrays = read_arrays(path, ("V", "U", "b", "c", "activation"))
    except FileError as error:
        if mark is None:
            raise
        raise FileError(
            f"{path}: holds no network, because none was found: {mark.reason}"
        ) from error

    activation = _scalar(path, "activation", arrays.pop("activation"), "U")
    if activation not in NAMES:
        raise FileError(
            f"{path}: got activation {activation!r}, expected one of {', '.join(map(repr, NAMES))}"
        )
    try:
        return Network(**arrays, activation=activation), mark
    except (InputError, InputTypeError) as error:
        raise FileError(f"{path}: {error}") from error


def _scalar(path: Path, name: str, array: NDArray[Any], kinds: str) -> Any:
    """The one value of a zero-dimensional array, of a type among the numpy kinds given."""
    if array.shape != () or array.dtype.kind not in kinds:
        raise FileError(
            f"{path}: {name}: got an array of {array.dtype} with shape {array.shape}, expected "
            f"a single {'text' if kinds == 'U' else 'integer'}"
        )
    return array.item()
