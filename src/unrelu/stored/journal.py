"""What a pass has added up so far, in a file: a pass that was cut off goes on from there."""

from __future__ import annotations

import hashlib
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.numerics.folding import Sums

_FOLDER: ContextVar[Path | None] = ContextVar("folder", default=None)

EVERY = 10.0
"""Seconds between two times that it is written."""


@contextmanager
def kept_in(folder: str | os.PathLike[str] | None) -> Iterator[None]:
    """Within the context, passes keep what they have added up in files of a folder, one for each,
    and go on from what is there; None: they do not."""
    token = _FOLDER.set(_FOLDER.get() if folder is None else Path(folder))
    try:
        yield
    finally:
        _FOLDER.reset(token)


@dataclass(eq=False)
class Journal:
    """Of one pass: the tree of its sums, as (cells, sums). `path`: None where none is kept."""

    path: Path | None
    _written: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, measure: Any, X: Any, Y: Any) -> Journal:
        """That of what is measured of some samples: what it holds is of the same measure, number of
        rows, and first and last row."""
        folder = _FOLDER.get()
        if folder is None:
            return cls(None)
        digest = hashlib.sha256(pickle.dumps((measure, len(X)), protocol=5))
        for rows in (X, Y):
            for row in (0, len(rows) - 1):
                digest.update(np.ascontiguousarray(rows[row : row + 1]).tobytes())
        return cls(folder / f"{digest.hexdigest()[:24]}.npz")

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
