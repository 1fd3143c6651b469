"""HDF5 files from anywhere: their arrays and attributes, through `hdf5_process`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from numpy.typing import NDArray

from unrelu.errors import FileError, require
from unrelu.formats.separate_process import read_in_process

WHY = "Keras files (.h5, .keras) need"


@dataclass(frozen=True, eq=False)
class Hdf5:
    """Arrays by their path, in the file's order; texts and lists of texts by the path of the
    group they are attached to ("" for the file, otherwise with a slash at the end) and name; and
    the paths of all groups, empty ones too."""

    arrays: dict[str, NDArray[Any]]
    attributes: dict[str, dict[str, Any]]
    groups: tuple[str, ...] = ()

    @property
    def root(self) -> dict[str, Any]:
        """The attributes of the file."""
        return self.attributes.get("", {})


def read_hdf5(data: bytes) -> Hdf5:
    """What the bytes of an HDF5 file hold. Raises FileError; costs the start of an interpreter,
    some 0.2 s."""
    if find_spec("h5py") is None:
        require("h5py", "keras", WHY)
    arrays, index = read_in_process(data, "unrelu.formats.keras.hdf5_process", "HDF5")
    # Keras has written the separator of Windows into names there.
    found = Hdf5(
        {_slashed(name): array for name, array in arrays.items()},
        {_slashed(name): texts for name, texts in index["attributes"].items()},
        tuple(map(_slashed, index["groups"])),
    )
    if len(found.arrays) < len(arrays) or len(found.attributes) < len(index["attributes"]):
        raise FileError("holds the same name with a slash and with a backslash")
    return found


def _slashed(name: str) -> str:
    return name.replace("\\", "/")
