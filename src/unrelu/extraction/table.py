"""Inputs and answers that grow, without a copy of all of them for every batch."""

from __future__ import annotations

import numpy as np

from unrelu.numerics.arrays import Array


class Table:
    """Rows of numbers: room is doubled when it is used up, and only rows in use take memory."""

    def __init__(self, columns: int) -> None:
        self._rows, self._used = np.empty((0, columns)), 0

    def __len__(self) -> int:
        return self._used

    @property
    def rows(self) -> Array:
        """Those so far, without a copy."""
        return self._rows[: self._used]

    def add(self, rows: Array) -> None:
        if not self._used and rows.shape[1] != self._rows.shape[1]:
            self._rows = np.empty((0, rows.shape[1]))
        wanted = self._used + len(rows)
        if wanted > len(self._rows):
            more = np.empty((max(wanted, 2 * len(self._rows)), rows.shape[1]))
            more[: self._used] = self.rows
            self._rows = more
        self._rows[self._used : wanted] = rows
        self._used = wanted
