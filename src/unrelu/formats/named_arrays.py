"""The two layers among the named arrays of a file that only holds weights.

Such a file does not show which layer comes first, nor whether weights are stored as (units,
inputs), as by nn.Linear, or as (inputs, units), as for x @ W. Shapes and biases rule out some of
the four ways to read two matrices; among the rest the names decide (`naming`). If they do not, or
contradict each other, the file is rejected, and the error names the option of `load` that decides:
a wrong network is never returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.errors import FileError
from unrelu.formats import naming
from unrelu.formats.array_roles import shown, weights_and_biases
from unrelu.formats.naming import shortened
from unrelu.formats.reading import AS_THE_FILE_SAYS, TRANSPOSED, TWO_LAYERS, WITH_BIASES, Reading
from unrelu.network import Network
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.remarks import ASSUMED_RELU, Remark

Biases = tuple[AnyArray | None, AnyArray | None]


@dataclass(frozen=True)
class Way:
    """One way to read two matrices: which is the first layer's, and how both are stored."""

    first: str
    second: str
    transposed: bool


def two_layers(
    arrays: Mapping[str, AnyArray],
    *,
    reading: Reading = AS_THE_FILE_SAYS,
    in_order: bool = False,
    declared: bool = False,
    transposed: bool | None = None,
    remarks: Sequence[Remark] = (ASSUMED_RELU,),
) -> Network:
    """The network with these weights: two matrices, with or without biases.

    A vector whose name is one of weights belongs to the only input or the only output. Raises
    FileError for other arrays, and if they can be read in several ways.

    reading : what the caller knows.
    in_order : the file stores its arrays in the order in which the layers are used.
    declared : it stores them in the order in which a program declares them, which may differ; but
        reversing it takes more than names that show the layout.
    transposed : how this form of file stores all weights, if that is known.
    """
    weights, biases, left_out = weights_and_biases(arrays, reading)
    one, other = weights
    if reading.order is None and naming.side_by_side(one, other):
        raise FileError(
            f"got {shown(weights)}, by their names two parallel layers, expected two consecutive "
            f"ones; if they are, pass {TWO_LAYERS}",
            "side-by-side",
        )
    known = transposed if reading.transposed is None else reading.transposed
    ways = _ways(weights, biases, known, reading)
    way = _choose(ways, weights, reading=reading, in_order=in_order)
    ambiguous = any(each.transposed != way.transposed for each in ways)
    reversed_order = declared and not reading.order and way.first != one
    if ambiguous and reversed_order and naming.first_of(one, other) is None:
        raise _contradictory(weights)
    if reading.output is not None and not way.second.startswith(reading.output):
        raise FileError(
            f"output: got {shortened(reading.output)}, expected {shortened(way.second)}, "
            "the second of two layers",
            "several-outputs",
        )
    in_order = in_order or len(reading.order or ()) > 2  # which names biases, too
    b, c = _paired(way, weights, biases, in_order=in_order)
    V, U = _oriented(way, weights)
    remarks = [*remarks, *left_out]
    # Kernels are always stored as (inputs, units), which is not worth a remark.
    if naming.stored_transposed(way.first) is not True:
        pair = f"{shortened(way.first)} and {shortened(way.second)} are taken as"
        kept = "(inputs, units)" if way.transposed else "(units, inputs)"
        if ambiguous:
            text = f"{pair} {kept} because of their names: the shapes allow both"
            remarks.append(Remark("layout-assumed", text))
        elif known is None and way.transposed:
            text = f"{pair} (inputs, units) because of their shapes"
            remarks.append(Remark("weights-transposed", text))
    return Network(V, U, b, c, remarks=remarks)


def _ways(
    weights: Mapping[str, AnyArray],
    biases: Mapping[str, AnyArray],
    known: bool | None,
    reading: Reading,
) -> list[Way]:
    """The ways that shapes and biases allow, at least one. `known`: how weights are stored."""
    one, other = weights
    if known is None and not any(array.ndim == 2 for array in weights.values()):
        known = False  # for two vectors it makes no difference
    ways = [
        Way(first, second, transposed)
        for transposed in ((False, True) if known is None else (known,))
        for first, second in ((one, other), (other, one))
        if reading.order is None or first == one
    ]
    reasons = [_against(way, weights, biases) for way in ways]
    if all(reasons):
        raise FileError(f"got {shown({**weights, **biases})}: {reasons[0]}", "shapes")
    return [way for way, reason in zip(ways, reasons, strict=True) if reason is None]


def _oriented(way: Way, weights: Mapping[str, AnyArray]) -> tuple[AnyArray, AnyArray]:
    """V (units, inputs) and U (outputs, units)."""
    V, U = weights[way.first], weights[way.second]
    if way.transposed:
        V, U = V.T, U.T
    return V[:, None] if V.ndim == 1 else V, np.atleast_2d(U)


