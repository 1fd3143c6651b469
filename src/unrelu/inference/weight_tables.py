"""Tables of weights with their errors and the names of inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator

from unrelu.inputs.names import Names
from unrelu.network import Network
from unrelu.wording.lines import aligned

ROOM = 80
"""Largest width of a line of weights, in characters."""

UNITS_SHOWN = 30


def weight_table(
    net: Network, stderr: Network, low: Network, high: Network, names: Names
) -> Iterator[dict[str, object]]:
    """A row for each weight."""
    inputs: list[object] = list(names.inputs or range(net.n_inputs))
    outputs: list[object] = list(names.outputs or range(net.n_outputs))

    def line(kind: str, array: str, at: tuple[int, ...], **of: object) -> dict[str, object]:
        values = zip(("estimate", "stderr", "low", "high"), (net, stderr, low, high), strict=True)
        where: dict[str, object] = {"unit": None, "input": None, "output": None}
        return {"kind": kind, **where, **of} | {
            name: float(getattr(one, array)[at]) for name, one in values
        }

    for unit in range(net.n_units):
        for i, name in enumerate(inputs):
            yield line("hidden weight", "V", (unit, i), unit=unit, input=name)
        yield line("hidden bias", "b", (unit,), unit=unit)
        for o, name in enumerate(outputs):
            yield line("output weight", "U", (o, unit), unit=unit, output=name)
    for o, name in enumerate(outputs):
        yield line("output bias", "c", (o,), output=name)
    if net.skip:
        for o, output in enumerate(outputs):
            for i, name in enumerate(inputs):
                yield line("skip weight", "W", (o, i), input=name, output=output)


def weight_lines(net: Network, stderr: Network, names: Names) -> list[tuple[str, str]]:
    """V and, if outputs have names, U as labelled lines, the first of them the column heads. Empty
    if no column has a name or a line would be too long."""
    if not (names.inputs or names.outputs) or not net.n_units:
        return []
    columns: list[list[str]] = []
    for called, values, errors in (
        (names.inputs, net.V, stderr.V),
        (names.outputs, net.U.T, stderr.U.T),
    ):
        for i, name in enumerate(called):
            columns.append([name, *(f"{value:.4g}" for value in values[:UNITS_SHOWN, i])])
            columns.append(["±", *(f"{error:.2g}" for error in errors[:UNITS_SHOWN, i])])
    lines = aligned(list(zip(*columns, strict=True)))
    if len(lines[0]) > ROOM:
        return []
    labels = ["weights", *map(str, range(len(lines) - 1))]
    return list(zip(labels, lines, strict=True))
