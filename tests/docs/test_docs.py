"""The documentation: what pages say is printed is printed, it builds, and nothing is left out."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
from click.testing import CliRunner
from support.documents import blocks, commands, difference, outside, printed

import unrelu
from unrelu.cli import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(set(DOCS.glob("*.md")) - {DOCS / "changelog.md"})
PAGES += sorted([*(DOCS / "questions").glob("*.md"), *(DOCS / "guides").glob("*.md")])

WITHOUT_OUTPUT = {"commands", "installing", "measured", "report", "which-regressor"}
"""Pages that show no output: the commands are run by `test_guides`."""


LONG = {
    "black-box",
    "how-many-samples",
    "kinks-in-your-data",
    "large-data",
    "neurons",
    "scikit-learn",
    "which-activation",
}
"""Pages that take long to run."""


def test_every_page_is_run() -> None:
    written = {path for path in DOCS.rglob("*.md") if not path.relative_to(DOCS).match("_build/*")}
    assert written - {DOCS / "changelog.md"} == set(PAGES)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(path, marks=[pytest.mark.study] if path.stem in LONG else [], id=path.stem)
        for path in PAGES
    ],
)
def test_a_page_prints_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    found = list(blocks(page.read_text(encoding="utf-8")))
    assert found or page.stem in WITHOUT_OUTPUT
    for block in found:
        where = f"{page.name}, line {block.line}"
        if block.language == "python":
            assert not (wrong := difference(printed(block.code, names), block.shown)), (
                f"{where}\n{wrong}"
            )
            continue
        for words, shown in commands(block.code):
            assert words[0] == "unrelu"
            result = CliRunner().invoke(main, words[1:])
            assert result.exit_code == 0, f"{where}: {result.output}"
            assert not (wrong := difference(result.stdout, shown)), f"{where}\n{wrong}"


def test_no_output_is_left_unchecked() -> None:
    for page in PAGES:
        for content in outside(page.read_text(encoding="utf-8")):
            assert content.startswith("pip install"), f"{page.name}: {content}"


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        ("exact", "failed"),
        ("3 units", "4 units"),
        ("error 0.2", "error 0.3"),
        ("error 1e-9", "error 1e-16"),
        ("one\ntwo", "one"),
        ("one", "one\ntwo"),
        ("one\ntwo", "...\nthree"),
        ("p <1e-16, gain 5", "p <1e-16, gain 7"),
    ],
)
def test_differences_are_seen(reported: str, shown: str) -> None:
    assert difference(reported, shown)


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        ("error 2.1e-16 in sample 7", "error 3e-15  in sample 23"),
        ("│ a   1.00 │", "│ a 1.01 │"),
        ("one\ntwo\nthree", "one\n...\nthree"),
        ("one\ntwo", "one\n..."),
    ],
)
def test_what_differs_between_machines_does_not_count(reported: str, shown: str) -> None:
    assert not difference(reported, shown)


class Links(HTMLParser):
    """Where a page leads, and where in it others may lead."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif value and (name == "src" or (name == "href" and tag in ("a", "link"))):
                self.targets.append(value)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, with the examples shown but not run, from a copy: a build writes beside its
    sources."""
    for name in ("sphinx", "furo", "myst_parser", "sphinx_gallery"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install '.[docs]'")
    root = tmp_path_factory.mktemp("docs")
    made = shutil.ignore_patterns("_build", "api", "examples", "command-line.rst", "recipes.rst")
    shutil.copytree(DOCS, root / "docs", ignore=made)
    for folder in ("examples", "benchmarks/results"):
        shutil.copytree(ROOT / folder, root / folder, ignore=made)
    shutil.copy(ROOT / "CHANGELOG.md", root)
    options = ["-t", "examples_not_run"]
    finished = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", *options, "docs", "html"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return root / "html"


@pytest.mark.xdist_group("built")
def test_every_public_name_has_a_page(built: Path) -> None:
    listed = (built / "api" / "index.html").read_text(encoding="utf-8")
    for name in unrelu.__all__:
        page = (built / "api" / f"{name}.html").read_text(encoding="utf-8")
        assert f'id="unrelu.{name}"' in page or f'id="module-unrelu.{name}"' in page
        assert f"{name}.html" in listed


@pytest.mark.xdist_group("built")
def test_every_command_and_option_is_there(built: Path) -> None:
    page = (built / "command-line.html").read_text(encoding="utf-8")

    def check(command: click.Command, path: str) -> None:
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                check(inner, f"{path} {name}")
            return
        assert f">{path}<" in page
        for item in command.params:
            assert all(option in page for option in item.opts if isinstance(item, click.Option))

    check(main, "unrelu")


@pytest.mark.xdist_group("built")
def test_every_example_is_in_the_gallery(built: Path) -> None:
    gallery = (built / "examples" / "index.html").read_text(encoding="utf-8")
    for path in (ROOT / "examples").glob("*.py"):
        assert f"{path.stem}.html" in gallery
        assert (built / "examples" / f"{path.stem}.html").exists()


@pytest.mark.xdist_group("built")
def test_links_lead_somewhere_and_nothing_is_loaded_from_elsewhere(built: Path) -> None:
    pages = {path: Links() for path in built.rglob("*.html")}
    for path, links in pages.items():
        links.feed(path.read_text(encoding="utf-8"))
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert to.exists(), f"{path.relative_to(built)}: {target}"
            if parts.fragment and to in pages:
                assert unquote(parts.fragment) in pages[to].anchors | {""}, (
                    f"{path.relative_to(built)}: {target}"
                )
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|img|link)[^>]*(?:src|href)="(?:https?:)?//', text), path


def test_docstrings_become_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    to_rest = importlib.import_module("docstrings").to_rest
    rest = "\n".join(
        to_rest(
            """Find |x| and a_ in `X*`.

Parameters
----------
X : (n, d) inputs,
    all of them.
noise : one of
    "none"   nothing,
             at all
    "some"   *much*

Tree::

    a
      b

>>> if True:
...     print([1])
[1]
""".splitlines()
        )
    )
    assert rest.startswith(r"Find \|x\| and a\_ in ``X*``.")
    assert ".. rubric:: Parameters" in rest
    assert "``X``\n    (n, d) inputs,\n    all of them." in rest
    assert '    "none"\n        nothing,\n        at all' in rest
    assert r"        \*much\*" in rest
    assert "\n::\n\n\n        a\n          b\n" in rest
    assert ">>> if True:\n...     print([1])\n[1]\n" in rest
