"""Queries to an oracle: none is made twice, and every answer is checked, counted and recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unrelu.errors import InputError, InputTypeError, OracleError
from unrelu.extraction.journal import Journal, key_of
from unrelu.inputs.numbers import real_numbers
from unrelu.inputs.tensors import as_function, is_module
from unrelu.numerics.arrays import Array

Oracle = Callable[[Array], Any]

LARGEST = 1e30
"""As for samples: squares of values up to here are finite."""


class BudgetSpent(Exception):
    """The next queries would exceed the budget. None of them was asked."""


class Queries:
    """Asks an oracle, in batches, at most `budget` different queries in all.

    Answers in a journal are not asked for again, but count, so that a resumed extraction is the
    same extraction. `asked` counts queries, `rounds` the calls with new queries, `new` the queries
    that were sent to the oracle. With `single`, queries are float32 arrays.
    """

    def __init__(
        self,
        oracle: Oracle,
        n_inputs: int,
        *,
        budget: int,
        batch: int,
        journal: Journal | None = None,
        report: Callable[[int], None] | None = None,
    ) -> None:
        self.n_inputs, self.budget = n_inputs, budget
        self.asked, self.rounds, self.new = 0, 0, 0
        self.single = False
        self.n_outputs: int | None = None
        self._oracle = as_function(oracle) if is_module(oracle) else oracle
        self._batch, self._journal, self._report = batch, journal, report
        self._stored = {} if journal is None else journal.answers
        self._answers: dict[str, Array] = {}

    @property
    def left(self) -> int:
        return self.budget - self.asked

    def __call__(self, X: Array) -> tuple[Array, Array]:
        """Queries (n, d) -> the queries as they were asked, and the answers (n, m). Raises
        OracleError and, before anything is asked, BudgetSpent."""
        if self.single:
            X = X.astype(np.float32).astype(np.float64)
        keys = [key_of(row) for row in X]
        rows = {key: row for row, key in enumerate(keys) if key not in self._answers}
        if len(rows) > self.left:
            raise BudgetSpent
        self.asked += len(rows)
        unknown = []
        for key in rows:
            if key in self._stored:
                self._answers[key] = self._stored[key]
            else:
                unknown.append(key)
        self.rounds += bool(rows)
        for start in range(0, len(unknown), self._batch):
            some = unknown[start : start + self._batch]
            answers = self._ask(X[[rows[key] for key in some]])
            if self._journal is not None:
                self._journal.add(some, answers)
            self._answers.update(zip(some, answers, strict=True))
            self.new += len(some)
        if self._report is not None:
            self._report(self.asked)
        Y = np.array([self._answers[key] for key in keys])
        if Y.ndim != 2:  # answers of different lengths, only possible from a journal
            raise OracleError("the journal contains answers of different lengths: start a new one")
        self.n_outputs = Y.shape[1]
        return X, Y

    def _ask(self, X: Array) -> Array:
        # A copy, since an oracle may change its inputs.
        got = self._oracle(X.astype(np.float32) if self.single else X.copy())
        return checked(got, len(X), self.n_outputs)


def checked(got: Any, n: int, m: int | None) -> Array:
    """The answers as (n, m) float64; raises OracleError for anything else."""
    try:
        array = real_numbers("answers", got)
    except (InputError, InputTypeError) as error:
        raise OracleError(str(error)) from error
    shape = array.shape
    if array.ndim == 1 and len(array) == n:
        array = array[:, None]
    if (
        array.ndim != 2
        or len(array) != n
        or array.shape[1] == 0
        or array.shape[1] != (m or array.shape[1])
    ):
        expected = f"({n}, {m})" if m else f"({n}, n_outputs)"
        raise OracleError(
            f"answers: got shape {shape} for {n} {'query' if n == 1 else 'queries'}, expected "
            f"{expected}: one row per query"
        )
    array = np.asarray(array, dtype=np.float64)
    bad = np.argwhere(~(np.abs(array) <= LARGEST))
    if len(bad):
        row, column = bad[0]
        raise OracleError(
            f"answers: got {array[row, column]} for query {row}, output {column}; expected finite "
            f"numbers up to {LARGEST:g}: ask at a smaller scale"
        )
    return array
