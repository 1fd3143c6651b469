"""Missing values in tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrelu.errors import InputError
from unrelu.inputs.names import shown
from unrelu.wording.streams import counted


def columns_with_gaps(name: str, table: Any, called: tuple[str, ...]) -> list[str]:
    """The columns of a table (n, c) with missing values (NaN), each with how many it has; columns
    without a name in `called` are numbered after `name`.

    >>> columns_with_gaps("x", np.array([[1.0, np.nan], [2.0, np.nan]]), ())
    ['x1 (2)']
    """
    array = np.asarray(table)
    if array.ndim != 2 or array.dtype.kind != "f":
        return []
    gaps = np.isnan(array).sum(axis=0)
    return [f"{called[i] if called else f'{name}{i}'} ({gaps[i]})" for i in np.flatnonzero(gaps)]


def bad_value(
    name: str, table: Any, row: int, column: int, called: tuple[str, ...], largest: float
) -> InputError:
    """The error of a table (n, c) with a number that is not finite, or above the largest. Missing
    values are counted, save in a store."""
    value, place = table[row, column], repr(called[column]) if called else column
    if not np.isnan(value):
        return InputError(
            f"{name}: got {value} in row {row}, column {place}; expected finite numbers up to "
            f"{largest:g}: drop or repair such rows, or rescale the column"
        )
    where = f"row {row}, column {place}"
    if isinstance(table, np.ndarray):
        gaps = columns_with_gaps(name.lower(), table, called)
        where = f"{shown(gaps)} of {len(table)} rows"
    return InputError(
        f"{name}: got no value (NaN) in {where}, expected numbers: fill these in, or leave the "
        "rows out, with --drop-missing on the command line"
    )


def check_nothing_missing(X: Any, called: tuple[str, ...]) -> None:
    """Raises InputError where columns of X have missing values (NaN), and says which."""
    columns = columns_with_gaps("", X, called)
    if not columns:
        return
    raise InputError(
        f"Input X contains NaN in {counted(len(columns), 'column')}, expected numbers: "
        f"{shown(columns)} of {len(X)} rows; leave these rows or columns out, or fill them in, "
        "with sklearn.impute.SimpleImputer for example"
    )
