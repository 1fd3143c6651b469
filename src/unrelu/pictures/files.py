"""Pictures in files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrelu.errors import FileError
from unrelu.formats.atomic_write import atomic_write, check_writable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""The forms, and what leaves the date out of them, so that equal pictures are equal files."""


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the FileError of a picture that cannot be written there, before anything is drawn."""
    if Path(path).suffix.lower() not in FORMS:
        raise FileError(f"{path}: expected a picture, a name that ends in {', '.join(FORMS)}")
    check_writable(Path(path))


def save_picture(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure, completely or not at all."""
    form = Path(path).suffix.lower()
    with atomic_write(Path(path)) as file:
        figure.savefig(file, format=form[1:], metadata=FORMS[form])
