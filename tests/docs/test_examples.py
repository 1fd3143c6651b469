"""The examples run, write what they say they write, and find what is there to be found."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import unrelu

EXAMPLES = Path(__file__).parents[2] / "examples"

SMALL: dict[str, list[str]] = {"ganglion_cells": ["--frames", "6000", "--side", "5"]}
"""Examples with a function main, and options that make it small."""

PAGES = [
    "behind_a_trained_student",
    "behind_a_wide_network",
    "digits",
    "endpoints",
    "model_file",
    "phase_diagram",
    "unknown_activation",
]
"""Examples that are read, and run, from top to bottom."""


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
    """Those read from top to bottom have a test of their own name below."""
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*SMALL, *PAGES}


def read(name: str) -> dict[str, Any]:
    """Runs a page to its end; returns its names, with `printed` for what it has said."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    reported = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(reported):
        pyplot.switch_backend("agg")
        patch.setattr(pyplot, "show", lambda: None)
        patch.setattr(sys, "argv", [name])
        names = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    drawn = [pyplot.figure(number) for number in pyplot.get_fignums()]
    assert drawn
    for figure in drawn:
        figure.canvas.draw()
    pyplot.close("all")
    return {**names, "printed": reported.getvalue()}


@pytest.mark.study
def test_endpoints() -> None:
    names = read("endpoints")
    recognised = [each.stats["answers"] for each in names["results"].values()]
    assert recognised == ["values", "values", "rounded", "softmax", "labels"]
    for name, result in names["results"].items():
        assert result.status == "exact"
        allowed = 1e-5 if name == "single precision" else 1e-9
        assert names["worst_error"](result.network) < allowed


def test_digits() -> None:
    names = read("digits")
    assert names["result"].status == "exact"
    assert names["match"].max_error < 1e-12
    assert names["difference"] < 1e-12


def test_behind_a_wide_network() -> None:
    names = read("behind_a_wide_network")
    wide, small, found = names["wide"], names["small"], names["result"].network
    assert (wide.n_units, found.n_units) == (60, small.n_units)
    assert names["result"].status == "exact"
    assert unrelu.match(found, small).max_error < 1e-12
    X = np.random.default_rng(1).standard_normal((1000, wide.n_inputs))
    assert np.abs(found(X) - wide(X)).max() < 1e-12 * np.abs(wide(X)).max()
    assert wide.canonical().n_units == 18


@pytest.mark.study
def test_behind_a_trained_student() -> None:
    names = read("behind_a_trained_student")
    off = dict(zip(names["found"], names["to_teacher"], strict=True))
    assert min(off, key=lambda units: off[units]) == names["teacher"].n_units
    assert off[4] < names["student_error"] / 2
    assert names["match"].hidden.max() < 0.05
    # What the page says of them: none is the student, so none explains it.
    assert all(result.status == "failed" for result in names["found"].values())
    before, after, more = names["to_student"]
    assert after < before / 10
    assert more > after / 2


def test_model_file() -> None:
    pytest.importorskip("onnxruntime")
    names = read("model_file")
    assert names["result"].status == "exact"
    assert names["result"].stats["queries"] <= 20_000
    assert names["match"].max_error < 1e-11


def test_unknown_activation() -> None:
    names = read("unknown_activation")
    assert names["result"].status == "estimated"
    assert names["hidden_error"] < 1e-10
    assert names["output_error"] < 1e-10
    assert names["curve_error"] < 0.05
    assert len(names["figure"].axes) == 1


@pytest.mark.study
def test_phase_diagram() -> None:
    names = read("phase_diagram")
    assert names["wrong"] == 0
    # A unit needs as many samples as inputs on its active side, and has half of them there.
    assert names["SAMPLES"][0] < 2 * names["INPUTS"] < names["SAMPLES"][-1]
    assert (names["success"][:, 0] < 0.5).all()
    assert (names["success"][:, -1] == 1).all()


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[Path, Any], Path]:
    folder = tmp_path_factory.mktemp("cells") / "new"
    seen, pictures = load("ganglion_cells").main(["-o", str(folder), *SMALL["ganglion_cells"]])
    return seen, pictures, folder


@pytest.mark.study
def test_what_is_written_is_there(cells: tuple[Any, dict[Path, Any], Path]) -> None:
    _, pictures, folder = cells
    assert set(folder.iterdir()) == pictures.keys() == {folder / "ganglion_cells.png"}
    for path in pictures:
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.study
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
