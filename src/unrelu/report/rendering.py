"""A page from a template: one file of HTML, with its style inside."""

from __future__ import annotations

import os
import platform
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.atomic_write import atomic_write, check_writable
from unrelu.report import phrases
from unrelu.wording.status import Status
from unrelu.wording.version import __version__

SUFFIXES = (".html", ".htm")

ICONS = {
    Status.PROVED: "✓",
    Status.EXACT: "✓",
    Status.ESTIMATED: "≈",
    Status.UNDETERMINED: "?",
    Status.FAILED: "✕",
}
"""The verdict as a sign, for readers who do not see its colour."""


def render(name: str, status: Status, title: str, **values: Any) -> str:
    """The page of the template `name` with these values."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in ("number", "sentence", "percent", "counted"):
        environment.filters[each] = getattr(phrases, each)
    return environment.get_template(name).render(
        style=_text("page.css"),
        status=status,
        icon=ICONS[status],
        verdict=status.value.capitalize(),
        title=title,
        versions=_versions(),
        **values,
    )


def _text(name: str) -> str:
    return (files("unrelu.report") / name).read_text(encoding="utf-8")


def _versions() -> str:
    import scipy

    return (
        f"unrelu {__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}"
    )


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the FileError that writing a page to this path would raise."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise FileError(f"{path}: got a name ending in {path.suffix!r}, expected '.html'")
    check_writable(path)


def save_page(page: str, path: str | os.PathLike[str]) -> None:
    """Write the page; the file appears complete or not at all."""
    with atomic_write(Path(path)) as file:
        file.write(page.encode())
