"""A program that reads queries as CSV lines and writes answers as CSV lines.

It is started for every batch, its input is closed after the last query, and it may answer line by
line or at the end. So its buffering does not matter, and a program that has died is distinguished
from a slow one.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import InputError, OracleError
from unrelu.numerics.arrays import Array
from unrelu.wording.streams import counted


@dataclass(frozen=True)
class Program:
    """A program that reads queries as CSV lines and writes answers as CSV lines.

    command : the program and its arguments; `Program.of` takes them as one string.
    timeout : seconds that it has for a batch.

    It is started for each batch, and its input is closed after the last query. There is no header;
    each line is a query, with as many digits as restore the same bits.
    """

    command: tuple[str, ...]
    timeout: float = 60.0

    @classmethod
    def of(cls, command: str | Sequence[str], timeout: float = 60.0) -> Program:
        try:
            words = shlex.split(command) if isinstance(command, str) else list(command)
        except ValueError as error:
            raise InputError(f"program: got {command!r}: {error}") from error
        if not words:
            raise InputError("program: got nothing, expected a command and its arguments")
        return cls(tuple(words), timeout)

    def __call__(self, X: NDArray[Any]) -> Array:
        """Raises OracleError for a program that cannot be started, does not end in time, ends with
        an error, or does not write one line of numbers per query."""
        lines = [",".join(map(repr, row)) for row in X.astype(np.float64).tolist()]
        output = self._run("".join(line + "\n" for line in lines))
        answers = [line for line in output.splitlines() if line.strip()]
        if len(answers) != len(X):
            raise OracleError(
                f"{self.command[0]}: got {counted(len(answers), 'line')} for {len(X)} "
                f"{'query' if len(X) == 1 else 'queries'}, expected one line per query and "
                "no header"
            )
        return np.array([self._row(number, line) for number, line in enumerate(answers, start=1)])

    def _row(self, number: int, line: str) -> list[float]:
        try:
            return [float(cell) for cell in line.split(",")]
        except ValueError as error:
            raise OracleError(
                f"{self.command[0]}, line {number}: got {line[:60]!r}, expected numbers "
                "separated by commas"
            ) from error

    def _run(self, text: str) -> str:
        try:
            # In its own process group, so that the children of a shell end with it.
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise OracleError(
                f"{self.command[0]}: cannot be started: {error.strerror or error}"
            ) from error
        try:
            output, errors = process.communicate(text.encode(), timeout=self.timeout)
        except subprocess.TimeoutExpired as error:
            raise OracleError(
                f"{self.command[0]}: did not end within {self.timeout:g} seconds of getting "
                f"{text.count(chr(10))} queries: it must stop at the end of its input"
            ) from error
        finally:
            _end(process)
        if process.returncode:
            lines = errors.decode("utf-8", "replace").strip().splitlines()
            last = f": {lines[-1][:200]}" if lines else ""
            raise OracleError(f"{self.command[0]}: ended with code {process.returncode}{last}")
        return output.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
