"""Readers that only see a stranger's file in a process of their own.

Libraries written in C for sound files crash over damaged ones, or take all memory there is. Their
part is a script, which is started with the file on its standard input and answers with an .npz.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError

SLOWEST = 1e6
"""Bytes that are read in a second, at the least, on a slow and busy machine."""

PATIENCE = 60.0
"""Seconds for Python to start there; a file that keeps the library busy for ever ends then."""


def read_alone(
    path: Path, data: bytes, script: str, kind: str
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a file by their names, and what else the script found. `kind`: the library's
    name for such files. Raises FileError; costs the start of an interpreter, some 0.2 s."""
    paths = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    try:
        # -P: the other files of this folder must not be found in place of real packages.
        answer = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", str(Path(__file__).with_name(script))],
            input=data,
            capture_output=True,
            env=environment,
            timeout=PATIENCE + len(data) / SLOWEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FileError(f"{path}: damaged: the {kind} library does not come to an end") from error
    if answer.returncode == 3:
        said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        raise FileError(f"{path}: damaged or no {kind} file ({said[-1] if said else 'unknown'})")
    if answer.returncode:
        raise FileError(f"{path}: damaged: the {kind} library breaks down over it")
    with np.load(io.BytesIO(answer.stdout), allow_pickle=False) as held:
        index = json.loads(held["index"].tobytes())
        arrays = {name: held[f"a{number}"] for number, name in enumerate(index["names"])}
    return arrays, index
