"""A head: how a model encodes the values of its network in answers, and how these are undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unrelu.extraction.queries import Queries
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery

FIRST_ANSWERS = 256
"""Random queries that a head is recognised by."""


@dataclass(frozen=True, eq=False)
class Asked:
    """An extraction as every head gets it: the model, and what is asked about it.

    queries : the model; they count against the budget and are in the journal.
    n_units, bias, scale, reach : as in `unrelu.extract`.
    seed : all random numbers come from it, so that a resumed extraction asks the same queries.
    """

    queries: Queries
    n_units: int | None
    bias: bool
    scale: float
    reach: float
    seed: int

    @property
    def n_inputs(self) -> int:
        return self.queries.n_inputs

    def streams(self, count: int) -> list[np.random.Generator]:
        """Independent streams of random numbers. The first is that of `random_inputs`."""
        return list(map(np.random.default_rng, np.random.SeedSequence(self.seed).spawn(count)))

    def random_inputs(self, n: int) -> Array:
        """The first n Gaussian queries (n, d). They are the same for all heads, so answers to
        those that served to recognise the head are never asked for again."""
        X = self.scale * self.streams(1)[0].standard_normal((n, self.n_inputs))
        return X.astype(np.float32).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Shown:
    """What a head is recognised by: answers Y (n, m) to Gaussian queries X (n, d), and further
    queries. `rng` is for the inputs of those."""

    asked: Asked
    X: Array
    Y: Array
    rng: np.random.Generator

    def ask(self, X: Array) -> tuple[Array, Array]:
        return self.asked.queries(X)


@dataclass(frozen=True)
class Head:
    """A kind of answers.

    name : as in `extract(answers=...)`.
    about : what the answers are, as the end of "the answers are ...".
    hides : what such answers do not show of the network, as a sentence without its full stop; ""
        if they show all that values do. texts : whether they may be texts. pairs : whether they
        may be pairs of labels and numbers, see `extraction.texts`.
    possible : whether a few answers (n, m) may be of this kind; asks nothing.
    recognise : whether answers that may be of this kind are; asks at most some 300 queries.
    extract : the network behind such answers. `Recovery.stats` holds "method" and what the head
        counts; the number of queries and the time are added to it. It returns the best it has
        when one of `ENDED` is raised.
    """

    name: str
    about: str
    possible: Callable[[Array], bool]
    recognise: Callable[[Shown], bool]
    extract: Callable[[Asked], Recovery]
    hides: str = ""
    texts: bool = False
    pairs: bool = False
