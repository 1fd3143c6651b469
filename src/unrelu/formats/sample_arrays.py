"""Samples in arrays: both in an .npz, or each in an .npy that is mapped into memory."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from unrelu.errors import FileError
from unrelu.formats.archive import errors_named, read_arrays, write_arrays
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.layout import Layout
from unrelu.formats.numerals import READS_THEM, rationals
from unrelu.numerics.arrays import AnyArray
from unrelu.numerics.rationals import as_fractions, is_rational

Paths = tuple[Path, ...]

NPY = "an array in .npy form"


def read_npz(paths: Paths, _: Layout, *, exact: bool) -> tuple[AnyArray, AnyArray]:
    with errors_named(paths[0], "an .npz archive of arrays X and Y"):
        arrays = read_arrays(paths[0], ("X", "Y"))
        return _checked(arrays["X"], arrays["Y"], exact=exact)


def write_npz(paths: Paths, X: AnyArray, Y: AnyArray) -> None:
    write_arrays(paths[0], {"X": X, "Y": Y})


def read_npy(paths: Paths, _: Layout, *, exact: bool) -> tuple[AnyArray, AnyArray]:
    X, Y = map(_mapped, paths)
    with errors_named(paths[0], NPY):
        return _checked(X, Y, exact=exact)


def write_npy(paths: Paths, X: AnyArray, Y: AnyArray) -> None:
    with ExitStack() as both:  # neither file is renamed before both are written
        files = [both.enter_context(atomic_write(path)) for path in paths]
        for file, array in zip(files, (X, Y), strict=True):
            np.save(file, array, allow_pickle=False)


def _mapped(path: Path) -> AnyArray:
    """A .npy file mapped into memory, read-only."""
    with errors_named(path, NPY):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.memmap):
            raise FileError("got an archive of arrays, expected a single one in .npy form")
    return array


def _checked(X: AnyArray, Y: AnyArray, *, exact: bool) -> tuple[AnyArray, AnyArray]:
    """X (n, d) and Y (n, m), of real numbers or, `exact`, of Fractions."""
    if exact:
        X, Y = _fractions("X", X), _fractions("Y", Y)
    if Y.ndim == 1:
        Y = Y[:, None]
    for name, array in (("X", X), ("Y", Y)):
        if array.dtype.kind not in ("O" if exact else "fiub"):
            how = f"; {READS_THEM}" if array.dtype.kind in "SU" else ""
            raise FileError(f"{name}: got {array.dtype}, expected real numbers{how}")
        if array.ndim != 2:
            raise FileError(
                f"{name}: got shape {array.shape}, expected one row per sample and one column per "
                "input or output"
            )
    if len(X) != len(Y):
        raise FileError(
            f"got {len(X)} rows of X and {len(Y)} of Y, expected as many labels as inputs"
        )
    return X, Y


def _fractions(name: str, array: AnyArray) -> AnyArray:
    """The numbers of an array as Fractions."""
    if is_rational(array):
        return array
    return rationals(name, array) if array.dtype.kind in "SU" else as_fractions(name, array)
