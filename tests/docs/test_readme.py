"""The README's examples do what the README says."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.documents import Block, blocks, difference, printed

from unrelu.cli import main
from unrelu.search.options import NOISE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = [block for block in blocks(README) if block.language == "python"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"line {block.line}")
def test_an_example_prints_what_is_shown(block: Block) -> None:
    assert block.shown
    assert not difference(printed(block.code, {}), block.shown)


def story() -> list[str]:
    """The lines under "On the command line"."""
    found = re.search(
        r"^## On the command line$.*?^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return [line for line in found[1].splitlines() if line]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_commands_run_in_order_and_spare_each_others_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = story()
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


def test_every_extra_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installing = README[README.index("## Installing") :]
    for extra in project["optional-dependencies"].keys() - {"test", "dev", "benchmarks", "docs"}:
        assert f"`{extra}`" in installing


def test_every_command_is_there() -> None:
    for name in main.commands:
        assert f"unrelu {name} " in README
        assert f"`{name}`" in CHANGELOG or f"`unrelu {name}" in CHANGELOG


def test_the_changelog_keeps_its_form() -> None:
    """Versions, newest first, and below each what was added, changed, and so on."""
    headings = [line for line in CHANGELOG.splitlines() if line.startswith("#")]
    assert headings[:2] == ["# Changelog", "## [Unreleased]"]
    version = re.compile(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d")
    kind = re.compile("### (Added|Changed|Deprecated|Removed|Fixed|Security)")
    assert all(version.fullmatch(line) or kind.fullmatch(line) for line in headings[2:])


def test_every_kind_of_noise_is_explained() -> None:
    for kind in NOISE:
        assert f'`"{kind}"`' in README


def test_every_status_is_explained() -> None:
    from unrelu import Status

    for status in Status:
        assert f"`{status.value}`" in README
