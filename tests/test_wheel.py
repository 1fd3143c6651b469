"""The wheel: what is in it, and that it works from there. `make wheel-check` installs it."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import unrelu

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return Path(built)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"unrelu-{unrelu.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = ROOT / "src"
    package = {
        path.relative_to(source).as_posix()
        for path in (source / "unrelu").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "unrelu/py.typed" in package
    info = f"unrelu-{unrelu.__version__}.dist-info"
    beside = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert names == package | {f"{info}/{name}" for name in beside}


def test_what_the_wheel_says_of_itself(wheel: Path) -> None:
    info = f"unrelu-{unrelu.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        reported = email.message_from_bytes(archive.read(f"{info}/METADATA"))
        commands = archive.read(f"{info}/entry_points.txt").decode()
    assert commands.split() == ["[console_scripts]", "unrelu", "=", "unrelu.cli:main"]
    assert reported["Requires-Python"] == PROJECT["requires-python"]
    assert set(reported.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])
    requirements = reported.get_all("Requires-Dist", [])
    lean = {line for line in requirements if "extra ==" not in line}
    names = {re.split(r"[<>=]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert {re.split(r"[<>=]", line)[0] for line in lean} == names


def test_the_wheel_works_where_no_extra_is_installed(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = ROOT / "tests" / "support" / "lean_installation.py"
    finished = subprocess.run(
        [sys.executable, str(script), unrelu.__version__, "--pretend"],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    first, *others = finished.stdout.splitlines()
    assert first.endswith(f"{tmp_path / 'site' / 'unrelu'}")
    assert "without pyarrow: pip install 'unrelu[parquet]'" in others
