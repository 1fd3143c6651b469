"""What a pass has added up so far, in a file: a pass that was cut off goes on from there."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.numerics.folding import Sums

FILES = re.compile(r"[0-9a-f]{24}\.(npz|[0-9]+)")
"""Names of the files of passes: whole ones, and those of a process that was writing."""

EVERY = 10.0
"""Seconds between two times that it is written."""


@dataclass(frozen=True, eq=False)
class Kept:
    """The folder, the samples whose passes are kept there, and what no others have: a hash."""

    folder: Path
    X: Any
    Y: Any
    digest: str


_KEPT: ContextVar[Kept | None] = ContextVar("kept", default=None)


@contextmanager
def kept_in(folder: str | os.PathLike[str], X: Any, Y: Any, digest: str) -> Iterator[None]:
    """Within the context, passes over these very X and Y keep what they have added up in files of
    a folder, one for each, and go on from what is there of samples with the same digest, which is
    of all their rows. Passes over other rows do not."""
    before = _KEPT.set(Kept(Path(folder), X, Y, digest))
    try:
        yield
    finally:
        _KEPT.reset(before)


def forget(folder: str | os.PathLike[str]) -> None:
    """Remove the files of passes from a folder, and the folder if it held no others."""
    folder = Path(folder)
    if not folder.is_dir():
        return
    for path in list(folder.iterdir()):
        if FILES.fullmatch(path.name):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


@dataclass(eq=False)
class Journal:
    """Of one pass: the tree of its sums, as (cells, sums). `path`: None where none is kept."""

    path: Path | None
    _written: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, measure: Any, X: Any, Y: Any) -> Journal:
        """That of what is measured of some samples: what it holds is of the same measure, and of
        samples with the same digest."""
        kept = _KEPT.get()
        if kept is None or X is not kept.X or Y is not kept.Y:
            return cls(None)
        digest = hashlib.sha256(pickle.dumps((measure, len(X), kept.digest), protocol=5))
        return cls(kept.folder / f"{digest.hexdigest()[:24]}.npz")

    def read(self) -> list[tuple[int, Sums]]:
        """Empty if there is nothing."""
        if self.path is None or not self.path.exists():
            return []
        with np.load(self.path, allow_pickle=False) as stored:
            cells = stored["cells"].tolist()
            tree: list[Sums] = [{} for _ in cells]
            for name in stored.files:
                number, _, key = name.partition(" ")
                if key:
                    tree[int(number)][key] = stored[name]
        return list(zip(cells, tree, strict=True))

    def write(self, tree: list[tuple[int, Sums]], *, at_once: bool = False) -> None:
        """Now and then, as a whole or not at all."""
        if self.path is None or (not at_once and time.monotonic() - self._written < EVERY):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{number} {name}": value
            for number, (_, sums) in enumerate(tree)
            for name, value in sums.items()
        }
        unfinished = self.path.with_suffix(f".{os.getpid()}")
        with open(unfinished, "wb") as file:
            np.savez(file, allow_pickle=False, cells=[cells for cells, _ in tree], **arrays)
        os.replace(unfinished, self.path)
        self._written = time.monotonic()
