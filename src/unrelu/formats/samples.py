"""Samples in files: X (n, d) and Y (n, m), in one of several forms, told apart by their suffix.

    NAME.npz           arrays X and Y
    X.npy Y.npy        a pair of files, mapped into memory: larger than memory is fine
    NAME.csv  .tsv     a header x0, x1, …, y0, y1, … in any order, one sample per line; also
    NAME.csv.gz        packed by gzip
    NAME.parquet       columns of the same names; needs the extra `parquet`

Other names of columns are told by a `Layout`, and are kept. The stored type is kept (float32 stays
float32), except in tables of text, which are read as float64.

Samples that are meant exactly are read as Fractions, each number at its word: floats are dyadic
rationals, and texts (cells of a .csv, text in arrays and columns) are integers, decimals or
fractions p/q. They are written to .npz, as text, and to .csv.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from unrelu.errors import FileError, InputError, InputTypeError
from unrelu.formats.archive import read_arrays, unreadable, write_arrays
from unrelu.formats.atomic_write import atomic_write, check_writable
from unrelu.formats.layout import STANDARD, Layout
from unrelu.formats.numerals import READS_THEM, numerals, rationals
from unrelu.formats.parquet import read_parquet, read_parquet_exactly, write_parquet
from unrelu.formats.text_tables import read_csv, read_csv_exactly, write_csv
from unrelu.inputs.frames import Named, plain
from unrelu.numerics.arrays import AnyArray, Array, Mask
from unrelu.numerics.rationals import as_fractions, is_rational

AnyPath = str | os.PathLike[str]

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
"""Of text."""

SUFFIXES = (".npz", ".npy", *TABLES, ".parquet")

EXACT_SUFFIXES = (".npz", *TABLES)
"""Forms that Fractions are written in."""


def read_samples(
    path: AnyPath, labels_path: AnyPath | None = None, *, exact: bool = False
) -> tuple[AnyArray, AnyArray]:
    """Inputs X (n, d) and labels Y (n, m) of a file, or of a pair of .npy files.

    exact : as arrays of Fraction, each number at its word. In a .csv or as text, 0.1 is 1/10; as a
        float it is the dyadic rational that the float is.

    Raises FileError for everything that does not hold samples, and for numbers of more than 20,000
    digits or with powers of ten beyond 1000; MissingExtraError for .parquet without pyarrow. A
    .npy pair costs no memory, unless exact; the other forms are read whole.
    """
    X, Y = read_named(path, labels_path, exact=exact)
    return np.asanyarray(X), np.asanyarray(Y)


def read_named(
    path: AnyPath,
    labels_path: AnyPath | None = None,
    *,
    exact: bool = False,
    layout: Layout = STANDARD,
) -> tuple[AnyArray | Named, AnyArray | Named]:
    """`read_samples`, with names for the columns of a table where a layout says which they are."""
    path, suffix = _kind(path, labels_path)
    if layout != STANDARD and suffix in (".npy", ".npz"):
        raise FileError(
            f"{path}: got columns or a delimiter for {suffix}, expected a table: arrays have none"
        )
    if suffix == ".npy":
        assert labels_path is not None
        X, Y = _mapped(path), _mapped(Path(labels_path))
    elif suffix == ".npz":
        arrays = read_arrays(path, ("X", "Y"))
        X, Y = arrays["X"], arrays["Y"]
    elif suffix in TABLES:
        return (read_csv_exactly if exact else read_csv)(path, layout)
    else:
        return (read_parquet_exactly if exact else read_parquet)(path, layout)
    if exact:
        X, Y = _exactly(path, "X", X), _exactly(path, "Y", Y)
    if Y.ndim == 1:
        Y = Y[:, None]
    for name, array in (("X", X), ("Y", Y)):
        if array.dtype.kind in "SU":
            raise FileError(
                f"{path}: {name}: got {array.dtype}, expected real numbers; {READS_THEM}"
            )
        if array.dtype.kind not in ("O" if exact else "fiub"):
            raise FileError(f"{path}: {name}: got {array.dtype}, expected real numbers")
        if array.ndim != 2:
            raise FileError(
                f"{path}: {name}: got shape {array.shape}, expected one row per sample and one "
                "column per input or output"
            )
    if len(X) != len(Y):
        raise FileError(
            f"{path}: got {len(X)} rows of X and {len(Y)} of Y, expected as many labels as inputs"
        )
    return X, Y


def read_weighted(
    path: AnyPath, labels_path: AnyPath | None, *, exact: bool, layout: Layout
) -> tuple[AnyArray | Named, AnyArray | Named, Array | None]:
    """`read_named`, and the weights (n,) of the samples where the layout names them: a column of a
    table, or an array of an .npz. Samples of weight zero are left out. Raises FileError where there
    are no such numbers."""
    name = layout.weights
    if name is None:
        return *read_named(path, labels_path, exact=exact, layout=layout), None
    suffix = _kind(path, labels_path)[1]
    if suffix == ".npy":
        raise FileError(f"{path}: --weights: got {name!r} for .npy, expected a table or an .npz")
    if suffix == ".npz":
        arrays = read_arrays(Path(path), (name,))
        X, Y = read_named(path, exact=exact, layout=replace(layout, weights=None))
        column = arrays[name]
    else:
        X, read = read_named(path, exact=exact, layout=layout)
        column, values = np.asarray(read)[:, -1], np.asarray(read)[:, :-1]
        Y = values
        if isinstance(read, Named):
            Y = replace(read, values=values, columns=read.columns[:-1])
    try:
        weights = np.array(column.ravel().tolist(), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FileError(f"{path}: {name}: got {column.dtype}, expected weights") from error
    if len(weights) != len(X):
        raise FileError(f"{path}: {name}: got {len(weights)} weights for {len(X)} samples")
    kept = weights != 0
    X, Y = (_rows(part, kept) for part in (X, Y))
    return X, Y, weights[kept]


def _rows(table: AnyArray | Named, kept: Mask) -> AnyArray | Named:
    if isinstance(table, Named):
        return replace(table, values=table.values[kept])
    return np.asarray(table)[kept]


def write_samples(
    path: AnyPath, X: ArrayLike, Y: ArrayLike, labels_path: AnyPath | None = None
) -> None:
    """Write samples in the form that the suffix of `path` names; `labels_path` is the second
    file of a .npy pair. Files appear whole or not at all; reading gives the same values back.

    Where X or Y is an array of objects, both are written as the rational numbers that they are:
    as text in a .npz, as p/q in a .csv, and in no other form; read_samples(…, exact=True) gives
    them back.

    Raises FileError where they cannot be written, InputError or InputTypeError for arrays that
    are no samples.
    """
    X, Y = _table("X", X), _table("Y", Y)
    exact = is_rational(X) or is_rational(Y)
    check_target(path, labels_path, exact=exact)
    path, suffix = _kind(path, labels_path)
    if len(X) != len(Y):
        raise InputError(f"X and Y: got {len(X)} and {len(Y)} rows, expected as many of both")
    if exact:
        X = numerals(f"{path}: X", as_fractions("X", X))
        Y = numerals(f"{path}: Y", as_fractions("Y", Y))
    if suffix == ".npz":
        write_arrays(path, {"X": X, "Y": Y})
    elif suffix == ".npy":
        assert labels_path is not None
        with ExitStack() as both:  # neither file is renamed before both are written
            files = [both.enter_context(atomic_write(Path(p))) for p in (path, labels_path)]
            for file, array in zip(files, (X, Y), strict=True):
                np.save(file, array, allow_pickle=False)
    elif suffix in TABLES:
        write_csv(path, X, Y)
    else:
        write_parquet(path, X, Y)


def check_target(path: AnyPath, labels_path: AnyPath | None = None, *, exact: bool = False) -> None:
    """Raise the FileError that `write_samples` would raise for these paths; `exact`, for arrays of
    Fraction."""
    path, suffix = _kind(path, labels_path)
    if exact and suffix not in EXACT_SUFFIXES:
        raise FileError(
            f"{path}: {suffix} keeps no fractions, expected {' or '.join(EXACT_SUFFIXES)} for "
            "samples that are meant exactly"
        )
    for each in (path, labels_path):
        if each is not None:
            check_writable(Path(each))
    if labels_path is not None and os.path.realpath(path) == os.path.realpath(labels_path):
        raise FileError(f"{path}: got the same file for X and Y, expected two")


def _kind(path: AnyPath, labels_path: AnyPath | None) -> tuple[Path, str]:
    """The path, and the suffix that says how to read it."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = "".join(path.suffixes[-2:]).lower()
    if suffix not in SUFFIXES:
        raise FileError(
            f"{path}: got a name ending in {path.suffix!r}, expected samples in .npz, .csv, .tsv, "
            ".csv.gz, .parquet or a pair of .npy files"
        )
    if suffix == ".npy" and labels_path is None:
        raise FileError(f"{path}: holds one array, expected a pair: give the labels too (Y.npy)")
    if suffix == ".npy" and Path(labels_path or "").suffix.lower() != ".npy":
        raise FileError(f"{labels_path}: expected the second of a pair of .npy files")
    if suffix != ".npy" and labels_path is not None:
        raise FileError(
            f"{path}: holds inputs and labels; the second file {labels_path} is too many "
            "(pairs are for .npy)"
        )
    return path, suffix


def _mapped(path: Path) -> AnyArray:
    """A .npy file mapped into memory, read-only."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # damage shows as ValueError, EOFError, SyntaxError, …
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileError(f"{path}: damaged or not an array in .npy form ({reason})") from error
    if not isinstance(array, np.memmap):
        raise FileError(f"{path}: got an archive of arrays, expected a single one in .npy form")
    return array


def _exactly(path: Path, name: str, array: AnyArray) -> AnyArray:
    """The numbers of an array as Fractions; what was read as Fractions stays as it is."""
    if is_rational(array):
        return array
    if array.dtype.kind in "SU":
        return rationals(f"{path}: {name}", array)
    try:
        return as_fractions(name, array)
    except (InputError, InputTypeError) as error:
        raise FileError(f"{path}: {error}") from error


def _table(name: str, value: ArrayLike) -> AnyArray:
    array = np.asanyarray(plain(name, value))
    if array.dtype.kind not in "fiubO":
        raise InputTypeError(f"{name}: got data of type {array.dtype}, expected real numbers")
    if array.ndim == 1 and name == "Y":
        array = array[:, None]
    if array.ndim != 2:
        raise InputError(f"{name}: got shape {array.shape}, expected one row per sample")
    return array
