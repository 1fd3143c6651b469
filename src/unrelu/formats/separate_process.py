"""Reading files in a separate process.

Libraries written in C may crash on damaged files, or use up all memory. The code that calls them is
a module whose `main` calls `answer`; it is started with the file on its standard input, runs within
limits of memory and time, and writes an .npz to its standard output.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError

Found = tuple[dict[str, NDArray[Any]], dict[str, Any]]
"""Arrays by their names, and everything else, in types that JSON has."""

SLOWEST = 1e6
"""Bytes that are read in a second at least, on a slow and busy machine."""

PATIENCE = 60.0
"""Seconds for Python to start, as a limit on files that the library never finishes."""

MANY = 20_000
"""Objects in a file; optimizers and deep models have hundreds."""


def read_in_process(data: bytes, module: str, kind: str) -> Found:
    """What a module finds in the bytes of a file. `kind`: the library's name for such
    files. Raises FileError; costs the start of an interpreter, some 0.2 s."""
    paths = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    try:
        # -P: no file of the current folder must be found in place of a real package.
        answer = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-m", module],
            input=data,
            capture_output=True,
            env=environment,
            timeout=PATIENCE + len(data) / SLOWEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FileError(f"damaged: the {kind} library does not come to an end") from error
    if answer.returncode == 3:
        lines = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        raise FileError(f"damaged or no {kind} file ({lines[-1] if lines else 'unknown'})")
    if answer.returncode:
        raise FileError(
            f"damaged: the {kind} library breaks down over it (exit {answer.returncode})"
        )
    with np.load(io.BytesIO(answer.stdout), allow_pickle=False) as held:
        names, beside = json.loads(held["index"].tobytes())
        return {name: held[f"a{number}"] for number, name in enumerate(names)}, beside


def answer(contents: Callable[[bytes], Found]) -> None:
    """In the process: the contents of the file on standard input, to standard output."""
    data = sys.stdin.buffer.read()
    _limit_memory(len(data))
    try:
        arrays, beside = contents(data)
        index = np.frombuffer(json.dumps([list(arrays), beside]).encode(), dtype=np.uint8)
        numbered = {f"a{number}": array for number, array in enumerate(arrays.values())}
        packed = io.BytesIO()
        np.savez(packed, allow_pickle=False, index=index, **numbered)
    except BaseException as error:  # in one line
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(3)
    sys.stdout.buffer.write(packed.getvalue())


def _limit_memory(size: int) -> None:
    """Limit the memory of the process to what the size of the file justifies."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError, ValueError):
        return  # not on this system
    room = pages * resource.getpagesize() + (1 << 28) + 8 * size
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
