"""The layers of a functional Keras model in the order of the data flow, and operations.

Operations (keras.ops.relu, tf.maximum, …) may branch and come together again, as the parts of
where(z > 0, z, 0) do; `piecewise_linear` finds what they compute. Layers must follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.keras.operations import Config, operation_of, result
from unrelu.formats.naming import shortened
from unrelu.formats.piecewise_linear import Line, NotStraightError, constant, joined
from unrelu.formats.reading import one_output

BENT = "operations"
"""The class of a layer that replaces consecutive operations; its configuration has the `line`."""


@dataclass(frozen=True)
class Tensor:
    """The output of a layer, by its name."""

    layer: str


def along_the_graph(model: Config, layers: Sequence[Config], output: str | None) -> list[Config]:
    """The layers in the order of the data flow to the output, with operations combined. Raises
    FileError for anything other than a single path of layers."""
    named = {str(layer.get("name") or layer["config"]["name"]): layer for layer in layers}
    before = {name: list(_sources(each.get("inbound_nodes", []))) for name, each in named.items()}
    given = _arguments(model.get("output_layers", []))
    ends = list(dict.fromkeys(each.layer for each in given if isinstance(each, Tensor)))
    outputs = {one_output(ends, output)} if ends else set()
    if len(ends) > 1:
        named = {name: named[name] for name in _towards(outputs, before)}
        before = {name: before[name] for name in named}
    after: dict[str, list[str]] = {}
    for name, sources in before.items():
        for source in dict.fromkeys(sources):
            after.setdefault(source, []).append(name)
    starts = [name for name, sources in before.items() if not sources]
    if len(starts) != 1:
        raise FileError(f"got {len(starts)} inputs, expected one")
    at, order, reached = starts[0], [named[starts[0]]], {starts[0]}
    while at in after and len(reached) < len(named):
        following = after[at]
        single = len(following) == 1 and len(before[following[0]]) == 1
        if single and _operation(named[following[0]]) is None:
            at = following[0]
            order.append(named[at])
            reached.add(at)
            continue
        flat = any(layer["class_name"] == "Dense" for layer in order)
        line, at, passed = _operated(at, named, after, outputs, flat=flat)
        order.append(
            {"class_name": BENT, "config": {"line": line, "name": str(named[at]["class_name"])}}
        )
        reached |= passed
    if len(reached) != len(named):
        raise FileError("got layers that the input does not reach")
    return order


def _towards(outputs: set[str], before: dict[str, list[str]]) -> list[str]:
    """The layers that the outputs depend on, in the file's order."""
    waiting, kept = list(outputs), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting += before[name]
    return [name for name in before if name in kept]


def _operated(
    at: str,
    named: dict[str, Config],
    after: dict[str, list[str]],
    outputs: set[str],
    *,
    flat: bool,
) -> tuple[Line, str, set[str]]:
    """The result of the operations behind a layer, the last of them, and all of them. `flat`: each
    sample is a row of numbers, so that arrays of constants have one number for each of them."""
    passed: set[str] = set()

    def take(name: str, known: dict[str, Line]) -> tuple[str, Line] | None:
        operation = _operation(named[name])
        if operation is None:
            return None
        kind, arguments = operation
        lines = [
            known.get(each.layer) if isinstance(each, Tensor) else _constant(each, flat)
            for each in arguments
        ]
        given = [line for line in lines if line is not None]
        if len(given) < len(lines):
            return None
        passed.add(name)
        return name, result(kind, named[name].get("config", {}), given)

    names = [shortened(str(named[name]["class_name"])) for name in after[at][:5]]
    try:
        found = joined(
            at,
            lambda name: after.get(name, []),
            take,
            lambda name, rest: bool(rest) or name in outputs,
        )
    except NotStraightError:
        raise FileError(
            f"got {' and '.join(names)} with a kink or a jump elsewhere than at 0, expected "
            "a network linear, ReLU, linear",
            "activation",
        ) from None
    if found is None:
        raise FileError(
            f"branches into {', '.join(names)}, expected a single path"
            if len(names) > 1
            else f"got {names[0]} behind {shortened(at)}, which joins paths or is not "
            "known, expected a network linear, ReLU, linear",
            "branches",
        )
    return found[1], found[0], passed


def _operation(layer: Config) -> tuple[str, list[Any]] | None:
    """The operation that takes the place of a layer, and its arguments."""
    operation, nodes = operation_of(layer), layer.get("inbound_nodes", [])
    if operation is None or len(nodes) != 1:
        return None
    return operation, list(_arguments(nodes[0]))


def _arguments(node: Any) -> Iterator[Any]:
    """Tensors and constants that a node takes, in any version's notation."""
    if isinstance(node, dict) and ("args" in node or "kwargs" in node):
        yield from _arguments([*node.get("args", []), *node.get("kwargs", {}).values()])
    elif isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        yield Tensor(str(node["config"]["keras_history"][0]))
    elif isinstance(node, dict):
        yield node
    elif isinstance(node, list) and len(node) >= 3 and node[0] == "_CONSTANT_VALUE":
        yield node[2]
        yield from _further(node)
    elif isinstance(node, list) and len(node) >= 3 and isinstance(node[0], str):
        yield Tensor(node[0])
        yield from _further(node)
    elif isinstance(node, list):
        for each in node:
            yield from _arguments(each)
    elif node is not None:
        yield node


def _further(node: list[Any]) -> Iterator[Any]:
    """The arguments by name at the end of a node of Keras 2."""
    if len(node) > 3 and isinstance(node[3], dict):
        for name, value in node[3].items():
            if name != "name":
                yield from _arguments(value)


def _sources(nodes: Any) -> Iterator[str]:
    """Names of the layers that a layer takes its input from, each time it is used."""
    return (each.layer for each in _arguments(nodes) if isinstance(each, Tensor))


def _constant(value: Any, flat: bool) -> Line | None:
    """A number; or an array, as Keras writes it, of one number for each value of a sample."""
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner.get("value") if isinstance(inner, dict) else None
    array = np.asarray(value if value is not None else "", dtype=np.float64)
    if array.size != 1 and (not flat or array.ndim > 1):
        return None
    return constant(array.reshape(-1))
