"""Samples in files: X (n, d) and Y (n, m), in one of several forms, which the suffix shows.

    NAME.npz           arrays X and Y
    X.npy Y.npy        a pair of files, mapped into memory: larger than memory is fine
    NAME.csv  .tsv     a header x0, x1, …, y0, y1, … in any order, one sample per line; also
    NAME.csv.gz        packed by gzip
    NAME.parquet       columns of the same names; needs the extra `parquet`
    FOLDER, A.parquet B.parquet …   the same in several files, read group by group: larger than
                       memory is fine

A `Layout` selects columns with other names, which are kept. The stored type is kept (float32 stays
float32), except in tables of text, which are read as float64.

Exact samples are read as Fractions, each number taken literally: floats are dyadic rationals, and
texts (cells of a .csv, text in arrays and columns) are integers, decimals or fractions p/q. They
are written to .npz, as text, and to .csv.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from unrelu.errors import FileError, InputError, InputTypeError
from unrelu.formats.archive import errors_named, read_arrays
from unrelu.formats.atomic_write import check_writable
from unrelu.formats.forms import SAMPLES, SampleForm, function, sample_form, suffixes
from unrelu.formats.layout import STANDARD, Layout
from unrelu.formats.numerals import numerals
from unrelu.inputs.frames import Named, plain
from unrelu.inputs.missing import columns_with_gaps
from unrelu.inputs.names import shown
from unrelu.numerics.arrays import AnyArray, Array, Mask
from unrelu.numerics.rationals import as_fractions, is_rational
from unrelu.stored.rows import StoredRows
from unrelu.wording.remarks import Remark
from unrelu.wording.streams import counted

Table = AnyArray | Named | StoredRows
AnyPath = str | os.PathLike[str]
Paths = AnyPath | Sequence[AnyPath]
"""Of one file or folder, or of several that are one table."""


def read_samples(
    path: AnyPath, labels_path: AnyPath | None = None, *, exact: bool = False
) -> tuple[AnyArray, AnyArray]:
    """Inputs X (n, d) and labels Y (n, m) of a file, or of a pair of .npy files.

    exact : as arrays of Fraction, each number taken literally. In a .csv or as text, 0.1 is 1/10;
        as a float it is the dyadic rational that the float represents.

    Raises FileError for everything that does not contain samples, and for numbers of more than
    20,000 digits or with powers of ten beyond 1000; MissingExtraError for .parquet without pyarrow.
    A .npy pair costs no memory, unless exact; the other forms are read completely.
    """
    X, Y = read_named(path, labels_path, exact=exact)
    return np.asanyarray(X), np.asanyarray(Y)


def read_named(
    path: Paths,
    labels_path: AnyPath | None = None,
    *,
    exact: bool = False,
    layout: Layout = STANDARD,
) -> tuple[Table, Table]:
    """`read_samples`, with names for the columns of a table if a layout selects them. Several
    .parquet files, or a folder of them, stay where they are: see `unrelu.stored`."""
    return read_weighted(path, labels_path, exact=exact, layout=layout)[:2]


def _read(
    path: Paths, labels_path: AnyPath | None, exact: bool, layout: Layout
) -> tuple[Table, Table]:
    paths, form = _form_of(path, labels_path)
    layout = replace(layout, drop_missing=False)
    if layout != STANDARD and not form.table:
        raise FileError(
            f"{path}: got columns or a delimiter for {suffixes([form])}, expected a table: arrays "
            "have none"
        )
    read: tuple[Table, Table]
    read = function(form.read)(paths, layout, exact=exact)
    return read


def read_weighted(
    path: Paths, labels_path: AnyPath | None = None, *, exact: bool, layout: Layout
) -> tuple[Table, Table, Array | None]:
    """`read_named`, and the weights (n,) of the samples if the layout names them: a column of a
    table, or an array of an .npz. Samples of weight zero are left out. Raises FileError if there
    are no such numbers."""
    if exact and layout.drop_missing:
        raise FileError(f"{path}: --drop-missing: got --exact as well, expected one of them")
    name = layout.weights
    if name is None:
        X, Y = _read(path, labels_path, exact, layout)
        weights = None
    else:
        X, Y, weights = _weighted(path, labels_path, exact, layout, name)
        kept = weights != 0
        X, Y, weights = _rows(X, kept), _rows(Y, kept), weights[kept]
    if layout.drop_missing:
        return _complete(path, X, Y, weights)
    return X, Y, weights


def _weighted(
    path: Paths, labels_path: AnyPath | None, exact: bool, layout: Layout, name: str
) -> tuple[Table, Table, Array]:
    paths, form = _form_of(path, labels_path)
    if form.pair:
        raise FileError(
            f"{path}: --weights: got {name!r} for a pair of files, expected a table or an .npz"
        )
    if not form.table:
        with errors_named(paths[0], f"an .npz archive with an array {name}"):
            arrays = read_arrays(paths[0], (name,))
        X, Y = _read(path, None, exact, replace(layout, weights=None))
        column = arrays[name]
    else:
        X, read = _read(path, None, exact, layout)
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
    return X, Y, weights


def _complete(
    path: Paths, X: Table, Y: Table, weights: Array | None
) -> tuple[Table, Table, Array | None]:
    """The samples without missing values; a remark counts the others."""
    if isinstance(X, StoredRows) or isinstance(Y, StoredRows):
        raise FileError(f"{path}: --drop-missing: got a table in parts, expected a single file")
    gone = [np.isnan(array) for array in map(np.asarray, (X, Y)) if array.dtype.kind == "f"]
    if weights is not None:
        gone.append(np.isnan(weights)[:, None])
    kept = ~np.any([part.any(axis=1) for part in gone], axis=0) if gone else np.ones(len(X), bool)
    if kept.all():
        return X, Y, weights
    if not kept.any():
        raise FileError(f"{path}: got no sample without missing values")
    columns = [
        text
        for name, table in (("x", X), ("y", Y))
        for text in columns_with_gaps(
            name, table, table.columns if isinstance(table, Named) else ()
        )
    ]
    rows = counted(len(kept) - int(kept.sum()), "row")
    text = f"{rows} of {len(kept)} left out, for missing values in {shown(columns)}"
    X, Y = (_rows(part, kept) for part in (X, Y))
    X = X if isinstance(X, Named) else Named(np.asarray(X), ())
    X = replace(X, remarks=(*X.remarks, Remark("rows-left-out", text)))
    return X, Y, None if weights is None else weights[kept]


def _rows(table: Table, kept: Mask) -> Table:
    if isinstance(table, Named):
        return replace(table, values=table.values[kept])
    return np.asarray(table)[kept]


def write_samples(
    path: AnyPath, X: ArrayLike, Y: ArrayLike, labels_path: AnyPath | None = None
) -> None:
    """Write samples in the form that the suffix of `path` names; `labels_path` is the second
    file of a .npy pair. Files appear completely or not at all; reading gives the same values back.

    If X or Y is an array of objects, both are written as rational numbers: as text in a .npz, as
    p/q in a .csv, and in no other form; read_samples(…, exact=True) gives them back.

    Raises FileError if they cannot be written, InputError or InputTypeError for arrays that are not
    samples.
    """
    X, Y = _table("X", X), _table("Y", Y)
    exact = is_rational(X) or is_rational(Y)
    check_target(path, labels_path, exact=exact)
    paths, form = _form_of(path, labels_path)
    if len(X) != len(Y):
        raise InputError(f"X and Y: got {len(X)} and {len(Y)} rows, expected as many of both")
    if exact:
        X = numerals(f"{path}: X", as_fractions("X", X))
        Y = numerals(f"{path}: Y", as_fractions("Y", Y))
    assert form.write is not None, "check_target refuses others"
    function(form.write)(paths, X, Y)


def check_target(path: AnyPath, labels_path: AnyPath | None = None, *, exact: bool = False) -> None:
    """Raise the FileError that `write_samples` would raise for these paths; `exact`, for arrays of
    Fraction."""
    paths, form = _form_of(path, labels_path)
    if form.write is None:
        raise FileError(f"{path}: got a folder, expected a file to write")
    if exact and not form.exact:
        expected = suffixes(form for form in SAMPLES if form.exact)
        raise FileError(
            f"{path}: {suffixes([form])} keeps no fractions, expected one of {expected} for exact "
            "samples"
        )
    for each in paths:
        check_writable(each)
    if len(set(map(os.path.realpath, paths))) < len(paths):
        raise FileError(f"{path}: got the same file for X and Y, expected two")


def _form_of(path: Paths, labels_path: AnyPath | None) -> tuple[tuple[Path, ...], SampleForm]:
    """The paths, and the form that their suffixes show."""
    given = [path] if isinstance(path, str | os.PathLike) else list(path)
    paths = tuple(Path(each) for each in (*given, labels_path) if each is not None)
    return paths, sample_form(paths)


def _table(name: str, value: ArrayLike) -> AnyArray:
    array = np.asanyarray(plain(name, value))
    if array.dtype.kind not in "fiubO":
        raise InputTypeError(f"{name}: got data of type {array.dtype}, expected real numbers")
    if array.ndim == 1 and name == "Y":
        array = array[:, None]
    if array.ndim != 2:
        raise InputError(f"{name}: got shape {array.shape}, expected one row per sample")
    return array
