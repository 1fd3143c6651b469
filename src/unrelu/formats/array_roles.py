"""Which arrays of a file are the weights and biases of two layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unrelu.errors import FileError
from unrelu.formats import naming
from unrelu.formats.naming import shortened
from unrelu.formats.reading import TWO_LAYERS, WITH_BIASES, Reading
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.remarks import Remark

Arrays = dict[str, AnyArray]
Roles = tuple[Arrays, Arrays, list[Remark]]
"""The two matrices, the biases, and a remark on what was left out."""

NORMALIZING = ("weight", "kernel", "gamma")
"""Last parts of names that no bias and no weights of a single unit have with one axis."""


def weights_and_biases(arrays: Mapping[str, AnyArray], reading: Reading) -> Roles:
    """The two matrices, the biases, and what was left out because the caller says so.

    Raises FileError where there are other arrays that nothing says to leave out.
    """
    if reading.order is not None:
        return _named(arrays, reading.order)
    weights, biases = Arrays(), Arrays()
    omitted: list[str] = []
    for name, array in arrays.items():
        if array.ndim == 0 and array.dtype.kind in "iub":
            omitted.append(name)  # such as the number of an epoch
            continue
        fit = array.dtype.kind in "fiu" and array.size and array.ndim <= 2
        if not fit or (array.ndim == 0 and not naming.is_bias(name)):
            raise FileError(
                f"got {shortened(name)}, {array.dtype} of shape {array.shape}, expected "
                f"weights (2 axes) and biases (1 axis) of two layers, and nothing else; "
                f"{TWO_LAYERS}, selects two layers"
            )
        if array.ndim < 2 and not naming.is_bias(name) and naming.scales(name):
            raise scaling_beside(name)
        if array.ndim == 1 and naming.last_part(name) in NORMALIZING:
            raise FileError(
                f"got {shortened(name)} of shape {array.shape}, which is no bias: a "
                "normalization or a PReLU; expected two linear layers with a ReLU between them"
            )
        (weights if array.ndim == 2 else biases)[name] = array
    for name in [name for name in biases if naming.is_weight(name) and not naming.is_bias(name)]:
        if len(weights) < 2:  # to or from a single number
            weights[name] = biases.pop(name)
    foreign = [name for name in weights if naming.FOREIGN.intersection(naming.words(name))]
    if foreign:
        raise FileError(
            f"got {shortened(foreign[0])}, which is no linear layer; expected two linear "
            "layers with a ReLU between them",
            "foreign-layer",
        )
    if len(weights) > 2 and reading.output is not None:
        weights, biases, heads = _head(weights, biases, reading.output)
        omitted += heads
    if len(weights) != 2:
        raise _other_layers(weights)
    if len(biases) > 2:
        raise FileError(
            f"got {len(biases)} arrays with one axis ({shown(biases)}), expected the "
            f"biases of two layers; {TWO_LAYERS}, selects two layers"
        )
    weights = {name: weights[name] for name in arrays if name in weights}
    return weights, biases, left_out_remark(omitted)


def _named(arrays: Mapping[str, AnyArray], order: Sequence[str]) -> Roles:
    """The arrays that `order` names, by their whole names or by those of their layers."""
    picked: list[str] = []
    for asked in order:
        found = [asked] if asked in arrays else _of_layer(asked, arrays)
        found = [name for name in found if arrays[name].dtype.kind in "fiu" and arrays[name].size]
        matrices = sum(arrays[name].ndim == 2 for name in found)
        if matrices > 1 or len(found) - matrices > 1 or not found:
            raise FileError(
                f"order: got {shortened(asked)}, which names {len(found)} arrays, expected "
                f"a layer or one of {shown(arrays)}",
                "order-unknown",
            )
        picked += found
    layers = [name for name in picked if arrays[name].ndim == 2]
    for name in picked:  # to or from a single number
        if arrays[name].ndim < 2 and len(layers) < 2 and not naming.is_bias(name):
            layers.append(name)
    if len(layers) != 2:
        raise FileError(
            f"order: got the names of {len(layers)} weight matrices, expected two",
            "order-unknown",
        )
    weights = {name: arrays[name] for name in picked if name in layers}
    biases = {name: arrays[name] for name in picked if name not in layers}
    if not biases:
        biases = _biases_beside(arrays, weights)
    omitted = [name for name in arrays if name not in weights and name not in biases]
    return weights, biases, left_out_remark(omitted)


def _biases_beside(arrays: Mapping[str, AnyArray], weights: Arrays) -> Arrays:
    """The biases of two layers that are named without them."""
    vectors = [
        name
        for name, array in arrays.items()
        if array.ndim < 2 and array.dtype.kind in "fiu" and name not in weights
    ]
    matrices = [name for name, array in arrays.items() if array.ndim == 2]
    owned = {name: naming.bias_of(name, vectors) for name in (*matrices, *weights)}
    mine = {owned[name] for name in weights} - {None}
    stray = [
        name
        for name in vectors
        if name not in owned.values()
        and (naming.is_bias(name) or (len(matrices) < 3 and not naming.scales(name)))
    ]
    if len(mine) < 2 and stray:
        if len(mine) + len(stray) > 2 or len(matrices) > 2:
            raise FileError(
                f"cannot tell which of {shown({n: arrays[n] for n in vectors})} are the biases of "
                f"the two layers: name them, too, with {WITH_BIASES}",
                "order-unclear",
            )
        mine |= set(stray)
    return {name: arrays[name] for name in vectors if name in mine}


def _of_layer(asked: str, arrays: Mapping[str, AnyArray]) -> list[str]:
    """Names of the arrays of a layer: hidden -> hidden.weight, hidden.bias."""
    return [name for name in arrays if name.startswith(asked) and name[len(asked)] in "./_:{"]


def _head(weights: Arrays, biases: Arrays, output: str) -> tuple[Arrays, Arrays, list[str]]:
    """The layer that several heads have in common and the head that `output` names."""
    found = [output] if output in weights else _of_layer(output, weights)
    if len(found) != 1:
        raise FileError(
            f"output: got {shortened(output)}, which names {len(found)} layers, expected "
            f"one of {shown(weights)}",
            "several-outputs",
        )
    head = found[0]
    shared = [name for name in weights if name != head and _feeds_all(weights, name, head)]
    if len(shared) != 1:
        raise FileError(
            f"cannot tell which of {shown(weights)} is the hidden layer that leads to "
            f"{shortened(head)}: pass {TWO_LAYERS}",
            "order-unclear",
        )
    kept = {shared[0]: weights[shared[0]], head: weights[head]}
    mine = {naming.bias_of(name, biases) for name in kept} - {None}
    omitted = [name for name in (*weights, *biases) if name not in kept and name not in mine]
    return kept, {name: biases[name] for name in biases if name in mine}, omitted


def _feeds_all(weights: Arrays, first: str, head: str) -> bool:
    """Whether the layer fits before every other one, and none of these fits between it and the
    head."""
    for axis in (0, 1):  # of the units in the first layer's weights
        units = weights[first].shape[axis]
        others = [array for name, array in weights.items() if name != first]
        between = [a for name, a in weights.items() if name not in (first, head)]
        if all(a.shape[1 - axis] == units for a in others) and not any(
            a.shape[axis] == units for a in between
        ):
            return True
    return False


def _other_layers(weights: Arrays) -> FileError:
    """The error for a number of matrices other than two."""
    advice = "; output=NAME, on the command line --net-output NAME, selects one of several outputs"
    advice += f"; {TWO_LAYERS}, selects two layers"
    return FileError(
        f"got {len(weights)} weight matrices ({shown(weights)}), expected those of two layers"
        f"{advice if len(weights) > 2 else ''}",
        "layers",
    )


def scaling_beside(name: str) -> FileError:
    """The error for numbers by which inputs or outputs may be scaled."""
    return FileError(
        f"got {shortened(name)} beside the layers, which may scale inputs or outputs: fold it into "
        f"the weights of an unrelu.Network, or leave it out with {TWO_LAYERS}",
        "scaling",
    )


def left_out_remark(names: Sequence[str]) -> list[Remark]:
    """The remark on arrays that are not part of the network, if there are any."""
    if not names:
        return []
    listed = ", ".join(map(shortened, names[:4])) + (", …" if len(names) > 4 else "")
    return [Remark("left-out", f"beside the two layers, and left out: {listed}")]


def shown(arrays: Mapping[str, AnyArray]) -> str:
    """Names and shapes, the first few of them."""
    listed = [f"{shortened(name)} {array.shape}" for name, array in list(arrays.items())[:4]]
    return ", ".join(listed + (["…"] if len(arrays) > 4 else [])) or "none"
