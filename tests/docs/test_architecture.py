"""The page on the architecture: its list of files is the one that a traced call enters."""

from __future__ import annotations

import importlib
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def architecture() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        return importlib.import_module("architecture")


@pytest.fixture(scope="module")
def arrows(architecture: ModuleType) -> dict[str, set[str]]:
    found: dict[str, set[str]] = architecture.parts()
    return found


def test_the_page_lists_the_files_that_the_plain_case_enters(architecture: ModuleType) -> None:
    assert re.findall(r"^- `([\w/]+\.py)` ", PAGE, re.MULTILINE) == architecture.plain_case()


def test_every_path_on_the_page_exists(architecture: ModuleType) -> None:
    for path in re.findall(r"`([\w/]+(?:\.py|/))`", PAGE):
        assert (architecture.SOURCE / path).exists(), path


def test_files_are_listed_as_they_are_entered(architecture: ModuleType) -> None:
    from unrelu.wording.status import Status
    from unrelu.wording.streams import counted

    def call() -> None:
        counted(2, "unit")
        assert Status.EXACT.certain
        counted(3, "unit")

    call()
    assert architecture.files_entered(call) == ["wording/streams.py", "wording/status.py"]


def test_the_picture_has_every_part_and_every_arrow(
    architecture: ModuleType, arrows: dict[str, set[str]]
) -> None:
    root = ElementTree.fromstring(architecture.picture(arrows, {"search"}))
    svg = "{http://www.w3.org/2000/svg}"
    names = [text.text for text in root.iter(f"{svg}text")]
    assert sorted(str(name).rstrip("/").removesuffix(".py") for name in names) == sorted(arrows)
    drawn = list(root.iter(f"{svg}path"))
    assert len(drawn) == sum(map(len, architecture.without_shortcuts(arrows).values()))


def test_arrows_are_seen_and_shortcuts_are_left_out(
    architecture: ModuleType, arrows: dict[str, set[str]]
) -> None:
    assert "numerics" in arrows["search"]
    assert "search" not in arrows["numerics"]
    chain = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert architecture.without_shortcuts(chain) == {"a": {"b"}, "b": {"c"}, "c": set()}
    assert architecture.levels(chain) == {"a": 2, "b": 1, "c": 0}
