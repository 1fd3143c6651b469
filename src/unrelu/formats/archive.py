"""Zip archives and the arrays of .npz files, without pickled objects and without surprises.

Archives may come from anywhere: no member is larger in memory than its file gives reason for.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from unrelu.errors import FileError, InputError, InputTypeError, MissingExtraError
from unrelu.formats.atomic_write import atomic_write
from unrelu.numerics.arrays import AnyArray

MOST_PACKED = 200
"""Weights and samples hardly shrink; a member that grows more than this many times when unpacked
holds almost only zeros, or is there to fill the memory."""

SMALL = 1 << 20
"""Bytes that any member may unpack to."""


def read_arrays(
    path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, AnyArray]:
    """The named arrays of an .npz file; others are not looked at.

    Raises FileError for anything else than a sound archive that holds all required arrays as
    plain numbers or text. Every byte of an array is covered by the checksum of its member.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name.removesuffix(".npy") for name in archive.namelist()}
        missing = [name for name in required if name not in members]
        if missing:
            raise FileError(
                f"got arrays {_listed(members)}, expected {_listed(required)}: "
                f"{_listed(missing)} missing"
            )
        wanted = [*required, *(name for name in optional if name in members)]
        return {name: array_of(archive, name) for name in wanted}


def every_array(path: Path) -> dict[str, AnyArray]:
    """All arrays of an .npz file, in the order of the file; raises FileError as `read_arrays`."""
    return read_arrays(path, member_names(path))


def member_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays of an .npz file, in its order; none where it is not one, which
    `read_arrays` says."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return ()
    return tuple(dict.fromkeys(names))


def write_arrays(path: Path, arrays: Mapping[str, AnyArray]) -> None:
    """Write an .npz file, whole or not at all; equal arrays give equal bytes."""
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


@contextmanager
def errors_named(path: Path, kind: str) -> Iterator[None]:
    """Whatever goes wrong in the block, which reads a file, as a FileError that names it. `kind`:
    what the file is damaged or not. Functions that read a part of a file need not know its path."""
    try:
        yield
    except FileError as error:
        raise FileError(f"{path}: {error}", error.code) from error.__cause__
    except MissingExtraError:
        raise
    except (InputError, InputTypeError) as error:
        raise FileError(f"{path}: {error}") from error
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # damage shows as anything, in other people's readers and in ours
        raise FileError(
            f"{path}: damaged or not {kind} ({type(error).__name__}: {first_line(error)})"
        ) from error


def unreadable(path: Path, error: OSError) -> FileError:
    """What to raise when the operating system refuses a file."""
    return FileError(f"{path}: cannot be read: {error.strerror or error}")


def checked(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """What the archive says of a member; ValueError where that is not to be believed."""
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is packed by method {info.compress_type}")
    if info.file_size > max(SMALL, MOST_PACKED * info.compress_size):
        raise ValueError(
            f"{name} would unpack {info.compress_size} bytes to {info.file_size}, more than "
            f"{MOST_PACKED} times as many"
        )
    end = archive.fp.seek(0, 2) if archive.fp else 0
    if info.compress_size > end:
        raise ValueError(f"{name} is longer than its file")
    return info


def content(archive: zipfile.ZipFile, name: str) -> bytes:
    """All bytes of a member, their checksum compared."""
    info = checked(archive, name)
    with archive.open(info) as member:
        data = member.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise ValueError(f"{name} is not as long as it says")
    return data


def write_member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add a member, not packed, with no time of writing: equal contents give equal bytes."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def array_of(archive: zipfile.ZipFile, name: str) -> AnyArray:
    info = checked(archive, f"{name}.npy")
    with warnings.catch_warnings():
        # A damaged header may look like an old one, or like dubious Python, and earn a warning.
        warnings.simplefilter("ignore")
        with archive.open(info) as member:
            size = _claimed(member)
        if size > info.file_size:  # before the memory for it is taken
            raise ValueError(f"{name} says it takes {size} bytes, its member has {info.file_size}")
        return _whole(archive.open(info), name)


def _claimed(member: IO[bytes]) -> int:
    """Bytes of the array that a header announces."""
    version = np.lib.format.read_magic(member)
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    if version[0] not in read:  # the newest is for the names of fields, which no plain array has
        raise ValueError(f"version {version[0]} of the form of arrays")
    shape, _, dtype = read[version[0]](member)
    return math.prod(shape) * dtype.itemsize


def _whole(opened: IO[bytes], name: str) -> AnyArray:
    with opened as member:
        array: AnyArray = np.lib.format.read_array(member, allow_pickle=False)
        # The checksum is compared at the end of the member, so the end has to be reached.
        if member.read(1):
            raise ValueError(f"{name} is longer than it says")
    return array


def _listed(names: object) -> str:
    assert isinstance(names, set | tuple | list)
    return ", ".join(sorted(names)) or "none"


def first_line(error: Exception) -> str:
    """The first line of a message, or its beginning; numpy writes several, and zipfile may quote
    the whole file."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
