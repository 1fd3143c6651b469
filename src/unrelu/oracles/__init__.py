"""Models that `extract` can query: ONNX files, addresses, programs.

An oracle is any callable that takes queries (n, d) and returns answers (n, m): a function, a
`Network`, a `torch.nn.Module`, or one of these.

    open_onnx(path)       an .onnx file, run by onnxruntime
    WebModel(address)     a model behind http:// or https://, queried in JSON
    Program.of(command)   a program that reads queries as CSV lines and writes answers

`extract` passes on what an oracle raises, and checks what it returns: a table of finite numbers,
one row per query.
"""

# One transport per file. `extraction.queries` counts, checks and records the queries of all.

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unrelu.oracles.onnx_file import OnnxModel, open_onnx
    from unrelu.oracles.program import Program
    from unrelu.oracles.web import WebModel

__all__ = ["OnnxModel", "Program", "WebModel", "open_onnx"]

_HOME = {
    "OnnxModel": "onnx_file",
    "Program": "program",
    "WebModel": "web",
    "open_onnx": "onnx_file",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'unrelu.oracles' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"unrelu.oracles.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
