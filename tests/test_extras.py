"""Optional packages: asked for in one way only, and missed with the command that installs them."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from support.imports import imported
from support.lean_installation import Required, check_missing, hidden, required

from unrelu.errors import MissingExtraError, require
from unrelu.formats.forms import FORMS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "unrelu"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
NEEDED = sorted(set(required(SOURCE)))
LARGE = {"torch"}
"""Not installed with the tests."""
FOR_DEVELOPERS = {"all", "test", "dev", "benchmarks", "docs"}


@pytest.mark.parametrize("needed", NEEDED, ids=lambda needed: f"{needed.extra}-{needed.module}")
def test_each_one_missing_is_reported(needed: Required) -> None:
    with hidden({needed.package}):
        assert needed.extra in check_missing(needed)
    if needed.package not in LARGE:
        importlib.import_module(needed.module)  # installed with the tests: the name is right


def test_each_extra_is_needed_somewhere_and_offered() -> None:
    assert {needed.extra for needed in NEEDED} == EXTRAS.keys() - FOR_DEVELOPERS


def test_the_table_of_forms_names_what_their_readers_need() -> None:
    known = {(needed.package, needed.extra) for needed in NEEDED}
    assert {(form.package, form.extra) for form in FORMS if form.package is not None} <= known


def test_each_extra_installs_what_it_is_needed_for() -> None:
    sources = packages_distributions()
    for needed in NEEDED:
        names = {re.split(r"[<>=!~\[ ]", wanted)[0].lower() for wanted in EXTRAS[needed.extra]}
        if needed.package in LARGE:
            assert needed.package in names
            continue
        installed_by = {name.lower() for name in sources[needed.package]}
        assert names & installed_by, f"{needed.where}: {needed.extra} has no {needed.package}"


def test_optional_packages_are_imported_by_require_alone() -> None:
    optional = {needed.package for needed in NEEDED}
    # A script for a process of its own, started once `require` has found h5py.
    process = SOURCE / "formats" / "keras" / "hdf5_process.py"
    for path in sorted(set(SOURCE.rglob("*.py")) - {process}):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = {name.partition(".")[0] for name in imported(tree, types=False)} & optional
        assert not found, f"{path.relative_to(ROOT)} imports {sorted(found)}: use errors.require"


def test_calls_of_require_are_found(tmp_path: Path) -> None:
    code = "def late():\n    return errors.require('a.b', 'c', f'{1} need')\n"
    (tmp_path / "some.py").write_text(code)
    (found,) = required(tmp_path)
    assert found == Required("a.b", "c", "some.py, line 2")
    with pytest.raises(AssertionError, match="json is installed"):
        check_missing(Required("json", "c", "some.py, line 2"))


def test_a_package_that_is_broken_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torn.py").write_text("import gone_from_here")
    (tmp_path / "ripped.py").write_text("raise ImportError('libripped.so.3: no such file')")
    monkeypatch.syspath_prepend(tmp_path)
    for module, reason in (("torn", "No module named 'gone_from_here'"), ("ripped", "libripped")):
        with pytest.raises(MissingExtraError, match="cannot be imported") as caught:
            require(module, "parquet", "this needs")
        assert reason in str(caught.value)
        assert str(caught.value).endswith("pip install 'unrelu[parquet]'")
    with pytest.raises(MissingExtraError, match="torn, which cannot be imported"):
        require("torn.part", "parquet", "this needs")


def test_a_command_without_its_extra_is_wrong_use(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["pyarrow"] = None
from unrelu.cli import main
main(["recover", {str(tmp_path / "s.parquet")!r}, "-o", {str(tmp_path / "net.npz")!r}])
"""
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.splitlines()[-1].endswith("pip install 'unrelu[parquet]'")
    assert "Traceback" not in finished.stderr
