"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from unrelu.errors import FileError


def check_writable(path: Path) -> None:
    """Raise FileError when a file cannot be put there: asked before long work, so that an hour
    is not lost to a spelling mistake."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileError(f"{path}: is not a regular file; give the name of a file to write")
    if not target.parent.is_dir():
        raise FileError(f"{path}: there is no folder {target.parent}; make it first")
    if not os.access(target.parent, os.W_OK):
        raise FileError(f"{path}: no permission to write into {target.parent}")


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` to write into, which takes its place when the block ends well.

    A crash, a full disk or an interruption leaves `path` as it was. A symbolic link stays one:
    the file it points to is replaced. Raises FileError where the file cannot be written.
    """
    check_writable(path)
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or the new name may outlive a power cut and the data not
        os.replace(beside, target)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
