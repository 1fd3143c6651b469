"""Missing values in tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrelu.errors import InputError
from unrelu.inputs.names import shown
from unrelu.wording.streams import counted


def check_nothing_missing(X: Any, called: tuple[str, ...]) -> None:
    """Raises InputError where columns of X have missing values (NaN), and says which."""
    array = np.asarray(X)
    if array.ndim != 2 or array.dtype.kind != "f" or not np.isnan(array).any():
        return
    missing = np.isnan(array).sum(axis=0)
    columns = np.flatnonzero(missing).tolist()
    names = [f"{called[i] if called else i} ({missing[i]})" for i in columns]
    raise InputError(
        f"Input X contains NaN in {counted(len(columns), 'column')}, expected numbers: "
        f"{shown(names)} of {len(array)} rows; leave these rows or columns out, or fill them in, "
        "with sklearn.impute.SimpleImputer for example"
    )
