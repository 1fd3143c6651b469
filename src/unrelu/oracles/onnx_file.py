"""A model in an ONNX file, run by onnxruntime.

A file does not say which axis holds the samples. In the input it is the first one if its size is
open, or one. An input with a single axis is a whole sample. If all sizes are fixed, the axis is
found by trial: changing one sample must not change the answers to the others.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError, OracleError, require
from unrelu.formats.archive import errors_named, first_line
from unrelu.formats.foreign import refuse_foreign
from unrelu.formats.reading import one_output
from unrelu.numerics.arrays import Array

Answer = Callable[[NDArray[Any]], NDArray[Any]]

TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}

SAME = 1e-5
"""Relative amount by which the answer to a sample may change with the others in its batch."""

SCALES = (1.0, 10.0, 100.0)
"""Sizes of the inputs of this trial: with small ones, all units may be inactive."""


@dataclass(frozen=True)
class Layout:
    """How queries are arranged in the input.

    shape : of one query; None for an open size.
    batch : number of queries in a run; None for any number.
    axes : of the queries in the input and of their answers in the output; None for a model that
        takes a single query.
    """

    shape: tuple[int | None, ...]
    batch: int | None = None
    axes: tuple[int, int] | None = (0, 0)

    def filled(self, queries: NDArray[Any]) -> NDArray[Any]:
        """The input that contains the queries (batch, d)."""
        shape = [-1 if size is None else size for size in self.shape]
        if self.axes is None:
            return queries.reshape(shape)
        return np.ascontiguousarray(
            np.moveaxis(queries.reshape(len(queries), *shape), 0, self.axes[0])
        )

    def answers(self, output: NDArray[Any], n: int) -> NDArray[Any]:
        """The answers (n, m) to n queries."""
        if self.axes is None:
            return output.reshape(1, -1)
        return np.moveaxis(output, self.axes[1], 0).reshape(n, -1)


@dataclass(frozen=True)
class OnnxModel:
    """A loaded model. `n_inputs` is None if the file leaves it open."""

    session: Any
    name: str
    output: str
    dtype: type
    layout: Layout
    path: Path

    @property
    def n_inputs(self) -> int | None:
        if any(size is None for size in self.layout.shape):
            return None
        return math.prod(size for size in self.layout.shape if size is not None)

    def __call__(self, X: Array) -> NDArray[Any]:
        """Answers, one row per query. The queries get the shape (such as that of an image) and the
        batch size that the model expects. Raises OracleError."""
        layout = self._layout(X.shape[1])
        step = layout.batch or max(1, len(X))
        answers = []
        for start in range(0, len(X), step):
            rows = X[start : start + step]
            size = layout.batch or len(rows)
            queries: NDArray[Any] = np.zeros((size, X.shape[1]), dtype=self.dtype)
            queries[: len(rows)] = rows
            try:
                output = self._run(layout.filled(queries))
                answers.append(layout.answers(output, size)[: len(rows)])
            except Exception as error:  # onnxruntime raises a dozen kinds
                raise OracleError(f"{self.path}: {first_line(error)}") from error
        return np.concatenate(answers)

    def _layout(self, d: int) -> Layout:
        """For queries of d numbers, if the file leaves the number open."""
        shape = self.layout.shape
        if None not in shape:
            return self.layout
        known = math.prod(size for size in shape if size is not None)
        if shape.count(None) > 1 or d % max(known, 1):
            raise OracleError(f"{self.path}: expects inputs of shape {shape}, got {d} numbers")
        full = tuple(d // known if size is None else size for size in shape)
        if self.layout.axes is None:
            return Layout(full, 1, None)
        return _found((self.layout.batch, *full), self._run)

    def _run(self, inputs: NDArray[Any]) -> NDArray[Any]:
        given: dict[str, NDArray[Any]] = {self.name: inputs.astype(self.dtype, copy=False)}
        return np.asarray(self.session.run([self.output], given)[0])


def open_onnx(path: str | os.PathLike[str], output: str | None = None) -> OnnxModel:
    """Open an .onnx file as an oracle. `output`: the name of the output, if there are several.

    Raises FileError for a file that onnxruntime cannot run, that has more than one input, or
    several outputs and no name given; MissingExtraError without onnxruntime.
    """
    onnxruntime = require("onnxruntime", "onnxruntime", "asking .onnx models needs")
    path = Path(path)
    if not path.exists():
        raise FileError(f"{path}: there is no such file")
    with errors_named(path, "a model file"):
        refuse_foreign(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # sums in a fixed order, for reproducible answers
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise FileError(f"{path}: cannot be run: {first_line(error)}") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in TYPES:
        kinds = ", ".join(item.type for item in inputs) or "nothing"
        raise FileError(
            f"{path}: takes {kinds}, expected a single input of float or double numbers"
        )
    sizes = tuple(size if isinstance(size, int) else None for size in inputs[0].shape)
    if not sizes:
        raise FileError(f"{path}: takes a single number, expected a table of inputs")
    with errors_named(path, "a model file"):
        named = one_output([each.name for each in session.get_outputs()], output)
    dtype, unknown = TYPES[inputs[0].type], Layout(sizes[1:], sizes[0])
    model = OnnxModel(session, inputs[0].name, named, dtype, unknown, path)
    return replace(model, layout=_found(sizes, model._run))


def _found(sizes: tuple[int | None, ...], answer: Answer) -> Layout:
    """The layout of an input of these sizes, None for an open one."""
    first, *rest = sizes
    rows = Layout(tuple(rest), first)
    if len(sizes) == 1:
        return Layout(sizes, 1, None)
    known = tuple(size for size in rest if size is not None)
    try:
        if len(known) == len(rest):
            if first is None:
                return _open(known, answer)
            return rows if first == 1 else _fixed((first, *known), answer) or rows
        if first not in (None, 1) and len(known) == len(rest) - 1 and rest[-1] is None:
            # Samples in columns, any number of them: one is used.
            answer(np.zeros((first, *known, 1)))
            return Layout((first, *known, 1), 1, None)
    except Exception:  # a query reports what is wrong with the model
        return rows
    return rows


def _open(shape: tuple[int, ...], answer: Answer) -> Layout:
    """The layout with any number of samples along the first axis. Their answers are located by
    trial. If more than one sample fails, they are passed one at a time."""
    answer(np.zeros((1, *shape)))
    try:
        two, three = answer(np.zeros((2, *shape))).shape, answer(np.zeros((3, *shape))).shape
    except Exception:
        return Layout(shape, 1)
    columns = (two[:1], three[:1]) != ((2,), (3,)) and (two[-1:], three[-1:]) == ((2,), (3,))
    return Layout(shape, None, (0, -1 if columns else 0))


def _fixed(sizes: tuple[int, ...], answer: Answer) -> Layout | None:
    """The layout of an input whose sizes are all fixed; None if all answers are the same."""
    rng = np.random.default_rng(0)
    asked = [(scale * rng.standard_normal((2, *sizes))) for scale in SCALES]
    pairs = [(one, other, answer(one), answer(other)) for one, other in asked]
    if not any(_differ(answered, changed) for *_, answered, changed in pairs):
        return None
    for axes in ((0, 0), (-1, -1), (-1, 0), (0, -1)):
        if all(_apart(axes, *pair, answer) for pair in pairs):
            shape = sizes[1:] if axes[0] == 0 else sizes[:-1]
            return Layout(shape, sizes[axes[0]], axes)
    return Layout(sizes, 1, None)


def _apart(
    axes: tuple[int, int],
    one: Array,
    other: Array,
    answered: NDArray[Any],
    changed: NDArray[Any],
    answer: Answer,
) -> bool:
    """Whether an input made of halves of the two has half of the answers of each."""
    n = one.shape[axes[0]]
    if n < 2 or not answered.ndim or answered.shape[axes[1]] != n:
        return False
    mixed, rest = (np.moveaxis(each, axes[0], 0).copy() for each in (other, one))
    mixed[n // 2 :] = rest[n // 2 :]
    got, old, new = (
        np.moveaxis(each, axes[1], 0)
        for each in (answer(np.moveaxis(mixed, 0, axes[0])), answered, changed)
    )
    return not _differ(np.concatenate([new[: n // 2], old[n // 2 :]]), got)


def _differ(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return bool((np.abs(one - other) > SAME * np.abs(one).max(initial=0.0)).any())
