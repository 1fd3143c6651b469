"""Class labels that are texts, as the numbers that everything else computes with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unrelu.errors import OracleError
from unrelu.numerics.arrays import Array


class Texts:
    """Numbers texts in the order in which they turn up. An extraction that is resumed meets them in
    the same order, for its journal keeps the texts."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._others = False

    def number(self, name: str) -> float:
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return float(self._numbers[name])

    def numbered(self, got: Any) -> Any:
        """Answers that are texts (n,) or (n, 1), in an array or a sequence, as numbers (n,); any
        others as they are. Raises OracleError where some are texts and others are not."""
        array = got.to_numpy() if hasattr(got, "to_numpy") else got  # a column of a table
        if isinstance(got, list | tuple) and all(isinstance(each, str) for each in got):
            array = np.array(got)
        flat = array.reshape(-1) if isinstance(array, np.ndarray) else np.zeros(0)
        texts = flat.dtype.kind == "U" or (
            flat.dtype.kind == "O" and all(isinstance(each, str) for each in flat)
        )
        texts = texts and len(flat) == len(array)
        self._others |= not texts
        if self._others and (texts or self.names):
            raise OracleError("answers: got texts and numbers, expected class labels of one kind")
        return np.array([self.number(str(each)) for each in flat]) if texts else got

    def spelled(self, answers: Array) -> list[list[Any]]:
        """Rows of answers as a journal keeps them."""
        if not self.names:
            rows: list[list[Any]] = answers.tolist()
            return rows
        return [[self.names[int(number)]] for number in answers[:, 0]]

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """A row of a journal as numbers."""
        texts = len(row) == 1 and isinstance(row[0], str)
        self._others |= not texts
        return [self.number(row[0])] if texts else row
