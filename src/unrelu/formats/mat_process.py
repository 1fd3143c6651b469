"""The arrays and texts of a MATLAB file, read in a process of its own; see `separate_process`.

scipy.io.loadmat believes what a file says of sizes, so it runs within limits of memory and time.
"""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat, matlab

from unrelu.formats.separate_process import MANY, Found, answer

DEEP = 8
"""Cells and structures within each other."""

OBJECTS = matlab.MatlabObject | matlab.MatlabFunction | matlab.MatlabOpaque

loaded: Any = partial(loadmat, mat_dtype=True)  # the stubs know no open files


def contents(data: bytes) -> Found:
    """Arrays under their names, W{2} or net.b{1}; texts, and the classes of objects."""
    arrays: dict[str, NDArray[Any]] = {}
    texts: dict[str, list[str]] = {}
    objects: list[str] = []
    room = [MANY]

    def visit(name: str, value: Any, depth: int) -> None:
        room[0] -= 1
        if room[0] < 0 or depth > DEEP:
            raise ValueError("there are too many variables, or they lie too deep in each other")
        if hasattr(value, "toarray"):
            value = value.toarray()
        if isinstance(value, OBJECTS):
            objects.append(str(getattr(value, "classname", type(value).__name__)))
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
            texts[name] = [str(text) for text in value.ravel()[:100]]
        elif value.dtype.kind in "fiub":
            arrays[name] = np.ascontiguousarray(value)

    for name, value in loaded(io.BytesIO(data)).items():
        if not name.startswith("__"):
            visit(name, value, 0)
    return arrays, {"texts": texts, "objects": objects}


if __name__ == "__main__":
    answer(contents)
