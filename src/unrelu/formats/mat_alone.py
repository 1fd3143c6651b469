"""The arrays and texts of a MATLAB file, read in a process of its own; see `alone`.

scipy.io.loadmat believes what a file says of sizes, so it runs within limits of memory and time.
"""

from __future__ import annotations

import io
import json
import sys
from functools import partial
from typing import Any

import numpy as np
from scipy.io import loadmat, matlab

from unrelu.formats.hdf5_alone import MANY, limit_memory

DEEP = 8
"""Cells and structures within each other."""


loaded: Any = partial(loadmat, mat_dtype=True)  # the stubs know no open files


def contents(data: bytes) -> dict[str, Any]:
    """Arrays under their names, W{2} or net.b{1}; texts and classes of objects in the index."""
    arrays: list[Any] = []
    found: dict[str, Any] = {"names": [], "texts": {}, "objects": []}
    room = [MANY]

    def visit(name: str, value: Any, depth: int) -> None:
        room[0] -= 1
        if room[0] < 0 or depth > DEEP:
            raise ValueError("there are too many variables, or they lie too deep in each other")
        if hasattr(value, "toarray"):
            value = value.toarray()
        if isinstance(value, matlab.MatlabObject | matlab.MatlabFunction | matlab.MatlabOpaque):
            found["objects"].append(str(getattr(value, "classname", type(value).__name__)))
        elif not isinstance(value, np.ndarray) or not value.size:
            pass
        elif value.dtype.names:
            for number, each in enumerate(value.ravel(order="F"), 1):
                place = name if value.size == 1 else f"{name}({number})"
                for field in value.dtype.names:
                    visit(f"{place}.{field}", each[field], depth + 1)
        elif value.dtype.kind == "O":
            for number, each in enumerate(value.ravel(order="F"), 1):
                visit(f"{name}{{{number}}}", each, depth + 1)
        elif value.dtype.kind in "US":
            found["texts"][name] = [str(text) for text in value.ravel()[:100]]
        elif value.dtype.kind in "fiub":
            found["names"].append(name)
            arrays.append(np.ascontiguousarray(value))

    for name, value in loaded(io.BytesIO(data)).items():
        if not name.startswith("__"):
            visit(name, value, 0)
    index = np.frombuffer(json.dumps(found).encode(), dtype=np.uint8)
    return {"index": index} | {f"a{number}": array for number, array in enumerate(arrays)}


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
