"""Networks in .npz files: arrays V, U, b, c, the name of the activation and a format version.

There are no pickled objects, so that loading a file runs no code from it. A network that was not
recovered with certainty has two more arrays, `status` and `reason`; it loads like any other. So do
a plain .npz of V and U, with or without b, c and W, one of two layers under any other names (see
`named_arrays`), and the network of a saved result (see `results`).

The weights of a rational network are byte strings, each the text of an integer or of a fraction
p/q, and the version of such a file is 2. An activation that is a curve has the arrays `knots` and
`values`. A skip connection is one more array, W, and adds two to the version, so that versions of
the library that would ignore it do not read such a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.activations import Curve, resolve
from unrelu.errors import FileError, InputError
from unrelu.formats.activation_names import declared_activation
from unrelu.formats.archive import member_names, read_arrays, write_arrays
from unrelu.formats.contents import Contents, Provenance, no_network
from unrelu.formats.named_arrays import two_layers
from unrelu.formats.numerals import numerals, rationals
from unrelu.formats.reading import Reading
from unrelu.network import Network

FORMAT = "unrelu result"
"""The text in an archive that contains a whole result."""

FLOATS, RATIONALS, SKIP = 1, 2, 2
"""Versions of the form; the last is added to one of the others. An older version of the library
rejects a newer form by its number."""

VERSIONS = (FLOATS, RATIONALS, FLOATS + SKIP, RATIONALS + SKIP)


def read_npz(path: Path, reading: Reading) -> Contents:
    """The network of an .npz file, and its provenance."""
    head = read_arrays(path, (), ("version", "status", "reason", "activation", "format"))
    if str(head.pop("format", "")) == FORMAT:
        return _of_result(path)
    if not head.keys() - {"activation"}:
        return _plain(path, reading)
    if "version" not in head:
        raise FileError(f"got an array {min(head)}, but version is missing")
    version = _scalar("version", head["version"], "iu")
    if version not in VERSIONS:
        raise FileError(
            f"got format version {version}, expected {' or '.join(map(str, VERSIONS))}; a "
            "newer unrelu may read it"
        )
    provenance = None
    if "status" in head:
        reason = head.get("reason", np.array(""))
        provenance = Provenance(
            _scalar("status", head["status"], "U"), _scalar("reason", reason, "U")
        )
    try:
        skip = ("W",) if version > SKIP else ()
        arrays = read_arrays(path, ("V", "U", "b", "c", "activation", *skip))
    except FileError as error:
        if provenance is None:
            raise
        raise no_network(provenance) from error

    activation = _scalar("activation", arrays.pop("activation"), "U")
    if activation == Curve.name:
        curve = read_arrays(path, ("knots", "values"))
        return Contents(Network(**arrays, activation=Curve(**curve)), provenance)
    try:
        activation = resolve(activation)
    except InputError as error:
        raise FileError(f"{error}") from error
    if version in (RATIONALS, RATIONALS + SKIP):
        arrays = {name: _rational(name, array) for name, array in arrays.items()}
    return Contents(Network(**arrays, activation=activation), provenance)


def _of_result(path: Path) -> Contents:
    """The network of a whole result."""
    from unrelu.formats.results import network_of_result

    network, status, explanation = network_of_result(path)
    provenance = Provenance(status.value, explanation)
    if network is None:
        raise no_network(provenance)
    return Contents(network, None if status.certain else provenance)


def _rational(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind != "S":
        raise FileError(
            f"{name}: got {array.dtype}, expected numbers as byte strings, as version "
            f"{RATIONALS} has them"
        )
    return rationals(name, array)


def _plain(path: Path, reading: Reading) -> Contents:
    """The network of an .npz without a version: of V and U, or of any two layers."""
    names = member_names(path)
    own = reading.order is None and reading.transposed is None and {"V", "U"}.issubset(names)
    wanted = ("V", "U"), (*"bcW", "activation")
    arrays = read_arrays(path, *wanted) if own else read_arrays(path, names)
    texts = {
        n: list(map(str, array.ravel())) for n, array in arrays.items() if array.dtype.kind == "U"
    }
    remarks, head = declared_activation(texts, drop_head=reading.drop_head)
    arrays = {name: array for name, array in arrays.items() if name not in texts}
    if own and arrays["V"].shape[:1] == arrays["U"].shape[1:2] and arrays["V"].size:
        weights: dict[str, Any] = {name: arrays[name] for name in "VUbcW" if name in arrays}
        return Contents(Network(**weights, remarks=remarks), head=head)
    return Contents(two_layers(arrays, reading=reading, remarks=remarks), head=head)


def write_npz(path: Path, net: Network | None, provenance: Provenance | None) -> None:
    """Write a network, or a provenance alone. The same network gives the same bytes."""
    rational = net is not None and net.rational
    skip = net is not None and net.skip
    version = (RATIONALS if rational else FLOATS) + SKIP * skip
    arrays: dict[str, NDArray[Any]] = {"version": np.array(version)}
    if net is not None:
        weights = {"V": net.V, "U": net.U, "b": net.b, "c": net.c}
        if skip:
            weights["W"] = net.W
        if rational:
            weights = {name: numerals(f"{path}: {name}", array) for name, array in weights.items()}
        arrays |= weights
        arrays["activation"] = np.array(net.activation.name)
        if isinstance(net.activation, Curve):
            arrays |= {"knots": net.activation.knots, "values": net.activation.values}
    if provenance is not None:
        arrays |= {"status": np.array(provenance.status), "reason": np.array(provenance.reason)}
    write_arrays(path, arrays)


def _scalar(name: str, array: NDArray[Any], kinds: str) -> Any:
    """The one value of a zero-dimensional array, of a type among the numpy kinds given."""
    if array.shape != () or array.dtype.kind not in kinds:
        raise FileError(
            f"{name}: got an array of {array.dtype} with shape {array.shape}, expected "
            f"a single {'text' if kinds == 'U' else 'integer'}"
        )
    return array.item()
