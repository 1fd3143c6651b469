"""The examples run, write what they say they write, and find what is there to be found."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

SMALL: dict[str, list[str]] = {"ganglion_cells": ["--frames", "10000", "--side", "6"]}
"""Each example, and options that make it small."""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
    return module


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == SMALL.keys()


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[Path, Any], Path]:
    folder = tmp_path_factory.mktemp("cells") / "new"
    seen, pictures = load("ganglion_cells").main(["-o", str(folder), *SMALL["ganglion_cells"]])
    return seen, pictures, folder


def test_what_is_written_is_there(cells: tuple[Any, dict[Path, Any], Path]) -> None:
    _, pictures, folder = cells
    assert set(folder.iterdir()) == pictures.keys() == {folder / "ganglion_cells.png"}
    for path in pictures:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_receptive_fields_are_found(cells: tuple[Any, dict[Path, Any], Path]) -> None:
    seen, pictures, _ = cells
    assert seen.extra == 0
    assert seen.correlations.min() > 0.9
    # Four standard deviations of the share of so many independent intervals.
    assert seen.inside >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / seen.weights.size)
    images = [axes for figure in pictures.values() for axes in figure.axes if axes.images]
    shown = [np.asarray(axes.images[0].get_array()).ravel() for axes in images]
    assert len(shown) == 2 * len(seen.fields)
    for true, found in zip(shown[::2], shown[1::2], strict=True):
        assert np.corrcoef(true, found)[0, 1] > 0.9
