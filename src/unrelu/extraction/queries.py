"""Queries to an oracle: none is made twice, and every answer is checked, counted and recorded."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from unrelu.errors import InputError, InputTypeError, OracleError
from unrelu.extraction.journal import Journal, key_of
from unrelu.extraction.texts import Texts
from unrelu.inputs.numbers import real_numbers
from unrelu.inputs.tensors import as_function, is_module
from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import DeadlinePassed, ending_at
from unrelu.wording.progress import Progress, Report

Oracle = Callable[[Array], Any]

LARGEST = 1e30
"""As for samples: squares of values up to here are finite."""


class Stopped(Exception):
    """No further query is made. An extraction ends with what it has found by then."""


class BudgetSpent(Stopped):
    """The next queries would exceed the budget. None of them was asked."""


class TimeSpent(Stopped):
    """The time limit has passed."""


ENDED = (Stopped, KeyboardInterrupt)
"""How an extraction may end early: what it has found is then its result."""


class Queries:
    """Asks an oracle, in batches, at most `budget` different queries in all, and none after
    `time_limit` seconds.

    Answers in a journal are not asked for again, but count, so that a resumed extraction is the
    same extraction. `asked` counts queries, `rounds` the calls with new queries, `new` the queries
    that were sent to the oracle. With `single`, queries are float32 arrays. Once `interrupted`, no
    new query is made.

    Answers that are texts are numbered (`texts`), if they may be class `labels`.

    `stage` names what the next queries are for, and `by_stage` counts the queries of each; `units`
    (found so far) and `expected` (queries in all, if that can be known) are for `progress`.
    """

    def __init__(
        self,
        oracle: Oracle,
        n_inputs: int,
        *,
        budget: int,
        batch: int,
        journal: Journal | None = None,
        progress: Report | None = None,
        time_limit: float | None = None,
        labels: bool = True,
    ) -> None:
        self.n_inputs, self.budget, self.time_limit = n_inputs, budget, time_limit
        self.rounds, self.new = 0, 0
        self.stage, self.units = "random inputs", 0
        self.expected: int | None = None
        self.by_stage: Counter[str] = Counter()
        self._started = time.monotonic()
        self.single, self.interrupted = False, False
        self.n_outputs: int | None = None
        self._oracle = as_function(oracle) if is_module(oracle) else oracle
        self._batch, self._journal, self._progress = batch, journal, progress
        self._stored = {} if journal is None else journal.answers
        self.texts = Texts() if journal is None else journal.texts
        self._labels = labels
        if self.texts.names and not labels:
            raise OracleError("the journal contains class labels, expected numbers")
        self._answers: dict[str, bytes] = {}  # a million small arrays would take twice as much
        self._recorded: list[tuple[Array, Array]] | None = None

    @property
    def asked(self) -> int:
        return len(self._answers)

    @property
    def left(self) -> int:
        return self.budget - self.asked

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def check_time(self) -> None:
        """Raises TimeSpent after the time limit; never before the first answer."""
        if self.time_limit is not None and self.asked and self._seconds > self.time_limit:
            raise TimeSpent

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Within the context, computations end at the time limit, too, with TimeSpent; after an
        interruption there, no new query is made, either."""
        left = math.inf if self.time_limit is None else self.time_limit
        try:
            with ending_at(self._started + left):
                yield
        except DeadlinePassed:
            raise TimeSpent from None
        except KeyboardInterrupt:
            self.interrupted = True
            raise

    def affordable(self, X: Array) -> int:
        """How many of the queries (n, d), from the first on, the budget allows. Those that were
        made before cost nothing."""
        new = [key_of(row) not in self._answers for row in X]
        return int(np.searchsorted(np.cumsum(new), self.left, side="right"))

    def record(self) -> None:
        """Keep queries from now on, not only their answers; that takes memory."""
        self._recorded = self._recorded or []

    @property
    def recorded(self) -> tuple[Array, Array]:
        """Queries (n, d) since `record`, some of them more than once, and their answers (n, m)."""
        assert self._recorded, "something was recorded"
        X, Y = map(np.vstack, zip(*self._recorded, strict=True))
        return X, Y

    def _check_open(self) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.check_time()

    def __call__(self, X: Array) -> tuple[Array, Array]:
        """Queries (n, d) -> the queries as they were asked, and the answers (n, m). Raises
        OracleError, TimeSpent and, before anything is asked, BudgetSpent."""
        if self.single:
            X = X.astype(np.float32).astype(np.float64)
        keys = [key_of(row) for row in X]
        rows = {key: row for row, key in enumerate(keys) if key not in self._answers}
        if len(rows) > self.left:
            raise BudgetSpent
        if rows:
            self._check_open()
        stored = [key for key in rows if key in self._stored]
        self._keep(stored, [self._stored[key] for key in stored])
        unknown = [key for key in rows if key not in self._stored]
        self.rounds += bool(rows)
        try:
            self._ask_batches(unknown, X[[rows[key] for key in unknown]])
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        answers = [self._answers[key] for key in keys]
        lengths = {len(answer) for answer in answers}
        if len(lengths) != 1:  # only possible from a journal
            raise OracleError("the journal contains answers of different lengths: start a new one")
        Y = np.frombuffer(b"".join(answers)).reshape(len(keys), -1).copy()
        self.n_outputs = Y.shape[1]
        if self._recorded is not None and len(X):
            self._recorded.append((X, Y))
        return X, Y

    def _ask_batches(self, keys: list[str], X: Array) -> None:
        for start in range(0, len(keys), self._batch):
            if start:
                self.check_time()
            some = slice(start, start + self._batch)
            answers = self._ask(X[some])
            if self._journal is not None:
                self._journal.add(keys[some], answers)
            self._keep(keys[some], answers)
            self.new += len(answers)
            self._show_progress()

    def _keep(self, keys: list[str], answers: Iterable[Array]) -> None:
        self._answers.update((k, y.tobytes()) for k, y in zip(keys, answers, strict=True))
        self.by_stage[self.stage] += len(keys)

    def _show_progress(self) -> None:
        if self._progress is None:
            return
        left = None if self.expected is None else max(0, self.expected - self.asked)
        done = self.stage, self.asked, self.budget, self.units, left
        self._progress(Progress(*done, self._seconds, self.time_limit))

    def _ask(self, X: Array) -> Array:
        # A copy, since an oracle may change its inputs.
        got = self._oracle(X.astype(np.float32) if self.single else X.copy())
        return checked(self.texts.numbered(got) if self._labels else got, len(X), self.n_outputs)


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
