"""Labels with numbers, as models answer that show only their likeliest classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

Label = str | float
Pairs = list[list[tuple[Label, float]]]


def label_pairs(got: Any) -> Pairs | None:
    """Rows of pairs (label, number): each row a sequence of pairs, a dictionary, or a single pair
    whose label is a text; None for anything else. Labels are texts, or numbers of classes.

    >>> label_pairs([{"cat": 0.7, "dog": 0.2}])
    [[('cat', 0.7), ('dog', 0.2)]]
    >>> label_pairs([[(3, 0.7), (1, 0.2)], [(1, 0.6), (0, 0.3)]])[1]
    [(1.0, 0.6), (0.0, 0.3)]
    >>> label_pairs([[0.7, 0.2], [0.6, 0.4]]) is None
    True
    """
    if isinstance(got, np.ndarray):
        shape = got.shape
        if got.dtype.kind != "O" and not (len(shape) == 3 and shape[2] == 2):
            return None
    if not isinstance(got, Sequence | np.ndarray) or isinstance(got, str) or not len(got):
        return None
    if not _row(got[0]):
        return None
    rows = [_row(row) or [] for row in got]
    return rows if all(rows) else None


def _row(row: Any) -> list[tuple[Label, float]] | None:
    if isinstance(row, Mapping):
        row = list(row.items())
    elif _is_pair(row) and isinstance(row[0], str):
        row = [row]
    if not isinstance(row, Sequence | np.ndarray) or not all(map(_is_pair, row)):
        return None
    return [(_label(label), float(number)) for label, number in row]


def _is_pair(pair: Any) -> bool:
    if isinstance(pair, str) or not isinstance(pair, Sequence | np.ndarray) or len(pair) != 2:
        return False
    return isinstance(pair[0], str | Real) and isinstance(pair[1], Real)


def _label(label: Any) -> Label:
    return label if isinstance(label, str) else float(label)
