"""The README's example does what the README says."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from shown import difference

from unrelu.cli import main
from unrelu.preparation import NOISE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_example_prints_what_is_shown() -> None:
    match = re.search(r"```python\n(.*?)```\n```\n(.*?)```", README, re.DOTALL)
    assert match is not None
    code, shown = match.groups()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {})
    # The last digits are the machine's own: errors are held to a bound instead.
    number = re.compile(r"\d\.\d\de[-+]\d\d")
    assert number.sub("#", said.getvalue()) == number.sub("#", shown)
    errors = [float(error) for error in number.findall(said.getvalue())]
    assert len(errors) == 4
    assert max(errors) <= 1e-13


def test_the_extraction_example_prints_what_is_shown() -> None:
    section = README[README.index("## From a black box") :]
    match = re.search(r"```python\n(.*?)```\n```\n(.*?)```", section, re.DOTALL)
    assert match is not None
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(match[1], {})
    assert said.getvalue() == match[2]


def test_the_noisy_example_prints_what_is_shown() -> None:
    section = README[README.index("## Noisy labels") :]
    match = re.search(r"```python\n(.*?)```\n```\n(.*?)```", section, re.DOTALL)
    assert match is not None
    code, shown = match.groups()
    said, names = io.StringIO(), dict[str, Any]()
    with contextlib.redirect_stdout(said):
        exec(code, names)
    assert not difference(said.getvalue(), shown)
    found, secret = names["result"].network, names["secret"].canonical()
    errors = names["result"].stderr
    for name in ("V", "U", "b", "c"):
        off = np.abs(getattr(found, name) - getattr(secret, name))
        assert (off <= 5 * getattr(errors, name)).all()


def test_the_scikit_learn_example_prints_what_is_shown() -> None:
    section = README[README.index("## In scikit-learn") :]
    match = re.search(r"```python\n(.*?)```\n```\n(.*?)```", section, re.DOTALL)
    assert match is not None
    code, shown = match.groups()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {})
    assert said.getvalue() == shown


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
