"""A model as a chain of steps from its inputs to its outputs, folded into a network.

Formats that describe how a model computes (ONNX, Keras) are read into such a chain. Linear steps
before, between and after the two layers are folded into their weights; other weights keep every
bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.contents import Contents
from unrelu.formats.naming import shortened
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.wording.remarks import Remark
from unrelu.wording.streams import with_article


@dataclass(frozen=True, eq=False)
class Scale:
    """x -> factor x + shift, each a single number or one per value of x; None changes nothing."""

    factor: Array | None = None
    shift: Array | None = None


@dataclass(frozen=True, eq=False)
class Pick:
    """x -> (x[order[0]], x[order[1]], …), a permutation."""

    order: Index


@dataclass(frozen=True, eq=False)
class Linear:
    """x -> weight x + bias, weight of shape (outputs, inputs)."""

    weight: Array
    bias: Array | None = None


@dataclass(frozen=True, eq=False)
class Bend:
    """x -> above x where x is positive, below x where it is negative; each a single number or one
    per value of x. 1 and 0 are the ReLU, 1 and a slope the leaky one. `name`: in the file."""

    name: str
    above: Array
    below: Array


def leaky(name: str, slope: Array | float) -> Bend:
    """The leaky ReLU of a slope, or of one for each value; the ReLU where the slope is 0."""
    return Bend(name, np.ones(1), np.asarray(slope, dtype=np.float64).reshape(-1))


@dataclass(frozen=True)
class Nonlinear:
    """Another activation, or any other step, by its name in the file."""

    name: str


Step = Scale | Pick | Linear | Bend | Nonlinear

LEAKY = Remark(
    "leaky-as-skip",
    "the units are leaky, which is a ReLU and a linear term: the same function is read as a ReLU "
    "network with a skip connection W",
)

MOST_STEPS = 200
"""Nodes or layers of a model. Two-layer networks take a dozen; each may cost as much as the
whole file is large, so that a file of a million would never end."""


def folded(steps: Sequence[Step], *, drop_head: bool) -> Contents:
    """The network that the steps compute; that of leaky units has a skip connection.

    Raises FileError for any sequence other than linear, ReLU, linear, and for a nonlinear step at
    the end (the head) unless `drop_head` leaves it out.
    """
    layers: list[Linear] = []
    waiting: list[Scale | Pick] = []
    bend: Bend | None = None
    head: str | None = None
    for step in steps:
        if isinstance(step, Linear):
            if len(layers) == 2 or head is not None:
                raise FileError("got three layers or more, expected two", "layers")
            if layers and bend is None:
                raise FileError("got two linear layers with no ReLU between them", "activation")
            layers.append(_with_front(step, waiting))
            waiting = []
        elif isinstance(step, Bend | Nonlinear):
            if len(layers) == 2:
                head = head or step.name
            elif isinstance(step, Nonlinear) or not layers or waiting:
                raise unexpected(step.name, len(layers))
            else:
                bend = step if bend is None else _after(bend, step)
        elif head is None:
            if layers and len(layers) == 1 + (bend is not None):
                layers[-1] = _with_back(layers[-1], step)
            else:
                waiting.append(step)
    if len(layers) < 2:
        number = ("no layer", "one layer")[len(layers)]
        raise FileError(f"got {number}, expected two with a ReLU between them", "layers")
    assert bend is not None, "or the second layer is refused"
    check_head(head, drop_head=drop_head)
    return Contents(_network(layers[0], layers[1], bend), head=head)


def check_head(head: str | None, *, drop_head: bool) -> None:
    """Raise FileError for what follows the second layer, unless it is to be left out."""
    if head is not None and not drop_head:
        raise FileError(
            f"got {with_article(shortened(head))} behind the second layer, expected none; "
            "load(path, drop_head=True), on the command line --drop-head, leaves it out: the "
            "network then gives its inputs",
            "head",
        )


def _network(first: Linear, second: Linear, bend: Bend) -> Network:
    """U (above max(z, 0) + below min(z, 0)) = U (above − below) relu(z) + U below z, z = V x + b:
    a ReLU network, and where neither slope is zero with a skip connection."""
    (V, b), (U, c) = (first.weight, first.bias), (second.weight, second.bias)
    above, below = (_per_value(each, len(V)) for each in (bend.above, bend.below))
    mirrored = (above == 0) & (below != 0)  # min(z, 0) = −relu(−z)
    if mirrored.any():
        sign = np.where(mirrored, -1.0, 1.0)
        V, b = V * sign[:, None], None if b is None else b * sign
        above, below = np.where(mirrored, -below, above), np.where(mirrored, 0.0, below)
    if not below.any():
        return Network(V, U if (above == 1).all() else U * above, b, c)
    straight = U * below
    shift = np.zeros(len(U)) if c is None else c
    if b is not None:
        shift = shift + straight @ b
    return Network(V, U * (above - below), b, shift, W=straight @ V, remarks=(LEAKY,))


def _after(first: Bend, second: Bend) -> Bend:
    """The second of what the first gives."""
    above = first.above * np.where(first.above > 0, second.above, second.below)
    below = first.below * np.where(first.below > 0, second.below, second.above)
    return Bend(second.name, above, below)


def unexpected(name: str, layers: int) -> FileError:
    """The error for a step that a two-layer ReLU network does not have."""
    where = ("in front of the first layer", "between the layers", "behind the second layer")
    return FileError(
        f"got {with_article(shortened(name, 120))} {where[min(layers, 2)]}, "
        "expected a network linear, ReLU, linear",
        ("front", "activation", "head")[min(layers, 2)],
    )


def _with_front(layer: Linear, front: Sequence[Scale | Pick]) -> Linear:
    """The layer that takes the inputs of the steps in front of it."""
    W, b = layer.weight, layer.bias
    width = W.shape[1]
    for step in reversed(front):
        if isinstance(step, Pick):
            W = W[:, np.argsort(_permutation(step, width))]
            continue
        if step.shift is not None:
            moved_by = W @ _per_value(step.shift, width)
            b = moved_by if b is None else b + moved_by
        if step.factor is not None:
            W = W * _per_value(step.factor, width)
    return Linear(W, b)


def _with_back(layer: Linear, step: Scale | Pick) -> Linear:
    """The layer that gives what the step behind it gives."""
    W, b = layer.weight, layer.bias
    if isinstance(step, Pick):
        order = _permutation(step, len(W))
        return Linear(W[order], None if b is None else b[order])
    if step.factor is not None:
        factor = _per_value(step.factor, len(W))
        W = W * factor[:, None]
        b = None if b is None else b * factor
    if step.shift is not None:
        shift = _per_value(step.shift, len(W))
        b = shift if b is None else b + shift
    return Linear(W, b)


def _permutation(step: Pick, width: int) -> Index:
    if len(step.order) != width:
        raise FileError(f"the shapes do not fit: {len(step.order)} and {width}")
    return step.order


def _per_value(values: Array, width: int) -> Array:
    """The values as (width,), a single one repeated."""
    if values.size not in (1, width):
        raise FileError(f"got {values.size} constants for the {width} values they scale or shift")
    return np.broadcast_to(values.reshape(-1), (width,))
