"""The two layers among the named arrays of a file that only holds weights.

Such a file does not say which layer comes first, nor whether weights are kept as (units, inputs),
as nn.Linear does, or as (inputs, units), as for x @ W. Of the four ways to read two matrices,
shapes and biases rule some out; among the rest the names decide (`naming`). Where they do not
tell, or tell against each other, the file is refused with the option of `load` that would do:
another network is never returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.errors import FileError
from unrelu.formats import naming
from unrelu.formats.array_roles import shown, weights_and_biases
from unrelu.formats.naming import shortened
from unrelu.formats.reading import AS_THE_FILE_SAYS, Reading
from unrelu.network import Network
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.remarks import ASSUMED_RELU, Remark

Biases = tuple[AnyArray | None, AnyArray | None]


@dataclass(frozen=True)
class Way:
    """One way to read two matrices: which is the first layer's, and how both are kept."""

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
    """The network whose weights the arrays are: two matrices and their biases, or without.

    A vector is the weights of the only input or to the only output, where its name is one of
    weights. Raises FileError where the arrays are others, or could be meant in several ways.

    reading : what the caller knows.
    in_order : the file keeps its arrays in the order in which the layers are used.
    declared : it keeps them as a program declares them, which may be in another order; but a
        reading that turns that round takes more than names for the layout.
    transposed : how this form of file keeps all weights, where that is known.
    """
    weights, biases, left_out = weights_and_biases(arrays, reading)
    one, other = weights
    if reading.order is None and naming.side_by_side(one, other):
        raise FileError(
            f"got {shown(weights)}, by their names two layers side by side, expected two "
            f"that follow one another; if they do, say {_option('order')}",
            "side-by-side",
        )
    known = transposed if reading.transposed is None else reading.transposed
    ways = _ways(weights, biases, known, reading)
    way = _told(ways, weights, reading=reading, in_order=in_order)
    open_layout = any(each.transposed != way.transposed for each in ways)
    turned = declared and not reading.order and way.first != one
    if open_layout and turned and naming.first_of(one, other) is None:
        raise _contradictory(weights)
    if reading.output is not None and not way.second.startswith(reading.output):
        raise FileError(
            f"output: got {shortened(reading.output)}, expected {shortened(way.second)}, "
            "the second of two layers",
            "several-outputs",
        )
    in_order = in_order or len(reading.order or ()) > 2  # which names biases, too
    b, c = _paired(way, weights, biases, in_order=in_order)
    V, U = _turned(way, weights)
    said = [*remarks, *left_out]
    if open_layout:
        said += _granted(way)
    elif known is None and way.transposed and naming.kept_transposed(way.first) is not True:
        said.append(_taken("weights-transposed", way, "(inputs, units), as their shapes tell"))
    return Network(V, U, b, c, remarks=said)


def _ways(
    weights: Mapping[str, AnyArray],
    biases: Mapping[str, AnyArray],
    known: bool | None,
    reading: Reading,
) -> list[Way]:
    """The ways that shapes and biases allow, at least one. `known`: how weights are kept."""
    one, other = weights
    if known is None and not any(array.ndim == 2 for array in weights.values()):
        known = False  # two vectors have no other way to lie
    ways = [
        Way(first, second, kept)
        for kept in ((False, True) if known is None else (known,))
        for first, second in ((one, other), (other, one))
        if reading.order is None or first == one
    ]
    reasons = [_against(way, weights, biases) for way in ways]
    if all(reasons):
        raise FileError(f"got {shown({**weights, **biases})}: {reasons[0]}", "shapes")
    return [way for way, reason in zip(ways, reasons, strict=True) if reason is None]


def _granted(way: Way) -> list[Remark]:
    """What to say of weights that could be kept either way by their shapes: nothing, where they
    are kernels, which are never kept in another way."""
    if naming.kept_transposed(way.first) is True:
        return []
    kept = "(inputs, units)" if way.transposed else "(units, inputs)"
    return [_taken("layout-assumed", way, f"{kept}, as their names have it: shapes do not tell")]


