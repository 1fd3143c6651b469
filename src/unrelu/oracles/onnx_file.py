"""A model in an ONNX file, run by onnxruntime."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError, OracleError
from unrelu.extras import require

Array = NDArray[np.float64]

TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


@dataclass(frozen=True)
class OnnxModel:
    """A loaded model: `n_inputs` where the file says it, else None."""

    session: Any
    name: str
    dtype: type
    batch: int | None
    shape: tuple[int | None, ...]
    path: Path

    @property
    def n_inputs(self) -> int | None:
        if any(size is None for size in self.shape):
            return None
        return math.prod(size for size in self.shape if size is not None)

    def __call__(self, X: Array) -> NDArray[Any]:
        """Answers of the first output, one row to a query; inputs are shaped as the model wants
        them, images too, and come in its batches."""
        step = self.batch or max(1, len(X))
        answers = []
        for start in range(0, len(X), step):
            rows = X[start : start + step]
            filled: NDArray[Any] = np.zeros((step, X.shape[1]), dtype=self.dtype)
            filled[: len(rows)] = rows
            inputs = filled if self.batch else filled[: len(rows)]
            try:
                shaped = inputs.reshape(len(inputs), *self._sizes(X.shape[1]))
                output = self.session.run(None, {self.name: shaped})[0]
            except Exception as error:  # onnxruntime has a dozen kinds of them
                raise OracleError(f"{self.path}: {_first_line(error)}") from error
            table = np.asarray(output).reshape(len(inputs), -1)
            answers.append(table[: len(rows)])
        return np.concatenate(answers)

    def _sizes(self, d: int) -> tuple[int, ...]:
        if self.shape.count(None) > 1:
            raise OracleError(f"{self.path}: expects inputs of shape {self.shape}, got {d} numbers")
        return tuple(-1 if size is None else size for size in self.shape)


def open_onnx(path: str | os.PathLike[str]) -> OnnxModel:
    """Load a model. Raises FileError for a file that onnxruntime cannot run or that takes more
    than one input, MissingExtraError without onnxruntime."""
    onnxruntime = require("onnxruntime", "onnxruntime", "asking .onnx models needs")
    path = Path(path)
    if not path.is_file():
        raise FileError(f"{path}: there is no such file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # sums in the same order: the same answers every time
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise FileError(f"{path}: cannot be run: {_first_line(error)}") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in TYPES:
        kinds = ", ".join(item.type for item in inputs) or "nothing"
        raise FileError(
            f"{path}: takes {kinds}, expected a single input of float or double numbers"
        )
    sizes = [size if isinstance(size, int) else None for size in inputs[0].shape]
    if not sizes:
        raise FileError(f"{path}: takes a single number, expected a table of inputs")
    return OnnxModel(
        session, inputs[0].name, TYPES[inputs[0].type], sizes[0], tuple(sizes[1:]), path
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
