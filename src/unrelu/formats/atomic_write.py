"""Files that appear completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from unrelu.errors import FileError


def check_writable(path: Path) -> None:
    """Raise FileError if a file cannot be written there. Called before long computations, so that
    their result is not lost to a spelling mistake."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileError(f"{path}: is not a regular file; give the name of a file to write")
    if not target.parent.is_dir():
        raise FileError(f"{path}: there is no folder {target.parent}; make it first")
    if not os.access(target.parent, os.W_OK):
        raise FileError(f"{path}: no permission to write into {target.parent}")


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside `path` to write into, which replaces it when the block succeeds.

    A crash, a full disk or an interruption leaves `path` unchanged. A symbolic link stays one:
    the file it points to is replaced. Raises FileError if the file cannot be written.
    """
    check_writable(path)
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # otherwise a power cut may keep the new name and lose the data
        os.replace(beside, target)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
