"""PyTorch `state_dict` files, read and written without torch.

What torch.save writes: since 1.6 a zip archive with a pickle of names, shapes and references
(`data.pkl`) beside the bytes of each storage (`data/0`, …); before, pickles and bytes one after
the other. `pickles` reads the pickle without running it.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.archive import read_member, write_member
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.contents import KEY, Contents, Provenance, read_remarks, weights_text
from unrelu.formats.named_arrays import sequential, stored_numbers, two_layers
from unrelu.formats.naming import shortened
from unrelu.formats.reading import Reading
from unrelu.formats.torch.checkpoints import state_dict_of
from unrelu.formats.torch.pickles import References, RefusedPickleError, Storage, Tensor, read
from unrelu.network import Network
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.remarks import ASSUMED_RELU, Remark

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""The number that older torch.save puts first, pickled."""

ADVICE = "; expected a plain state_dict: torch.save(model.state_dict(), path)"

Fetch = Callable[[Storage], AnyArray]


def read_state_dict(path: Path, reading: Reading) -> Contents:
    """The network of a state_dict, or of the one in a checkpoint. It contains only weights, so ReLU
    is assumed."""
    references = References()
    with open(path, "rb") as file:
        try:
            if file.read(4).startswith(b"PK"):
                return _of_zip(file, reading, references)
            file.seek(0)
            value, fetch = _of_pickles(io.BytesIO(file.read()), references)
            return Contents(_network(value, fetch, reading, (ASSUMED_RELU,)))
        except RefusedPickleError as error:
            if references.names:
                raise program(references.names) from error
            raise FileError(f"{error}, and ran nothing of the file{ADVICE}") from error
        except FileError as error:
            if error.code not in ("no-tensors", "not-torch"):
                raise
            if references.names:
                raise program(references.names) from error
            raise FileError(f"{error}{ADVICE}", error.code) from error
        except Exception as error:
            # A file written by joblib is not a pickle after the first array.
            if any(name.startswith(("sklearn.", "joblib.")) for name in references.names):
                raise program(references.names) from error
            raise


def program(names: Sequence[str]) -> FileError:
    """The error for a pickle that would create objects other than tensors, by their names."""
    found = [name for name in names if name.startswith("sklearn.")]
    if found:
        return FileError(
            f"got a scikit-learn object ({shortened(found[0])}), and ran nothing of the "
            "file; if you trust it, load it yourself and take unrelu.from_sklearn(model)",
            "sklearn-pickle",
        )
    arrays = [name for name in names if name.startswith(("numpy.", "joblib.", "_codecs."))]
    if len(arrays) == len(names):
        return FileError(
            f"got pickled numpy arrays ({shortened(arrays[0])}), and ran nothing of the "
            "file; if you trust it, load it yourself and write numpy.savez(path, **arrays)",
            "pickled-arrays",
        )
    others = [name for name in names if name not in arrays]
    return FileError(
        f"got the name {shortened(others[0])}, and ran nothing of the file: a whole "
        f"pickled module, or other objects{ADVICE}",
        "pickled-objects",
    )


def _of_zip(file: BinaryIO, reading: Reading, references: References) -> Contents:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.rpartition("/")[2] == "data.pkl"]
        if any(name.endswith("constants.pkl") for name in names):
            raise FileError(f"got a TorchScript program{ADVICE}", "torchscript")
        if len(pickles) != 1:
            raise FileError(f"got a zip archive with {len(pickles)} data.pkl{ADVICE}")
        root = pickles[0].removesuffix("data.pkl")
        order = ">" if _optional(archive, root + "byteorder") == b"big" else "<"
        held = _optional(archive, root + KEY)
        remarks = {} if held is None else {KEY: held.decode()}
        kept: dict[str, AnyArray] = {}

        def fetch(storage: Storage) -> AnyArray:
            if storage.key not in kept:
                data = read_member(archive, f"{root}data/{storage.key}")
                kept[storage.key] = stored_numbers(data, storage.kind, order)
            return kept[storage.key]

        value = read(io.BytesIO(read_member(archive, pickles[0])), references)
        provenance, assumed = read_remarks(remarks, empty=value == {})
        return Contents(_network(value, fetch, reading, assumed), provenance)


def _optional(archive: zipfile.ZipFile, name: str) -> bytes | None:
    return read_member(archive, name) if name in archive.namelist() else None


