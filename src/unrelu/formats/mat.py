"""MATLAB files (.mat) of controllers: cell arrays W and b, or W1, b1, W2, b2, in structures or not.

The activations are taken from texts such as act_fcns; where there are none, ReLU is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from unrelu.errors import FileError
from unrelu.formats import naming
from unrelu.formats.activation_names import declared_activation
from unrelu.formats.array_roles import left_out_remark, scaling_beside
from unrelu.formats.contents import Contents
from unrelu.formats.named_arrays import two_layers
from unrelu.formats.naming import shortened
from unrelu.formats.reading import Reading
from unrelu.formats.separate_process import read_in_process
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.remarks import Remark


def read_mat(path: Path, reading: Reading) -> Contents:
    """The network of a .mat file."""
    data = path.read_bytes()
    if data.startswith((b"MATLAB 7.3", b"\x89HDF")):
        raise FileError(
            "got a MATLAB file of version 7.3, expected one of version 5: in MATLAB, "
            "save(name, '-v7')",
            "matlab-7.3",
        )
    found, index = read_in_process(data, "unrelu.formats.mat_process", "MATLAB")
    texts: dict[str, list[str]] = {}
    for name, entries in index["texts"].items():
        texts.setdefault(re.sub(r"\{\d+\}$", "", name), []).extend(entries)
    remarks, head = declared_activation(texts, drop_head=reading.drop_head)
    arrays, left_out, in_columns = _weights_of(found, reading, index["objects"])
    read = partial(two_layers, arrays, reading=reading, remarks=[*remarks, *left_out])
    try:
        known = False if in_columns and reading.transposed is None else None
        return Contents(read(transposed=known), head=head)
    except FileError as error:
        if error.code != "shapes" or not in_columns:
            raise
        return Contents(read(), head=head)


def _weights_of(
    found: Mapping[str, AnyArray], reading: Reading, objects: list[str]
) -> tuple[dict[str, AnyArray], list[Remark], bool]:
    """The arrays that are weights or biases, biases with one axis; a remark on the others; and
    whether biases are columns, as in W * x + b. MATLAB has no arrays with one axis."""
    arrays: dict[str, AnyArray] = {}
    others: list[str] = []
    asked = reading.order or ()
    columns = []
    for name, array in found.items():
        bias = naming.is_bias(name) or (len(asked) == 4 and name in (asked[1], asked[3]))
        weight = naming.is_weight(name) or name in asked
        while array.ndim > 2 and array.shape[-1] == 1:
            array = array[..., 0]  # noqa: PLW2901
        if array.ndim == 2 and bias and min(array.shape) == 1:
            arrays[name] = array.reshape(-1)
            if array.size > 1:
                columns.append(array.shape[1] == 1)
        elif weight:
            arrays[name] = array
        elif naming.scales(name) and not asked:
            raise scaling_beside(name)
        else:
            others.append(name)
    if not arrays:
        listed = ", ".join(map(shortened, [*found, *objects][:5])) or "nothing"
        raise FileError(
            f"got {listed}, expected cell arrays W and b, or W1, b1, W2, b2",
            "matlab-object" if objects and not found else "unreadable",
        )
    return arrays, left_out_remark(others), bool(columns) and all(columns)
