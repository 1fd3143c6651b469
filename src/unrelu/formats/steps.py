"""A model as a chain of steps from its inputs to its outputs, folded into a network.

Formats that say how a model computes (ONNX, Keras) are read into such a chain. What stands
before, between and behind the two layers and is linear goes into their weights; weights that
nothing is folded into keep every bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError
from unrelu.formats.marks import Contents
from unrelu.network import Network

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scale:
    """x -> factor x + shift, each a single number or one per value of x; None changes nothing."""

    factor: Array | None = None
    shift: Array | None = None


@dataclass(frozen=True, eq=False)
class Pick:
    """x -> (x[order[0]], x[order[1]], …), a permutation."""

    order: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Linear:
    """x -> weight x + bias, weight of shape (outputs, inputs)."""

    weight: Array
    bias: Array | None = None


@dataclass(frozen=True)
class Nonlinear:
    """An activation, or whatever else the file puts there, by its name in the file."""

    name: str


Step = Scale | Pick | Linear | Nonlinear

MOST_STEPS = 200
"""Nodes or layers of a model. Two-layer networks take a dozen; each may cost as much as the
whole file is large, so that a file of a million would never end."""


def folded(path: Path, steps: Sequence[Step], *, drop_head: bool) -> Contents:
    """The network that the steps amount to.

    Raises FileError for any other shape than linear, ReLU, linear, and for a nonlinear step at
    the end (the head) unless `drop_head` leaves it off.
    """
    layers: list[Linear] = []
    waiting: list[Scale | Pick] = []
    rectified, head = False, None
    for step in steps:
        if isinstance(step, Linear):
            if len(layers) == 2 or head is not None:
                raise FileError(f"{path}: got three layers or more, expected two")
            if layers and not rectified:
                raise FileError(f"{path}: got two linear layers with no ReLU between them")
            layers.append(_with_front(path, step, waiting))
            waiting = []
        elif isinstance(step, Nonlinear):
            if len(layers) == 2:
                head = head or step.name
            elif step.name.lower() != "relu" or not layers or rectified:
                raise unexpected(path, step.name, len(layers))
            else:
                rectified = True
        elif head is None:
            if layers and len(layers) == 1 + rectified:
                layers[-1] = _with_back(path, layers[-1], step)
            else:
                waiting.append(step)
    if len(layers) < 2:
        raise FileError(f"{path}: got {len(layers)} layers, expected two with a ReLU between them")
    if head is not None and not drop_head:
        raise FileError(
            f"{path}: got a {head} behind the second layer, expected none; "
            "load(path, drop_head=True), on the command line --drop-head, leaves it off: "
            f"the network then gives what the {head} is given"
        )
    (V, b), (U, c) = ((layer.weight, layer.bias) for layer in layers)
    return Contents(Network(V, U, b, c), head=head)


def unexpected(path: Path, name: str, layers: int) -> FileError:
    """What to raise for a step that a two-layer ReLU network does not have."""
    where = ("in front of the first layer", "between the layers", "behind the second layer")
    return FileError(
        f"{path}: got a {shortened(name)} {where[min(layers, 2)]}, "
        "expected a network linear, ReLU, linear"
    )


def shortened(name: str) -> str:
    """A name out of a file, fit to be shown."""
    shown = name if len(name) <= 60 else name[:60] + "…"
    return shown if shown.isprintable() and shown else repr(shown)


def _with_front(path: Path, layer: Linear, front: Sequence[Scale | Pick]) -> Linear:
    """The layer that takes the inputs of the steps in front of it."""
    W, b = layer.weight, layer.bias
    width = W.shape[1]
    for step in reversed(front):
        if isinstance(step, Pick):
            if len(step.order) != width:
                raise FileError(f"{path}: the shapes do not fit: {len(step.order)} and {width}")
            moved = np.empty_like(W)
            moved[:, step.order] = W
            W = moved
            continue
        if step.shift is not None:
            moved_by = W @ np.broadcast_to(_per_value(path, step.shift, width), (width,))
            b = moved_by if b is None else b + moved_by
        if step.factor is not None:
            W = W * _per_value(path, step.factor, width)
    return Linear(W, b)


def _with_back(path: Path, layer: Linear, step: Scale | Pick) -> Linear:
    """The layer that gives what the step behind it gives."""
    W, b = layer.weight, layer.bias
    if isinstance(step, Pick):
        if len(step.order) != len(W):
            raise FileError(f"{path}: the shapes do not fit: {len(step.order)} and {len(W)}")
        return Linear(W[step.order], None if b is None else b[step.order])
    if step.factor is not None:
        factor = np.broadcast_to(_per_value(path, step.factor, len(W)), (len(W),))
        W = W * factor[:, None]
        b = None if b is None else b * factor
    if step.shift is not None:
        shift = np.broadcast_to(_per_value(path, step.shift, len(W)), (len(W),))
        b = shift if b is None else b + shift
    return Linear(W, b)


def _per_value(path: Path, values: Array, width: int) -> Array:
    if values.size not in (1, width):
        raise FileError(
            f"{path}: got {values.size} constants for the {width} values they scale or shift"
        )
    return values.reshape(-1)
