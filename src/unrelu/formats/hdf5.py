"""HDF5 files from strangers: their arrays and attributes, through `hdf5_alone`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError
from unrelu.extras import require

WHY = "Keras files (.h5, .keras) need"

SLOWEST = 1e6
"""Bytes that are read in a second, at the least, on a slow and busy machine."""

PATIENCE = 60.0
"""Seconds for Python to start there; a file that keeps the library busy for ever ends then."""


@dataclass(frozen=True, eq=False)
class Hdf5:
    """Arrays by their path, in the file's order; texts and lists of texts by the path of the
    group they are attached to ("" for the file, otherwise with a slash at the end) and name."""

    arrays: dict[str, NDArray[Any]]
    attributes: dict[str, dict[str, Any]]


def read_hdf5(path: Path, data: bytes) -> Hdf5:
    """What the bytes of an HDF5 file hold. Raises FileError; costs the start of an interpreter,
    some 0.2 s."""
    if find_spec("h5py") is None:
        require("h5py", "keras", WHY)
    script = Path(__file__).with_name("hdf5_alone.py")
    paths = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    try:
        # -P: the other files of this folder must not be found in place of real packages.
        answer = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", str(script)],
            input=data,
            capture_output=True,
            env=environment,
            timeout=PATIENCE + len(data) / SLOWEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FileError(f"{path}: damaged: the HDF5 library does not come to an end") from error
    if answer.returncode == 3:
        said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        raise FileError(f"{path}: damaged or not an HDF5 file ({said[-1] if said else 'unknown'})")
    if answer.returncode:
        raise FileError(f"{path}: damaged: the HDF5 library breaks down over it")
    with np.load(io.BytesIO(answer.stdout), allow_pickle=False) as held:
        index = json.loads(held["index"].tobytes())
        arrays = {name: held[f"a{number}"] for number, name in enumerate(index["names"])}
    attributes = index["attributes"]
    # Keras has written group names with the separator of Windows there.
    found = Hdf5(
        *(
            {name.replace("\\", "/"): each for name, each in some.items()}
            for some in (arrays, attributes)
        )
    )
    if (len(found.arrays), len(found.attributes)) != (len(arrays), len(attributes)):
        raise FileError(f"{path}: holds the same name with / and with a backslash")
    return found