def _against(
    way: Way, weights: Mapping[str, AnyArray], biases: Mapping[str, AnyArray]
) -> str | None:
    """Why the arrays cannot be read this way, if they cannot."""
    V, U = _oriented(way, weights)
    if len(V) != U.shape[1]:
        return "expected shapes (units, inputs) and (outputs, units), or both the other way round"
    sizes = len(V), len(U)
    paired = _by_name(way, biases)
    if paired is not None:
        for name, size in zip(paired, sizes, strict=True):
            if name is not None and biases[name].size != size:
                return f"expected {shortened(name)} of shape ({size},), one for each value"
        return None
    lengths = sorted(bias.size for bias in biases.values())
    if lengths in ([], [sizes[0]], [sizes[1]], sorted(sizes)):
        return None
    return f"expected biases of shapes ({sizes[0]},) and ({sizes[1]},)"


def _by_name(way: Way, biases: Mapping[str, AnyArray]) -> tuple[str | None, str | None] | None:
    """Names of the biases of both layers, if the names assign each of them."""
    b, c = naming.bias_of(way.first, biases), naming.bias_of(way.second, biases)
    found = [name for name in (b, c) if name is not None]
    return (b, c) if sorted(found) == sorted(biases) else None


def _paired(
    way: Way,
    weights: Mapping[str, AnyArray],
    biases: Mapping[str, AnyArray],
    *,
    in_order: bool,
) -> Biases:
    """The biases of both layers: by their names, else by their lengths, else by their order."""
    named = _by_name(way, biases)
    if named is None:
        V, U = _oriented(way, weights)
        names = list(biases)
        first = naming.first_of(*names) if len(names) == 2 else None
        if len(V) != len(U):
            by_size = {bias.size: name for name, bias in biases.items()}
            named = by_size.get(len(V)), by_size.get(len(U))
        elif len(names) == 2 and (in_order or first is not None):
            first = names[0] if in_order else first
            named = first, names[1] if first == names[0] else names[0]
        else:
            raise FileError(
                f"cannot tell which layers the biases {shown(biases)} belong to: name "
                f"them after the weights, or pass {WITH_BIASES}",
                "order-unclear",
            )
    b, c = (None if name is None else biases[name].reshape(-1) for name in named)
    return b, c


def _choose(
    ways: Sequence[Way],
    weights: Mapping[str, AnyArray],
    *,
    reading: Reading,
    in_order: bool,
) -> Way:
    """The only way that the names allow as well. Raises FileError for none or several."""
    one, other = weights
    first = one if in_order else naming.first_of(one, other)
    possible = [way for way in ways if reading.order or first in (None, way.first)]
    layouts = {naming.stored_transposed(name) for name in weights} - {None}
    if len(ways) > 1 and len(layouts) == 1:
        possible = [way for way in possible if way.transposed in layouts]
    if len(possible) == 1:
        return possible[0]
    if not possible:
        raise _contradictory(weights)
    questions, options, code = [], [], "order-unclear"
    if len({way.transposed for way in possible}) > 1:
        questions.append("whether they are stored as (units, inputs) or as (inputs, units)")
        options.append(TRANSPOSED)
        code = "layout-unclear"
    if len({way.first for way in possible}) > 1:
        questions.append("which is the first layer")
        options.append(TWO_LAYERS)
    raise FileError(
        f"cannot tell from {shown(weights)} {' nor '.join(questions)}: pass "
        f"{'; and '.join(options)}",
        code,
    )


def _contradictory(weights: Mapping[str, AnyArray]) -> FileError:
    return FileError(
        f"names and shapes of {shown(weights)} contradict each other about which layer is the "
        f"first and how weights are stored: pass {TWO_LAYERS}; or {TRANSPOSED}",
        "order-unclear",
    )


def stored_numbers(data: bytes | bytearray | memoryview, kind: str, order: str = "<") -> AnyArray:
    """Numbers of a type that NumPy has, or bfloat16, as a flat array that holds the same values."""
    if kind == "bfloat16":  # the upper half of a float32
        halves = np.frombuffer(data, dtype=f"{order}u2").astype(np.uint32)
        return (halves << np.uint32(16)).view(np.float32)
    return np.frombuffer(data, dtype=order + np.dtype(kind).str[1:])


def sequential(net: Network | None) -> dict[str, AnyArray]:
    """The weights under the names that nn.Sequential(nn.Linear(d, k), nn.ReLU(), nn.Linear(k, m))
    gives them; none without a network."""
    if net is None:
        return {}
    named = {"0.weight": net.V, "0.bias": net.b, "2.weight": net.U, "2.bias": net.c}
    return {name: np.ascontiguousarray(array) for name, array in named.items()}
