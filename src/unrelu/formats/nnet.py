"""The .nnet form of networks in verification (ACAS Xu): a text of numbers, line by line.

Comments (//), then: the number of layers, of inputs, of outputs, the widest layer; all sizes; a
line of no use; the smallest and the largest of each input; the mean and the range of each input,
followed by those of the outputs; then for each layer the rows of its weights and its biases.
Inputs are moved by their mean and divided by their range, outputs the other way round: that is
folded into the weights. Programs that read this form also clip inputs to their bounds, which no
network of two layers does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.contents import Contents
from unrelu.formats.folding import Linear, Scale, Step, folded, leaky
from unrelu.formats.reading import Reading
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.wording.remarks import Remark

UNBOUNDED = 1e30
"""A bound that inputs never reach stands for none."""


def read_nnet(path: Path, reading: Reading) -> Contents:
    """The network of a .nnet file, from unscaled inputs to unscaled outputs."""
    data = path.read_bytes()
    try:
        lines = _lines(data.decode("utf-8"))
        n_layers = _integers(next(lines)[:1], 1)[0]
        sizes = _integers(next(lines), n_layers + 1)
        if n_layers != 2:
            raise FileError(f"got {n_layers} layers, expected two", "layers")
        d, k, m = sizes
        if min(sizes) < 1 or 2 * (d * k + k * m) > len(data):
            raise ValueError(f"layers of sizes {sizes} do not fit into the file")
        next(lines)  # the flag, or any words
        low, high = (_bounds(next(lines), d) for _ in range(2))
        means, ranges = (_scales(next(lines), d, m, alone) for alone in (0.0, 1.0))
        V, b = _layer(lines, k, d)
        U, c = _layer(lines, m, k)
    except (StopIteration, UnicodeDecodeError) as error:
        raise FileError("ends before its weights do, or is no .nnet text") from error
    if next(lines, None) is not None:
        raise FileError("goes on behind the weights of its two layers")
    steps: list[Step] = [Linear(V, b), leaky("relu", 0.0), Linear(U, c)]
    remarks = []
    if not ranges.any() and not means.any():
        remarks.append(UNSCALED)
    elif not ranges.all():
        raise FileError("got a range of zero, by which inputs or outputs would be divided")
    elif means.any() or (ranges != 1).any():
        front = Scale(1 / ranges[:d], -means[:d] / ranges[:d])
        steps = [front, *steps, Scale(ranges[d:], means[d:])]
        remarks.append(FOLDED)
    net = folded(steps, drop_head=reading.drop_head).network
    if (np.abs(np.concatenate([low, high])) < UNBOUNDED).any() and (low != high).any():
        remarks.append(CLIPPED)
    return Contents(Network(net.V, net.U, net.b, net.c, remarks=remarks))


FOLDED = Remark(
    "scaling-folded",
    "the file scales inputs or outputs; the weights take inputs and give outputs as they are",
)
UNSCALED = Remark(
    "scaling-absent",
    "the file holds zeros where it would say how inputs and outputs are scaled: they are not",
)
CLIPPED = Remark(
    "inputs-not-clipped",
    "the file gives bounds of the inputs, to which other programs clip them; the network does not",
)


def _lines(text: str) -> Iterator[list[str]]:
    """The numbers of each line that has some; comments are left out."""
    for line in text.splitlines():
        numbers = [each.strip() for each in line.split(",")]
        if not line.lstrip().startswith(("//", "#")) and any(numbers):
            yield numbers[:-1] if not numbers[-1] else numbers


def _integers(numbers: list[str], count: int) -> list[int]:
    if len(numbers) != count:
        raise ValueError(f"expected {count} numbers, got {len(numbers)}")
    return [int(each[:12]) for each in numbers]


def _floats(numbers: list[str], count: int) -> Array:
    if len(numbers) != count:
        raise ValueError(f"expected {count} numbers, got {len(numbers)}")
    return np.array([float(each) for each in numbers])


def _bounds(numbers: list[str], d: int) -> Array:
    """A bound for each input; a single zero, as some programs write, stands for none."""
    return np.zeros(d) if numbers in (["0"], ["0.0"]) else _floats(numbers, d)


def _scales(numbers: list[str], d: int, m: int, alone: float) -> Array:
    """A number for each input and one for the outputs, all of which it is for; `alone` where there
    are inputs alone. A single zero stands for none."""
    if numbers in (["0"], ["0.0"]):
        return np.zeros(d + 1)
    if len(numbers) == d:
        found = _floats(numbers, d)
        return np.append(found, alone if found.any() else 0.0)
    found = _floats(numbers, d + (m if len(numbers) == d + m else 1))
    if (found[d:] != found[d]).any():
        raise ValueError("outputs are scaled each in its own way, expected a number for all")
    return found[: d + 1]


def _layer(lines: Iterator[list[str]], outputs: int, inputs: int) -> tuple[Array, Array]:
    """Weights (outputs, inputs), a row in each line, and biases, each on a line of its own."""
    rows = [_floats(next(lines), inputs) for _ in range(outputs)]
    return np.array(rows), np.concatenate([_floats(next(lines), 1) for _ in range(outputs)])
