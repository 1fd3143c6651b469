"""Guides that show no output: the tour of the command line runs, and lists are complete."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from unrelu.cli import main
from unrelu.search.options import noises

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMMANDS = (DOCS / "guides" / "commands.md").read_text(encoding="utf-8")
INSTALLING = (DOCS / "guides" / "installing.md").read_text(encoding="utf-8")
NOISY_LABELS = (DOCS / "questions" / "noisy-labels.md").read_text(encoding="utf-8")


def tour() -> list[str]:
    """The lines under "A tour"."""
    found = re.search(r"^## A tour$.*?^```sh\n(.*?)^```$", COMMANDS, re.MULTILINE | re.DOTALL)
    assert found is not None
    return [line for line in found[1].splitlines() if line]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_tour_runs_and_no_command_overwrites_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = tour()
    assert {line.split()[1] for line in lines if line.startswith("unrelu ")} == {
        *main.commands.keys()
    } - {"completion"}
    for line in lines:
        before = contents(tmp_path)
        if line.startswith("unrelu "):
            result = CliRunner().invoke(main, shlex.split(line, comments=True)[1:])
            assert result.exit_code == 0, (line, result.output)
        else:
            subprocess.run(["sh", "-c", line], check=True)
        after = contents(tmp_path)
        assert {path: after[path] for path in before} == before, line
    assert len(contents(tmp_path)) > 10


def test_every_command_is_there() -> None:
    for name in main.commands:
        assert f"unrelu {name} " in COMMANDS


def test_every_extra_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in project["optional-dependencies"].keys() - {"test", "dev", "benchmarks", "docs"}:
        assert f"`{extra}`" in INSTALLING


def test_every_kind_of_noise_is_explained() -> None:
    for kind in noises():
        assert f'`"{kind}"`' in NOISY_LABELS
