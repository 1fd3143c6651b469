"""The steps of a long search that are done, in a file, so that it can be resumed.

A search with the same samples, question and seed takes the same steps. So a search that is resumed
starts again from the first, but takes the results of steps that are in the file, and the state of
the generator after each, instead of computing them: it ends with the same bits as one that was
never interrupted.

The file is an .npz: a head with the settings in JSON, and the arrays of each step.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.errors import FileError, InputError
from unrelu.formats.atomic_write import atomic_write, check_writable
from unrelu.numerics.arrays import AnyArray
from unrelu.numerics.deadline import now
from unrelu.wording.version import __version__

FORMAT_VERSION = 1

EVERY, SHARE = 5.0, 20.0
"""Seconds between two times that the file is written, at least; and times as long as writing it
takes."""

Settings = Mapping[str, int | float | str | bool | None]

Step = dict[str, AnyArray]


class Checkpoint:
    """An open checkpoint: the steps that it held when it was opened, and those that were added."""

    def __init__(self, path: str | os.PathLike[str], settings: Settings) -> None:
        """Continue the checkpoint at `path`, or start one. Raises FileError for a file that is no
        checkpoint, is damaged, or cannot be written, InputError for one with other settings."""
        self.path = Path(path)
        self._settings = {"unrelu checkpoint": FORMAT_VERSION, "version": __version__, **settings}
        check_writable(self.path)
        self._steps, self._states = list[tuple[str, Step]](), list[str]()
        if self.path.exists():
            head = _head(self.path)
            self._check(head)
            self._read(head)
        self._done, self._written, self._rest = 0, now(), EVERY
        self.write()

    @property
    def resumed(self) -> int:
        """Steps that are taken from the file from now on."""
        return len(self._steps) - self._done

    def step(self, name: str, rng: np.random.Generator, make: Callable[[], Step]) -> Step:
        """The result of the next step: that of the file, if it is there, or of `make`."""
        if self._done < len(self._steps):
            known, result = self._steps[self._done]
            if known == name:
                rng.bit_generator.state = json.loads(self._states[self._done])
                self._done += 1
                return result
            del self._steps[self._done :], self._states[self._done :]
        result = make()
        self._steps.append((name, result))
        self._states.append(json.dumps(rng.bit_generator.state, default=_plain))
        self._done += 1
        if now() > self._written + self._rest:
            self.write()
        return result

    def write(self) -> None:
        """Write the file, as a whole or not at all. Raises FileError."""
        before = now()
        arrays: dict[str, Any] = {
            f"{number}/{key}": np.asarray(value)
            for number, (_, step) in enumerate(self._steps)
            for key, value in step.items()
        }
        head = {
            **self._settings,
            "steps": [name for name, _ in self._steps],
            "states": self._states,
        }
        with atomic_write(self.path) as file:
            np.savez(file, head=np.array(json.dumps(head)), **arrays)
        self._written = now()
        self._rest = max(EVERY, SHARE * (self._written - before))

    def remove(self) -> None:
        """Nothing is left to be resumed."""
        self.path.unlink(missing_ok=True)

    def _check(self, head: Mapping[str, Any]) -> None:
        for name, value in self._settings.items():
            if head.get(name) != value:
                other = "other samples" if name == "samples" else "another question"
                got = "" if name == "samples" else f", with {name} = {head.get(name)}, not {value}"
                raise InputError(
                    f"checkpoint: got {self.path}, that of a search in {other}{got}: expected the "
                    "one of this search, or another name"
                )

    def _read(self, head: Mapping[str, Any]) -> None:
        try:
            with open(self.path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files if "/" in name}
            self._states = list(map(str, head["states"]))
            for number, step in enumerate(head["steps"]):
                own = f"{number}/"
                found = {
                    name.removeprefix(own): value
                    for name, value in arrays.items()
                    if name.startswith(own)
                }
                self._steps.append((str(step), found))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise _damaged(self.path) from error


def seed_of(path: str | os.PathLike[str]) -> int | None:
    """The seed of the search whose checkpoint is at `path`; None if there is none yet."""
    if not Path(path).exists():
        return None
    seed = _head(Path(path)).get("seed")
    return seed if isinstance(seed, int) else None


def _head(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            head = json.loads(str(file["head"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(path) from error
    if not isinstance(head, dict) or "unrelu checkpoint" not in head:
        raise _damaged(path)
    return head


def _damaged(path: Path) -> FileError:
    return FileError(
        f"{path}: is not the checkpoint of a search, or is damaged: choose another name, or delete "
        "it"
    )


def _plain(value: Any) -> Any:
    """Numbers and arrays in the state of some generators."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)