def _taken(code: str, way: Way, how: str) -> Remark:
    first, second = shortened(way.first), shortened(way.second)
    return Remark(code, f"{first} and {second} are taken as {how}")


def _turned(way: Way, weights: Mapping[str, AnyArray]) -> tuple[AnyArray, AnyArray]:
    """V (units, inputs) and U (outputs, units)."""
    V, U = weights[way.first], weights[way.second]
    if V.ndim == 1:
        V = V[:, None]
    elif way.transposed:
        V = V.T
    if U.ndim == 1:
        U = U[None, :]
    elif way.transposed:
        U = U.T
    return V, U


def _against(
    way: Way, weights: Mapping[str, AnyArray], biases: Mapping[str, AnyArray]
) -> str | None:
    """Why the arrays cannot be meant this way, if they cannot."""
    V, U = _turned(way, weights)
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
    """Names of the biases of both layers, where names say whose each of them is."""
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
        V, U = _turned(way, weights)
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
                f"them after the weights, or say {_option('order', names_too=True)}",
                "order-unclear",
            )
    b, c = (None if name is None else biases[name].reshape(-1) for name in named)
    return b, c


def _told(
    ways: Sequence[Way],
    weights: Mapping[str, AnyArray],
    *,
    reading: Reading,
    in_order: bool,
) -> Way:
    """The one way that the names, too, allow."""
    one, other = weights
    first = one if in_order else naming.first_of(one, other)
    left = [way for way in ways if reading.order or first in (None, way.first)]
    kept = {naming.kept_transposed(name) for name in weights} - {None}
    if len(ways) > 1 and len(kept) == 1:
        left = [way for way in left if way.transposed in kept]
    if len(left) == 1:
        return left[0]
    if not left:
        raise _contradictory(weights)
    questions, options = [], []
    if len({way.transposed for way in left}) > 1:
        questions.append("whether they are kept as (units, inputs) or as (inputs, units)")
        options.append(_option("transposed"))
    if len({way.first for way in left}) > 1:
        questions.append("which is the first layer")
        options.append(_option("order"))
    raise FileError(
        f"cannot tell from {shown(weights)} {' nor '.join(questions)}: say "
        f"{'; and '.join(options)}",
        "layout-unclear" if len({way.transposed for way in left}) > 1 else "order-unclear",
    )


def _contradictory(weights: Mapping[str, AnyArray]) -> FileError:
    return FileError(
        f"names and shapes of {shown(weights)} say different things about which layer is "
        f"the first and how weights are kept: say {_option('order')}; or {_option('transposed')}",
        "order-unclear",
    )


def _option(name: str, *, names_too: bool = False) -> str:
    """How an option is said, in Python and on the command line."""
    if name == "transposed":
        return (
            "transposed=True for (inputs, units), transposed=False for (units, inputs), on the "
            "command line --transposed or --not-transposed"
        )
    names = "FIRST, its bias, SECOND, its bias" if names_too else "FIRST, SECOND"
    return f"order=({names}), on the command line --order {names.replace(', ', ',')}"


def stored_numbers(data: bytes | bytearray | memoryview, kind: str, order: str = "<") -> AnyArray:
    """Numbers of a type that NumPy has, or bfloat16, as a flat array that holds the same values."""
    if kind == "bfloat16":  # the upper half of a float32
        halves = np.frombuffer(data, dtype=f"{order}u2").astype(np.uint32)
        return (halves << np.uint32(16)).view(np.float32)
    return np.frombuffer(data, dtype=order + np.dtype(kind).str[1:])


def sequential(net: Network | None) -> dict[str, AnyArray]:
    """The weights under the names that nn.Sequential(nn.Linear(d, k), nn.ReLU(), nn.Linear(k, m))
    gives them; none of no network."""
    if net is None:
        return {}
    named = {"0.weight": net.V, "0.bias": net.b, "2.weight": net.U, "2.bias": net.c}
    return {name: np.ascontiguousarray(array) for name, array in named.items()}
