"""Zip archives and the arrays of .npz files, without pickled objects.

Archives may come from anywhere, so the memory that a member takes is limited by its packed size.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
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
    """The named arrays of an .npz file; others are ignored.

    Raises FileError for anything other than an undamaged archive that contains all required arrays
    as plain numbers or text. Every byte of an array is covered by the checksum of its member.
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


def member_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays of an .npz file, in its order; none where it is not an archive, for
    which `read_arrays` raises."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return ()
    return tuple(dict.fromkeys(names))


def write_arrays(path: Path, arrays: Mapping[str, AnyArray]) -> None:
    """Write an .npz file, completely or not at all; equal arrays give equal bytes."""
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


@contextmanager
def errors_named(path: Path, kind: str) -> Iterator[None]:
    """Turn every error of a block that reads a file into a FileError that names the file. `kind`:
    what the file should be. So functions that read a part of a file need not know its path."""
    try:
        yield
    except FileError as error:
        raise FileError(f"{path}: {error}", error.code) from error.__cause__
    except MissingExtraError:
        raise
    except (InputError, InputTypeError) as error:
        raise FileError(f"{path}: {error}") from error
    except Exception as error:  # a damaged file can cause any error, in every library
        if isinstance(error, OSError) and error.errno is not None:  # from the operating system
            raise FileError(f"{path}: cannot be read: {error.strerror or error}") from error
        raise FileError(
            f"{path}: damaged or not {kind} ({type(error).__name__}: {first_line(error)})"
        ) from error


def _checked_info(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """The sizes that the archive declares for a member. Raises ValueError if they are
    implausible."""
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


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """All bytes of a member, their checksum compared."""
    info = _checked_info(archive, name)
    with archive.open(info) as member:
        data = member.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise ValueError(f"{name} does not have its declared length")
    return data


def write_member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add a member, not packed, with no time of writing: equal contents give equal bytes."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def array_of(archive: zipfile.ZipFile, name: str) -> AnyArray:
    info = _checked_info(archive, f"{name}.npy")
    with warnings.catch_warnings():
        # A damaged header may look like an old one, or like dubious Python, and earn a warning.
        warnings.simplefilter("ignore")
        with archive.open(info) as member:
            size = _declared_size(member)
        if size > info.file_size:  # before the memory for it is allocated
            raise ValueError(f"{name} declares {size} bytes, its member has {info.file_size}")
        with archive.open(info) as member:
            array: AnyArray = np.lib.format.read_array(member, allow_pickle=False)
            # The checksum is compared at the end of the member, so the end has to be reached.
            if member.read(1):
                raise ValueError(f"{name} is longer than declared")
    return array


def _declared_size(member: IO[bytes]) -> int:
    """Bytes of the array that a header declares."""
    version = np.lib.format.read_magic(member)
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    if version[0] not in read:  # the newest is for the names of fields, which no plain array has
        raise ValueError(f"version {version[0]} of the .npy format")
    shape, _, dtype = read[version[0]](member)
    return math.prod(shape) * dtype.itemsize


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def first_line(error: Exception) -> str:
    """The first line of a message, or its beginning; numpy writes several, and zipfile may quote
    the whole file."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
