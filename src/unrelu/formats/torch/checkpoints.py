"""The state_dict in what torch.save wrote: a state_dict, a list of parameters, or a checkpoint
that keeps one under any key, beside an optimizer, losses and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.array_roles import left_out_remark
from unrelu.formats.naming import shortened
from unrelu.formats.reading import Reading
from unrelu.formats.torch.pickles import Tensor, Unknown
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.remarks import Remark

DEEPEST = 6
"""Dicts within dicts; a checkpoint has three."""

MOST_GROUPS = 10_000
"""Dicts and lists that are looked into; an optimizer has one for each parameter."""


@dataclass(frozen=True)
class Group:
    """The tensors that lie side by side in a dict or list, which itself lies under `where`; and
    what lies among them that is not known."""

    where: str
    tensors: dict[str, Tensor]
    unknown: dict[str, Unknown]

    @property
    def matrices(self) -> list[str]:
        return [name for name, tensor in self.tensors.items() if len(tensor.shape) == 2]


def state_dict_of(
    value: Any, reading: Reading, view: Callable[[str, Tensor], AnyArray]
) -> tuple[dict[str, AnyArray], list[Remark]]:
    """The arrays of the one state_dict in the value of a file, `view` makes an array of a tensor;
    and a remark on tensors that lie elsewhere in it. Raises FileError where there is none, or
    several that differ.
    """
    groups = list(_groups(value))
    found = [group for group in groups if len(group.matrices) > 1]
    if len(found) > 1 and reading.order is not None:
        named = [group for group in found if all(_has(group, name) for name in reading.order)]
        found = named if len(named) == 1 else [_flat(found)]
    if not found and any(group.matrices for group in groups):
        found = [_flat(groups)]  # a dict for each layer
    if not found:
        raise FileError("got no tensors that are weights of two layers", "no-tensors")
    held = [{name: view(name, tensor) for name, tensor in g.tensors.items()} for g in found]
    if not all(_equal(held[0], other) for other in held[1:]):
        names = ", ".join(shortened(group.where) or "the file itself" for group in found[:5])
        example = (shortened(f"{found[0].where}.{name}") for name in found[0].matrices[:2])
        raise FileError(
            f"got {len(found)} sets of weights that differ, under {names}: say which two "
            f"layers, as order=({', '.join(example)}), on the command line --order",
            "several-networks",
        )
    if found[0].unknown:
        name, what = next(iter(found[0].unknown.items()))
        raise FileError(
            f"got {shortened(name)}, made by {shortened(what.name)}, among the weights: "
            "nothing of the file is run, and what that is is not known",
            "unknown-tensor",
        )
    inside = {id(tensor) for group in found for tensor in group.tensors.values()}
    others = [
        f"{group.where}.{name}".removeprefix(".")
        for group in groups
        for name, tensor in group.tensors.items()
        if id(tensor) not in inside and tensor.shape
    ]
    return held[0], left_out_remark(others)


def _groups(value: Any) -> Iterator[Group]:
    """The groups of tensors of a value, but for what optimizers keep."""
    waiting, seen = [("", value, 0)], set[int]()
    while waiting:
        where, held, depth = waiting.pop(0)
        if id(held) in seen:
            continue
        seen.add(id(held))
        if len(seen) > MOST_GROUPS or depth > DEEPEST:
            raise FileError("got dicts and lists too deep within each other")
        items = _items(held)
        if "param_groups" in items:  # an optimizer's
            continue
        tensors = {name: each for name, each in items.items() if isinstance(each, Tensor)}
        if tensors:
            unknown = {name: each for name, each in items.items() if isinstance(each, Unknown)}
            yield Group(where, tensors, unknown)
        for name, each in items.items():
            if isinstance(each, dict | list | tuple) and each:
                waiting.append((f"{where}.{name}".removeprefix("."), each, depth + 1))


def _items(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return {str(name): each for name, each in value.items()}
    if isinstance(value, list | tuple):
        return {str(number): each for number, each in enumerate(value)}
    return {}


def _flat(groups: list[Group]) -> Group:
    """The groups as one, with names that say where each tensor lies."""
    tensors, unknown = dict[str, Tensor](), dict[str, Unknown]()
    for group in groups:
        stem = f"{group.where}." if group.where else ""
        tensors |= {stem + name: tensor for name, tensor in group.tensors.items()}
        unknown |= {stem + name: each for name, each in group.unknown.items()}
    return Group("", tensors, unknown)


def _has(group: Group, asked: str) -> bool:
    return any(name == asked or name.startswith(f"{asked}.") for name in group.tensors)


def _equal(one: Mapping[str, AnyArray], other: Mapping[str, AnyArray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)
