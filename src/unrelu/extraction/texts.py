"""Answers that are texts, or pairs of labels and numbers, as the numbers that everything else
computes with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unrelu.errors import OracleError
from unrelu.inputs.label_pairs import Label, Pairs, label_pairs
from unrelu.numerics.arrays import Array


class Texts:
    """Numbers texts in the order in which they turn up. An extraction that is resumed meets them in
    the same order, for its journal keeps the texts.

    `names`: the texts so far. `pairs`: whether answers are pairs of labels and numbers; their rows
    then have a label in every second column, the number beside it; zero where there are fewer than
    in other rows.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.pairs = False
        self._numbers: dict[str, int] = {}
        self._others = False
        self._width = 0

    def number(self, name: str) -> float:
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return float(self._numbers[name])

    def numbered(self, got: Any) -> Any:
        """Answers that are texts (n,) or (n, 1), in an array or a sequence, as numbers (n,); pairs
        as numbers (n, 2 k); zero where classes are not shown, and any others as they are. Raises
        OracleError where answers are of different kinds."""
        if (pairs := label_pairs(got)) is not None:
            return self._of_pairs(pairs)
        if self.pairs:
            raise OracleError("answers: got others, expected pairs of labels and probabilities")
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
        if texts:
            return np.array([self.number(str(each)) for each in flat])
        return zero_where_not_shown(got)

    def _of_pairs(self, pairs: Pairs) -> Array:
        if self._others or (self.names and not self.pairs):
            raise OracleError("answers: got pairs of labels and numbers, expected one kind")
        self.pairs = True
        if len({isinstance(label, str) for row in pairs for label, _ in row}) > 1:
            raise OracleError("answers: got texts and numbers, expected class labels of one kind")
        most = max(map(len, pairs))
        self._width = self._width or most
        if most > self._width:
            raise OracleError(f"answers: got {most} classes, expected {self._width} as before")
        padded = [[*row, *[(row[0][0], 0.0)] * (self._width - len(row))] for row in pairs]
        return np.array([self._flat(row) for row in padded])

    def _flat(self, row: Sequence[tuple[Label, float]]) -> list[float]:
        each = ((self.number(a) if isinstance(a, str) else a, p) for a, p in row)
        return [number for pair in each for number in pair]

    def spelled(self, answers: Array) -> list[list[Any]]:
        """Rows of answers as a journal keeps them."""
        rows: list[list[Any]] = answers.tolist()
        if self.pairs:
            pairs = [list(zip(row[::2], row[1::2], strict=True)) for row in rows]
            return [[[self._name(a), p] for a, p in row] for row in pairs]
        return [[self._name(row[0])] for row in rows] if self.names else rows

    def _name(self, number: float) -> str | float:
        return self.names[int(number)] if self.names else number

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """A row of a journal as numbers."""
        pairs = label_pairs([row]) if row and isinstance(row[0], list) else None
        if pairs is not None:
            numbers: list[float] = self._of_pairs(pairs)[0].tolist()
            return numbers
        texts = len(row) == 1 and isinstance(row[0], str)
        self._others |= not texts
        return [self.number(row[0])] if texts else row


def zero_where_not_shown(got: Any) -> Any:
    """Probabilities (n, m), in each row some NaN for classes that are not shown, with zeros in
    their place; any other answers as they are."""
    try:
        array = np.asarray(got) if isinstance(got, list | tuple | np.ndarray) else np.zeros(0)
    except ValueError:  # ragged
        return got
    if array.ndim != 2 or array.dtype.kind != "f":
        return got
    hidden = np.isnan(array)
    shown = np.where(hidden, 0.0, array)
    some = hidden.any(axis=1) & ~hidden.all(axis=1)
    if not len(array) or not some.all() or shown.min() < 0 or shown.sum(axis=1).max() > MOST:
        return got
    return shown


MOST = 1.001
"""Sum of probabilities, a little over one for rounding."""
