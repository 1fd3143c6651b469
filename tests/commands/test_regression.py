"""recover on the command line as regressions are run: a summary, a picture, a linear part."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.command_line import run

from unrelu import load


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A line with a kink at dose 4: slopes 1 and 3."""
    rng = np.random.default_rng(0)
    dose = np.linspace(0, 10, 80)
    labels = dose + 2 * np.maximum(dose - 4, 0) + 0.2 * rng.standard_normal(80)
    rows = [f"{x:.3f},{y:.3f}" for x, y in zip(dose, labels, strict=True)]
    (tmp_path / "dose.csv").write_text("\n".join(["dose,response", *rows]), encoding="utf-8")
    return tmp_path / "dose.csv"


def test_summary_picture_and_linear_part(table: Path, tmp_path: Path) -> None:
    net, picture = tmp_path / "net.npz", tmp_path / "fit.png"
    options = ["--y-columns", "response", "--auto-skip", "--seed", 0, "-o", net]
    result = run("recover", table, *options, "--plot", picture, "--summary")
    assert result.exit_code == 0, result.output
    assert "breakpoints" in result.stdout
    assert "R-squared" in result.stdout
    assert load(net).skip
    assert load(net).n_units == 1
    with Image.open(picture) as drawn:
        assert np.ptp(np.asarray(drawn)) > 0

    again = run("recover", table, *options[:-1], tmp_path / "again.npz", "--json")
    values = json.loads(again.stdout)
    assert values["goodness"]["n_samples"] == 80
    assert abs(values["breakpoints"][0]["position"] - 4) <= 4 * values["breakpoints"][0]["stderr"]


def test_units_by_cross_validation(table: Path, tmp_path: Path) -> None:
    net = tmp_path / "net.npz"
    options = ["--y-columns", "response", "--units", "cv", "--auto-skip", "--seed", 0]
    result = run("recover", table, *options, "-o", net)
    assert result.exit_code in (0, 1), result.output
    assert "cross-validation" in result.stdout
    assert load(net).n_units >= 1
    refused = run("recover", table, "--units", "many", "-o", net)
    assert refused.exit_code == 2
    assert "expected a whole number" in refused.output


@pytest.mark.parametrize("picture", ["fit.jpeg", "nowhere/fit.png", "dose.csv"])
def test_pictures_that_cannot_be_written(table: Path, tmp_path: Path, picture: str) -> None:
    result = run("recover", table, "-o", tmp_path / "n.npz", "--plot", tmp_path / picture)
    assert result.exit_code == 2
    assert not (tmp_path / "n.npz").exists()
