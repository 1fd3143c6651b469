"""Networks in .npz files: arrays V, U, b, c, the name of the activation and a format version.

No pickled objects, so that a file from a stranger can be loaded without running anything of
theirs. A network that was not recovered with certainty carries two more arrays, `status` and
`reason`; it loads like any other. So does a plain .npz of V and U, with b and c or without.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.activations import NAMES
from unrelu.errors import FileError
from unrelu.formats.archive import read_arrays, write_arrays
from unrelu.formats.marks import Contents, Mark, no_network
from unrelu.network import Network

FORMAT_VERSION = 1
"""Raised when a file of the new kind would be misread by an older library."""


def read_npz(path: Path, drop_head: bool) -> Contents:
    """The network of an .npz file, and its mark."""
    del drop_head  # weights have no head
    head = read_arrays(path, (), ("version", "status", "reason", "activation"))
    if not head:
        return Contents(_plain(path))
    if "version" not in head:
        raise FileError(f"{path}: got an array {min(head)}, but version is missing")
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
        raise no_network(path, mark) from error

    activation = _scalar(path, "activation", arrays.pop("activation"), "U")
    if activation not in NAMES:
        raise FileError(
            f"{path}: got activation {activation!r}, expected one of {', '.join(map(repr, NAMES))}"
        )
    return Contents(Network(**arrays, activation=activation), mark)


def _plain(path: Path) -> Network:
    """The network of an .npz that somebody else made."""
    arrays = read_arrays(path, ("V", "U"), ("b", "c"))
    V, U = arrays["V"], arrays["U"]
    if not V.size or not U.size:
        raise FileError(f"{path}: got empty arrays, expected V (k, d) and U (m, k)")
    return Network(V, U, arrays.get("b"), arrays.get("c"))


def write_npz(path: Path, net: Network | None, mark: Mark | None) -> None:
    """Write a network, or a mark alone. The same network gives the same bytes."""
    arrays: dict[str, NDArray[Any]] = {"version": np.array(FORMAT_VERSION)}
    if net is not None:
        arrays |= {"V": net.V, "U": net.U, "b": net.b, "c": net.c}
        arrays["activation"] = np.array(net.activation.name)
    if mark is not None:
        arrays |= {"status": np.array(mark.status), "reason": np.array(mark.reason)}
    write_arrays(path, arrays)


def _scalar(path: Path, name: str, array: NDArray[Any], kinds: str) -> Any:
    """The one value of a zero-dimensional array, of a type among the numpy kinds given."""
    if array.shape != () or array.dtype.kind not in kinds:
        raise FileError(
            f"{path}: {name}: got an array of {array.dtype} with shape {array.shape}, expected "
            f"a single {'text' if kinds == 'U' else 'integer'}"
        )
    return array.item()
