"""The arrays of an HDF5 file, read in a process of its own; see `separate_process`.

The HDF5 library is not made for damaged or malicious files: flipped bits can make it crash, and the
process with it. Links and datasets that lead to other files are rejected.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from unrelu.formats.separate_process import MANY, Found, answer

MOST_PACKED = 200
"""As many times as a dataset may be larger than what is stored of it; see `archive`."""

DEEP = 20
"""Groups within groups; Keras makes at most one for each model within a model."""


@dataclass
class Held:
    """What was found so far, and the bytes and objects that are still allowed."""

    room: int
    objects: int = MANY
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    attributes: dict[str, dict[str, str | list[str]]] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)


def contents(data: bytes) -> Found:
    """Arrays and attributes under their paths; what optimizers keep is left out."""
    held = Held(max(1 << 20, MOST_PACKED * len(data)))
    with h5py.File(io.BytesIO(data), "r") as file:
        _group(held, "", file, 0)
    return held.arrays, {"attributes": held.attributes, "groups": held.groups}


def _group(held: Held, path: str, group: Any, depth: int) -> None:
    if kept := _attributes(group):
        held.attributes[path] = kept
    if depth > DEEP:
        raise ValueError("groups lie too deep within each other")
    for name in group:
        held.objects -= 1
        if held.objects < 0:
            raise ValueError("there are too many objects")
        if not depth and name.startswith("optimizer"):
            continue
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{name!r} is a link to somewhere else")
        item = group[name]
        if isinstance(item, h5py.Group):
            held.groups.append(f"{path}{name}")
            _group(held, f"{path}{name}/", item, depth + 1)
        elif isinstance(item, h5py.Dataset):
            _dataset(held, f"{path}{name}", item)


def _dataset(held: Held, name: str, item: Any) -> None:
    if item.is_virtual or item.external:
        raise ValueError(f"{name!r} lies in another file")
    if item.shape is None or item.dtype.kind not in "fiu":
        return
    held.room -= item.nbytes
    if item.nbytes > max(1 << 20, MOST_PACKED * item.id.get_storage_size()) or held.room < 0:
        raise ValueError(f"{name!r} says it has shape {item.shape}, but does not")
    held.arrays[name] = item[()]


def _attributes(item: Any) -> dict[str, str | list[str]]:
    """The texts, and the lists of texts."""
    kept: dict[str, str | list[str]] = {}
    for name in item.attrs:
        value = item.attrs[name]
        if isinstance(value, bytes | str | np.bytes_):
            kept[name] = _text(value)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "SO" and value.ndim == 1:
            kept[name] = [_text(each) for each in value]
    return kept


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    answer(contents)
