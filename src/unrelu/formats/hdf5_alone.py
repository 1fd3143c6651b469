"""The arrays of an HDF5 file, read in a process of its own.

The HDF5 library is not made for damaged or hostile files: flipped bits make it crash, and take
the process with it. So it only ever sees a stranger's file in this script, which is started with
the file on its standard input, within limits of memory and time, and answers with an .npz on its
standard output. Also keeps to the file: links and datasets that lead to other files are refused.

It imports nothing of unrelu, so that it starts quickly.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import numpy as np

MOST_PACKED = 200
"""As many times as a dataset may be larger than what is stored of it; see `zips`."""

DEEP = 20
"""Groups within groups; Keras makes at most one for each model within a model."""

MANY = 20_000
"""Objects in a file; optimizers and deep models have hundreds."""


def limit_memory(size: int) -> None:
    """No more than the file's contents call for, from here on."""
    try:
        import resource
        from pathlib import Path

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError, ValueError):
        return  # not on this system
    room = pages * resource.getpagesize() + (1 << 28) + 8 * size
    resource.setrlimit(resource.RLIMIT_AS, (room, room))


def contents(data: bytes) -> dict[str, Any]:
    """Arrays and attributes under their paths; what optimizers keep is left out."""
    import h5py

    arrays: list[Any] = []
    found: dict[str, Any] = {"names": [], "attributes": {}, "groups": []}
    room = [MANY, max(1 << 20, MOST_PACKED * len(data))]

    def attributes(path: str, item: Any) -> None:
        kept: dict[str, str | list[str]] = {}
        for name in item.attrs:
            value = item.attrs[name]
            if isinstance(value, bytes | str | np.bytes_):
                kept[name] = _text(value)
            elif isinstance(value, np.ndarray) and value.dtype.kind in "SO" and value.ndim == 1:
                kept[name] = [_text(each) for each in value]
        if kept:
            found["attributes"][path] = kept

    def visit(path: str, group: Any, depth: int) -> None:
        attributes(path, group)
        if depth > DEEP:
            raise ValueError("groups lie too deep within each other")
        for name in group:
            room[0] -= 1
            if room[0] < 0:
                raise ValueError("there are too many objects")
            if not depth and name.startswith("optimizer"):
                continue
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name!r} is a link to somewhere else")
            item = group[name]
            if isinstance(item, h5py.Group):
                found["groups"].append(f"{path}{name}")
                visit(f"{path}{name}/", item, depth + 1)
            elif isinstance(item, h5py.Dataset):
                if item.is_virtual or item.external:
                    raise ValueError(f"{name!r} lies in another file")
                if item.shape is None or item.dtype.kind not in "fiu":
                    continue
                stored = item.id.get_storage_size()
                room[1] -= item.nbytes
                if item.nbytes > max(1 << 20, MOST_PACKED * stored) or room[1] < 0:
                    raise ValueError(f"{name!r} says it has shape {item.shape}, but does not")
                found["names"].append(path + name)
                arrays.append(item[()])

    with h5py.File(io.BytesIO(data), "r") as file:
        visit("", file, 0)
    index = np.frombuffer(json.dumps(found).encode(), dtype=np.uint8)
    return {"index": index} | {f"a{number}": array for number, array in enumerate(arrays)}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def main() -> None:
    data = sys.stdin.buffer.read()
    limit_memory(len(data))
    try:
        answer = io.BytesIO()
        np.savez(answer, allow_pickle=False, **contents(data))
    except BaseException as error:  # to one line; what is wrong with the file is all there is
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(3)
    sys.stdout.buffer.write(answer.getvalue())


if __name__ == "__main__":
    main()
