"""The README and the changelog: the example prints what it shows, and nothing is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.documents import Block, blocks, difference, printed

from unrelu import Status
from unrelu.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = [block for block in blocks(README) if block.language == "python"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"line {block.line}")
def test_an_example_prints_what_is_shown(block: Block) -> None:
    assert block.shown
    assert not difference(printed(block.code, {}), block.shown)


def test_it_is_short() -> None:
    assert EXAMPLES
    assert len(README.splitlines()) <= 200


def test_links_lead_somewhere() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", README))
    assert linked
    for target in linked:
        assert (ROOT / target).exists(), target


def test_figures_are_those_of_the_benchmarks() -> None:
    named = set(re.findall(r"`(\w+\.csv)`", README))
    assert named
    for name in named:
        assert (ROOT / "benchmarks" / "results" / name).exists(), name


def test_every_status_is_explained() -> None:
    for status in Status:
        assert f"`{status.value}`" in README


def test_every_command_is_in_the_changelog() -> None:
    for name in main.commands:
        assert f"`{name}`" in CHANGELOG or f"`unrelu {name}" in CHANGELOG


def test_the_changelog_keeps_its_form() -> None:
    """Versions, newest first, and below each what was added, changed, and so on."""
    headings = [line for line in CHANGELOG.splitlines() if line.startswith("#")]
    assert headings[:2] == ["# Changelog", "## [Unreleased]"]
    version = re.compile(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d")
    kind = re.compile("### (Added|Changed|Deprecated|Removed|Fixed|Security)")
    assert all(version.fullmatch(line) or kind.fullmatch(line) for line in headings[2:])
