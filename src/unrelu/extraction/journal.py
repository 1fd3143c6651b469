"""The journal: every answer is on disk before it is used, so that a crash costs no query twice.

The journal is a text file to which lines are only appended. The first line contains the settings of
the extraction, every other one an answer: the hash of the bits of the query, and the numbers, or
the text of a class label. The
queries need not be stored, since an extraction with the same settings asks the same ones. An
incomplete last line, left by a crash, is cut off; a damaged line anywhere else is an error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from unrelu.errors import FileError
from unrelu.extraction.texts import Texts
from unrelu.numerics.arrays import Array

FORMAT_VERSION = 1

Settings = Mapping[str, int | float | str | bool | None]


def key_of(query: Array) -> str:
    """Hash of the bits of a query; −0 and 0 are the same number."""
    return blake2b((query + 0.0).tobytes(), digest_size=16).hexdigest()


class Journal:
    """An open journal. `answers` contains what it held when it was opened and what was added."""

    def __init__(self, path: str | os.PathLike[str], settings: Settings) -> None:
        """Continue the journal at `path`, or start one. Raises FileError for a file that is not a
        journal, is damaged, has other settings, or cannot be written."""
        self.path = Path(path)
        self.answers: dict[str, Array] = {}
        self.texts = Texts()
        try:
            self._file: BinaryIO = open(self.path, "a+b")  # noqa: SIM115 (closed by `close`)
        except OSError as error:
            raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error
        try:
            self._lock()
            self._read(settings)
        except BaseException:
            self._file.close()
            raise

    def add(self, keys: list[str], answers: Array) -> None:
        """Write the answers, and return once they are on disk."""
        rows = self.texts.spelled(answers)
        lines = [json.dumps([key, *row]) + "\n" for key, row in zip(keys, rows, strict=True)]
        self._write("".join(lines))
        self.answers.update(zip(keys, answers, strict=True))

    def close(self) -> None:
        self._file.close()

    def _write(self, text: str) -> None:
        try:
            self._file.write(text.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise FileError(f"{self.path}: cannot be written: {error.strerror or error}") from error

    def _lock(self) -> None:
        """Two extractions in one journal would break each other's lines."""
        try:
            import fcntl
        except ImportError:  # not available on this system: users have to take care
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FileError(
                f"{self.path}: another extraction is writing to it: wait until it ends, or "
                "choose another name"
            ) from error

    def _read(self, settings: Settings) -> None:
        self._file.seek(0)
        end = 0
        head: dict[str, Any] | None = None
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                break
            if head is None:
                head = _read_settings(self.path, line)
                _check_settings(self.path, head, settings)
            else:
                self._add_line(number, line)
            end += len(line)
        self._file.truncate(end)  # an incomplete line, left by a crash
        if head is None:
            self._write(json.dumps({"unrelu journal": FORMAT_VERSION, **settings}) + "\n")

    def _add_line(self, number: int, line: bytes) -> None:
        try:
            key, *answer = json.loads(line)
            values = np.array(self.texts.read(answer), dtype=np.float64)
            if not isinstance(key, str) or values.ndim != 1 or not np.isfinite(values).all():
                raise ValueError
        except (ValueError, TypeError) as error:
            raise FileError(
                f"{self.path}, line {number}: got no answer, expected the hash of a query and "
                "numbers or a text: the file is damaged; keep the lines before, or start a new one"
            ) from error
        self.answers[key] = values


def seed_of(path: str | os.PathLike[str]) -> int | None:
    """The seed in the settings of the journal at `path`; None if there is no journal yet."""
    try:
        with open(path, "rb") as file:
            line = file.readline()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not line.endswith(b"\n"):
        return None
    seed = _read_settings(Path(path), line).get("seed")
    return seed if isinstance(seed, int) else None


def _read_settings(path: Path, line: bytes) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except ValueError:
        head = None
    version = head.get("unrelu journal") if isinstance(head, dict) else None
    if version != FORMAT_VERSION:
        raise FileError(
            f"{path}: is not the journal of an extraction, or one of another version: "
            "choose another name"
        )
    return dict(head)


def _check_settings(path: Path, head: Mapping[str, Any], settings: Settings) -> None:
    for name, value in settings.items():
        if head.get(name) != value:
            raise FileError(
                f"{path}: got the journal of another extraction, with {name} = "
                f"{head.get(name)}, expected {value}: use the same settings, or another journal"
            )