def _of_pickles(file: io.BytesIO, references: References) -> tuple[Any, Fetch]:
    if read(file, references) != LEGACY_MAGIC:
        raise FileError("got a pickle that torch.save did not write", "not-torch")
    protocol, system = read(file, references), read(file, references)
    if protocol != 1001:
        raise FileError(f"got a file of protocol {protocol!s:.20}, expected 1001")
    order = "<" if not isinstance(system, dict) or system.get("little_endian", True) else ">"
    value = read(file, references)
    keys = read(file, references)
    storages: dict[str, tuple[int, int]] = {}
    view = file.getbuffer()
    at = file.tell()
    # The length in numbers precedes each storage; the size of a number is only in the pickle.
    for key in keys:
        if not isinstance(key, str) or key not in references.storages:
            raise FileError(
                "got a storage of an unknown kind, so that the place of the next one is unknown"
            )
        if at + 8 > len(view):
            raise FileError("ends before its storages do")
        (length,) = struct.unpack(f"{order}q", view[at : at + 8])
        end = at + 8 + length * _width(references.storages[key].kind)
        if not at + 8 <= end <= len(view):
            raise FileError("ends before its storages do")
        storages[key] = (at + 8, end)
        at = end

    def fetch(storage: Storage) -> AnyArray:
        start, end = storages[storage.key]
        return stored_numbers(view[start:end], storage.kind, order)

    return value, fetch


def _network(value: Any, fetch: Fetch, reading: Reading, assumed: Sequence[Remark]) -> Network:
    arrays, left_out = state_dict_of(value, reading, partial(_view, fetch))
    transposed = None if assumed else False  # `save` stores (units, inputs)
    notes = [*assumed, *left_out]
    return two_layers(arrays, reading=reading, declared=True, transposed=transposed, remarks=notes)


def _view(fetch: Fetch, name: str, tensor: Tensor) -> AnyArray:
    """A tensor as an array that shares the memory of its storage."""
    flat = fetch(tensor.storage)
    shape, strides = tensor.shape, tensor.strides
    if len(shape) != len(strides) or len(shape) > 8:
        raise ValueError(f"{name} has {len(shape)} axes and {len(strides)} strides")
    last = tensor.offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    size = math.prod(shape)
    if size and (last >= len(flat) or size > len(flat)):
        raise ValueError(f"{name} reaches beyond the numbers that are there")
    if not size:
        return np.empty(0, flat.dtype)
    steps = [step * flat.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(flat[tensor.offset :], shape, steps, writeable=False)


def _width(kind: str) -> int:
    return 2 if kind == "bfloat16" else np.dtype(kind).itemsize


def write_state_dict(path: Path, net: Network | None, provenance: Provenance | None) -> None:
    """Write what torch.save(model.state_dict(), path) would for a float64
    nn.Sequential(nn.Linear(d, k), nn.ReLU(), nn.Linear(k, m))."""
    tensors = list(sequential(net).items())
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        write_member(archive, "network/data.pkl", _pickled(tensors))
        write_member(archive, "network/byteorder", b"little")
        for number, (_, array) in enumerate(tensors):
            write_member(archive, f"network/data/{number}", array.astype("<f8").tobytes())
        write_member(archive, "network/version", b"3\n")
        write_member(archive, f"network/{KEY}", weights_text(provenance).encode())


def _pickled(tensors: list[tuple[str, AnyArray]]) -> bytes:
    """The program, in protocol 2, that puts the tensors into an OrderedDict."""
    ordered = b"ccollections\nOrderedDict\n)R"
    items = []
    for number, (name, array) in enumerate(tensors):
        storage = (
            b"(" + _text("storage") + b"ctorch\nDoubleStorage\n" + _text(str(number))
            + _text("cpu") + _integer(array.size) + b"tQ"
        )  # fmt: skip
        shape = b"(" + b"".join(map(_integer, array.shape)) + b"t"
        strides = b"(" + b"".join(_integer(s // array.itemsize) for s in array.strides) + b"t"
        items.append(
            _text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + _integer(0)
            + shape + strides + b"\x89" + ordered + b"tR"
        )  # fmt: skip
    return b"\x80\x02" + ordered + b"(" + b"".join(items) + b"u."


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _integer(number: int) -> bytes:
    if number < 1 << 31:
        return b"J" + struct.pack("<i", number)
    return b"\x8a\x08" + struct.pack("<q", number)
