"""Operators of an ONNX graph that change only the shape, or nothing."""

from __future__ import annotations

import math

import numpy as np

from unrelu.formats.folding import Pick
from unrelu.formats.onnx.constants import FLOATS, Node, attribute
from unrelu.formats.onnx.walk import Rule, Walk, WrongOrientationError


def same(walk: Walk, node: Node) -> None:
    if node.op_type == "Cast":
        if attribute(node, "to", 0) not in FLOATS:
            raise walk.refused(node, "rounds to integers")
        walk.integral = False
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
        mode = walk.constants.get(node.input[2])
        if mode is None or mode.any():
            raise walk.refused(node, "is set to training; export the model for inference")


def ended(walk: Walk, node: Node) -> bool:
    """Whether only the shape of the outputs is changed, as by some exporters."""
    return walk.layers == 2 and walk.ends(node)


def flatten(walk: Walk, node: Node) -> None:
    if ended(walk, node):
        return
    axis = attribute(node, "axis", 1)
    if walk.vector:
        walk.columns, walk.vector = axis != 0, False
        return
    rank = None if walk.shape is None else len(walk.shape) + 1
    if axis < 0 and rank is not None:
        axis += rank
    single = axis == 0 and walk.batch == 1
    if (axis != 1 and not single) or walk.columns:
        raise walk.refused(node, f"axis {axis} mixes samples, expected axis 1")
    walk.shape = None if walk.shape is None else (math.prod(walk.shape),)


def reshape(walk: Walk, node: Node) -> None:
    target = None if len(node.input) < 2 else walk.constants.get(node.input[1])
    if ended(walk, node):
        return
    if walk.columns:
        raise WrongOrientationError
    size = None if walk.shape is None else math.prod(walk.shape)
    if target is None:  # computed from the shape of the batch: x.reshape(len(x), -1)
        if walk.vector:
            raise walk.refused(node, "to a shape that is not known, of an input without samples")
        walk.shape = None if size is None else (size,)
        return
    wanted = [int(entry) for entry in target.reshape(-1)[:9]]
    if walk.vector:
        _laid_out(walk, node, wanted, size)
        return
    if wanted == [-1] and size == 1:
        walk.shape = ()
        return
    if len(wanted) < 2 or (walk.batch and wanted[0] > 0 and wanted[0] != walk.batch):
        raise walk.refused(node, f"to {wanted} mixes samples, expected (samples, …)")
    rest = wanted[1:]
    for axis, entry in enumerate(rest):
        if entry == 0 and walk.shape is not None and axis < len(walk.shape):
            rest[axis] = walk.shape[axis]
    if -1 in rest and wanted[0] == -1:
        raise walk.refused(node, f"to {wanted} has two open sizes")
    known = math.prod(entry for entry in rest if entry != -1)
    if -1 in rest and size is not None and known > 0:
        rest[rest.index(-1)] = size // known
    if size is not None and (min(rest) < 1 or math.prod(rest) != size):
        raise walk.refused(node, f"to {wanted} mixes samples: one has shape {walk.shape}")
    walk.shape = tuple(rest) if min(rest) > 0 else None


def _laid_out(walk: Walk, node: Node, wanted: list[int], size: int | None) -> None:
    """Reshape a vector to a row or a column, which gives it an axis of samples."""
    if len(wanted) == 1 and wanted[0] in (-1, 0, size):
        return
    if len(wanted) == 2:
        whole = [entry in (-1, size) for entry in wanted]  # the axis with all the numbers
        rows = wanted[0] in (-1, 1) and (whole[1] or (size is None and wanted[1] > 1))
        columns = wanted[1] == 1 and (whole[0] or (wanted[0] == 0))
        if size == 1 and rows and columns:
            rows = not walk.first_columns
        if rows or columns:
            walk.columns, walk.vector = not rows, False
            walk.shape = (wanted[1],) if rows and wanted[1] > 0 else walk.shape
            return
    raise walk.refused(node, f"to {wanted}: expected a row or a column of all inputs")


def squeeze(walk: Walk, node: Node) -> None:
    if ended(walk, node):
        return
    if walk.shape is None or walk.columns or walk.vector:
        raise walk.refused(node, "of an unknown shape")
    rank = len(walk.shape) + 1
    axes = _axes(walk, node)
    if axes is None:
        axes = [1 + i for i, n in enumerate(walk.shape) if n == 1]
    places = {axis % rank for axis in axes}
    if 0 in places or any(walk.shape[axis - 1] != 1 for axis in places):
        raise walk.refused(node, "drops an axis that is not of length one")
    walk.shape = tuple(n for i, n in enumerate(walk.shape) if i + 1 not in places)


def unsqueeze(walk: Walk, node: Node) -> None:
    if ended(walk, node):
        return
    axes = _axes(walk, node)
    if axes is None or walk.columns:
        raise walk.refused(node, "of an unknown shape")
    if walk.vector:
        if len(axes) != 1 or not -2 <= axes[0] <= 1:
            raise walk.refused(node, "expected a row or a column of all inputs")
        walk.columns, walk.vector = axes[0] in (1, -1), False
        return
    if walk.shape is None:
        raise walk.refused(node, "of an unknown shape")
    rank = len(walk.shape) + 1 + len(axes)
    places = {axis % rank for axis in axes}
    if 0 in places:
        raise walk.refused(node, "adds an axis in front of the samples")
    rest = iter(walk.shape)
    walk.shape = tuple(1 if axis in places else next(rest) for axis in range(1, rank))


def _axes(walk: Walk, node: Node) -> list[int] | None:
    given = walk.constant(node, 1)
    if given is not None:
        return [int(entry) for entry in given.reshape(-1)[:9]]
    held: list[int] | None = attribute(node, "axes", None)
    return held


def transpose(walk: Walk, node: Node) -> None:
    if walk.vector:
        return
    rank = None if walk.shape is None else len(walk.shape) + 1
    order = attribute(node, "perm", None)
    if order is None and rank is not None:
        order = list(range(rank))[::-1]
    elif order is None and walk.plain:
        order = [1, 0]
    if order == [1, 0] and rank in (None, 2):
        walk.columns = not walk.columns
        return
    if order is None or walk.columns or order[0] != 0:
        raise walk.refused(node, f"{order} mixes samples")
    if walk.shape is None or sorted(order) != list(range(rank or 0)):
        raise walk.refused(node, "of an unknown shape")
    axes = [axis - 1 for axis in order[1:]]
    size = math.prod(walk.shape)
    walk.fits(node, size)
    places = np.arange(size).reshape(walk.shape).transpose(axes)
    walk.found.append(Pick(places.reshape(-1)))
    walk.shape = places.shape


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Identity", "Cast", "Dropout"), same),
    "Flatten": flatten,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
}
