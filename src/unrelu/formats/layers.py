"""The two layers among the named arrays of a file that only holds weights.

Names are free (fc1.weight, net.0.weight, module.hidden.weight, …): which layer comes first
follows from the shapes, and from the order of the names where the shapes leave it open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError
from unrelu.formats.steps import shortened
from unrelu.network import Network

AnyArray = NDArray[Any]

BIAS_NAMES = {"weight": "bias", "kernel": "bias", "W": "b", "V": "b", "U": "c", "w": "b"}
"""What the last part of a weight's name becomes in the name of its bias."""


def two_layers(path: Path, arrays: Mapping[str, AnyArray], *, in_order: bool) -> Network:
    """The network whose weights the arrays are: (k, d) and (m, k), with biases (k,) and (m,) or
    without; names ending in `kernel` hold the transposed weights.

    `in_order`: the file keeps its arrays in the order of the layers. Raises FileError where the
    arrays are others, or could be meant in two ways.
    """
    weights: dict[str, AnyArray] = {}
    biases: dict[str, AnyArray] = {}
    for name, array in arrays.items():
        if array.dtype.kind != "f" or array.ndim not in (1, 2) or not array.size:
            raise FileError(
                f"{path}: got {shortened(name)}, {array.dtype} of shape {array.shape}, expected "
                "weights (2 axes) and biases (1 axis) of two layers, and nothing else"
            )
        if array.ndim == 1 and _last(name) in ("weight", "kernel", "gamma"):
            raise FileError(
                f"{path}: got {shortened(name)} of shape {array.shape}, which is no bias: a "
                "normalization or a PReLU; expected two linear layers with a ReLU between them"
            )
        if array.ndim == 1:
            biases[name] = array
        else:
            weights[name] = array.T if _last(name) == "kernel" else array
    if len(weights) != 2:
        raise FileError(
            f"{path}: got {len(weights)} weight matrices ({_shown(weights)}), expected those of "
            "two layers"
        )
    first, second = _ordered(path, weights, in_order=in_order)
    V, U = weights[first], weights[second]
    b, c = _paired(path, biases, (first, len(V)), (second, len(U)), in_order=in_order)
    return Network(V, U, b, c)


def _ordered(path: Path, weights: Mapping[str, AnyArray], *, in_order: bool) -> tuple[str, str]:
    """Names of the first and the second layer."""
    one, other = weights
    fits = [
        (a, z)
        for a, z in ((one, other), (other, one))
        if weights[a].shape[0] == weights[z].shape[1]
    ]
    if not fits:
        raise FileError(
            f"{path}: got {_shown(weights)}, expected shapes (units, inputs) and (outputs, units)"
        )
    if len(fits) == 1:
        return fits[0]
    if {one, other} == {"V", "U"}:
        return "V", "U"
    if in_order and not (_comparable(one, other) and _natural(one) > _natural(other)):
        return one, other
    if not in_order and _comparable(one, other):
        return (one, other) if _natural(one) < _natural(other) else (other, one)
    raise FileError(
        f"{path}: cannot tell which of {_shown(weights)} is the first layer: give them names "
        "that are numbered alike, as fc1.weight and fc2.weight"
    )


def _paired(
    path: Path,
    biases: Mapping[str, AnyArray],
    first: tuple[str, int],
    second: tuple[str, int],
    *,
    in_order: bool,
) -> tuple[AnyArray | None, AnyArray | None]:
    """The biases of both layers: by their names, else by their lengths, else by their order."""
    if len(biases) > 2:
        raise FileError(
            f"{path}: got {len(biases)} arrays with one axis ({_shown(biases)}), expected the "
            "biases of two layers"
        )
    found: list[AnyArray | None] = [biases.get(_bias_of(name)) for name, _ in (first, second)]
    if sum(bias is not None for bias in found) == len(biases):
        return found[0], found[1]
    sizes = first[1], second[1]
    for name, bias in biases.items():
        if len(bias) not in sizes:
            raise FileError(
                f"{path}: got {shortened(name)} of shape {bias.shape}, expected biases of shape "
                f"({sizes[0]},) or ({sizes[1]},)"
            )
    names = list(biases)
    if sizes[0] != sizes[1]:
        by_size = [[name for name in names if len(biases[name]) == size] for size in sizes]
        if max(map(len, by_size)) < 2:
            b, c = (biases[found[0]] if found else None for found in by_size)
            return b, c
    elif len(names) == 2 and (in_order or _comparable(*names)):
        ordered = names if in_order else sorted(names, key=_natural)
        return biases[ordered[0]], biases[ordered[1]]
    raise FileError(
        f"{path}: cannot tell which layers the biases {_shown(biases)} belong to: name them after "
        f"the weights, {shortened(_bias_of(first[0]))} and {shortened(_bias_of(second[0]))}"
    )


def _bias_of(weight: str) -> str:
    last = _last(weight)
    stem = weight[: len(weight) - len(last)]
    if last in BIAS_NAMES:
        return stem + BIAS_NAMES[last]
    for kind, bias in BIAS_NAMES.items():
        if kind in last:
            return stem + last.replace(kind, bias, 1)
    return stem + "bias"


def _last(name: str) -> str:
    return re.split(r"[./]", name)[-1]


def _comparable(one: str, other: str) -> bool:
    """Whether two names differ in their numbers alone."""
    return re.sub(r"\d+", "0", one) == re.sub(r"\d+", "0", other)


def _natural(name: str) -> list[int]:
    return [int(number[:18]) for number in re.findall(r"\d+", name)]


def _shown(arrays: Mapping[str, AnyArray]) -> str:
    shown = [f"{shortened(name)} {array.shape}" for name, array in list(arrays.items())[:4]]
    return ", ".join(shown + (["…"] if len(arrays) > 4 else [])) or "none"


def float_array(data: bytes | bytearray | memoryview, kind: str, order: str = "<") -> AnyArray:
    """Numbers stored as float16, float32, float64 or bfloat16, as a flat array that holds the
    same values."""
    if kind == "bfloat16":  # the upper half of a float32
        halves = np.frombuffer(data, dtype=f"{order}u2").astype(np.uint32)
        return (halves << np.uint32(16)).view(np.float32)
    size = {"float16": 2, "float32": 4, "float64": 8}[kind]
    return np.frombuffer(data, dtype=f"{order}f{size}")
