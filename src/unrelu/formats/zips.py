"""Members of zip archives from strangers: none larger in memory than its file gives reason for."""

from __future__ import annotations

import zipfile

MOST_PACKED = 200
"""Weights and samples hardly shrink; a member that grows more than this many times when unpacked
holds almost only zeros, or is there to fill the memory."""

SMALL = 1 << 20
"""Bytes that any member may unpack to."""


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


def write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add a member, not packed, with no time of writing: equal contents give equal bytes."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
